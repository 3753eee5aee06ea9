package org.apmatrix.api;

import io.swagger.v3.oas.annotations.Operation;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.lang.reflect.Type;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apmatrix.audit.Attempt;
import org.apmatrix.audit.AuditJournal;
import org.jspecify.annotations.Nullable;
import org.springframework.core.MethodParameter;
import org.springframework.http.HttpInputMessage;
import org.springframework.http.converter.HttpMessageConverter;
import org.springframework.web.bind.annotation.ControllerAdvice;
import org.springframework.web.method.HandlerMethod;
import org.springframework.web.servlet.HandlerInterceptor;
import org.springframework.web.servlet.config.annotation.InterceptorRegistry;
import org.springframework.web.servlet.config.annotation.WebMvcConfigurer;
import org.springframework.web.servlet.mvc.method.annotation.RequestBodyAdviceAdapter;
import tools.jackson.databind.json.JsonMapper;

/** Tells the audit journal which operation a write has reached, by whom and with which parameters, and refuses it where the journal cannot be written. */
@ControllerAdvice
class AuditedOperations extends RequestBodyAdviceAdapter implements HandlerInterceptor, WebMvcConfigurer {
    private static final int LARGEST_BODY = 64 * 1024;

    private final AuditJournal journal;
    private final JsonMapper json;

    AuditedOperations(AuditJournal journal, JsonMapper json) {
        this.journal = journal;
        this.json = json;
    }

    /** Before all others, which may refuse. */
    @Override
    public void addInterceptors(InterceptorRegistry registry) {
        registry.addInterceptor(this).order(-1);
    }

    @Override
    public boolean preHandle(HttpServletRequest request, HttpServletResponse response, Object handler) {
        Attempt attempt = Attempt.current();
        if (attempt.id() == null) {
            return true;
        }
        attempt.by(AuditedRequests.actor());
        if (handler instanceof HandlerMethod method) {
            Operation operation = method.getMethodAnnotation(Operation.class);
            if (operation != null) {
                Map<String, @Nullable Object> query = new LinkedHashMap<>();
                // only what the operation has: anything else is refused, and might be a secret
                for (String name : KnownParameters.parameters(method).keySet()) {
                    String value = request.getParameter(name);
                    if (value != null) {
                        query.put(name, ApiConverters.excerpt(value));
                    }
                }
                attempt.of(operation.operationId(), "true".equals(query.get("dryRun")), parameters(query, null));
                journal.requireAvailable();
            }
        }
        return true;
    }

    @Override
    public boolean supports(MethodParameter parameter, Type type, Class<? extends HttpMessageConverter<?>> converter) {
        return true;
    }

    @Override
    public Object afterBodyRead(
            Object body,
            HttpInputMessage message,
            MethodParameter parameter,
            Type type,
            Class<? extends HttpMessageConverter<?>> converter) {
        Attempt attempt = Attempt.current();
        Map<String, @Nullable Object> known = attempt.parameters();
        if (known != null) {
            // what is not read as JSON by its converter is told as the text that it is
            String text = json.writeValueAsString(
                    body instanceof byte[] bytes ? new String(bytes, StandardCharsets.UTF_8) : body);
            attempt.with(parameters(
                    known.get("query"),
                    text.length() <= LARGEST_BODY
                            ? json.readValue(text, Object.class)
                            : "left out: " + text.length() + " characters"));
        }
        return body;
    }

    private static Map<String, @Nullable Object> parameters(@Nullable Object query, @Nullable Object body) {
        Map<String, @Nullable Object> parameters = new LinkedHashMap<>();
        parameters.put("query", query);
        parameters.put("body", body);
        return parameters;
    }
}
