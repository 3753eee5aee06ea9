package org.apmatrix.command;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import org.apmatrix.access.Role;
import org.apmatrix.access.TokenFileEditor;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** The static tokens of a site: {@code token add}, {@code token remove}, {@code token list}. */
@Command(
        name = "token",
        description = "Makes and removes the static tokens of a site.",
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "COMMAND")
final class TokenCommand {
    private static final String FILE = "what apmatrix.security.tokens-file names";

    @Command(
            name = "add",
            description = "Adds a token and prints it, this once: the file has its Argon2 hash alone.",
            mixinStandardHelpOptions = true)
    void add(
            @Option(names = "--file", required = true, description = FILE) Path file,
            @Option(names = "--name", required = true, description = "whom it is for; stands in the audit journal")
                    String name,
            @Option(
                            names = "--roles",
                            required = true,
                            split = ",",
                            converter = Roles.class,
                            description =
                                    "viewer, operator, reservation-admin, control-domain-admin, admin; commas between them")
                    List<Role> roles)
            throws IOException, TokenFileEditor.Refused {
        System.out.println(new TokenFileEditor(file).add(name, roles));
    }

    @Command(
            name = "remove",
            description = "Removes a token; a service that runs refuses it from then on.",
            mixinStandardHelpOptions = true)
    void remove(
            @Option(names = "--file", required = true, description = FILE) Path file,
            @Option(names = "--name", required = true, description = "whose token") String name)
            throws IOException, TokenFileEditor.Refused {
        new TokenFileEditor(file).remove(name);
    }

    @Command(name = "list", description = "Lists the names and their roles.", mixinStandardHelpOptions = true)
    void list(@Option(names = "--file", required = true, description = FILE) Path file)
            throws IOException, TokenFileEditor.Refused {
        new TokenFileEditor(file)
                .list()
                .forEach((name, roles) -> System.out.println(
                        name + " " + roles.stream().map(Role::toString).collect(Collectors.joining(","))));
    }

    /** Roles as they stand in files. */
    static final class Roles implements ITypeConverter<Role> {
        @Override
        public Role convert(String text) {
            return Role.parse(text).orElseThrow(() -> new TypeConversionException("not a role: " + text));
        }
    }
}
