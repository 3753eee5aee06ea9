package org.apmatrix.host.fuse;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apmatrix.ap.AdapterId;
import org.apmatrix.ap.ApMask;
import org.apmatrix.ap.DomainId;
import org.apmatrix.host.sim.SimulatedMachine.Adapter;

/** How the configuration of a partition is written in an option and in {@code .simulation}. */
final class MachineText {
    private static final Pattern COMMA = Pattern.compile(",");
    private static final Pattern ADAPTER = Pattern.compile("(?:0x)?([0-9a-fA-F]{1,2}):(CEX[4-8][ACP])");

    private MachineText() {}

    /** Reads {@code 05:CEX5C,06:CEX5A}: the number in hex as in {@code card05}, generation and mode; an empty text is no adapter. */
    static Optional<List<Adapter>> adapters(String text) {
        List<Adapter> adapters = new ArrayList<>();
        for (String item : items(text)) {
            Matcher matcher = ADAPTER.matcher(item);
            if (!matcher.matches()) {
                return Optional.empty();
            }
            AdapterId id = new AdapterId(Integer.parseInt(matcher.group(1), 16));
            Adapter.of(id, matcher.group(2)).ifPresent(adapters::add);
        }
        return Optional.of(adapters);
    }

    /** Reads {@code 4,0x47,0xab,0xff}; an empty text is no domain. */
    static Optional<ApMask> domains(String text) {
        ApMask domains = ApMask.NONE;
        for (String item : items(text)) {
            Optional<DomainId> domain = DomainId.parse(item);
            if (domain.isEmpty()) {
                return Optional.empty();
            }
            domains = domains.with(domain.get().value());
        }
        return Optional.of(domains);
    }

    private static List<String> items(String text) {
        return text.isEmpty() ? List.of() : List.of(COMMA.split(text, -1));
    }
}
