package org.apmatrix.api;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.util.Arrays;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.stream.Collectors;
import org.apmatrix.fault.InvalidValue;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.method.HandlerMethod;
import org.springframework.web.servlet.HandlerInterceptor;

/** Refuses query parameters that an operation does not have: a misspelt {@code dryrun=true} must not write. */
final class KnownParameters implements HandlerInterceptor {
    private final ConcurrentMap<HandlerMethod, Set<String>> known = new ConcurrentHashMap<>();

    @Override
    public boolean preHandle(HttpServletRequest request, HttpServletResponse response, Object handler) {
        if (handler instanceof HandlerMethod method
                && method.getBeanType().getPackage().equals(KnownParameters.class.getPackage())) {
            Set<String> names = known.computeIfAbsent(method, KnownParameters::parameters);
            for (String name : request.getParameterMap().keySet()) {
                if (!names.contains(name)) {
                    throw new InvalidValue(
                            ApiConverters.excerpt(name),
                            "This operation has no such parameter; it has: "
                                    + (names.isEmpty() ? "none" : String.join(", ", names)) + ".");
                }
                if (request.getParameterValues(name).length > 1) {
                    throw new InvalidValue(name, "The parameter is given more than once.");
                }
            }
        }
        return true;
    }

    private static Set<String> parameters(HandlerMethod method) {
        return Arrays.stream(method.getMethodParameters())
                .filter(parameter -> parameter.hasParameterAnnotation(RequestParam.class))
                .map(parameter ->
                        Objects.requireNonNull(parameter.getParameter().getName()))
                .collect(Collectors.toCollection(java.util.TreeSet::new));
    }
}
