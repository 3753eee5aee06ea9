/** What an operator sees: health; metrics, audit and events come here. */
@NullMarked
package org.apmatrix.ops;

import org.jspecify.annotations.NullMarked;
