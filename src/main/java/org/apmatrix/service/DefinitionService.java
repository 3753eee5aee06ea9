package org.apmatrix.service;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Stream;
import org.apmatrix.ap.Matrix;
import org.apmatrix.ap.MdevId;
import org.apmatrix.audit.Attempt;
import org.apmatrix.audit.Snapshot;
import org.apmatrix.fault.Fault;
import org.apmatrix.fault.InvalidValue;
import org.apmatrix.fault.NotFound;
import org.apmatrix.host.Mdev;
import org.apmatrix.host.MdevDefinition;
import org.apmatrix.host.MdevctlStore;
import org.apmatrix.host.NodeDeviceXml;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What mdevctl and libvirt keep of a device beyond a boot: show it, replace it, take it away, and hold it against what stands. The device itself is never touched.
 */
public final class DefinitionService {
    private static final Logger LOG = LoggerFactory.getLogger(DefinitionService.class);

    private final Host host;
    private final MdevctlStore store;
    private final MdevProperties properties;

    public DefinitionService(Host host, MdevctlStore store, MdevProperties properties) {
        this.host = host;
        this.store = store;
        this.properties = properties;
    }

    /**
     * A definition that is kept.
     *
     * @param text the file, character by character
     */
    public record Defined(MdevId id, MdevDefinition.Start start, Matrix matrix, Path file, String text) {}

    /** How a definition and its device stand to each other. */
    public enum Comparison {
        IN_SYNC,
        /** Both are there, with another matrix each. */
        DIFFERENT,
        /** The device does not stand. */
        DEFINED_ONLY,
        /** The device is not defined, so it goes with the next boot. */
        TRANSIENT
    }

    /** A device that is defined, or stands, or both. */
    public record Compared(
            MdevId id,
            MdevDefinition.@Nullable Start start,
            @Nullable Matrix defined,
            @Nullable Matrix active,
            Comparison state) {}

    /** All of them, and the files that are no definitions. */
    public record Overview(List<Compared> devices, List<MdevctlStore.UnreadableFile> unreadable) {}

    public Overview list() {
        MdevctlStore.All all = store.look();
        SortedMap<MdevId, MdevDefinition> defined = new TreeMap<>();
        all.definitions().forEach(definition -> defined.put(definition.id(), definition));
        SortedMap<MdevId, Matrix> active = host.vfioApLoaded() ? active(host.look()) : new TreeMap<>();
        TreeSet<MdevId> ids = new TreeSet<>(defined.keySet());
        ids.addAll(active.keySet());
        return new Overview(
                ids.stream()
                        .map(id -> compared(id, defined.get(id), active.get(id)))
                        .toList(),
                all.unreadable());
    }

    /** A device that is being removed has no matrix any more. */
    static SortedMap<MdevId, Matrix> active(HostView view) {
        SortedMap<MdevId, Matrix> active = new TreeMap<>();
        view.mdevs()
                .forEach((id, entry) ->
                        Optional.ofNullable(entry.mdev().matrix()).ifPresent(matrix -> active.put(id, matrix)));
        return active;
    }

    private static Compared compared(MdevId id, @Nullable MdevDefinition definition, @Nullable Matrix active) {
        Matrix defined = definition == null ? null : definition.matrix();
        Comparison state = defined == null
                ? Comparison.TRANSIENT
                : active == null
                        ? Comparison.DEFINED_ONLY
                        : active.equals(defined) ? Comparison.IN_SYNC : Comparison.DIFFERENT;
        return new Compared(id, definition == null ? null : definition.start(), defined, active, state);
    }

    /** Throws DEFINITION_NOT_FOUND, and HOST_REFUSED where there is a file that is none. */
    public Defined get(MdevId id) {
        return defined(require(id));
    }

    /** The same as libvirt's node device. */
    public String nodeDevice(MdevId id) {
        return NodeDeviceXml.of(require(id));
    }

    private MdevDefinition require(MdevId id) {
        return store.read(id).orElseThrow(() -> NotFound.definition(id));
    }

    private Defined defined(MdevDefinition definition) {
        return new Defined(
                definition.id(),
                definition.start(),
                definition.matrix(),
                store.file(definition.id()),
                definition.text());
    }

