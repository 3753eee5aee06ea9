package org.apmatrix.api;

import jakarta.servlet.http.HttpServletRequest;
import java.util.Set;
import java.util.stream.Collectors;
import org.apmatrix.audit.Attempt;
import org.apmatrix.fault.ErrorCode;
import org.apmatrix.fault.Fault;
import org.apmatrix.fault.InvalidValue;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpMethod;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.http.converter.HttpMessageNotReadableException;
import org.springframework.web.HttpMediaTypeNotAcceptableException;
import org.springframework.web.HttpMediaTypeNotSupportedException;
import org.springframework.web.HttpRequestMethodNotSupportedException;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.RestControllerAdvice;
import org.springframework.web.context.request.async.AsyncRequestNotUsableException;
import org.springframework.web.method.annotation.MethodArgumentTypeMismatchException;
import org.springframework.web.servlet.resource.NoResourceFoundException;
import tools.jackson.core.JacksonException;
import tools.jackson.core.exc.InputCoercionException;
import tools.jackson.core.exc.StreamReadException;

/** Every no as a problem answer, and the only place that knows a code's status. */
@RestControllerAdvice
class ProblemAdvice {
    private static final Logger LOG = LoggerFactory.getLogger(ProblemAdvice.class);

    /** The refusals that pass by themselves: they carry {@code Retry-After}. */
    static final Set<ErrorCode> RETRYABLE = Set.of(
            ErrorCode.HOST_LOCKED,
            ErrorCode.QEMU_UNREACHABLE,
            ErrorCode.TOO_MANY_REQUESTS,
            ErrorCode.AUDIT_UNAVAILABLE);

    static HttpStatus status(ErrorCode code) {
        return switch (code) {
            case INVALID_VALUE -> HttpStatus.BAD_REQUEST;
            case UNAUTHENTICATED -> HttpStatus.UNAUTHORIZED;
            case FORBIDDEN -> HttpStatus.FORBIDDEN;
            case NOT_FOUND,
                    MDEV_NOT_FOUND,
                    DEFINITION_NOT_FOUND,
                    ALLOCATION_NOT_FOUND,
                    ADAPTER_NOT_FOUND,
                    QUEUE_NOT_FOUND,
                    GUEST_NOT_FOUND,
                    AP_DEVICE_NOT_FOUND -> HttpStatus.NOT_FOUND;
            case METHOD_NOT_ALLOWED -> HttpStatus.METHOD_NOT_ALLOWED;
            case NOT_ACCEPTABLE -> HttpStatus.NOT_ACCEPTABLE;
            case UNSUPPORTED_MEDIA_TYPE -> HttpStatus.UNSUPPORTED_MEDIA_TYPE;
            case MDEV_EXISTS,
                    MDEV_IN_USE,
                    LIVE_CHANGE_FORBIDDEN,
                    ID_ABOVE_MAXIMUM,
                    APQN_RESERVED,
                    APQN_IN_USE,
                    DEFINITION_CONFLICT,
                    DEFINITION_NOT_STARTABLE,
                    MDEV_NOT_AUTOSTARTED,
                    MATRIX_TOO_LARGE,
                    DRIVER_OVERRIDE_UNSUPPORTED,
                    QUEUE_ASSIGNMENT_MIXED,
                    GUEST_NOT_RUNNING,
                    GUEST_HAS_AP_DEVICE,
                    MDEV_ATTACHED_ELSEWHERE,
                    CPU_FEATURE_MISSING,
                    MATRIX_EMPTY,
                    AP_DEVICE_MISMATCH,
                    QEMU_REFUSED,
                    FOREIGN_MDEV,
                    MASKS_CLAIMED,
                    ALLOCATION_IMPOSSIBLE,
                    SIMULATION_IN_USE -> HttpStatus.CONFLICT;
            case EVENTS_GONE -> HttpStatus.GONE;
            case STATE_CHANGED -> HttpStatus.PRECONDITION_FAILED;
            case CONTENT_TOO_LARGE -> HttpStatus.CONTENT_TOO_LARGE;
            case IDEMPOTENCY_KEY_REUSED -> HttpStatus.UNPROCESSABLE_CONTENT;
            case HOST_LOCKED -> HttpStatus.LOCKED;
            case TOO_MANY_REQUESTS -> HttpStatus.TOO_MANY_REQUESTS;
            case HOST_REFUSED, INTERNAL_ERROR -> HttpStatus.INTERNAL_SERVER_ERROR;
            case QEMU_UNREACHABLE, AP_UNAVAILABLE, AUDIT_UNAVAILABLE -> HttpStatus.SERVICE_UNAVAILABLE;
        };
    }

    @ExceptionHandler
    ResponseEntity<Problem> fault(Fault fault, HttpServletRequest request) {
        if (fault.code() == ErrorCode.HOST_REFUSED) {
            LOG.error("{} {}: {}", request.getMethod(), request.getRequestURI(), fault.detail(), fault);
        }
        return answer(Problem.from(fault, request.getRequestURI()));
    }

