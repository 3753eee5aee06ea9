package org.apmatrix.api;

/** Sentences of the OpenAPI document that stand at more than one operation. */
final class Docs {
    static final String DRY_RUN =
            "true: change nothing, answer 200 with what would happen and what it would be refused for";
    static final String LIVE =
            "true: change the matrix although a guest uses the device; only where apmatrix.live-changes allows it, on kernels from 6.0 on";
    static final String IF_MATCH = "Only when this is still the ETag; else 412";
    static final String UUID = "The device's UUID, in either case";
    static final String ID = "0 to 255, decimal (71) or 0x hex (0x47); no leading zero";

    static final String GUEST = "The guest's name";
    static final String PREFER =
            "wait=SECONDS (RFC 7240): how long to wait for QEMU, up to 300; without it apmatrix.guests.patience";

    static final String IDEMPOTENCY_KEY =
            "1 to 255 printable characters: the same key with the same body answers as the first time";

    private Docs() {}
}
