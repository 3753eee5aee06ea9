package org.apmatrix.host;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.zip.GZIPInputStream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The recorded and the derived facts about kernels, as they lie in the test resources. */
final class Facts {
    private Facts() {}

    /** Cases derived from kernel source, with the answers that it implies. */
    static JsonNode kernelCases() {
        return read("kernel-cases.json.gz");
    }

    /** What real kernels answered, step by step; and what they answered to the derived cases. */
    static JsonNode recordedCases() {
        return read("real-kernel-cases.json.gz");
    }

    /** The trees of real kernels at five moments. */
    static JsonNode recordedTrees() {
        return read("real-kernel-trees.json.gz");
    }

    private static JsonNode read(String name) {
        try (InputStream packed = Facts.class.getResourceAsStream("/facts/" + name)) {
            if (packed == null) {
                throw new IllegalStateException("no resource /facts/" + name);
            }
            return JsonMapper.builder().build().readTree(new GZIPInputStream(packed));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
