package org.apmatrix.host.sim;

import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apmatrix.ap.Mkvps;

/**
 * The attribute mkvps line by line (drivers/s390/crypto/zcrypt_cex4.c, cca_mkvps_show and ep11_mkvps_show): which registers there are, in which order, and what an
 * HSM that answers says of those that hold nothing.
 */
final class MasterKeyText {
    private static final List<Mkvps.Register> CCA = List.of(Mkvps.Register.NEW, Mkvps.Register.CUR, Mkvps.Register.OLD);
    private static final List<Mkvps.Register> EP11 = List.of(Mkvps.Register.CUR, Mkvps.Register.NEW);

    private final List<Mkvps.Key> empty;

    private MasterKeyText(Stream<Mkvps.Key> empty) {
        this.empty = empty.toList();
    }

    /** Kernels since 5.11 have ASYM, too. */
    static MasterKeyText ofCca(KernelVersion version) {
        Stream<Mkvps.Type> types = Stream.of(Mkvps.Type.AES, Mkvps.Type.APKA, Mkvps.Type.ASYM);
        return new MasterKeyText(types.filter(type -> type != Mkvps.Type.ASYM || version.isDynamic())
                .flatMap(type -> CCA.stream()
                        .map(register -> new Mkvps.Key(
                                type,
                                register,
                                register == Mkvps.Register.NEW ? "empty" : "invalid",
                                "0x" + "0".repeat(type == Mkvps.Type.ASYM ? 32 : 16)))));
    }

    static MasterKeyText ofEp11() {
        return new MasterKeyText(EP11.stream()
                .map(register -> new Mkvps.Key(
                        Mkvps.Type.WK, register, register == Mkvps.Register.NEW ? "empty" : "invalid", null)));
    }

    /** What the attribute reads. */
    String of(Mkvps keys) {
        return empty.stream()
                .map(none -> keys.isTold() ? loaded(keys, none) : silent(none))
                .map(key -> key + "\n")
                .collect(Collectors.joining());
    }

    private static Mkvps.Key loaded(Mkvps keys, Mkvps.Key none) {
        return keys.keys().stream()
                .filter(key -> key.type() == none.type() && key.register() == none.register())
                .findFirst()
                .orElse(none);
    }

    private static Mkvps.Key silent(Mkvps.Key none) {
        return new Mkvps.Key(none.type(), none.register(), null, null);
    }
}
