package org.apmatrix.access;

import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.springframework.security.core.context.SecurityContext;
import org.springframework.security.core.context.SecurityContextHolder;
import org.springframework.web.filter.OncePerRequestFilter;

/** Gives the users of this machine who come by {@link LocalSocket} their roles. */
final class SocketPeers extends OncePerRequestFilter {
    private final Map<String, List<Role>> users;

    SocketPeers(Map<String, List<Role>> users) {
        this.users = Map.copyOf(users);
    }

    @Override
    protected void doFilterInternal(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws ServletException, IOException {
        if (request.getAttribute(LocalSocket.PEER) instanceof String user && users.containsKey(user)) {
            SecurityContext context = SecurityContextHolder.createEmptyContext();
            context.setAuthentication(new Known(user, Caller.Kind.SOCKET, users.getOrDefault(user, List.of())));
            SecurityContextHolder.setContext(context);
        }
        chain.doFilter(request, response);
    }
}
