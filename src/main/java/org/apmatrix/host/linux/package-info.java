/**
 * The real kernel: the seam answered by system calls, through JNA, which lives here and nowhere else.
 *
 * <p>Why not the JDK's own files: {@code FileChannel} tells a failed write as a text in the locale's language, and the errno is what this service decides by
 * (EADDRINUSE and EADDRNOTAVAIL differ in who owns the queue). The JDK also does not promise one {@code write(2)} per write, which is one store call of the driver.
 */
@NullMarked
package org.apmatrix.host.linux;

import org.jspecify.annotations.NullMarked;
