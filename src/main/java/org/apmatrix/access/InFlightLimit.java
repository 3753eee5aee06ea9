package org.apmatrix.access;

import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import org.apmatrix.fault.RequestDenied;
import org.springframework.web.filter.OncePerRequestFilter;

/** Leaves threads for others: one caller has only so many requests under way. Streams of events hold no thread and do not count. */
final class InFlightLimit extends OncePerRequestFilter {
    private final int limit;
    private final ConcurrentMap<String, Integer> inFlight = new ConcurrentHashMap<>();

    InFlightLimit(int limit) {
        this.limit = limit;
    }

    @Override
    protected void doFilterInternal(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws ServletException, IOException {
        Caller caller = Caller.current();
        String who = caller.kind() + " "
                + (caller.kind() == Caller.Kind.ANONYMOUS ? request.getRemoteAddr() : caller.name());
        if (inFlight.merge(who, 1, Integer::sum) > limit) {
            leave(who);
            throw RequestDenied.tooManyRequests("This caller has " + limit + " requests under way.");
        }
        try {
            chain.doFilter(request, response);
        } finally {
            leave(who);
        }
    }

    private void leave(String who) {
        inFlight.compute(who, (key, count) -> count == null || count == 1 ? null : count - 1);
    }
}
