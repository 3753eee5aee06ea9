package org.apmatrix.allocation;

import java.util.List;
import java.util.SortedSet;
import org.apmatrix.ap.Apqn;
import org.apmatrix.ap.Matrix;
import org.apmatrix.ap.MdevId;

/**
 * There is no such product.
 *
 * @param missing sentences for a person: what there is, and why it is not enough
 * @param wouldHelp each has been searched for and found; empty when nothing here would
 */
public record Impossible(List<String> missing, List<Help> wouldHelp, Certainty certainty) implements Answer {

    public Impossible {
        missing = List.copyOf(missing);
        wouldHelp = List.copyOf(wouldHelp);
    }

    /**
     * Something that would make a wish possible.
     *
     * @param wish the wish that can be had then; differs from the refused one or not
     * @param returned the mediated devices that would have to give their queues back first
     * @param repaired the queues that would have to become usable first
     * @param matrix what it would get
     * @param sentence all of this for a person
     */
    public record Help(Wish wish, SortedSet<MdevId> returned, List<Apqn> repaired, Matrix matrix, String sentence) {}
}
