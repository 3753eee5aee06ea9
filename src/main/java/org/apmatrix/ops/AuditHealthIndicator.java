package org.apmatrix.ops;

import java.util.Optional;
import org.apmatrix.audit.AuditJournal;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.stereotype.Component;

/** Ready means that the audit journal can be written: where it could not, each look tries once more. */
@Component("auditHealthIndicator")
final class AuditHealthIndicator implements HealthIndicator {
    private final AuditJournal journal;

    AuditHealthIndicator(AuditJournal journal) {
        this.journal = journal;
    }

    @Override
    public Health health() {
        Optional<String> trouble = journal.trouble();
        return trouble.isEmpty()
                ? Health.up().build()
                : Health.outOfService().withDetail("reason", trouble.get()).build();
    }
}
