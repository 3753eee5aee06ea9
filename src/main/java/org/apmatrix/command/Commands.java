package org.apmatrix.command;

import java.nio.file.NoSuchFileException;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** The commands of the jar. Without one the service is started. */
@Command(
        name = "apmatrix",
        description = "Hands AP crypto queues to KVM guests. Without a command the service is started.",
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "COMMAND",
        subcommands = {TokenCommand.class, AuditCommand.class, PreflightCommand.class})
public final class Commands {
    Commands() {}

    /** Whether the command line asks for a command, and not for the service: its first word is no property. */
    public static boolean isAskedForBy(String... arguments) {
        return arguments.length > 0 && (!arguments[0].startsWith("--") || "--help".equals(arguments[0]));
    }

    /** Runs a command; the exit code is 0, 1 for what the command found to be wrong, 2 for a command line that cannot be read. */
    public static int run(String... arguments) {
        return new CommandLine(new Commands())
                .setExecutionExceptionHandler((failure, line, parsed) -> {
                    line.getErr()
                            .println(
                                    failure instanceof NoSuchFileException missing
                                            ? "no such file: " + missing.getFile()
                                            : failure.getMessage());
                    return 1;
                })
                .execute(arguments);
    }
}
