package org.apmatrix.audit;

import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.NotNull;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.unit.DataSize;
import org.springframework.validation.annotation.Validated;

/**
 * Where the audit journal is, and how much of it is kept.
 *
 * @param directory of its files; without one {@code audit} below {@code apmatrix.host.state-directory}, and without that, too, the last 10,000 records are kept in
 *     memory only
 * @param maxFileSize after which the next file begins
 * @param keepFiles how many files are kept, the newest; without it all are
 * @param refusalsPerMinute how many attempts of one source that reach no operation (no identity, no role, no such path) have a record of their own each minute; the
 *     others are counted in one
 */
@Validated
@ConfigurationProperties("apmatrix.audit")
public record AuditProperties(
        @Nullable Path directory,
        @NotNull @DefaultValue("64MB") DataSize maxFileSize,
        @Nullable @Min(1) Integer keepFiles,
        @Min(1) @DefaultValue("10") int refusalsPerMinute) {}
