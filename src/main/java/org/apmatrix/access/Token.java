package org.apmatrix.access;

import java.security.SecureRandom;
import java.util.Base64;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.springframework.security.crypto.argon2.Argon2PasswordEncoder;
import org.springframework.security.crypto.bcrypt.BCryptPasswordEncoder;
import org.springframework.security.crypto.password.PasswordEncoder;

/**
 * A static token, {@code apm_NAME_SECRET}: the name finds its line in the tokens file, the secret (256 random bits) is held against the hash there.
 *
 * @param name lower-case letters, digits and hyphens, at most 32
 */
record Token(String name, String secret) {
    private static final Pattern FORM = Pattern.compile("apm_([a-z0-9-]{1,32})_([A-Za-z0-9_-]{1,72})");
    private static final Pattern NAME = Pattern.compile("[a-z0-9-]{1,32}");
    private static final Pattern ARGON2 = Pattern.compile("\\$argon2(id|i|d)\\$[A-Za-z0-9+/=,$]+");
    private static final Pattern BCRYPT = Pattern.compile("\\$2[aby]\\$[0-9]{2}\\$[./A-Za-z0-9]{53}");
    private static final int SECRET_BYTES = 32;
    private static final PasswordEncoder ARGON2_ENCODER = Argon2PasswordEncoder.defaultsForSpringSecurity_v5_8();
    private static final PasswordEncoder BCRYPT_ENCODER = new BCryptPasswordEncoder();

    /** Empty for a text that is none: a JWT, say. */
    static Optional<Token> parse(String text) {
        Matcher matcher = FORM.matcher(text);
        return matcher.matches() ? Optional.of(new Token(matcher.group(1), matcher.group(2))) : Optional.empty();
    }

    static Token random(String name) {
        byte[] secret = new byte[SECRET_BYTES];
        new SecureRandom().nextBytes(secret);
        return new Token(name, Base64.getUrlEncoder().withoutPadding().encodeToString(secret));
    }

    /** Argon2id, with a salt of its own. */
    String hash() {
        return String.valueOf(ARGON2_ENCODER.encode(secret));
    }

    /** Takes some ten milliseconds and 16 MiB of memory, as Argon2 is meant to. */
    boolean fits(String hash) {
        return (BCRYPT.matcher(hash).matches() ? BCRYPT_ENCODER : ARGON2_ENCODER).matches(secret, hash);
    }

    static boolean isName(String text) {
        return NAME.matcher(text).matches();
    }

    static boolean isHash(String text) {
        return ARGON2.matcher(text).matches() || BCRYPT.matcher(text).matches();
    }

    /** Roles with commas between them; empty when one is none. */
    static Optional<Set<Role>> roles(String text) {
        Set<Role> roles = EnumSet.noneOf(Role.class);
        for (String part : text.split(",", -1)) {
            Optional<Role> role = Role.parse(part.strip());
            if (role.isEmpty()) {
                return Optional.empty();
            }
            roles.add(role.get());
        }
        return Optional.of(roles);
    }

    /** As it goes over the wire. */
    String text() {
        return "apm_" + name + "_" + secret;
    }

    /** Without the secret: this may come into a log. */
    @Override
    public String toString() {
        return "apm_" + name + "_…";
    }
}
