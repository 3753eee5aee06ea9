package org.apmatrix.service;

import static java.util.Objects.requireNonNull;

import com.fasterxml.jackson.annotation.JsonAlias;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.apmatrix.ap.GuestName;
import org.apmatrix.ap.MdevId;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.json.JsonMapper;

/**
 * What nobody else remembers of guests: which plugs and unplugs are under way, and what a prepared migration took away. It is on disk before QEMU is asked, so a
 * service that is killed finds it again.
 */
public final class GuestNotes {
    private static final Logger LOG = LoggerFactory.getLogger(GuestNotes.class);
    private static final String FILE = "guests.json";

    private final StateFile<Content> file;
    private volatile Runnable changed = () -> {};
    private Content content = new Content(List.of(), List.of());

    /**
     * Reads what an earlier process noted.
     *
     * @param directory null where nothing is to be kept beyond this process
     * @throws UncheckedIOException when there are notes that cannot be read: without them a device could be taken for free that is not
     */
    public GuestNotes(@Nullable Path directory, JsonMapper json) {
        file = new StateFile<>(directory, FILE, Content.class, json);
        file.read(
                        "It notes plugs and unplugs under way: compare the guests with the mediated devices by hand, then delete the file.")
                .ifPresent(left -> {
                    content = left;
                    left.marks()
                            .forEach(mark ->
                                    LOG.warn("{}: left {} by an earlier process", mark.subject(), mark.state()));
                });
    }

    /**
     * A plug or unplug that is under way.
     *
     * @param guest its name when this was noted; it may go by another while its QEMU does not answer
     * @param address by which it is found again ({@code Guest.address})
     * @param pid QEMU's process, null where it is not known
     * @param mdev null for a device that is none of this host's mediated devices
     * @param link the device's link on the guest's AP bus; null while it is being plugged
     * @param mayStillCome whether a device_add was sent and not answered: however free the device is, a QEMU that lives may still take it
     * @param attempt of the audit journal; null where nothing was recorded
     */
    record Mark(
            String guest,
            @JsonAlias("socket") String address,
            @Nullable Integer pid,
            @Nullable String mdev,
            Attachment.State state,
            @Nullable String link,
            boolean mayStillCome,
            @Nullable String attempt,
            Instant since) {
        Mark {
            requireNonNull(guest, "guest");
            requireNonNull(address, "address");
            requireNonNull(state, "state");
            requireNonNull(since, "since");
        }

        boolean isOf(String otherAddress) {
            return address.equals(otherAddress);
        }

        Optional<MdevId> mdevId() {
            return Optional.ofNullable(mdev).flatMap(MdevId::parse);
        }

        String subject() {
            return "mdev=" + mdev + " guest=" + guest;
        }
    }

    /**
     * A migration that was prepared.
     *
     * @param mdev what is to be plugged in again; null when nothing was plugged
     */
    record Preparation(String guest, @Nullable String mdev, Instant since) {
        Preparation {
            requireNonNull(guest, "guest");
            requireNonNull(since, "since");
        }

        Optional<MdevId> mdevId() {
            return Optional.ofNullable(mdev).flatMap(MdevId::parse);
        }
    }

    private record Content(List<Mark> marks, List<Preparation> preparations) {
        Content {
            requireNonNull(marks, "marks");
            requireNonNull(preparations, "preparations");
        }
    }

    /** Asks to be told, after each time that something begins or ends, by the thread that noted it. */
    void onChange(Runnable listener) {
        changed = listener;
    }

    synchronized List<Mark> marks() {
        return content.marks();
    }

    /** What is under way with the guest at this address. */
    Optional<Mark> markOf(String address) {
        return marks().stream().filter(mark -> mark.isOf(address)).findFirst();
    }

    Optional<Mark> markOf(MdevId mdev) {
        return marks().stream()
                .filter(mark -> mdev.toString().equals(mark.mdev()))
                .findFirst();
    }

    /** Notes it in place of an earlier mark of the same guest. */
    void mark(Mark mark) {
        String before = markOf(mark.address())
                .map(earlier -> earlier.state().name())
                .orElse(mark.state() == Attachment.State.DETACHING ? "ATTACHED" : "FREE");
        begin(now -> new Content(
                Stream.concat(
                                now.marks().stream()
                                        .filter(other -> !other.address().equals(mark.address())),
                                Stream.of(mark))
                        .toList(),
                now.preparations()));
        LOG.info("{} {} -> {}", mark.subject(), before, mark.state());
        changed.run();
    }

    /** @param outcome what is certain now, for the log */
    void unmark(Mark mark, String outcome) {
        end(now -> new Content(
                now.marks().stream().filter(other -> !other.equals(mark)).toList(), now.preparations()));
        LOG.info("{} {} -> {}", mark.subject(), mark.state(), outcome);
        changed.run();
    }

    synchronized Optional<Preparation> preparationOf(GuestName guest) {
        return content.preparations().stream()
                .filter(preparation -> preparation.guest().equals(guest.toString()))
                .findFirst();
    }

    void prepared(Preparation preparation) {
        begin(now -> new Content(
                now.marks(),
                Stream.concat(
                                now.preparations().stream()
                                        .filter(other -> !other.guest().equals(preparation.guest())),
                                Stream.of(preparation))
                        .toList()));
    }

    void forgetPreparation(GuestName guest) {
        if (preparationOf(guest).isPresent()) {
            end(now -> new Content(
                    now.marks(),
                    now.preparations().stream()
                            .filter(other -> !other.guest().equals(guest.toString()))
                            .toList()));
        }
    }

    /** First on disk: what cannot be noted is not begun. */
    private synchronized void begin(UnaryOperator<Content> edit) {
        Content next = edit.apply(content);
        file.begin(next);
        content = next;
    }

    /** What has ended has ended, also where that cannot be written: then a restart finds the note, and settles it once more. */
    private synchronized void end(UnaryOperator<Content> edit) {
        content = edit.apply(content);
        file.end(content);
    }
}
