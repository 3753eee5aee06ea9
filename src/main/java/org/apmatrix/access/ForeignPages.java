package org.apmatrix.access;

import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.List;
import java.util.regex.Pattern;
import org.apmatrix.fault.RequestDenied;
import org.springframework.http.HttpHeaders;
import org.springframework.web.cors.CorsUtils;
import org.springframework.web.filter.OncePerRequestFilter;

/**
 * Refuses what a web page of somebody else makes a browser send: by the header {@code Origin}, and where no identity is asked for also by a {@code Host} that is
 * not a name of the loopback address (a page whose own name was made to point here).
 */
final class ForeignPages extends OncePerRequestFilter {
    private static final Pattern LOOPBACK_ADDRESS = Pattern.compile("127(\\.[0-9]{1,3}){3}|\\[?::1]?");

    private final List<String> allowedOrigins;
    private final AccessMode mode;

    ForeignPages(List<String> allowedOrigins, AccessMode mode) {
        this.allowedOrigins = List.copyOf(allowedOrigins);
        this.mode = mode;
    }

    @Override
    protected void doFilterInternal(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws ServletException, IOException {
        if (CorsUtils.isCorsRequest(request) && !allowedOrigins.contains(request.getHeader(HttpHeaders.ORIGIN))) {
            throw RequestDenied.foreignPage("Pages of other origins may not call this service.");
        }
        if (mode.isLoopbackOnly() && !isLoopback(request.getServerName())) {
            throw RequestDenied.foreignPage(
                    "This service is open to its own machine alone: call it as localhost, 127.0.0.1 or [::1].");
        }
        chain.doFilter(request, response);
    }

    /** Names other than localhost would be looked up, and may point anywhere. */
    private static boolean isLoopback(String host) {
        return host.equalsIgnoreCase("localhost")
                || LOOPBACK_ADDRESS.matcher(host).matches();
    }
}
