package org.apmatrix.fault;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A no with its code and facts, on its way to the caller. */
public abstract sealed class Fault extends RuntimeException permits InvalidValue, NotFound, RequestDenied, HostFailure {
    private static final long serialVersionUID = 1L;

    private final ErrorCode code;
    private final @Nullable String errno;
    private final transient List<Conflict> conflicts;
    private final transient Map<String, @Nullable Object> facts;

    /**
     * @param errno the kernel's name of what it said or would say, such as {@code EBUSY}
     * @param facts further members of the problem answer, by their JSON name
     */
    Fault(
            ErrorCode code,
            String detail,
            @Nullable String errno,
            List<Conflict> conflicts,
            Map<String, @Nullable Object> facts) {
        super(detail);
        this.code = code;
        this.errno = errno;
        this.conflicts = List.copyOf(conflicts);
        this.facts = Collections.unmodifiableMap(new LinkedHashMap<>(facts));
    }

    public ErrorCode code() {
        return code;
    }

    /** What happened, for a person. */
    public String detail() {
        return String.valueOf(getMessage());
    }

    public @Nullable String errno() {
        return errno;
    }

    public List<Conflict> conflicts() {
        return conflicts;
    }

    public Map<String, @Nullable Object> facts() {
        return facts;
    }
}
