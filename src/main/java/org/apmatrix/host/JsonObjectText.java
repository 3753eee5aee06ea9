package org.apmatrix.host;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.TokenStreamLocation;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.json.JsonMapper;

/**
 * One JSON object as its text, and where its members stand in it: a member is replaced or added without touching a character of the rest.
 *
 * <p>Takes what mdevctl takes and nothing else (serde_json): mdevctl does not skip a definition that it cannot read, it fails altogether.
 *
 * @param members in their order, also those that come twice
 * @param open behind the opening brace
 */
record JsonObjectText(String text, List<Member> members, int open) {
    /** serde_json gives up at 128. */
    private static final int DEPTH = 127;

    private static final JsonMapper JSON = JsonMapper.builder(JsonFactory.builder()
                    .streamReadConstraints(StreamReadConstraints.builder()
                            .maxNestingDepth(DEPTH)
                            .build())
                    .build())
            .build();

    /** A name and its value: offsets into the text, the end behind the last character. */
    record Member(String name, int nameStart, int nameEnd, int valueStart, int valueEnd) {}

    /** Where an element of an array stands. */
    record Span(int start, int end) {}

    /** Reads one object with nothing behind it. */
    static JsonObjectText parse(String text) {
        try (JsonParser parser = JSON.createParser(text)) {
            if (parser.nextToken() != JsonToken.START_OBJECT) {
                throw new IllegalArgumentException("not a JSON object");
            }
            int open = end(parser);
            List<Member> members = new ArrayList<>();
            while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
                String name = parser.currentName();
                int nameStart = start(parser);
                requireUnicode(name);
                parser.nextToken();
                int valueStart = start(parser);
                pass(parser);
                members.add(new Member(name, nameStart, endOfString(text, nameStart), valueStart, end(parser)));
            }
            if (parser.nextToken() != null) {
                throw new IllegalArgumentException("something stands behind the JSON object");
            }
            return new JsonObjectText(text, List.copyOf(members), open);
        } catch (JacksonException e) {
            throw new IllegalArgumentException("no JSON that mdevctl reads", e);
        }
    }

    /** Where the elements of an array's text stand in it; empty when it is no array. */
    static Optional<List<Span>> elements(String array) {
        try (JsonParser parser = JSON.createParser(array)) {
            if (parser.nextToken() != JsonToken.START_ARRAY) {
                return Optional.empty();
            }
            List<Span> elements = new ArrayList<>();
            while (parser.nextToken() != JsonToken.END_ARRAY) {
                int start = start(parser);
                pass(parser);
                elements.add(new Span(start, end(parser)));
            }
            return Optional.of(elements);
        }
    }

    /** A value's text if it is a string, unescaped. */
    static Optional<String> string(String value) {
        return value.startsWith("\"") ? Optional.of(JSON.readValue(value, String.class)) : Optional.empty();
    }

    static String quoted(String value) {
        return JSON.writeValueAsString(value);
    }

    /** The member that counts: of those with one name it is the last. */
    Optional<Member> last(String name) {
        return members.stream().filter(member -> member.name().equals(name)).reduce((first, last) -> last);
    }

    /** The text of the value that counts; empty where there is none or it is null, which mdevctl does not tell from none. */
    Optional<String> value(String name) {
        return last(name).map(this::value).filter(value -> !value.equals("null"));
    }

    String value(Member member) {
        return text.substring(member.valueStart(), member.valueEnd());
    }

    /** The value that counts replaced, or a member added behind all others, in their style. */
    JsonObjectText with(String name, String value) {
        Optional<Member> present = last(name);
        if (present.isPresent()) {
            Member member = present.get();
            return parse(text.substring(0, member.valueStart()) + value + text.substring(member.valueEnd()));
        }
        if (members.isEmpty()) {
            return parse(text.substring(0, open) + quoted(name) + ": " + value + text.substring(open));
        }
        Member last = members.get(members.size() - 1);
        int before =
                members.size() == 1 ? open : members.get(members.size() - 2).valueEnd();
        String gap = text.substring(before, last.nameStart());
        return parse(text.substring(0, last.valueEnd())
                + (members.size() == 1 ? "," + gap : gap)
                + quoted(name)
                + text.substring(last.nameEnd(), last.valueStart())
                + value
                + text.substring(last.valueEnd()));
    }

    /** All members of this name taken out, with the comma that each had. */
    JsonObjectText without(String name) {
        Optional<Member> found = last(name);
        if (found.isEmpty()) {
            return this;
        }
        int index = members.lastIndexOf(found.get());
        boolean first = index == 0;
        int from = first ? open : members.get(index - 1).valueEnd();
        int to = first && members.size() > 1
                ? members.get(1).nameStart()
                : found.get().valueEnd();
        int kept = first && members.size() > 1 ? found.get().nameStart() : from;
        return parse(text.substring(0, kept) + text.substring(to)).without(name);
    }

    /** The same object with another name and value in the place of its only member. */
    String likewise(String name, String value) {
        Member member = members.get(0);
        return text.substring(0, member.nameStart())
                + quoted(name)
                + text.substring(member.nameEnd(), member.valueStart())
                + quoted(value)
                + text.substring(member.valueEnd());
    }

    /** Goes to the end of a value. */
    private static void pass(JsonParser parser) {
        int depth = 0;
        while (true) {
            JsonToken token = parser.currentToken();
            if (token == null) {
                throw new IllegalArgumentException("the JSON ends too early");
            }
            if (token.isStructStart()) {
                depth++;
            } else if (token.isStructEnd()) {
                depth--;
            } else if (token == JsonToken.PROPERTY_NAME || token == JsonToken.VALUE_STRING) {
                requireUnicode(parser.getString());
            } else if (token.isNumeric() && Double.isInfinite(Double.parseDouble(parser.getString()))) {
                throw new IllegalArgumentException("a number is out of range");
            }
            if (depth == 0) {
                parser.finishToken();
                return;
            }
            parser.nextToken();
        }
    }

    /** Half of a surrogate pair can be escaped in JSON, and is no character. */
    private static void requireUnicode(String text) {
        boolean torn = text.codePoints()
                .anyMatch(point -> point >= Character.MIN_SURROGATE && point <= Character.MAX_SURROGATE);
        if (torn) {
            throw new IllegalArgumentException("half of a surrogate pair is escaped");
        }
    }

    private static int endOfString(String text, int start) {
        int end = start + 1;
        while (text.charAt(end) != '"') {
            end += text.charAt(end) == '\\' ? 2 : 1;
        }
        return end + 1;
    }

    private static int start(JsonParser parser) {
        return offset(parser.currentTokenLocation());
    }

    private static int end(JsonParser parser) {
        return offset(parser.currentLocation());
    }

    private static int offset(TokenStreamLocation location) {
        return Math.toIntExact(location.getCharOffset());
    }
}
