package org.apmatrix.access;

import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import org.apmatrix.fault.Fault;
import org.springframework.web.filter.OncePerRequestFilter;
import org.springframework.web.servlet.HandlerExceptionResolver;

/** Answers what a filter refuses as the controllers' refusals are answered: as a problem. */
final class FaultsOfFilters extends OncePerRequestFilter {
    private final HandlerExceptionResolver problems;

    FaultsOfFilters(HandlerExceptionResolver problems) {
        this.problems = problems;
    }

    @Override
    protected void doFilterInternal(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws ServletException, IOException {
        try {
            chain.doFilter(request, response);
        } catch (Fault refusal) {
            if (response.isCommitted() || problems.resolveException(request, response, null, refusal) == null) {
                throw refusal;
            }
        }
    }
}
