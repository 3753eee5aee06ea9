package org.apmatrix.access;

import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.List;
import org.springframework.security.core.Authentication;
import org.springframework.security.core.context.SecurityContext;
import org.springframework.security.core.context.SecurityContextHolder;
import org.springframework.web.filter.OncePerRequestFilter;

/** Where no identity is asked for, everybody is anonymous and may do everything. */
final class OpenHost extends OncePerRequestFilter {
    private static final Authentication EVERYBODY = new Known("anonymous", Caller.Kind.ANONYMOUS, List.of(Role.ADMIN));

    @Override
    protected void doFilterInternal(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws ServletException, IOException {
        if (SecurityContextHolder.getContext().getAuthentication() == null) {
            SecurityContext context = SecurityContextHolder.createEmptyContext();
            context.setAuthentication(EVERYBODY);
            SecurityContextHolder.setContext(context);
        }
        chain.doFilter(request, response);
    }
}
