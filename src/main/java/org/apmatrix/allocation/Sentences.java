package org.apmatrix.allocation;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.SortedSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apmatrix.ap.ApMask;
import org.apmatrix.ap.Apqn;
import org.apmatrix.ap.MdevId;
import org.apmatrix.host.Card;
import org.jspecify.annotations.Nullable;

/** The words in which the search speaks to a person. */
final class Sentences {
    /** More names than that nobody reads. */
    private static final int NAMED = 8;

    private Sentences() {}

    static Choice explain(Supply supply, Wish wish, Choice choice, int rest) {
        List<String> sentences = new ArrayList<>();
        List<Apqn> apqns = choice.matrix().apqns();
        sentences.add(queues(apqns.size(), wish.mode()) + " on "
                + count(choice.matrix().adapters().size(), "adapter") + " in "
                + count(choice.matrix().domains().size(), "domain") + ": " + names(apqns) + ".");
        if (choice.extra() > 0) {
            sentences.add("A matrix is adapters × domains, and none of exactly " + wish.queues()
                    + " queues can be had: this one has " + choice.extra() + " more.");
        }
        if (wish.sameMasterKey()) {
            sentences.add("All have the same master key pattern: "
                    + supply.queue(apqns.get(0))
                            .flatMap(Supply.Queue::masterKey)
                            .orElseThrow() + ".");
        }
        sentences.addAll(whatLeavesTheHost(choice));
        sentences.add(
                rest == 0
                        ? "No other " + spell(wish.mode()) + " queue stays free."
                        : "The largest free product of " + spell(wish.mode()) + " queues that stays has "
                                + (choice.certainty() == Answer.Certainty.EXACT ? "" : "at least ")
                                + count(rest, "queue")
                                + ".");
        if (choice.certainty() == Answer.Certainty.BOUNDED) {
            sentences.add("The host is too large to try every product: this is the best of those that were tried.");
        }
        return new Choice(
                choice.matrix(),
                choice.extra(),
                choice.fromHost(),
                choice.collateral(),
                choice.adaptersToFree(),
                choice.domainsToFree(),
                choice.certainty(),
                sentences);
    }

    private static List<String> whatLeavesTheHost(Choice choice) {
        if (choice.fromHost().isEmpty()) {
            return List.of("All of them are free now.");
        }
        String bits = choice.domainsToFree().isEmpty()
                ? bits("apmask", choice.adaptersToFree())
                : bits("aqmask", choice.domainsToFree());
        String taken = names(choice.fromHost()) + (choice.fromHost().size() == 1 ? " is" : " are")
                + " taken from the host by clearing " + bits + ".";
        return choice.collateral().isEmpty()
                ? List.of(taken)
                : List.of(
                        taken,
                        "That takes from the host's drivers also " + names(choice.collateral())
                                + ", which nobody asked for.");
    }

    /** What there is of the wished kind, and why it is not enough. */
    static List<String> missing(Supply supply, Wish wish, boolean complete) {
        List<String> sentences = new ArrayList<>();
        sentences.add("There is no product of " + describe(wish) + ".");
        List<Supply.Queue> ofMode = supply.queues().stream()
                .filter(queue -> queue.mode() == wish.mode())
                .toList();
        sentences.add("This host has " + queues(ofMode.size(), wish.mode())
                + (ofMode.isEmpty() ? "." : ": " + shares(ofMode) + "."));
        List<Supply.Queue> unusable = ofMode.stream()
                .filter(queue -> queue.holder() instanceof Holder.Unusable)
                .toList();
        if (!unusable.isEmpty()) {
            sentences.add("Not usable: "
                    + list(unusable.stream()
                            .map(queue -> queue.apqn() + " (" + ((Holder.Unusable) queue.holder()).why() + ")")
                            .toList())
                    + ".");
        }
        long unknown =
                supply.queues().stream().filter(queue -> queue.mode() == null).count();
        if (unknown > 0) {
            sentences.add("The mode of " + count(unknown, "queue") + " is not known.");
        }
        long older = ofMode.stream().filter(queue -> !wish.isNewEnough(queue)).count();
        if (older > 0) {
            sentences.add(count(older, "queue") + " of them " + (older == 1 ? "is" : "are")
                    + " not known to be of hardware type " + wish.minHwType() + " or newer.");
        }
        long keyless =
                ofMode.stream().filter(queue -> queue.masterKey().isEmpty()).count();
        if (wish.sameMasterKey() && keyless > 0) {
            sentences.add("The master key pattern of " + count(keyless, "queue") + " of them is not known.");
        }
        long available = ofMode.stream()
                .filter(wish::isMetBy)
                .filter(queue -> queue.holder() instanceof Holder.Free)
                .count();
        if (available >= wish.queues()) {
            sentences.add(available + " of the wished kind "
                    + (available == 1 ? "is" : "are") + " free, but not "
                    + (wish.distinctAdapters()
                            ? "on " + count(wish.queues(), "adapter") + " in one domain"
                            : "as adapters × domains")
                    + (wish.sameMasterKey() ? " with one master key pattern" : "") + ".");
        }
        Optional<String> whyHostKeeps = supply.whyHostKeeps();
        if (wish.mayTakeFromHost() && whyHostKeeps.isPresent()) {
            sentences.add("Nothing can be taken from the host: " + whyHostKeeps.get());
        }
        if (wish.queues() > supply.maximum()) {
            sentences.add("A matrix may have " + supply.maximum() + " queues at most.");
        }
        if (!complete) {
            sentences.add("The host is too large to try every product: there may be one that was not tried.");
        }
        return sentences;
    }

