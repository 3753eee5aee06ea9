package org.apmatrix.host;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.apmatrix.ap.Matrix;
import org.apmatrix.ap.MdevId;
import org.jspecify.annotations.Nullable;

/**
 * A device as mdevctl would make it: one file of {@code /etc/mdevctl.d/matrix}, character by character.
 *
 * <p>A change keeps order, spelling, duplicates and unknown members of all that it is not about (facts: mdevctl, src/mdev.rs, load_from_json and to_json).
 */
public final class MdevDefinition {
    /** The only type that vfio_ap knows. */
    public static final String TYPE = "vfio_ap-passthrough";

    private static final String START = "start";
    private static final String MDEV_TYPE = "mdev_type";
    private static final String ATTRS = "attrs";
    private static final String AUTOSTART = "autostart";
    private static final Set<String> OWN = Set.of(MDEV_TYPE, START, ATTRS);

    private final MdevId id;
    private final JsonObjectText object;
    private final Start start;
    private final DefinedAttributes attributes;
    private final Matrix matrix;

    /** Whether the device is made at boot. */
    public enum Start {
        MANUAL,
        AUTO;

        /** mdevctl's own word. */
        public String word() {
            return switch (this) {
                case MANUAL -> "manual";
                case AUTO -> "auto";
            };
        }
    }

    /** One line of {@code attrs}: mdevctl writes the value to the attribute of this name, in the order of the lines. */
    public record Attribute(String name, String value) {}

    /** A document that is no definition; the message says why. */
    public static final class Unreadable extends RuntimeException {
        private static final long serialVersionUID = 1L;

        private final String field;
        private final boolean toMdevctl;

        /** For mdevctl, too. */
        Unreadable(String field, @Nullable String why) {
            this(field, why, true);
        }

        private Unreadable(String field, @Nullable String why, boolean toMdevctl) {
            super(why);
            this.field = field;
            this.toMdevctl = toMdevctl;
        }

        /** What mdevctl reads, and the kernel then refuses. */
        static Unreadable toTheKernel(String field, String why) {
            return new Unreadable(field, why, false);
        }

        /** Whether mdevctl fails over it. */
        public boolean toMdevctl() {
            return toMdevctl;
        }

        /** The part that is wrong, such as {@code attrs}. */
        public String field() {
            return field;
        }
    }

    private MdevDefinition(MdevId id, JsonObjectText object) {
        this.id = id;
        this.object = object;
        String type = object.value(MDEV_TYPE)
                .flatMap(JsonObjectText::string)
                .orElseThrow(() -> new Unreadable(MDEV_TYPE, "mdev_type is missing, or is no string"));
        if (!type.equals(TYPE)) {
            throw Unreadable.toTheKernel(MDEV_TYPE, "mdev_type \"" + type + "\" is not " + TYPE);
        }
        String startValue =
                object.value(START).orElseThrow(() -> new Unreadable(START, "start is missing: auto or manual"));
        this.start =
                JsonObjectText.string(startValue).equals(Optional.of(Start.AUTO.word())) ? Start.AUTO : Start.MANUAL;
        this.attributes = object.value(ATTRS).map(DefinedAttributes::parse).orElse(DefinedAttributes.NONE);
        this.matrix = attributes.matrix();
    }

    /** As {@code mdevctl define} and {@code mdevctl modify --addattr} would write it, with the kernel's spelling of numbers. */
    public static MdevDefinition of(MdevId id, Start start, Matrix matrix) {
        return of(id, start, attributesOf(matrix));
    }

    /** The same with attributes in an order and a spelling of somebody's own. */
    public static MdevDefinition of(MdevId id, Start start, List<Attribute> attributes) {
        return parse(
                id,
                "{\n  \"mdev_type\": \"" + TYPE + "\",\n  \"start\": \"" + start.word() + "\",\n  \"attrs\": "
                        + DefinedAttributes.format(attributes) + "\n}");
    }

    /**
     * Reads what mdevctl reads.
     *
     * @throws Unreadable where mdevctl would refuse it, or where it is no device of vfio_ap
     */
    public static MdevDefinition parse(MdevId id, String text) {
        return new MdevDefinition(id, object(text));
    }

    /**
     * Reads a document that may leave things out: the type is known; without {@code attrs} its members replace those of what stands; without {@code start} the
     * boolean {@code autostart} says it, which is then not kept, else what stands. A whole document is taken as it is.
     *
     * @param stands the definition that stands, or else one of the device that stands
     * @throws Unreadable where it is no definition, or there is nothing to take the rest from
     */
    public static MdevDefinition complete(MdevId id, String text, Optional<MdevDefinition> stands) {
        JsonObjectText wished = startOf(object(text), stands);
        if (wished.value(ATTRS).isPresent()) {
            return new MdevDefinition(
                    id, wished.value(MDEV_TYPE).isPresent() ? wished : wished.with(MDEV_TYPE, quoted(TYPE)));
        }
        JsonObjectText merged = stands.orElseThrow(() -> new Unreadable(
                        ATTRS, "attrs is missing, and neither a definition nor a device stands to take it from"))
                .object;
        for (JsonObjectText.Member member : wished.members()) {
            // to mdevctl null is as good as nothing in its own members; in those of others it may mean something
            if (!wished.value(member).equals("null") || !OWN.contains(member.name())) {
                merged = merged.with(member.name(), wished.value(member));
            }
        }
        return new MdevDefinition(id, merged);
    }

