package org.apmatrix.api;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import org.apmatrix.fault.InvalidValue;
import org.springframework.core.MethodParameter;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.method.HandlerMethod;
import org.springframework.web.servlet.HandlerInterceptor;

/**
 * Refuses query parameters that an operation does not have, and switches that are neither true nor false: a misspelt {@code dryrun=true} must not write, nor an
 * empty {@code dryRun}, which Spring would read as absent.
 */
final class KnownParameters implements HandlerInterceptor {
    private final ConcurrentMap<HandlerMethod, Map<String, Class<?>>> known = new ConcurrentHashMap<>();

    @Override
    public boolean preHandle(HttpServletRequest request, HttpServletResponse response, Object handler) {
        if (handler instanceof HandlerMethod method
                && method.getBeanType().getPackage().equals(KnownParameters.class.getPackage())) {
            Map<String, Class<?>> parameters = known.computeIfAbsent(method, KnownParameters::parameters);
            for (String name : request.getParameterMap().keySet()) {
                if (!parameters.containsKey(name)) {
                    throw new InvalidValue(
                            ApiConverters.excerpt(name),
                            "This operation has no such parameter; it has: "
                                    + (parameters.isEmpty() ? "none" : String.join(", ", parameters.keySet())) + ".");
                }
                if (request.getParameterValues(name).length > 1) {
                    throw new InvalidValue(name, "The parameter is given more than once.");
                }
                if (parameters.get(name) == Boolean.class
                        && !List.of("true", "false").contains(request.getParameter(name))) {
                    throw new InvalidValue(name, "Either true or false.");
                }
            }
        }
        return true;
    }

    /** The query parameters that an operation has, by name. */
    static Map<String, Class<?>> parameters(HandlerMethod method) {
        Map<String, Class<?>> parameters = new TreeMap<>();
        for (MethodParameter parameter : method.getMethodParameters()) {
            if (parameter.hasParameterAnnotation(RequestParam.class)) {
                parameters.put(parameter.getParameter().getName(), parameter.getParameterType());
            }
        }
        return parameters;
    }
}
