package org.apmatrix.host.sim;

import org.apmatrix.ap.ApMask;

/** A driver of the AP bus, with the callbacks of struct ap_driver (drivers/s390/crypto/ap_bus.h); most drivers need none. */
abstract class ApDriver {
    private final String name;
    private final String module;

    ApDriver(String name, String module) {
        this.name = name;
        this.module = module;
    }

    final String name() {
        return name;
    }

    final String module() {
        return module;
    }

    /** Whether this is one of the drivers for which apmask and aqmask reserve queues (AP_DRIVER_FLAG_DEFAULT). */
    abstract boolean isDefault();

    abstract boolean handles(ApDevice device);

    /** The device was given to this driver. */
    void probe(ApDevice device) {}

    /** The device is being taken from this driver. */
    void remove(ApDevice device) {}

    /** Whether any queue of this product is needed here. */
    boolean isInUse(ApMask adapters, ApMask domains) {
        return false;
    }

    void onConfigurationChanged(ApConfiguration now, ApConfiguration before) {}

    void onScanComplete() {}

    /** One of zcrypt's drivers: of cards or of queues, for some of the adapter types. */
    static final class Zcrypt extends ApDriver {
        private final boolean ofCards;
        private final boolean ofSupportedTypes;

        private Zcrypt(String name, String module, boolean ofCards, boolean ofSupportedTypes) {
            super(name, module);
            this.ofCards = ofCards;
            this.ofSupportedTypes = ofSupportedTypes;
        }

        /** A driver of CEX4 and newer. */
        static Zcrypt of(String name, boolean ofCards) {
            return new Zcrypt(name, "zcrypt_cex4", ofCards, true);
        }

        /** A driver of adapters that are older than any simulated one. */
        static Zcrypt legacy(String name, String module, boolean ofCards) {
            return new Zcrypt(name, module, ofCards, false);
        }

        @Override
        boolean isDefault() {
            return true;
        }

        @Override
        boolean handles(ApDevice device) {
            return ofSupportedTypes && ofCards == device instanceof ApCard;
        }

        @Override
        void probe(ApDevice device) {
            device.setOnline(true);
            if (device instanceof ApQueue queue) {
                queue.initialise();
            }
        }
    }
}
