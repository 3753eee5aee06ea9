/**
 * Every way to say no: a closed list of codes, and four exceptions that carry a code and the facts.
 *
 * <p>An {@code IllegalArgumentException} from deeper in the service is a bug of ours and never becomes a 400.
 */
@NullMarked
package org.apmatrix.fault;

import org.jspecify.annotations.NullMarked;
