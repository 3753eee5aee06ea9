package org.apmatrix.api;

import java.net.URI;
import java.util.function.Function;
import org.apmatrix.access.Caller;
import org.apmatrix.access.Role;
import org.apmatrix.fault.InvalidValue;
import org.apmatrix.service.Outcome;
import org.apmatrix.service.StateTag;
import org.apmatrix.service.WriteOptions;
import org.jspecify.annotations.Nullable;
import org.springframework.http.ResponseEntity;

/** Outcomes of the services as HTTP answers. */
final class Answers {
    private Answers() {}

    static WriteOptions options(@Nullable Boolean dryRun, @Nullable Boolean live, @Nullable String ifMatch) {
        return new WriteOptions(
                Boolean.TRUE.equals(dryRun),
                Boolean.TRUE.equals(live),
                ifMatch,
                Caller.current().has(Role.CONTROL_DOMAIN_ADMIN));
    }

    /** The header Idempotency-Key, made its caller's own: two callers who choose the same key mean two requests. */
    static @Nullable String ownKey(@Nullable String idempotencyKey) {
        if (idempotencyKey == null) {
            return null;
        }
        if (!idempotencyKey.matches("[\\x21-\\x7e]{1,255}")) {
            throw new InvalidValue("Idempotency-Key", "1 to 255 printable characters without blanks.");
        }
        Caller caller = Caller.current();
        return caller.kind() + " " + caller.name() + " " + idempotencyKey;
    }

    /** The plan of a dry run, or what {@code answer} makes of the state. */
    static <T> ResponseEntity<Object> of(
            Outcome<T> outcome, String instance, Function<Outcome.Done<T>, ResponseEntity<Object>> answer) {
        if (outcome instanceof Outcome.DryRun<T> dryRun) {
            return ResponseEntity.ok(DryRunResource.from(dryRun.forecast(), instance));
        }
        return answer.apply((Outcome.Done<T>) outcome);
    }

    /** 200 with the state's ETag, or 201 with {@code Location} when it was made. */
    static <T extends Record> ResponseEntity<Object> tagged(Outcome.Done<T> done, Object body, String location) {
        ResponseEntity.BodyBuilder builder =
                done.created() ? ResponseEntity.created(URI.create(location)) : ResponseEntity.ok();
        return builder.eTag(StateTag.of(done.state())).body(body);
    }
}
