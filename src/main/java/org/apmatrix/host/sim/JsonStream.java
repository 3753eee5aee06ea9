package org.apmatrix.host.sim;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.core.json.JsonReadFeature;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Cuts a stream of bytes into JSON values as QEMU does (qobject/json-lexer.c, json-streamer.c): a value ends when its brackets balance, white space means
 * nothing, and a byte that cannot be ends the value with an error.
 *
 * <p>What a balanced text says is Jackson's to find out. Where it cannot, QEMU's text is told for a bad keyword and for a duplicate key, and "expecting value"
 * for all else.
 */
final class JsonStream {
    /** Who gets the values. */
    interface Receiver {
        void value(JsonNode value);

        /**
         * The bytes were no value.
         *
         * @param text what QEMU's error says, such as {@code JSON parse error, expecting value}
         */
        void error(String text);
    }

    /** MAX_TOKEN_SIZE, MAX_TOKEN_COUNT and MAX_NESTING of qobject/json-streamer.c: bytes and tokens of one value, brackets within brackets. */
    record Limits(long bytes, int tokens, int nesting) {
        static final Limits OF_QEMU = new Limits(64L << 20, 2 << 20, 1024);
    }

    private enum State {
        START,
        DOUBLE_QUOTED,
        SINGLE_QUOTED,
        KEYWORD,
        NUMBER,
        /** After an error: nothing counts before the next bracket, comma, colon or control character. */
        RECOVERY
    }

    private enum Token {
        OPEN_BRACE,
        CLOSE_BRACE,
        OPEN_BRACKET,
        CLOSE_BRACKET,
        OTHER
    }

    private static final Set<String> KEYWORDS = Set.of("true", "false", "null");
    private static final JsonMapper MAPPER = JsonMapper.builder(JsonFactory.builder()
                    .enable(JsonReadFeature.ALLOW_SINGLE_QUOTES)
                    .enable(JsonReadFeature.ALLOW_BACKSLASH_ESCAPING_ANY_CHARACTER)
                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                    .streamReadConstraints(StreamReadConstraints.builder()
                            .maxNestingDepth(Limits.OF_QEMU.nesting())
                            .maxStringLength(Integer.MAX_VALUE)
                            .maxNameLength(Integer.MAX_VALUE)
                            .build())
                    .build())
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private final Receiver receiver;
    private final Limits limits;
    private ByteArrayOutputStream token = new ByteArrayOutputStream();
    private ByteArrayOutputStream value = new ByteArrayOutputStream();
    private State state = State.START;
    private boolean escaped;
    private int tokens;
    private int braces;
    private int brackets;
    private @Nullable String badKeyword;

    JsonStream(Receiver receiver, Limits limits) {
        this.receiver = receiver;
        this.limits = limits;
    }

    void feed(ByteBuffer bytes) {
        while (bytes.hasRemaining()) {
            feed(bytes.get());
            if (token.size() > limits.bytes()) {
                refuse("JSON token size limit exceeded");
            }
        }
    }

    private void feed(byte signed) {
        int next = signed & 0xff;
        switch (state) {
            case START -> start(next);
            case DOUBLE_QUOTED -> inString(next, '"');
            case SINGLE_QUOTED -> inString(next, '\'');
            case KEYWORD -> {
                if (isLower(next)) {
                    token.write(next);
                } else {
                    finish(Token.OTHER);
                    start(next);
                }
            }
            case NUMBER -> {
                if (isNumeric(next)) {
                    token.write(next);
                } else {
                    finish(Token.OTHER);
                    start(next);
                }
            }
            case RECOVERY -> {
                if (next < 0x20 || next >= 0xfe || "{}[],:".indexOf(next) >= 0) {
                    start(next);
                }
            }
        }
    }

