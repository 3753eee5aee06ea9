package org.apmatrix.command;

import java.io.IOException;
import java.nio.file.Path;
import org.apmatrix.audit.AuditVerification;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** The audit journal on disk: {@code audit verify}. */
@Command(
        name = "audit",
        description = "Looks at the audit journal of a host.",
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "COMMAND")
final class AuditCommand {
    @Command(
            name = "verify",
            description =
                    "Follows the chain of the records: exit code 0 when it is whole, 1 with the first record that was altered, deleted or moved.",
            mixinStandardHelpOptions = true)
    int verify(
            @Parameters(
                            paramLabel = "FILE|DIRECTORY",
                            description = "what apmatrix.audit.directory names, or one of its files")
                    Path journal)
            throws IOException {
        AuditVerification.Result result = AuditVerification.verify(journal);
        System.out.println(result.sentence());
        return result.isWhole() ? 0 : 1;
    }
}