    /**
     * Keeps a definition as mdevctl's JSON: a whole document as it stands, or one that leaves things out, which are then taken from what stands.
     *
     * @see MdevDefinition#complete
     */
    public Outcome<Defined> put(MdevId id, String json, WriteOptions options) {
        return write(id, options, stands -> MdevDefinition.complete(id, json, stands));
    }

    /** Keeps a node device of libvirt; it starts at boot if what stands does. */
    public Outcome<Defined> putNodeDevice(MdevId id, byte[] xml, WriteOptions options) {
        return write(id, options, stands -> {
            NodeDeviceXml.NodeDevice read = NodeDeviceXml.read(xml);
            if (!read.uuid().orElse(id).equals(id)) {
                throw new InvalidValue("uuid", "The body names another device than the path.");
            }
            return stands.map(standing -> standing.withAttributes(read.attributes()))
                    .orElseGet(() -> MdevDefinition.of(id, MdevDefinition.Start.MANUAL, read.attributes()));
        });
    }

    private Outcome<Defined> write(
            MdevId id, WriteOptions options, Function<Optional<MdevDefinition>, MdevDefinition> wish) {
        Attempt.current().on(id);
        if (options.dryRun()) {
            return new Outcome.DryRun<>(forecast(decide(id, options, wish)));
        }
        return host.locked(() -> {
            Decision decision = decide(id, options, wish);
            if (!decision.problems().isEmpty()) {
                throw decision.problems().get(0);
            }
            MdevDefinition wanted = decision.wanted();
            Attempt attempt = Attempt.current();
            if (wanted.equals(decision.before())) {
                attempt.after(snapshot(wanted));
                return new Outcome.Done<>(defined(wanted), false);
            }
            boolean isNew = !store.isDefined(id);
            attempt.steps(List.of("write " + store.file(id)));
            attempt.intend();
            store.write(wanted);
            LOG.info(
                    "mdev {}: definition {} -> {}",
                    id,
                    decision.before() == null
                            ? "none"
                            : decision.before().start().word(),
                    wanted.start().word());
            MdevDefinition after = require(id);
            attempt.after(snapshot(after));
            return new Outcome.Done<>(defined(after), isNew);
        });
    }

    /** @param before what is kept; null where nothing is, or nothing that can be read */
    private record Decision(MdevDefinition wanted, @Nullable MdevDefinition before, List<Fault> problems) {}

    private Decision decide(MdevId id, WriteOptions options, Function<Optional<MdevDefinition>, MdevDefinition> wish) {
        HostView view = host.look();
        List<MdevDefinition> all = store.all();
        Optional<MdevDefinition> before =
                all.stream().filter(definition -> definition.id().equals(id)).findFirst();
        Attempt.current().before(before.map(DefinitionService::snapshot).orElse(Snapshot.NOTHING));
        Optional<Matrix> standing = view.mdev(id).map(HostView.Entry::mdev).map(Mdev::matrix);
        MdevDefinition wanted;
        try {
            wanted = wish.apply(before.or(
                    () -> standing.map(matrix -> MdevDefinition.of(id, MdevDefinition.Start.MANUAL, matrix))));
        } catch (MdevDefinition.Unreadable e) {
            throw new InvalidValue(e.field(), "Not a definition: " + e.getMessage() + ".");
        }
        Plan.Problems problems = new Plan.Problems();
        problems.check(() -> StateTag.requireMatch(
                options.ifMatch(), before.map(this::defined).orElse(null)));
        if (wanted.equals(before.orElse(null))) {
            return new Decision(wanted, wanted, problems.found());
        }
        requireMatrixAlone(wanted, before);
        // what was there may stay in a definition that does not start by itself, however it came in
        Matrix accepted = wanted.startsAtBoot()
                ? Matrix.EMPTY
                : before.map(MdevDefinition::matrix).orElse(Matrix.EMPTY);
        problems.check(() -> Invariants.withinMaxima(view, accepted, wanted.matrix()));
        if (!accepted.equals(wanted.matrix())) {
            problems.check(() ->
                    Invariants.notTooLarge(wanted.matrix(), properties.matrix().maxApqns()));
        }
        if (!options.controlDomains()) {
            List<Matrix> known = Stream.concat(before.map(MdevDefinition::matrix).stream(), standing.stream())
                    .toList();
            problems.check(() -> Invariants.controlDomainsAreKnown(known, wanted.matrix()));
        }
        problems.check(() -> Invariants.startsWithItsControlDomains(wanted));
        problems.check(() -> Invariants.startsBesideOthers(all, wanted));
        return new Decision(wanted, before.orElse(null), problems.found());
    }

