package org.apmatrix.allocation;

import java.util.List;
import org.apmatrix.ap.ApMask;
import org.apmatrix.ap.Apqn;
import org.apmatrix.ap.Matrix;

/**
 * The product that a wish gets.
 *
 * @param matrix adapters and usage domains; no control domains
 * @param extra how many queues it has beyond the wish, because no product has exactly as many; none of them in particular is the extra one
 * @param fromHost the queues of the product that the host has now
 * @param collateral the queues that leave the host's drivers with them, and that nobody asked for
 * @param adaptersToFree the bits to clear in apmask
 * @param domainsToFree the bits to clear in aqmask; one of the two is always empty
 * @param explanation sentences for a person
 */
public record Choice(
        Matrix matrix,
        int extra,
        List<Apqn> fromHost,
        List<Apqn> collateral,
        ApMask adaptersToFree,
        ApMask domainsToFree,
        Certainty certainty,
        List<String> explanation)
        implements Answer {

    public Choice {
        fromHost = List.copyOf(fromHost);
        collateral = List.copyOf(collateral);
        explanation = List.copyOf(explanation);
    }
}
