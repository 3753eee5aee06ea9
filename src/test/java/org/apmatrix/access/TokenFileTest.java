package org.apmatrix.access;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TokenFileTest {
    private static final String HASH = "$2b$04$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01234";

    @TempDir
    Path directory;

    private Path file;

    @BeforeEach
    void emptyFile() {
        file = directory.resolve("tokens");
    }

    @Test
    void aTokenThatIsAddedStandsThereAsAHashAloneForItsOwnerAlone() throws Exception {
        String token = new TokenFileEditor(file).add("ci", List.of(Role.OPERATOR, Role.VIEWER));
        assertThat(token).matches("apm_ci_[A-Za-z0-9_-]{43}");
        assertThat(Files.readString(file))
                .startsWith("ci:")
                .contains("$argon2id$")
                .doesNotContain(token.substring("apm_ci_".length()));
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                .isEqualTo("rw-------");
        TokenFile.Entry entry = new TokenFile(file).find("ci").orElseThrow();
        assertThat(entry.roles()).isEqualTo(Set.of(Role.OPERATOR, Role.VIEWER));
        assertThat(Token.parse(token).orElseThrow().fits(entry.hash())).isTrue();
        assertThat(new Token("ci", "something else").fits(entry.hash())).isFalse();
    }

    @Test
    void aSecondTokenOfTheSameNameIsRefusedAndTheFileStaysAsItWas() throws Exception {
        TokenFileEditor editor = new TokenFileEditor(file);
        editor.add("ci", List.of(Role.VIEWER));
        String before = Files.readString(file);
        assertThatThrownBy(() -> editor.add("ci", List.of(Role.ADMIN))).isInstanceOf(TokenFileEditor.Refused.class);
        assertThatThrownBy(() -> editor.remove("cd")).isInstanceOf(TokenFileEditor.Refused.class);
        assertThat(Files.readString(file)).isEqualTo(before);
        assertThat(directory)
                .isDirectoryContaining(path -> path.equals(file))
                .satisfies(folder -> assertThat(folder.toFile().list()).hasSize(1));
    }

    @Test
    void commentsAndRightsOfTheFileStay() throws Exception {
        Files.writeString(file, "# whose is whose\nold:viewer:" + HASH + "\n");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r-----"));
        TokenFileEditor editor = new TokenFileEditor(file);
        editor.add("ci", List.of(Role.ADMIN));
        editor.remove("old");
        assertThat(Files.readAllLines(file))
                .hasSize(2)
                .startsWith("# whose is whose")
                .last()
                .asString()
                .startsWith("ci:admin:");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                .isEqualTo("rw-r-----");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "CI", "a_b", "a:b", "a b", "é", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"})
    void aNameThatWouldNotBeFoundAgainIsRefused(String name) {
        assertThatThrownBy(() -> new TokenFileEditor(file).add(name, List.of(Role.VIEWER)))
                .isInstanceOf(TokenFileEditor.Refused.class);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "ci",
                "ci:viewer",
                "ci:viewer:plain-text",
                "ci:root:" + HASH,
                "ci::" + HASH,
                ":viewer:" + HASH,
                "a:viewer:" + HASH + "\na:admin:" + HASH
            })
    void theServiceDoesNotStartWithALineThatItCannotRead(String text) throws Exception {
        Files.writeString(file, text + "\n");
        assertThatThrownBy(() -> new TokenFile(file))
                .isInstanceOf(StartRefused.class)
                .hasMessageContaining("line ")
                .hasMessageNotContaining("plain-text");
    }

    @Test
    void theServiceDoesNotStartWithAFileThatOthersMayWriteOrThatIsNotThere() throws Exception {
        assertThatThrownBy(() -> new TokenFile(file)).isInstanceOf(StartRefused.class);
        Files.writeString(file, "ci:viewer:" + HASH + "\n");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-rw----"));
        assertThatThrownBy(() -> new TokenFile(file)).isInstanceOf(StartRefused.class);
    }

    @Test
    void aFileThatIsTakenAwayLetsNobodyInUntilItIsBack() throws Exception {
        Files.writeString(file, "ci:viewer:" + HASH + "\n");
        TokenFile tokens = new TokenFile(file);
        assertThat(tokens.find("ci")).isPresent();
        Path away = Files.move(file, directory.resolve("away"));
        assertThat(tokens.find("ci")).isEmpty();
        Files.move(away, file);
        assertThat(tokens.find("ci")).isPresent();
    }
}
