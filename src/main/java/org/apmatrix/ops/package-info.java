/** What an operator sees: health; and what finishes late unplugs. Metrics, audit and events come here. */
@NullMarked
package org.apmatrix.ops;

import org.jspecify.annotations.NullMarked;