    @ExceptionHandler
    ResponseEntity<Problem> parameter(MethodArgumentTypeMismatchException e, HttpServletRequest request) {
        Throwable root = e;
        while (root.getCause() != null && !(root instanceof ApiConverters.Unreadable)) {
            root = root.getCause();
        }
        String expected = root instanceof ApiConverters.Unreadable ? root.getMessage() : "it cannot be read";
        String value = ApiConverters.excerpt(String.valueOf(e.getValue()));
        return fault(new InvalidValue(e.getName(), "Not \"" + value + "\": " + expected + "."), request);
    }

    @ExceptionHandler
    ResponseEntity<Problem> body(HttpMessageNotReadableException e, HttpServletRequest request) {
        if (e.getCause() instanceof JacksonException json
                && (!(json instanceof StreamReadException) || json instanceof InputCoercionException)) {
            String field = json.getPath().stream()
                    .map(step ->
                            step.getPropertyName() == null ? "[" + step.getIndex() + "]" : "." + step.getPropertyName())
                    .collect(Collectors.joining());
            return fault(
                    new InvalidValue(
                            field.startsWith(".") ? field.substring(1) : field.isEmpty() ? "body" : field,
                            "The JSON has a member that this request does not take, or a value of another kind than it takes there."),
                    request);
        }
        return fault(
                new InvalidValue(
                        "body",
                        "The body is missing, is not what its media type says (JSON, YAML), or names a member twice."),
                request);
    }

    @ExceptionHandler
    ResponseEntity<Problem> method(HttpRequestMethodNotSupportedException e, HttpServletRequest request) {
        ResponseEntity.BodyBuilder builder = ResponseEntity.status(HttpStatus.METHOD_NOT_ALLOWED);
        if (e.getSupportedHttpMethods() != null) {
            builder.allow(e.getSupportedHttpMethods().toArray(HttpMethod[]::new));
        }
        return builder.contentType(MediaType.APPLICATION_PROBLEM_JSON)
                .body(Problem.of(
                        ErrorCode.METHOD_NOT_ALLOWED,
                        "There is no " + e.getMethod() + " at this path.",
                        request.getRequestURI()));
    }

    @ExceptionHandler
    ResponseEntity<Problem> mediaType(HttpMediaTypeNotSupportedException e, HttpServletRequest request) {
        String taken = e.getSupportedMediaTypes().isEmpty()
                ? MediaType.APPLICATION_JSON_VALUE
                : e.getSupportedMediaTypes().stream()
                        .map(MediaType::toString)
                        .sorted()
                        .collect(Collectors.joining(" or "));
        return answer(Problem.of(
                ErrorCode.UNSUPPORTED_MEDIA_TYPE, "This path takes " + taken + ".", request.getRequestURI()));
    }

    @ExceptionHandler
    ResponseEntity<Problem> accept(HttpMediaTypeNotAcceptableException e, HttpServletRequest request) {
        return answer(Problem.of(
                ErrorCode.NOT_ACCEPTABLE, "This path answers " + answered(e) + ".", request.getRequestURI()));
    }

    private static String answered(HttpMediaTypeNotAcceptableException e) {
        if (e.getSupportedMediaTypes().contains(MediaType.APPLICATION_XML)) {
            return "application/json or application/xml";
        }
        return e.getSupportedMediaTypes().contains(MediaType.TEXT_EVENT_STREAM)
                ? MediaType.TEXT_EVENT_STREAM_VALUE
                : MediaType.APPLICATION_JSON_VALUE;
    }

    /** Who asked has gone, in the middle of a stream or of an answer: there is nobody to tell. */
    @ExceptionHandler
    void gone(AsyncRequestNotUsableException e, HttpServletRequest request) {
        LOG.debug("{} {}: {}", request.getMethod(), request.getRequestURI(), e.getMessage());
    }

    @ExceptionHandler
    ResponseEntity<Problem> path(NoResourceFoundException e, HttpServletRequest request) {
        return answer(Problem.of(ErrorCode.NOT_FOUND, "There is nothing at this path.", request.getRequestURI()));
    }

    @ExceptionHandler
    ResponseEntity<Problem> own(Exception e, HttpServletRequest request) {
        LOG.error("{} {}", request.getMethod(), request.getRequestURI(), e);
        return answer(
                Problem.of(ErrorCode.INTERNAL_ERROR, "The log of the service tells more.", request.getRequestURI()));
    }

    static ResponseEntity<Problem> answer(Problem problem) {
        Attempt.current().refused(problem.code().name(), problem.errno());
        HttpHeaders headers = new HttpHeaders();
        headers.setContentType(MediaType.APPLICATION_PROBLEM_JSON);
        if (RETRYABLE.contains(problem.code())) {
            headers.set(HttpHeaders.RETRY_AFTER, "1");
        }
        if (problem.code() == ErrorCode.UNAUTHENTICATED) {
            headers.set(HttpHeaders.WWW_AUTHENTICATE, "Bearer");
        }
        return ResponseEntity.status(problem.status()).headers(headers).body(problem);
    }
}
