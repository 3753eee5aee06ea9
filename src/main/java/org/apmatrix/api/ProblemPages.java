package org.apmatrix.api;

import io.swagger.v3.oas.annotations.Hidden;
import jakarta.servlet.RequestDispatcher;
import jakarta.servlet.http.HttpServletRequest;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.apmatrix.fault.ErrorCode;
import org.springframework.boot.webmvc.error.ErrorController;
import org.springframework.http.HttpMethod;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.servlet.resource.NoResourceFoundException;
import org.springframework.web.util.HtmlUtils;

/** The short page behind each problem's {@code type}, and the answer to what fails before a controller is reached. */
@RestController
@Hidden
class ProblemPages implements ErrorController {
    private static final MediaType PAGE = new MediaType(MediaType.TEXT_HTML, StandardCharsets.UTF_8);

    @GetMapping("/problems/{slug}")
    ResponseEntity<String> page(@PathVariable String slug) throws NoResourceFoundException {
        ErrorCode code = code(slug);
        String page = """
                <!doctype html>
                <html lang="en">
                <meta charset="utf-8">
                <meta name="viewport" content="width=device-width">
                <title>%1$s</title>
                <body>
                <h1>%1$s</h1>
                <p><code>%2$s</code>, status %3$d</p>
                <h2>What it means</h2>
                <p>%4$s</p>
                <h2>What the caller can do</h2>
                <p>%5$s</p>
                <h2>What the operator of the host can do</h2>
                <p>%6$s</p>
                </body>
                </html>
                """.formatted(
                        HtmlUtils.htmlEscape(code.title()),
                        code.name(),
                        ProblemAdvice.status(code).value(),
                        HtmlUtils.htmlEscape(code.meaning()),
                        HtmlUtils.htmlEscape(code.callerCan()),
                        HtmlUtils.htmlEscape(code.operatorCan()));
        return ResponseEntity.ok().contentType(PAGE).body(page);
    }

    private static ErrorCode code(String slug) throws NoResourceFoundException {
        return ErrorCode.ofSlug(slug)
                .orElseThrow(() -> new NoResourceFoundException(HttpMethod.GET, "/problems/" + slug, slug));
    }

    @RequestMapping("/error")
    ResponseEntity<Problem> error(HttpServletRequest request) {
        Object status = request.getAttribute(RequestDispatcher.ERROR_STATUS_CODE);
        Object path = request.getAttribute(RequestDispatcher.ERROR_REQUEST_URI);
        String instance = path == null ? request.getRequestURI() : path.toString();
        return ProblemAdvice.answer(problem(status instanceof Integer code ? code : 404, instance));
    }

    /** What a container refused before any controller saw it, by its status alone. */
    static Problem problem(int status, String instance) {
        for (ErrorCode code : List.of(
                ErrorCode.NOT_FOUND,
                ErrorCode.METHOD_NOT_ALLOWED,
                ErrorCode.NOT_ACCEPTABLE,
                ErrorCode.UNSUPPORTED_MEDIA_TYPE)) {
            if (ProblemAdvice.status(code).value() == status) {
                return Problem.of(code, code.meaning(), instance);
            }
        }
        // 501: a transfer coding, 505: a version of HTTP that Tomcat does not know
        return (status >= 400 && status < 500) || status == 501 || status == 505
                ? Problem.of(ErrorCode.INVALID_VALUE, "The request is not well-formed HTTP.", instance)
                : Problem.of(ErrorCode.INTERNAL_ERROR, "The log of the service tells more.", instance);
    }
}
