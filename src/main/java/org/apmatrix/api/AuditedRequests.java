package org.apmatrix.api;

import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.ServletOutputStream;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import jakarta.servlet.http.HttpServletResponseWrapper;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.Locale;
import java.util.Set;
import org.apmatrix.access.Caller;
import org.apmatrix.audit.Actor;
import org.apmatrix.audit.Attempt;
import org.apmatrix.audit.AuditJournal;
import org.jspecify.annotations.Nullable;
import org.slf4j.MDC;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.http.HttpStatus;
import org.springframework.stereotype.Component;
import org.springframework.web.filter.OncePerRequestFilter;

/**
 * Makes an attempt in the audit journal of every request below {@code /api/v1} that is no read, refused ones included. Stands outside of the filters that ask who
 * calls, so that it sees their refusals; the outcome is recorded before the first byte of the answer goes out.
 */
@Component
@Order(Ordered.HIGHEST_PRECEDENCE + 10)
final class AuditedRequests extends OncePerRequestFilter {
    private static final Set<String> READS = Set.of("GET", "HEAD", "OPTIONS", "TRACE");
    private static final int LONGEST_PATH = 1024;

    private final AuditJournal journal;

    AuditedRequests(AuditJournal journal) {
        this.journal = journal;
    }

    @Override
    protected boolean shouldNotFilter(HttpServletRequest request) {
        // the path as it is mapped: decoded, without // and ;parameters
        return READS.contains(request.getMethod()) || !request.getServletPath().startsWith("/api/");
    }

    @Override
    protected void doFilterInternal(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws ServletException, IOException {
        String path = request.getRequestURI();
        Attempt.Origin origin = new Attempt.Origin(
                request.getRemoteAddr(),
                request.getMethod(),
                path.length() <= LONGEST_PATH ? path : path.substring(0, LONGEST_PATH) + "…",
                MDC.get(RequestIds.KEY),
                MDC.get("traceId"));
        try (Attempt attempt = journal.begin(origin)) {
            try {
                chain.doFilter(request, new Answer(response, attempt));
            } catch (ServletException | IOException | RuntimeException e) {
                end(attempt, response.isCommitted() ? response.getStatus() : 500);
                throw e;
            }
            end(attempt, response.getStatus());
        }
    }

    /** Who calls is known only while the request is within the filters that ask. */
    static Actor actor() {
        Caller caller = Caller.current();
        return new Actor(caller.name(), caller.kind().name().toLowerCase(Locale.ROOT));
    }

    private static void end(Attempt attempt, int status) {
        attempt.end(status, code(status));
    }

    private static String code(int status) {
        if (status >= 400) {
            return ProblemPages.problem(status, "").code().name();
        }
        @Nullable HttpStatus known = HttpStatus.resolve(status);
        return known == null ? String.valueOf(status) : known.name();
    }

    /** Records the outcome when the answer begins. */
    private static final class Answer extends HttpServletResponseWrapper {
        private final Attempt attempt;

        Answer(HttpServletResponse response, Attempt attempt) {
            super(response);
            this.attempt = attempt;
        }

        private void begins(int status) {
            if (!attempt.hasEnded()) {
                attempt.by(actor());
                end(attempt, status);
            }
        }

        @Override
        public ServletOutputStream getOutputStream() throws IOException {
            begins(getStatus());
            return super.getOutputStream();
        }

        @Override
        public PrintWriter getWriter() throws IOException {
            begins(getStatus());
            return super.getWriter();
        }

        @Override
        public void flushBuffer() throws IOException {
            begins(getStatus());
            super.flushBuffer();
        }

        @Override
        public void sendError(int status) throws IOException {
            begins(status);
            super.sendError(status);
        }

        @Override
        public void sendError(int status, String message) throws IOException {
            begins(status);
            super.sendError(status, message);
        }
    }
}
