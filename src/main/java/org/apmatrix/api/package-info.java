/** HTTP in, HTTP out: converts, never decides. One controller per noun of the URL; the JSON shapes are records with a static {@code from}. */
@NullMarked
package org.apmatrix.api;

import org.jspecify.annotations.NullMarked;
