package org.apmatrix.service;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apmatrix.ap.MdevId;
import org.apmatrix.fault.Fault;
import org.apmatrix.fault.HostFailure;
import org.apmatrix.host.Mdev;
import org.apmatrix.host.MdevTree;
import org.apmatrix.host.VfioSelfTest;
import org.apmatrix.host.kernel.KernelException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Tries VFIO on a device that is made for it, has no queue, and is removed again: no guest and no key is touched. */
public final class SelfTestService {
    private static final Logger LOG = LoggerFactory.getLogger(SelfTestService.class);

    private final Host host;
    private final WorkInFlight inFlight;
    private final VfioSelfTest vfio;

    public SelfTestService(Host host, WorkInFlight inFlight, VfioSelfTest vfio) {
        this.host = host;
        this.inFlight = inFlight;
        this.vfio = vfio;
    }

    /** What was asked, in order. */
    public record SelfTest(List<VfioSelfTest.Check> checks) {
        public boolean passed() {
            return checks.stream().allMatch(VfioSelfTest.Check::passed);
        }
    }

    /** Runs the test under the lock. Throws AP_UNAVAILABLE without vfio_ap, HOST_REFUSED when the device cannot be made, or not be removed again. */
    public Outcome<SelfTest> run(WriteOptions options) {
        MdevTree tree = host.mdevs();
        MdevId id = MdevId.random();
        List<Step> steps = List.of(new Step(tree.create(id), tree.remove(id)), new Step(tree.remove(id), null));
        if (options.dryRun()) {
            return new Outcome.DryRun<>(new Plan.Problems().plan(steps, List.of(), List.of(), List.of()));
        }
        return host.locked(() -> new Outcome.Done<>(new SelfTest(make(tree, id, steps)), false));
    }

    private List<VfioSelfTest.Check> make(MdevTree tree, MdevId id, List<Step> steps) {
        String subject = MdevService.subject(id);
        try (WorkInFlight.Note note = inFlight.begin(subject, steps)) {
            host.ask(() -> {
                host.store(tree.create(id));
                return true;
            });
            LOG.info("{}: made for a self-test", subject);
            List<VfioSelfTest.Check> checks = new ArrayList<>();
            try {
                checks.addAll(test(tree, id));
            } finally {
                remove(tree, id, note);
            }
            Optional<Mdev> left = host.ask(() -> tree.read(id));
            checks.add(
                    new VfioSelfTest.Check("the device is removed", "gone", left.isEmpty() ? "gone" : "still there"));
            note.succeeded();
            LOG.info("{}: removed after a self-test", subject);
            return checks;
        }
    }

    private List<VfioSelfTest.Check> test(MdevTree tree, MdevId id) {
        return host.ask(() -> tree.read(id))
                .map(vfio::deep)
                .orElseGet(() -> List.of(
                        new VfioSelfTest.Check("the device is made", "there", "gone: somebody else removed it")));
    }

    private void remove(MdevTree tree, MdevId id, WorkInFlight.Note note) {
        try {
            host.store(tree.remove(id));
        } catch (KernelException | Fault refusal) {
            note.keep();
            LOG.error("{}: made for a self-test and not removed", MdevService.subject(id), refusal);
            throw HostFailure.notUndone(
                    refusal instanceof KernelException kernel ? kernel.errno().name() : null,
                    "The device that the self-test made could not be removed.",
                    List.of("remove " + id + ": " + refusal.getMessage()));
        }
    }
}
