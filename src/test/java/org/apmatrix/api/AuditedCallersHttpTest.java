package org.apmatrix.api;

import static org.apmatrix.access.Role.OPERATOR;
import static org.apmatrix.access.Role.VIEWER;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.UUID;
import org.apmatrix.audit.Actor;
import org.apmatrix.audit.AuditJournal;
import org.apmatrix.audit.AuditRecord;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;

/** Who it was stands in the audit journal, also of what was refused before any operation; how they showed it does not. */
@ExtendWith(OutputCaptureExtension.class)
class AuditedCallersHttpTest extends SecuredHttpTest {
    private static final String MDEV = "/mdevs/11111111-2222-4333-8444-555555555555";

    @Autowired
    AuditJournal journal;

    private final String request = "test-" + UUID.randomUUID();

    @Test
    void aTokenIsRecordedByItsNameAndIsNowhereToBeSeen(CapturedOutput output) {
        with(ONLY.get(OPERATOR)).with("X-Request-Id", request).delete(MDEV).statusCode(204);
        AuditRecord record = onlyRecord();
        assertThat(record.actor()).isEqualTo(new Actor("only-operator", "token"));
        assertThat(record.toString()).doesNotContain(ONLY.get(OPERATOR));
        assertThat(output.getAll()).doesNotContain(ONLY.get(OPERATOR));
    }

    @Test
    void aJwtIsRecordedByItsSubject(CapturedOutput output) throws Exception {
        String jwt = signed(ISSUER, claims("operator").build());
        with(jwt).with("X-Request-Id", request).delete(MDEV).statusCode(204);
        assertThat(onlyRecord().actor()).isEqualTo(new Actor("somebody", "jwt"));
        assertThat(onlyRecord().toString()).doesNotContain(jwt);
        assertThat(output.getAll()).doesNotContain(jwt);
    }

    @Test
    void whoLacksTheRoleIsRecordedByName() {
        with(ONLY.get(VIEWER)).with("X-Request-Id", request).delete(MDEV).statusCode(403);
        assertThat(onlyRecord().actor()).isEqualTo(new Actor("only-viewer", "token"));
        assertThat(onlyRecord().code()).isEqualTo("FORBIDDEN");
        assertThat(onlyRecord().status()).isEqualTo(403);
    }

    @Test
    void whoHasNoIdentityIsRecordedAsNobody() {
        api.with("X-Request-Id", request).delete(MDEV).statusCode(401);
        assertThat(onlyRecord().actor()).isEqualTo(Actor.ANONYMOUS);
        assertThat(onlyRecord().code()).isEqualTo("UNAUTHENTICATED");
    }

    @Test
    void aBodyThatIsTooLargeIsRecorded() {
        with(ONLY.get(OPERATOR))
                .with("X-Request-Id", request)
                .sendRaw("POST", "/mdevs", "application/json", " ".repeat(2_000_000))
                .statusCode(413);
        assertThat(onlyRecord().code()).isEqualTo("CONTENT_TOO_LARGE");
    }

    private AuditRecord onlyRecord() {
        List<AuditRecord> records = journal.read(0, Integer.MAX_VALUE, record -> request.equals(record.requestId()))
                .items();
        assertThat(records).hasSize(1);
        return records.get(0);
    }
}
