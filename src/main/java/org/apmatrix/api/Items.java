package org.apmatrix.api;

import java.util.List;

/** A list of things. */
record Items<T>(List<T> items) {}
