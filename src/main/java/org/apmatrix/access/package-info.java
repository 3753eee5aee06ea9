/** Who may call, and what: identities, roles, limits. */
@NullMarked
package org.apmatrix.access;

import org.jspecify.annotations.NullMarked;
