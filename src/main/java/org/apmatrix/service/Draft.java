package org.apmatrix.service;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Stream;
import org.apmatrix.ap.ApMask;
import org.apmatrix.ap.GuestName;
import org.apmatrix.ap.Matrix;
import org.apmatrix.ap.MdevId;
import org.apmatrix.fault.Fault;
import org.apmatrix.fault.NotFound;
import org.apmatrix.fault.RequestDenied;
import org.apmatrix.host.ApBus;
import org.apmatrix.host.ApDevice;
import org.apmatrix.host.GuestState;
import org.apmatrix.host.MdevDefinition;
import org.apmatrix.host.MdevTree;
import org.apmatrix.host.MdevctlStore;
import org.jspecify.annotations.Nullable;

/**
 * What applying a document comes to, from one look at the host: who is unplugged, what is written, which definitions change, who is plugged in, and everything that
 * is in the way.
 *
 * <p>A device that is to change while a guest has it is unplugged before and plugged in again after. Only devices of this owner are unplugged, and where the document
 * says nothing of attachments, only what an earlier one of his has plugged in.
 */
final class Draft {
    private final Ground ground;
    private final DesiredState document;
    private final Estate estate;
    private final HostView view;
    private final Transition.Target target;
    private final Set<MdevId> changed;
    private final List<Pair> unplugs = new ArrayList<>();
    private final List<Pair> plugs = new ArrayList<>();
    private final List<Redefinition> redefinitions = new ArrayList<>();
    private final Plan.Problems problems = new Plan.Problems();
    private final Plan writes;

    /** How much of a document. */
    enum Scope {
        ALL,
        /** What is plugged in stays so, and nothing is plugged in. */
        WITHOUT_GUESTS
    }

    /** A guest and the device that it gets or gives. */
    record Pair(GuestName guest, MdevId mdev) {}

    /**
     * A definition that changes.
     *
     * @param before null where there is none
     * @param after null where there will be none
     */
    record Redefinition(
            MdevId mdev,
            @Nullable MdevDefinition before,
            @Nullable MdevDefinition after) {
        String title() {
            return (after == null ? "undefine " : "define ") + mdev;
        }
    }

    /**
     * What a draft is made on.
     *
     * @param guests how a guest is; empty where there is none of the name
     * @param otherOwners whose a device is that no document has made, in words
     */
    record Ground(
            MdevTree tree,
            ApBus bus,
            Estates estates,
            MaskClaims claims,
            MdevctlStore definitions,
            Function<GuestName, Optional<GuestState>> guests,
            Function<MdevId, Optional<String>> otherOwners,
            int maxApqns) {}

    Draft(Ground ground, DesiredState document, Estate estate, HostView view, Rights rights, Scope scope) {
        this.ground = ground;
        this.document = document;
        this.estate = estate;
        this.view = view;
        this.target = target(ground, document, estate, view);
        this.changed = new TreeSet<>(target.changed(view));
        problems.check(this::requireUnopposed);
        document.mdevs().forEach(device -> problems.check(() -> requireOwn(ground, estate, view, device.id())));
        if (scope == Scope.ALL) {
            findUnplugs();
        }
        Set<MdevId> letGo = letGo();
        this.writes = Transition.plan(view, target, letGo, rights, ground.maxApqns(), ground.tree(), ground.bus());
        writes.problems()
                .forEach(problem -> problems.check(() -> {
                    throw problem;
                }));
        findRedefinitions();
        checkDefinitions();
        if (scope == Scope.ALL) {
            findPlugs(target.after(view).without(letGo));
        }
    }

    /** The name under which an owner's claims on the masks are kept. */
    static String claimant(String owner) {
        return "desired-state " + owner;
    }

    /** What the document makes of this picture of the host. */
    static Transition.Target target(Ground ground, DesiredState document, Estate estate, HostView view) {
        DesiredState.@Nullable Masks masks = document.masks();
        MaskBits owed = ground.claims().owed(claimant(document.owner()), document.bitsToClear());
        SortedMap<MdevId, Optional<Matrix>> mdevs = new TreeMap<>();
        estate.ids().stream().filter(id -> view.mdev(id).isPresent()).forEach(id -> mdevs.put(id, Optional.empty()));
        document.mdevs().forEach(device -> mdevs.put(device.id(), Optional.of(device.matrix())));
        return new Transition.Target(
                after(view.apmask(), masks == null ? null : masks.apmask()).or(owed.adapters()),
                after(view.aqmask(), masks == null ? null : masks.aqmask()).or(owed.domains()),
                mdevs);
    }

