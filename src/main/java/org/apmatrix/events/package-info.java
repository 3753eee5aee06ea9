/** What happened: events with ids, kept for a while, and those who listen to them. Who makes events waits for nobody who listens. */
@NullMarked
package org.apmatrix.events;

import org.jspecify.annotations.NullMarked;
