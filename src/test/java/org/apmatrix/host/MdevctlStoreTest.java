package org.apmatrix.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.apmatrix.ap.ApMask;
import org.apmatrix.ap.Matrix;
import org.apmatrix.ap.MdevId;
import org.apmatrix.fault.HostFailure;
import org.apmatrix.host.MdevDefinition.Start;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MdevctlStoreTest {
    private static final MdevId A =
            MdevId.parse("0a1b2c3d-0000-4000-8000-00000000e001").orElseThrow();
    private static final MdevId B =
            MdevId.parse("0a1b2c3d-0000-4000-8000-00000000e002").orElseThrow();
    private static final Matrix MATRIX = Matrix.of(ApMask.of(5), ApMask.of(4));

    @TempDir
    Path etc;

    private MdevctlStore store;

    @BeforeEach
    void open() {
        store = new MdevctlStore(etc.resolve("mdevctl.d"));
    }

    @Test
    void nothingIsDefinedWhereThereIsNoDirectory() {
        assertThat(store.all()).isEmpty();
        assertThat(store.read(A)).isEmpty();
        assertThat(store.delete(A)).isFalse();
        assertThat(etc).isEmptyDirectory();
    }

    @Test
    void whatIsWrittenIsReadAgainAndGoesWhenItIsDeleted() {
        MdevDefinition a = MdevDefinition.of(A, Start.AUTO, MATRIX);
        MdevDefinition b = MdevDefinition.of(B, Start.MANUAL, Matrix.EMPTY);
        store.write(b);
        store.write(a);
        assertThat(store.all()).containsExactly(a, b);
        assertThat(store.file(A)).hasContent(a.text());
        assertThat(store.read(A)).contains(a);
        assertThat(store.delete(A)).isTrue();
        assertThat(store.delete(A)).isFalse();
        assertThat(store.all()).containsExactly(b);
    }

    @Test
    void everybodyMayReadWhatIsWrittenAsWithMdevctl() throws IOException {
        store.write(MdevDefinition.of(A, Start.AUTO, MATRIX));
        assertThat(permissions(store.file(A))).isEqualTo("rw-r--r--");
        assertThat(permissions(store.file(A).getParent())).isEqualTo("rwxr-xr-x");
        assertThat(permissions(store.directory())).isEqualTo("rwxr-xr-x");
    }

    @Test
    void permissionsOfAFileThatIsReplacedStay() throws IOException {
        store.write(MdevDefinition.of(A, Start.AUTO, MATRIX));
        Files.setPosixFilePermissions(store.file(A), PosixFilePermissions.fromString("rw-rw----"));
        store.write(MdevDefinition.of(A, Start.MANUAL, MATRIX));
        assertThat(permissions(store.file(A))).isEqualTo("rw-rw----");
    }

    private static String permissions(Path path) throws IOException {
        return PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
    }

    @Test
    void filesOfOthersAreLeftAlone() throws IOException {
        store.write(MdevDefinition.of(A, Start.AUTO, MATRIX));
        Path other =
                Files.createDirectories(etc.resolve("mdevctl.d/0000:00:02.0")).resolve(A.toString());
        Files.writeString(other, "{\"mdev_type\": \"i915-GVTg_V5_4\", \"start\": \"auto\"}");
        Path readme = Files.writeString(store.file(A).resolveSibling("README"), "ours");
        store.write(MdevDefinition.of(A, Start.MANUAL, MATRIX));
        assertThat(store.look().unreadable()).isEmpty();
        store.delete(A);
        assertThat(other).content().contains("i915");
        assertThat(readme).hasContent("ours");
        try (var left = Files.list(readme.getParent())) {
            assertThat(left).containsExactly(readme);
        }
    }

    @Test
    void aFileThatIsNoDefinitionIsTold() throws IOException {
        store.write(MdevDefinition.of(A, Start.AUTO, MATRIX));
        Files.writeString(store.file(B), "{ torn");
        Files.write(
                store.file(B).resolveSibling("0a1b2c3d-0000-4000-8000-00000000e003"), new byte[] {'"', (byte) 0xff});
        Files.copy(store.file(A), store.file(A).resolveSibling("0A1B2C3D-0000-4000-8000-00000000E004"));
        assertThat(store.look().unreadable())
                .extracting(MdevctlStore.UnreadableFile::name)
                .containsExactlyInAnyOrder(
                        B.toString(), "0a1b2c3d-0000-4000-8000-00000000e003", "0A1B2C3D-0000-4000-8000-00000000E004");
        assertThat(store.all()).hasSize(1);
        assertThatThrownBy(() -> store.read(B)).isInstanceOf(HostFailure.class).hasMessageContaining("no JSON");
        assertThat(store.delete(B)).isTrue();
    }

    @Test
    void whatCannotBeWrittenIsToldAndLeavesNothingBehind() throws IOException {
        store.write(MdevDefinition.of(B, Start.AUTO, MATRIX));
        Files.createDirectories(store.file(A).resolve("in the way"));
        assertThatThrownBy(() -> store.write(MdevDefinition.of(A, Start.AUTO, MATRIX)))
                .isInstanceOf(HostFailure.class)
                .hasMessageContaining(A.toString());
        try (var left = Files.list(store.file(A).getParent())) {
            assertThat(left).containsExactlyInAnyOrder(store.file(A), store.file(B));
        }
        Files.delete(store.file(A).resolve("in the way"));
        Files.delete(store.file(A));
    }

    @Test
    void aDirectoryThatIsNoneIsNoDefinition() throws IOException {
        Files.writeString(etc.resolve("mdevctl.d"), "");
        assertThat(store.all()).isEmpty();
        assertThatThrownBy(() -> store.write(MdevDefinition.of(A, Start.AUTO, MATRIX)))
                .isInstanceOf(HostFailure.class);
    }
}