    private static ApMask after(ApMask before, @Nullable String text) {
        return MaskService.Wish.read("masks", text).after(before);
    }

    /** A device that stands and that no document of this owner has made is somebody else's. */
    static void requireOwn(Ground ground, Estate estate, HostView view, MdevId id) {
        Optional<String> owner = ground.estates().ownerOf(id);
        boolean another = owner.isPresent() && !owner.get().equals(estate.owner());
        if (another || (view.mdev(id).isPresent() && !estate.has(id))) {
            throw RequestDenied.foreignMdev(
                    id, owner.or(() -> ground.otherOwners().apply(id)).orElse(null));
        }
    }

    /** Of no bit two owners want the opposite: applying one would undo the other, for ever. */
    private void requireUnopposed() {
        for (Estate other : ground.estates().all()) {
            if (!other.owner().equals(estate.owner()) && other.wanted().isPresent()) {
                DesiredState wanted = other.wanted().get();
                MaskBits opposed = document.bitsToClear()
                        .and(wanted.bitsToSet())
                        .or(document.bitsToSet().and(wanted.bitsToClear()));
                if (!opposed.isEmpty()) {
                    throw RequestDenied.masksClaimed(
                            other.owner(),
                            opposed.adapters().ids(),
                            opposed.domains().ids());
                }
            }
        }
    }

    private void findUnplugs() {
        for (MdevId id : target.mdevs().keySet()) {
            Attachment attachment =
                    view.mdev(id).map(HostView.Entry::attachment).orElse(null);
            if (attachment == null || attachment.guest() == null || !estate.has(id)) {
                continue;
            }
            GuestName guest = attachment.guest();
            boolean moves = !document.guestOf(id).equals(Optional.of(guest));
            boolean changes = changed.contains(id);
            boolean ours = document.attachments() != null || estate.hasPlugged(guest, id);
            if (ours && (moves || changes || attachment.state() == Attachment.State.DETACHING)) {
                unplugs.add(new Pair(guest, id));
            }
        }
    }

    private void findPlugs(HostView then) {
        List<DesiredState.Plugged> wanted = document.attachments() == null ? List.of() : document.attachments();
        for (DesiredState.Plugged plug : wanted) {
            Pair pair = new Pair(plug.guestName(), plug.id());
            Attachment attachment =
                    view.mdev(pair.mdev()).map(HostView.Entry::attachment).orElse(null);
            boolean there = attachment != null
                    && attachment.state() == Attachment.State.ATTACHED
                    && pair.guest().equals(attachment.guest());
            if (there && !unplugs.contains(pair)) {
                continue;
            }
            plugs.add(pair);
            Optional<GuestState> guest = ground.guests().apply(pair.guest());
            if (guest.isEmpty()) {
                problems.check(() -> {
                    throw NotFound.guest(pair.guest().toString());
                });
                continue;
            }
            boolean emptied = unplugs.stream().anyMatch(out -> out.guest().equals(pair.guest()));
            GuestState free = emptied ? guest.get().withoutDevice() : guest.get();
            then.mdev(pair.mdev())
                    .ifPresent(entry -> HotplugService.secondLaw(pair.guest(), free, then, entry)
                            .forEach(problems::check));
        }
    }

    private void findRedefinitions() {
        for (DesiredState.Device device : document.mdevs()) {
            Boolean autostart = device.autostart();
            if (autostart != null) {
                problems.check(() -> redefine(device, autostart));
            }
        }
        for (String text : estate.defined()) {
            MdevId id = MdevId.parse(text).orElseThrow();
            boolean stays =
                    document.mdevs().stream().anyMatch(device -> device.id().equals(id) && device.autostart() != null);
            if (!stays) {
                problems.check(() -> ground.definitions()
                        .read(id)
                        .ifPresent(before -> redefinitions.add(new Redefinition(id, before, null))));
            }
        }
    }

    /** The definitions that there will be are held against each other, as one by one they are when they are made. */
    private void checkDefinitions() {
        SortedMap<MdevId, MdevDefinition> then = new TreeMap<>(view.definitions());
        redefinitions.forEach(change -> {
            then.remove(change.mdev());
            if (change.after() != null) {
                then.put(change.mdev(), change.after());
            }
        });
        redefinitions.stream()
                .flatMap(change -> Optional.ofNullable(change.after()).stream())
                .forEach(wanted -> {
                    problems.check(() -> Invariants.startsWithItsControlDomains(wanted));
                    problems.check(() -> Invariants.startsBesideOthers(List.copyOf(then.values()), wanted));
                });
    }