    private static String shares(List<Supply.Queue> queues) {
        return Stream.of(
                        share(queues, Holder.Free.class, "free"),
                        share(queues, Holder.Host.class, "reserved for the host"),
                        share(queues, Holder.Mdev.class, "with mediated devices"),
                        share(queues, Holder.Unusable.class, "not usable"))
                .flatMap(Optional::stream)
                .collect(Collectors.joining(", "));
    }

    private static Optional<String> share(List<Supply.Queue> queues, Class<? extends Holder> kind, String words) {
        long count =
                queues.stream().filter(queue -> kind.isInstance(queue.holder())).count();
        return count == 0 ? Optional.empty() : Optional.of(count + " " + words);
    }

    static String help(
            Supply supply, Wish wish, Wish other, SortedSet<MdevId> returned, List<Apqn> repaired, Choice choice) {
        String queues = names(choice.matrix().apqns());
        if (!returned.isEmpty()) {
            String mdevs = list(returned.stream().map(MdevId::toString).toList());
            return "mdev " + mdevs + (returned.size() == 1 ? " holds " : " hold ")
                    + names(heldBy(supply, returned, choice)) + " of the wished kind: without "
                    + (returned.size() == 1 ? "it " : "them ") + queues + " could be had" + toll(choice) + ".";
        }
        if (!repaired.isEmpty()) {
            return "If " + names(repaired) + (repaired.size() == 1 ? " was" : " were") + " usable, " + queues
                    + " could be had" + toll(choice) + ".";
        }
        if (other.queues() < wish.queues()) {
            return "Fewer queues: " + other.queues() + " can be had, " + queues + toll(choice) + ".";
        }
        return String.join(", ", differences(wish, other)) + " would give " + queues + toll(choice) + ".";
    }

    private static List<Apqn> heldBy(Supply supply, SortedSet<MdevId> mdevs, Choice choice) {
        return choice.matrix().apqns().stream()
                .map(supply::queue)
                .flatMap(Optional::stream)
                .filter(queue -> queue.holder() instanceof Holder.Mdev mdev && mdevs.contains(mdev.id()))
                .map(Supply.Queue::apqn)
                .toList();
    }

    private static String toll(Choice choice) {
        if (choice.fromHost().isEmpty()) {
            return "";
        }
        return ", of which " + names(choice.fromHost()) + " from the host"
                + (choice.collateral().isEmpty() ? "" : " and with collateral " + names(choice.collateral()));
    }

    private static List<String> differences(Wish wish, Wish other) {
        List<String> differences = new ArrayList<>();
        if (wish.mayTakeFromHost() != other.mayTakeFromHost()) {
            differences.add("mayTakeFromHost=" + other.mayTakeFromHost());
        }
        if (wish.distinctAdapters() != other.distinctAdapters()) {
            differences.add("distinctAdapters=" + other.distinctAdapters());
        }
        if (wish.sameMasterKey() != other.sameMasterKey()) {
            differences.add("sameMasterKey=" + other.sameMasterKey());
        }
        Integer type = other.minHwType();
        if (wish.minHwType() != null && !wish.minHwType().equals(type)) {
            differences.add(type == null ? "no minHwType" : "minHwType=" + type);
        }
        return differences;
    }

    /** Such as {@code 2 EP11 queues on different adapters, of hardware type 12 or newer}. */
    private static String describe(Wish wish) {
        return queues(wish.queues(), wish.mode())
                + (wish.distinctAdapters() ? " on as many adapters" : "")
                + (wish.minHwType() == null ? "" : ", of hardware type " + wish.minHwType() + " or newer")
                + (wish.sameMasterKey() ? ", with the same known master key pattern" : "")
                + (wish.mayTakeFromHost() ? ", the host's included" : ", free now");
    }

    private static String bits(String mask, ApMask ids) {
        return mask
                + (ids.size() == 1 ? " bit " : " bits ")
                + list(ids.ids().stream().map(String::valueOf).toList());
    }

    private static String queues(int count, Card.Mode mode) {
        return count + " " + spell(mode) + (count == 1 ? " queue" : " queues");
    }

    private static String count(long count, String noun) {
        return count + " " + noun + (count == 1 ? "" : "s");
    }

    private static String spell(Card.@Nullable Mode mode) {
        return mode == Card.Mode.ACCELERATOR ? "accelerator" : String.valueOf(mode);
    }

    private static String names(Collection<Apqn> apqns) {
        return list(apqns.stream().map(Apqn::toString).toList());
    }

    private static String list(List<String> words) {
        List<String> named = words.subList(0, Math.min(words.size(), NAMED));
        if (named.size() < words.size()) {
            return String.join(", ", named) + " and " + (words.size() - named.size()) + " more";
        }
        return named.size() < 2
                ? String.join("", named)
                : String.join(", ", named.subList(0, named.size() - 1)) + " and " + named.get(named.size() - 1);
    }
}
