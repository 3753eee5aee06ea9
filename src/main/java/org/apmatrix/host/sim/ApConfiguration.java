package org.apmatrix.host.sim;

import org.apmatrix.ap.ApMask;

/** The three masks of a QCI block: what the partition has, as seen at some moment (arch/s390/include/asm/ap.h, struct ap_config_info). */
record ApConfiguration(ApMask adapters, ApMask usageDomains, ApMask controlDomains) {
    static final ApConfiguration UNKNOWN = new ApConfiguration(ApMask.NONE, ApMask.NONE, ApMask.NONE);
}
