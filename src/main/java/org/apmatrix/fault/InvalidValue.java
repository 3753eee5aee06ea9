package org.apmatrix.fault;

import java.util.List;
import java.util.Map;

/** Text that is no id, UUID, mask, …: the caller must say it differently. */
public final class InvalidValue extends Fault {
    private static final long serialVersionUID = 1L;

    /** @param field the part of the request, such as {@code adapters[1]} or {@code uuid} */
    public InvalidValue(String field, String detail) {
        super(ErrorCode.INVALID_VALUE, detail, null, List.of(), Map.of("field", field));
    }
}
