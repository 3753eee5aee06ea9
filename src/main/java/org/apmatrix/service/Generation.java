package org.apmatrix.service;

/** The two generations of vfio_ap: static up to Linux 5.19, dynamic (guest_matrix, hot plug of queues, filtering) since 6.0. */
public enum Generation {
    STATIC,
    DYNAMIC
}
