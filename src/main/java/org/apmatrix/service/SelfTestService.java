package org.apmatrix.service;

import java.util.ArrayList;
import java.util.List;
import org.apmatrix.ap.MdevId;
import org.apmatrix.audit.Attempt;
import org.apmatrix.audit.Snapshot;
import org.apmatrix.fault.Fault;
import org.apmatrix.fault.HostFailure;
import org.apmatrix.host.MdevTree;
import org.apmatrix.host.VfioSelfTest;
import org.apmatrix.host.kernel.KernelException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Tries VFIO on a device that is made for it, has no queue, and is removed again: no guest and no key is touched. */
public final class SelfTestService {
    private static final Logger LOG = LoggerFactory.getLogger(SelfTestService.class);

    /** A device that was gone before it could be tried. */
    private static final VfioSelfTest.Deep NOTHING = new VfioSelfTest.Deep(
            List.of(new VfioSelfTest.Check("the device after it was made", "there", "gone")), false);

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
        Attempt.current().on(id);
        List<Step> steps = List.of(new Step(tree.create(id), tree.remove(id)), new Step(tree.remove(id)));
        if (options.dryRun()) {
            return new Outcome.DryRun<>(new Plan(steps, List.of(), List.of(), List.of(), List.of()).forecast());
        }
        return host.locked(() -> new Outcome.Done<>(new SelfTest(runOn(tree, id, steps)), false));
    }

    private List<VfioSelfTest.Check> runOn(MdevTree tree, MdevId id, List<Step> steps) {
        String subject = MdevService.subject(id);
        Attempt attempt = Attempt.current();
        attempt.before(Snapshot.NOTHING);
        attempt.steps(steps.stream().map(Step::toString).toList());
        attempt.intend();
        try (WorkInFlight.Note note = inFlight.begin(subject, steps)) {
            create(tree, id, note);
            LOG.info("{}: made for a self-test", subject);
            VfioSelfTest.Deep found = NOTHING;
            try {
                found = host.ask(() -> tree.read(id)).map(vfio::deep).orElse(NOTHING);
            } finally {
                remove(tree, id, found.deviceIsFree(), note);
            }
            LOG.info("{}: removed after a self-test", subject);
            note.succeeded();
            List<VfioSelfTest.Check> checks = new ArrayList<>(found.checks());
            boolean gone = host.ask(() -> tree.read(id)).isEmpty();
            attempt.after(gone ? Snapshot.NOTHING : Snapshot.of(null));
            checks.add(new VfioSelfTest.Check("the device after its removal", "gone", gone ? "gone" : "there"));
            return checks;
        }
    }

    private void create(MdevTree tree, MdevId id, WorkInFlight.Note note) {
        try {
            host.store(tree.create(id));
        } catch (KernelException refusal) {
            throw Host.refused(refusal);
        } catch (RuntimeException unanswered) {
            note.keep();
            throw unanswered;
        }
    }

    private void remove(MdevTree tree, MdevId id, boolean isFree, WorkInFlight.Note note) {
        try {
            if (isFree) {
                host.storeWithoutLook(tree.remove(id));
            } else {
                host.store(tree.remove(id));
            }
        } catch (KernelException | Fault refusal) {
            if (host.ask(() -> tree.read(id)).isEmpty()) {
                // somebody else was faster
                return;
            }
            note.keep();
            LOG.error("{}: made for a self-test and not removed", MdevService.subject(id), refusal);
            throw HostFailure.notUndone(
                    refusal instanceof KernelException kernel ? kernel.errno().name() : null,
                    "The device that the self-test made could not be removed.",
                    List.of("remove " + id + ": " + refusal.getMessage()));
        }
    }
}
