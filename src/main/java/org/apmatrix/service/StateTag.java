package org.apmatrix.service;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import org.apmatrix.fault.RequestDenied;
import org.jspecify.annotations.Nullable;

/** The strong entity tag over what the kernel holds now (RFC 9110, 8.8.3): a digest of a record of values. */
public final class StateTag {
    private StateTag() {}

    /** The tag of a state whose {@code toString} is its content, in the quotes of the header. */
    public static String of(Record state) {
        try {
            byte[] digest =
                    MessageDigest.getInstance("SHA-256").digest(state.toString().getBytes(StandardCharsets.UTF_8));
            return '"' + HexFormat.of().formatHex(digest, 0, 16) + '"';
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    /** Throws STATE_CHANGED unless the header is absent, names the state's tag, or is {@code *} and there is a state. */
    static void requireMatch(@Nullable String ifMatch, @Nullable Record state) {
        if (ifMatch == null) {
            return;
        }
        boolean matches = state != null
                && (ifMatch.strip().equals("*")
                        || Arrays.stream(ifMatch.split(",")).map(String::strip).anyMatch(of(state)::equals));
        if (!matches) {
            throw RequestDenied.stateChanged();
        }
    }
}