    /** mdevctl writes as root whatever an attribute names ({@code /etc/passwd}, {@code remove}): what a caller brings in is assignments alone; what stands in a file may stay. */
    private static void requireMatrixAlone(MdevDefinition wanted, Optional<MdevDefinition> before) {
        List<MdevDefinition.Attribute> others = new ArrayList<>(wanted.otherAttributes());
        before.ifPresent(standing -> others.removeAll(standing.otherAttributes()));
        if (!others.isEmpty()) {
            throw new InvalidValue(
                    "attrs",
                    "A definition has assign_adapter, assign_domain and assign_control_domain, and no other attribute.");
        }
    }

    private Forecast forecast(Decision decision) {
        MdevDefinition wanted = decision.wanted();
        MdevDefinition before = decision.before();
        Matrix had = before == null ? Matrix.EMPTY : before.matrix();
        List<Forecast.Line> steps = wanted.equals(before)
                ? List.of()
                : List.of(new Forecast.Line("write", store.file(wanted.id()).toString(), wanted.text()));
        boolean small = wanted.matrix().apqnCount() <= properties.matrix().maxApqns();
        return new Forecast(
                steps,
                small ? wanted.matrix().apqnsNotIn(had) : List.of(),
                had.apqnsNotIn(wanted.matrix()),
                List.of(),
                decision.problems());
    }

    /** Takes a definition away, also a file that is none; the answer is empty afterwards. Already gone is done. The device stands as before. */
    public Outcome<Optional<Defined>> delete(MdevId id, WriteOptions options) {
        Attempt.current().on(id);
        if (options.dryRun()) {
            Optional<MdevDefinition> before = readable(id);
            List<Fault> problems = new ArrayList<>(matching(options, before).found());
            List<Forecast.Line> steps = store.isDefined(id)
                    ? List.of(new Forecast.Line("remove", store.file(id).toString(), ""))
                    : List.of();
            return new Outcome.DryRun<>(new Forecast(
                    steps,
                    List.of(),
                    before.map(definition -> definition.matrix().apqns()).orElse(List.of()),
                    List.of(),
                    problems));
        }
        return host.locked(() -> {
            Optional<MdevDefinition> before = readable(id);
            matching(options, before).refuseIfAny();
            Attempt attempt = Attempt.current();
            if (store.isDefined(id)) {
                attempt.before(before.map(DefinitionService::snapshot).orElse(Snapshot.of(null)));
                attempt.steps(List.of("remove " + store.file(id)));
                attempt.intend();
                store.delete(id);
                LOG.info(
                        "mdev {}: definition {} -> none",
                        id,
                        before.map(known -> known.start().word()).orElse("unreadable"));
            } else {
                attempt.before(Snapshot.NOTHING);
            }
            attempt.after(Snapshot.NOTHING);
            return new Outcome.Done<>(Optional.empty(), false);
        });
    }

    private Plan.Problems matching(WriteOptions options, Optional<MdevDefinition> before) {
        Plan.Problems problems = new Plan.Problems();
        // nothing is left to be taken away, whatever it was
        if (before.isPresent()) {
            problems.check(() -> StateTag.requireMatch(
                    options.ifMatch(), before.map(this::defined).orElseThrow()));
        }
        return problems;
    }

    private Optional<MdevDefinition> readable(MdevId id) {
        return store.all().stream()
                .filter(definition -> definition.id().equals(id))
                .findFirst();
    }

    private static Snapshot snapshot(MdevDefinition definition) {
        return Snapshot.definition(definition.matrix(), definition.start().word());
    }
}
