package org.apmatrix.host;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apmatrix.ap.AdapterId;
import org.apmatrix.ap.ApMask;
import org.apmatrix.ap.DomainId;
import org.apmatrix.ap.Matrix;
import org.apmatrix.host.MdevDefinition.Attribute;
import org.apmatrix.host.MdevDefinition.Unreadable;

/**
 * The array {@code attrs} of a definition as its text: each element an object with one name and one string (mdevctl, src/mdev.rs, add_attributes).
 *
 * @param array the text from bracket to bracket
 */
record DefinedAttributes(String array, List<Line> lines) {
    static final DefinedAttributes NONE = new DefinedAttributes("[]", List.of());

    /** One element: where it stands, and what it says. */
    private record Line(JsonObjectText.Span span, JsonObjectText object, Attribute attribute) {}

    /** The attributes that make the matrix. */
    enum Kind {
        ADAPTER("assign_adapter"),
        DOMAIN("assign_domain"),
        CONTROL_DOMAIN("assign_control_domain");

        private final String attribute;

        Kind(String attribute) {
            this.attribute = attribute;
        }

        static Optional<Kind> of(Attribute attribute) {
            return Stream.of(values())
                    .filter(kind -> kind.attribute.equals(attribute.name()))
                    .findFirst();
        }

        ApMask of(Matrix matrix) {
            return switch (this) {
                case ADAPTER -> matrix.adapters();
                case DOMAIN -> matrix.domains();
                case CONTROL_DOMAIN -> matrix.controlDomains();
            };
        }

        Attribute attribute(int number) {
            return switch (this) {
                case ADAPTER -> new Attribute(attribute, "0x" + new AdapterId(number));
                case DOMAIN, CONTROL_DOMAIN -> new Attribute(attribute, "0x" + new DomainId(number));
            };
        }
    }

    static DefinedAttributes parse(String array) {
        List<JsonObjectText.Span> spans =
                JsonObjectText.elements(array).orElseThrow(() -> new Unreadable("attrs", "attrs is no array"));
        List<Line> lines = new ArrayList<>();
        for (JsonObjectText.Span span : spans) {
            String field = "attrs[" + lines.size() + "]";
            String text = array.substring(span.start(), span.end());
            if (!text.startsWith("{")) {
                throw new Unreadable(field, field + " is no object");
            }
            JsonObjectText object = JsonObjectText.parse(text);
            Set<String> names =
                    object.members().stream().map(JsonObjectText.Member::name).collect(Collectors.toSet());
            if (names.size() != 1) {
                throw new Unreadable(field, field + " has " + names.size() + " members instead of one");
            }
            String name = names.iterator().next();
            String value = object.value(name)
                    .flatMap(JsonObjectText::string)
                    .orElseThrow(() -> new Unreadable(field, name + " of " + field + " is no string"));
            lines.add(new Line(span, object, new Attribute(name, value)));
        }
        return new DefinedAttributes(array, lines);
    }

    /** As serde_json's pretty printer writes it inside of a definition. */
    static String format(List<Attribute> attributes) {
        return attributes.isEmpty()
                ? "[]"
                : attributes.stream()
                        .map(attribute -> "\n    {\n      " + JsonObjectText.quoted(attribute.name()) + ": "
                                + JsonObjectText.quoted(attribute.value()) + "\n    }")
                        .collect(Collectors.joining(",", "[", "\n  ]"));
    }

    List<Attribute> list() {
        return lines.stream().map(Line::attribute).toList();
    }

    Matrix matrix() {
        return new Matrix(numbers(Kind.ADAPTER), numbers(Kind.DOMAIN), numbers(Kind.CONTROL_DOMAIN));
    }

    private ApMask numbers(Kind kind) {
        ApMask numbers = ApMask.NONE;
        for (Line line : lines) {
            if (Kind.of(line.attribute()).equals(Optional.of(kind))) {
                numbers = numbers.with(number(line.attribute()));
            }
        }
        return numbers;
    }

    /**
     * In the kernel's grammar (lib/kstrtox.c, kstrtoul with base 0): decimal, 0x hex, octal after a zero; a plus before it, one newline behind it. mdevctl writes the
     * text as it is.
     */
    private static int number(Attribute attribute) {
        String text = attribute.value();
        String digits = text.substring(text.startsWith("+") ? 1 : 0, text.length() - (text.endsWith("\n") ? 1 : 0));
        int radix = !digits.startsWith("0") ? 10 : digits.matches("0[xX][0-9a-fA-F].*") ? 16 : 8;
        int number = 0;
        String rest = radix == 16 ? digits.substring(2) : digits;
        for (int i = 0; i < rest.length() && number < ApMask.SIZE; i++) {
            char digit = rest.charAt(i);
            int value = digit < 128 ? Character.digit(digit, radix) : -1;
            number = value < 0 ? ApMask.SIZE : number * radix + value;
        }
        if (rest.isEmpty() || number >= ApMask.SIZE) {
            throw Unreadable.toTheKernel(
                    "attrs", attribute.name() + " " + JsonObjectText.quoted(text) + " is no number from 0 to 255");
        }
        return number;
    }

    /** The array without what only {@code before} has and with what only {@code after} has, in the style of what is there. */
    String with(List<Attribute> before, List<Attribute> after) {
        Set<Attribute> gone = new HashSet<>(before);
        after.forEach(gone::remove);
        List<Piece> pieces = new ArrayList<>();
        for (int i = 0; i < lines.size(); i++) {
            Line line = lines.get(i);
            Optional<Kind> kind = Kind.of(line.attribute());
            if (kind.isEmpty() || !gone.contains(kind.get().attribute(number(line.attribute())))) {
                pieces.add(new Piece(line.attribute().name(), gap(i), text(line)));
            }
        }
        for (Attribute attribute : after) {
            if (!before.contains(attribute)) {
                int behind = pieces.size();
                for (int i = 0; i < pieces.size(); i++) {
                    behind = pieces.get(i).name().equals(attribute.name()) ? i + 1 : behind;
                }
                pieces.add(behind, new Piece(attribute.name(), gap(1), element(attribute)));
            }
        }
        if (pieces.isEmpty()) {
            return "[]";
        }
        StringBuilder text =
                new StringBuilder("[").append(gap(0)).append(pieces.get(0).text());
        pieces.subList(1, pieces.size())
                .forEach(piece -> text.append(piece.gap()).append(piece.text()));
        return text.append(
                        lines.isEmpty()
                                ? "\n  "
                                : array.substring(
                                        lines.get(lines.size() - 1).span().end(), array.length() - 1))
                .append("]")
                .toString();
    }

    /** An element with the white space and the comma that stand before it where it is not the first. */
    private record Piece(String name, String gap, String text) {}

    /** What stands before an element; mdevctl's own where there is none. */
    private String gap(int index) {
        if (index == 0) {
            return lines.isEmpty()
                    ? "\n    "
                    : array.substring(1, lines.get(0).span().start());
        }
        return lines.size() < 2
                ? "," + gap(0)
                : array.substring(
                        lines.get(index - 1).span().end(),
                        lines.get(index).span().start());
    }

    private String text(Line line) {
        return array.substring(line.span().start(), line.span().end());
    }

    private String element(Attribute attribute) {
        return lines.stream()
                .map(Line::object)
                .filter(object -> object.members().size() == 1)
                .findFirst()
                .map(object -> object.likewise(attribute.name(), attribute.value()))
                .orElse("{\n      " + JsonObjectText.quoted(attribute.name()) + ": "
                        + JsonObjectText.quoted(attribute.value()) + "\n    }");
    }
}
