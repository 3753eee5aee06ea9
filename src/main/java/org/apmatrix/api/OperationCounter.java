package org.apmatrix.api;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.swagger.v3.oas.annotations.Operation;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.annotation.Qualifier;
import org.springframework.core.MethodParameter;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.http.HttpMethod;
import org.springframework.http.MediaType;
import org.springframework.http.converter.HttpMessageConverter;
import org.springframework.http.server.ServerHttpRequest;
import org.springframework.http.server.ServerHttpResponse;
import org.springframework.http.server.ServletServerHttpRequest;
import org.springframework.stereotype.Component;
import org.springframework.web.HttpRequestMethodNotSupportedException;
import org.springframework.web.bind.annotation.ControllerAdvice;
import org.springframework.web.filter.OncePerRequestFilter;
import org.springframework.web.method.HandlerMethod;
import org.springframework.web.servlet.HandlerExecutionChain;
import org.springframework.web.servlet.HandlerMapping;
import org.springframework.web.servlet.mvc.method.annotation.RequestMappingHandlerMapping;
import org.springframework.web.servlet.mvc.method.annotation.ResponseBodyAdvice;

/**
 * Counts every write, and every read that was refused, as {@code apmatrix.operations}: {@code operation} is the operationId of the OpenAPI document ({@code none}
 * where a request is no operation), {@code code} the problem's code, or {@code OK}.
 *
 * <p>It stands before security, so that what is refused there is counted too.
 */
@Component
@Order(Ordered.HIGHEST_PRECEDENCE + 10)
final class OperationCounter extends OncePerRequestFilter {
    private static final String CODE = OperationCounter.class.getName();

    private final MeterRegistry meters;
    private final ObjectProvider<RequestMappingHandlerMapping> mappings;

    OperationCounter(
            MeterRegistry meters,
            @Qualifier("requestMappingHandlerMapping") ObjectProvider<RequestMappingHandlerMapping> mappings) {
        this.meters = meters;
        this.mappings = mappings;
    }

    /** Remembers the code of the problem that is written. */
    @ControllerAdvice
    static final class Codes implements ResponseBodyAdvice<Problem> {
        @Override
        public boolean supports(MethodParameter answer, Class<? extends HttpMessageConverter<?>> converter) {
            return answer.getGenericParameterType().getTypeName().contains(Problem.class.getName());
        }

        @Override
        public @Nullable Problem beforeBodyWrite(
                @Nullable Problem body,
                MethodParameter answer,
                MediaType type,
                Class<? extends HttpMessageConverter<?>> converter,
                ServerHttpRequest request,
                ServerHttpResponse response) {
            if (body != null && request instanceof ServletServerHttpRequest servlet) {
                servlet.getServletRequest().setAttribute(CODE, body.code().name());
            }
            return body;
        }
    }

    @Override
    protected boolean shouldNotFilter(HttpServletRequest request) {
        return !request.getRequestURI().startsWith("/api/");
    }

    @Override
    protected void doFilterInternal(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws ServletException, IOException {
        boolean answered = false;
        try {
            chain.doFilter(request, response);
            answered = true;
        } finally {
            Object code = request.getAttribute(CODE);
            if (code != null || !answered || response.getStatus() >= 400 || !isRead(request)) {
                count(
                        request,
                        code != null ? code.toString() : answered ? told(response.getStatus()) : "INTERNAL_ERROR");
            }
        }
    }

    /** Without a problem of ours: done, or refused by the container. */
    private static String told(int status) {
        return status < 400 ? "OK" : status < 500 ? "INVALID_VALUE" : "INTERNAL_ERROR";
    }

    private static boolean isRead(HttpServletRequest request) {
        HttpMethod method = HttpMethod.valueOf(request.getMethod());
        return method.equals(HttpMethod.GET) || method.equals(HttpMethod.HEAD) || method.equals(HttpMethod.OPTIONS);
    }

    private void count(HttpServletRequest request, String code) {
        Counter.builder("apmatrix.operations")
                .description("Writes, and reads that were refused")
                .tag("operation", operation(request))
                .tag("code", code)
                .register(meters)
                .increment();
    }

    private String operation(HttpServletRequest request) {
        Object handler = request.getAttribute(HandlerMapping.BEST_MATCHING_HANDLER_ATTRIBUTE);
        Operation operation = (handler != null ? handler : refusedBefore(request)) instanceof HandlerMethod method
                ? method.getMethodAnnotation(Operation.class)
                : null;
        return operation == null ? "none" : operation.operationId();
    }

    /** The handler of a request that a filter refused; null where there is none. */
    private @Nullable Object refusedBefore(HttpServletRequest request) {
        try {
            HandlerExecutionChain chain = mappings.getObject().getHandler(request);
            return chain == null ? null : chain.getHandler();
        } catch (HttpRequestMethodNotSupportedException e) {
            return null;
        } catch (Exception e) {
            // as the interface has it; no media type, no parameter: no operation either way
            logger.debug("no operation", e);
            return null;
        }
    }
}
