package org.apmatrix.service;

import java.util.Optional;
import org.apmatrix.ap.Apqn;
import org.apmatrix.ap.GuestName;
import org.apmatrix.ap.MdevId;
import org.apmatrix.audit.AuditJournal;
import org.apmatrix.audit.AuditRecord;
import org.apmatrix.audit.Snapshot;
import org.apmatrix.audit.Target;
import org.apmatrix.fault.Fault;
import org.apmatrix.fault.HostFailure;

/**
 * What a crash has cut off between intent and outcome: looks at the host and closes each such attempt in the audit journal as UNKNOWN, with what is there now. It
 * changes nothing else.
 */
public final class Aftermath {
    private final Host host;
    private final GuestService guests;
    private final AuditJournal journal;

    public Aftermath(Host host, GuestService guests, AuditJournal journal) {
        this.host = host;
        this.guests = guests;
        this.journal = journal;
    }

    /** Closes all; none is left open because its look fails. */
    public void closeAll() {
        for (AuditRecord intent : journal.unfinished()) {
            try {
                Optional<Snapshot> now = look(intent);
                journal.close(
                        intent,
                        now.orElse(null),
                        now.isPresent()
                                ? "the service ended before the outcome was recorded; this is what was there afterwards"
                                : "the service ended before the outcome was recorded, and there is nothing to look at");
            } catch (Fault failed) {
                journal.close(
                        intent,
                        null,
                        "the service ended before the outcome was recorded, and the look afterwards failed: "
                                + failed.detail());
            } catch (RuntimeException failed) {
                journal.close(
                        intent,
                        null,
                        "the service ended before the outcome was recorded, and the look afterwards failed: " + failed);
            }
        }
    }

    private Optional<Snapshot> look(AuditRecord intent) {
        Target target = intent.target();
        if (target.guest() != null) {
            return Optional.of(look(new GuestName(target.guest())));
        }
        Optional<MdevId> mdev = Optional.ofNullable(target.mdev()).flatMap(MdevId::parse);
        if (mdev.isPresent()) {
            return Optional.of(MdevService.snapshot(host.look(), mdev.get()));
        }
        Optional<Apqn> queue = Optional.ofNullable(target.queue()).flatMap(Apqn::parse);
        if (queue.isPresent()) {
            return Optional.of(QueueService.snapshot(host.look(), queue.get()));
        }
        Snapshot before = intent.before();
        return before == null || before.apmask() == null
                ? Optional.empty()
                : Optional.of(MaskService.snapshot(host.look()));
    }

    private Snapshot look(GuestName name) {
        GuestService.GuestView guest = guests.get(name);
        if (guest.device() == null && !guest.state().isReachable()) {
            throw HostFailure.qemuUnreachable(name, String.valueOf(guest.state().silence()));
        }
        return HotplugService.snapshot(Optional.ofNullable(guest.device()));
    }
}