    private void start(int next) {
        state = State.START;
        switch (next) {
            case ' ', '\t', '\r', '\n' -> {}
            case '{' -> take(next, Token.OPEN_BRACE);
            case '}' -> take(next, Token.CLOSE_BRACE);
            case '[' -> take(next, Token.OPEN_BRACKET);
            case ']' -> take(next, Token.CLOSE_BRACKET);
            case ',', ':' -> take(next, Token.OTHER);
            case '"' -> begin(next, State.DOUBLE_QUOTED);
            case '\'' -> begin(next, State.SINGLE_QUOTED);
            default -> {
                if (isLower(next)) {
                    begin(next, State.KEYWORD);
                } else if (next == '-' || isDigit(next)) {
                    begin(next, State.NUMBER);
                } else {
                    stray(next);
                }
            }
        }
    }

    private void begin(int next, State newState) {
        token.write(next);
        state = newState;
    }

    private void take(int next, Token kind) {
        token.write(next);
        finish(kind);
    }

    private void inString(int next, int quote) {
        if (next < 0x20 || next >= 0xfe) {
            stray(next);
            return;
        }
        token.write(next);
        if (escaped) {
            escaped = false;
        } else if (next == '\\') {
            escaped = true;
        } else if (next == quote) {
            state = State.START;
            finish(Token.OTHER);
        }
    }

    private static boolean isLower(int next) {
        return next >= 'a' && next <= 'z';
    }

    private static boolean isDigit(int next) {
        return next >= '0' && next <= '9';
    }

    private static boolean isNumeric(int next) {
        return isDigit(next) || "+-.eE".indexOf(next) >= 0;
    }

    private void stray(int next) {
        token.write(next);
        String text = token.toString(StandardCharsets.UTF_8);
        // a text in C ends at its first zero
        int end = text.indexOf('\0');
        forget();
        state = State.RECOVERY;
        receiver.error("JSON parse error, stray '" + (end < 0 ? text : text.substring(0, end)) + "'");
    }

    /** qobject/json-streamer.c, json_message_process_token. */
    private void finish(Token kind) {
        switch (kind) {
            case OPEN_BRACE -> braces++;
            case CLOSE_BRACE -> braces--;
            case OPEN_BRACKET -> brackets++;
            case CLOSE_BRACKET -> brackets--;
            case OTHER -> {}
        }
        if ((long) value.size() + token.size() + 1 > limits.bytes()) {
            refuse("JSON token size limit exceeded");
        } else if (tokens + 1 > limits.tokens()) {
            refuse("JSON token count limit exceeded");
        } else if (braces + brackets > limits.nesting()) {
            refuse("JSON nesting depth limit exceeded");
        } else {
            append();
            boolean balanced = braces == 0 && brackets == 0;
            if (balanced || braces < 0 || brackets < 0) {
                emit();
            }
        }
    }

    private void append() {
        if (state == State.KEYWORD && badKeyword == null) {
            String word = token.toString(StandardCharsets.US_ASCII);
            badKeyword = KEYWORDS.contains(word) ? null : word;
        }
        value.writeBytes(token.toByteArray());
        // what is left out between two tokens, so that they stay two
        value.write(' ');
        token.reset();
        tokens++;
    }

    private void refuse(String text) {
        forget();
        receiver.error(text);
    }

    private void emit() {
        byte[] text = value.toByteArray();
        String keyword = badKeyword;
        forget();
        if (keyword != null) {
            receiver.error("JSON parse error, invalid keyword '" + keyword + "'");
            return;
        }
        JsonNode parsed;
        try {
            parsed = MAPPER.readTree(text);
        } catch (JacksonException unparsable) {
            boolean duplicate = unparsable.getOriginalMessage().startsWith("Duplicate ");
            receiver.error("JSON parse error, " + (duplicate ? "duplicate key" : "expecting value"));
            return;
        }
        receiver.value(parsed);
    }

    private void forget() {
        state = State.START;
        escaped = false;
        braces = 0;
        brackets = 0;
        tokens = 0;
        badKeyword = null;
        // new ones: 64 MiB are not kept for a client that needed them once
        token = new ByteArrayOutputStream();
        value = new ByteArrayOutputStream();
    }
}