    private static JsonObjectText startOf(JsonObjectText wished, Optional<MdevDefinition> stands) {
        Optional<String> start = wished.value(START);
        Optional<String> autostart = wished.value(AUTOSTART);
        if (start.isPresent()) {
            // mdevctl takes whatever is not auto for manual; whoever asks for something means one of the two
            String word = JsonObjectText.string(start.get()).orElse("");
            if (!word.equals(Start.AUTO.word()) && !word.equals(Start.MANUAL.word())) {
                throw new Unreadable(START, "start is either \"auto\" or \"manual\"");
            }
            if (autostart.isPresent() && !autostart.get().equals(String.valueOf(word.equals(Start.AUTO.word())))) {
                throw new Unreadable(AUTOSTART, "autostart and start say different things");
            }
            return wished;
        }
        if (autostart.isEmpty()) {
            JsonObjectText silent = wished.without(AUTOSTART);
            return silent.value(ATTRS).isEmpty()
                    ? silent
                    : silent.with(
                            START,
                            quoted(stands.map(MdevDefinition::start)
                                    .orElse(Start.MANUAL)
                                    .word()));
        }
        if (!autostart.get().equals("true") && !autostart.get().equals("false")) {
            throw new Unreadable(AUTOSTART, "autostart is either true or false");
        }
        Start said = autostart.get().equals("true") ? Start.AUTO : Start.MANUAL;
        return wished.without(AUTOSTART).with(START, quoted(said.word()));
    }

    private static JsonObjectText object(String text) {
        try {
            return JsonObjectText.parse(text);
        } catch (IllegalArgumentException e) {
            throw new Unreadable("body", e.getMessage());
        }
    }

    private static String quoted(String text) {
        return JsonObjectText.quoted(text);
    }

    public MdevId id() {
        return id;
    }

    public Start start() {
        return start;
    }

    public boolean startsAtBoot() {
        return start == Start.AUTO;
    }

    /** The queues that both want at boot, as a product again; none unless both start then. */
    public Matrix clash(MdevDefinition other) {
        boolean both = startsAtBoot() && other.startsAtBoot() && !id.equals(other.id);
        return both ? matrix.shared(other.matrix) : Matrix.EMPTY;
    }

    /** The attributes that are none of a matrix: mdevctl writes each to the file of that name, below the device or wherever the name leads. */
    public List<Attribute> otherAttributes() {
        return attributes().stream()
                .filter(attribute -> DefinedAttributes.Kind.of(attribute).isEmpty())
                .toList();
    }

    /**
     * Whether mdevctl's callout for vfio_ap starts no such device (s390-tools, ap_tools/ap-check.c, ap_check_handle_start): it has control domains and no usage
     * domain.
     */
    public boolean hasControlDomainsAlone() {
        return matrix.domains().isEmpty() && !matrix.controlDomains().isEmpty();
    }

    /** What the {@code assign_…} attributes make together; the others are kept and mean nothing here. */
    public Matrix matrix() {
        return matrix;
    }

    /** All attributes in their order and spelling. */
    public List<Attribute> attributes() {
        return attributes.list();
    }

    /** The file's very text. */
    public String text() {
        return object.text();
    }

    /** The same with this word for {@code start}, if it is not so already. */
    public MdevDefinition withStart(Start wanted) {
        return wanted == start ? this : new MdevDefinition(id, object.with(START, quoted(wanted.word())));
    }

    /** The same with exactly this matrix: attributes that it does not have go, those that it lacks are added to their like. */
    public MdevDefinition withMatrix(Matrix wanted) {
        return wanted.equals(matrix) ? this : withAttrs(attributes.with(attributesOf(matrix), attributesOf(wanted)));
    }

    /** The same with these attributes, if they are not so already. */
    public MdevDefinition withAttributes(List<Attribute> wanted) {
        return wanted.equals(attributes()) ? this : withAttrs(DefinedAttributes.format(wanted));
    }

    private MdevDefinition withAttrs(String array) {
        return new MdevDefinition(id, object.with(ATTRS, array));
    }

    private static List<Attribute> attributesOf(Matrix matrix) {
        List<Attribute> attributes = new ArrayList<>();
        Stream.of(DefinedAttributes.Kind.values())
                .forEach(kind -> kind.of(matrix).ids().forEach(number -> attributes.add(kind.attribute(number))));
        return attributes;
    }

    /** Two are equal that are the same file. */
    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof MdevDefinition that && id.equals(that.id) && text().equals(that.text());
    }

    @Override
    public int hashCode() {
        return 31 * id.hashCode() + text().hashCode();
    }

    @Override
    public String toString() {
        return id + " " + start.word() + " " + text();
    }
}
