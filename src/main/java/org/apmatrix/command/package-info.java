/** The jar's commands beside the service itself: {@code java -jar apmatrix.jar COMMAND}. */
@NullMarked
package org.apmatrix.command;

import org.jspecify.annotations.NullMarked;
