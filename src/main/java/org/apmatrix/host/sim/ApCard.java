package org.apmatrix.host.sim;

/** A card device: an adapter as the AP bus found it. */
final class ApCard extends ApDevice {
    private final SimulatedMachine.Adapter adapter;
    private final int type;

    ApCard(SimulatedMachine.Adapter adapter, int newestType) {
        super(adapter);
        this.adapter = adapter;
        type = Math.min(adapter.hardwareType(), newestType);
    }

    int id() {
        return adapter.id().value();
    }

    @Override
    String name() {
        return "card" + adapter.id();
    }

    @Override
    int type() {
        return type;
    }

    int rawType() {
        return adapter.hardwareType();
    }

    char mode() {
        return adapter.mode();
    }

    /** The generation and mode, such as CEX7C (drivers/s390/crypto/zcrypt_cex4.c, zcrypt_cex4_card_probe). */
    String typeText() {
        return "CEX" + (type - 6) + mode();
    }

    /** The word in uevents since 5.11 (drivers/s390/crypto/ap_bus.c, ap_uevent). */
    String modeText() {
        return switch (mode()) {
            case 'A' -> "accel";
            case 'C' -> "cca";
            default -> "ep11";
        };
    }

    /** Facility bits as PQAP(TAPQ) answers them; chosen, not measured on hardware. */
    String functions() {
        return switch (mode()) {
            case 'A' -> "0x6A000000";
            case 'C' -> "0x92000000";
            default -> "0x86000000";
        };
    }

    /** Whether this is still the same hardware for a bus scan (ap_scan_adapter compares type and functions). */
    boolean isSameHardware(SimulatedMachine.Adapter other) {
        return adapter.type().equals(other.type());
    }
}
