package org.apmatrix.service;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apmatrix.ap.AdapterId;
import org.apmatrix.ap.Apqn;
import org.apmatrix.ap.Matrix;
import org.apmatrix.ap.MdevId;
import org.apmatrix.host.Card;
import org.apmatrix.host.Mdev;
import org.apmatrix.host.MdevTree;

/** What plug and unplug mean for the secure keys of a guest: what an operator would have to look up at a bad time. */
public final class SecureKeys {
    /** What the card itself keeps and forgets at PQAP(ZAPQ) was never measured, so nothing is said of it but of requests (ap_queue.c, ap_queue_remove). */
    private static final List<String> FACTS = List.of(
            "Master keys are the HSM domain's, not the guest's: at plug and unplug nobody on this host asks the card to load, change or clear one.",
            "A secure key works only in a queue whose current master key has the pattern that the key was made under.",
            "At unplug the kernel resets the queues: requests in flight fail and are not repeated elsewhere.",
            "Secure-key requests do not move to another card by themselves: the guest's application must use another queue with the same pattern.");

    private final Host host;

    public SecureKeys(Host host) {
        this.host = host;
    }

    /**
     * Of one device.
     *
     * @param queues those of the matrix that can hold secure keys, ascending
     * @param facts sentences for a person
     */
    public record Notice(List<Apqn> queues, List<String> facts) {}

    /** Empty where no queue of the device can hold secure keys, or the device cannot be looked at. */
    public Optional<Notice> of(MdevId id) {
        if (!host.vfioApLoaded()) {
            return Optional.empty();
        }
        MdevTree tree = host.mdevs();
        return host.ask(() -> tree.read(id).map(Mdev::matrixOrEmpty)).flatMap(this::of);
    }

    Optional<Notice> of(Matrix matrix) {
        List<Apqn> queues = host.ask(() -> {
            Map<AdapterId, Optional<Card.Mode>> modes = new HashMap<>();
            return host.bus().queues().keySet().stream()
                    .filter(matrix::contains)
                    .filter(apqn -> MasterKeys.hasMasterKeys(modes.computeIfAbsent(apqn.adapter(), host.bus()::mode)))
                    .toList();
        });
        return queues.isEmpty() ? Optional.empty() : Optional.of(new Notice(queues, FACTS));
    }

    /** The same for a dry run: each fact is a warning. */
    List<Warning> warnings(Matrix matrix) {
        return of(matrix).stream()
                .flatMap(notice -> notice.facts().stream()
                        .map(fact -> new Warning(Warning.Code.SECURE_KEYS, fact, notice.queues())))
                .toList();
    }
}
