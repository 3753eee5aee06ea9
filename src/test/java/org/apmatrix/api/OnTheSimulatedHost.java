package org.apmatrix.api;

import java.lang.annotation.ElementType;
import java.lang.annotation.Inherited;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.test.context.ActiveProfiles;

/** A test of the whole service on the simulated host: one application for all such tests, and a machine that is booted anew before each. */
@Inherited
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@SpringBootTest(
        webEnvironment = SpringBootTest.WebEnvironment.RANDOM_PORT,
        properties = {
            "apmatrix.host.lock-file=" + OnTheSimulatedHost.LOCK_FILE,
            "apmatrix.host.lock-wait=250ms",
            "apmatrix.host.state-directory=target/http-tests/state",
            "apmatrix.audit.refusals-per-minute=10000",
            "apmatrix.guests.reconcile-interval=100ms",
            "apmatrix.allocations.expiry-interval=100ms",
            "apmatrix.events.poll-interval=100ms",
            "apmatrix.events.heartbeat=200ms",
            "apmatrix.events.journal=2000",
            "apmatrix.events.max-listeners=" + OnTheSimulatedHost.MAX_LISTENERS,
            "apmatrix.guests.qmp.reply-timeout=500ms",
            "apmatrix.guests.qmp.reconnect-after=10ms",
            "apmatrix.guests.qmp.reconnect-at-most=100ms"
        })
@ActiveProfiles("simulated")
@ExtendWith(FreshMachine.class)
@interface OnTheSimulatedHost {
    int MAX_LISTENERS = 8;
    String LOCK_FILE = "target/http-tests/s390apconfig.lock";
}
