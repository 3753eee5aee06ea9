package org.apmatrix.access;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.atomic.AtomicInteger;
import org.apmatrix.fault.ErrorCode;
import org.apmatrix.fault.RequestDenied;
import org.junit.jupiter.api.Test;
import org.springframework.mock.web.MockHttpServletRequest;
import org.springframework.mock.web.MockHttpServletResponse;

class InFlightLimitTest {
    private final InFlightLimit limit = new InFlightLimit(2);
    private final AtomicInteger reached = new AtomicInteger();

    @Test
    void oneCallerHasOnlySoManyRequestsUnderWayAndOthersGoOn() throws Exception {
        from(
                "10.0.0.1",
                () -> from("10.0.0.1", () -> {
                    assertThatThrownBy(() -> from("10.0.0.1", () -> {}))
                            .isInstanceOfSatisfying(
                                    RequestDenied.class,
                                    refusal -> assertThat(refusal.code()).isEqualTo(ErrorCode.TOO_MANY_REQUESTS));
                    from("10.0.0.2", () -> {});
                }));
        from("10.0.0.1", () -> from("10.0.0.1", () -> {}));
        assertThat(reached).hasValue(5);
    }

    @Test
    void aRequestThatFailsGivesItsPlaceBack() throws Exception {
        for (int i = 0; i < 3; i++) {
            assertThatThrownBy(() -> from("10.0.0.1", () -> {
                        throw new IllegalStateException();
                    }))
                    .isInstanceOf(IllegalStateException.class);
        }
        assertThat(reached).hasValue(3);
    }

    private interface Work {
        void run() throws Exception;
    }

    private void from(String address, Work work) throws Exception {
        MockHttpServletRequest request = new MockHttpServletRequest("GET", "/api/v1/host");
        request.setRemoteAddr(address);
        limit.doFilter(request, new MockHttpServletResponse(), (next, answer) -> {
            reached.incrementAndGet();
            try {
                work.run();
            } catch (RuntimeException e) {
                throw e;
            } catch (Exception e) {
                throw new jakarta.servlet.ServletException(e);
            }
        });
    }
}