    private void redefine(DesiredState.Device device, boolean autostart) {
        MdevId id = device.id();
        MdevDefinition before = ground.definitions().read(id).orElse(null);
        if (before != null && !estate.has(id)) {
            throw RequestDenied.foreignMdev(id, null);
        }
        if (before == null && !autostart) {
            return;
        }
        MdevDefinition.Start start = autostart ? MdevDefinition.Start.AUTO : MdevDefinition.Start.MANUAL;
        MdevDefinition after;
        if (before == null) {
            after = MdevDefinition.of(id, start, device.matrix());
        } else {
            MdevDefinition started = before.start() == start ? before : before.withStart(start);
            after = started.matrix().equals(device.matrix()) ? started : started.withMatrix(device.matrix());
        }
        if (!after.equals(before)) {
            redefinitions.add(new Redefinition(id, before, after));
        }
    }

    Transition.Target target() {
        return target;
    }

    HostView view() {
        return view;
    }

    List<Pair> unplugs() {
        return unplugs;
    }

    List<Pair> plugs() {
        return plugs;
    }

    List<Redefinition> redefinitions() {
        return redefinitions;
    }

    boolean hasWrites() {
        return !writes.steps().isEmpty();
    }

    /** The devices that are plugged out before anything is written. */
    Set<MdevId> letGo() {
        Set<MdevId> letGo = new HashSet<>();
        unplugs.forEach(out -> letGo.add(out.mdev()));
        return letGo;
    }

    /** The devices about which something changes. */
    Set<MdevId> touched() {
        Set<MdevId> touched = new HashSet<>(changed);
        unplugs.forEach(pair -> touched.add(pair.mdev()));
        plugs.forEach(pair -> touched.add(pair.mdev()));
        return touched;
    }

    /** Where the document has each of its devices, and none for those that go; nothing where it says nothing of attachments. */
    SortedMap<MdevId, Optional<GuestName>> wantedGuests() {
        SortedMap<MdevId, Optional<GuestName>> wanted = new TreeMap<>();
        if (document.attachments() != null) {
            document.mdevs().forEach(device -> wanted.put(device.id(), document.guestOf(device.id())));
        }
        return wanted;
    }

    List<Move> moves() {
        return Move.between(view, target.after(view), changed);
    }

    boolean isEmpty() {
        return unplugs.isEmpty() && !hasWrites() && redefinitions.isEmpty() && plugs.isEmpty();
    }

    /** Throws all that is in the way. */
    void refuseIfForbidden() {
        List<Fault> found = problems.found();
        if (found.size() == 1) {
            throw found.get(0);
        }
        if (!found.isEmpty()) {
            throw RequestDenied.planRefused(found);
        }
    }

    Forecast forecast() {
        return new Forecast(
                lines(),
                writes.apqnsAdded(),
                writes.apqnsRemoved(),
                Stream.concat(
                                writes.guests().stream(),
                                Stream.concat(unplugs.stream(), plugs.stream())
                                        .map(pair -> pair.guest().toString()))
                        .distinct()
                        .toList(),
                problems.found());
    }

    /** Every step, in the order of execution. */
    List<Forecast.Line> lines() {
        List<Forecast.Line> lines = new ArrayList<>();
        unplugs.forEach(out -> lines.add(HotplugService.unplugLine(
                out.guest(),
                ground.guests()
                        .apply(out.guest())
                        .flatMap(state -> Optional.ofNullable(state.device()))
                        .map(ApDevice::link)
                        .orElse(MdevTree.path(out.mdev()).toString()))));
        writes.steps().forEach(step -> lines.add(Forecast.Line.of(step)));
        redefinitions.forEach(change -> lines.add(new Forecast.Line(
                change.after() == null ? "undefine" : "define",
                ground.definitions().file(change.mdev()).toString(),
                change.after() == null ? "" : change.after().start().word())));
        plugs.forEach(in -> lines.add(HotplugService.plugLine(in.guest(), in.mdev())));
        return lines;
    }

    /** For the audit journal: each write with what takes it back, which tells what was there before. */
    List<String> auditedSteps() {
        List<String> texts = new ArrayList<>();
        unplugs.forEach(out -> texts.add("unplug " + out.mdev() + " from " + out.guest()));
        writes.steps()
                .forEach(step -> texts.add(step + " (back: "
                        + String.join(
                                ", ",
                                step.undo().stream()
                                        .map(undo -> undo.action() + " " + undo.value())
                                        .toList())
                        + ")"));
        redefinitions.forEach(change -> texts.add(change.title()));
        plugs.forEach(in -> texts.add("plug " + in.mdev() + " into " + in.guest()));
        return texts;
    }
}
