package org.apmatrix.api;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.apache.catalina.connector.Request;
import org.apache.catalina.connector.Response;
import org.apache.catalina.core.StandardHost;
import org.apache.catalina.valves.ErrorReportValve;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.tomcat.servlet.TomcatServletWebServerFactory;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;
import org.springframework.http.MediaType;
import org.springframework.stereotype.Component;
import tools.jackson.databind.json.JsonMapper;

/** What Tomcat refuses before Spring sees it (a line that is no HTTP, a path with a NUL), as a problem like all others instead of Tomcat's own page. */
@Component
final class ContainerRefusals implements WebServerFactoryCustomizer<TomcatServletWebServerFactory> {
    private final JsonMapper json;

    ContainerRefusals(JsonMapper json) {
        this.json = json;
    }

    @Override
    public void customize(TomcatServletWebServerFactory factory) {
        factory.addContextCustomizers(context -> {
            if (context.getParent() instanceof StandardHost host) {
                host.setErrorReportValveClass(""); // no second valve beside ours
                host.getPipeline().addValve(new ProblemValve(json));
            }
        });
    }

    private static final class ProblemValve extends ErrorReportValve {
        private final JsonMapper json;

        ProblemValve(JsonMapper json) {
            this.json = json;
        }

        @Override
        protected void report(Request request, Response response, @Nullable Throwable throwable) {
            int status = response.getStatus();
            if (status < 400 || response.getContentWritten() > 0 || !response.setErrorReported()) {
                return;
            }
            String path = request.getDecodedRequestURI() == null ? "/" : request.getRequestURI();
            try {
                response.setContentType(MediaType.APPLICATION_PROBLEM_JSON_VALUE);
                response.setCharacterEncoding(StandardCharsets.UTF_8.name());
                Problem problem = ProblemPages.problem(status, path);
                response.setStatus(problem.status());
                response.getReporter().write(json.writeValueAsString(problem));
                response.finishResponse();
            } catch (IOException | IllegalStateException e) {
                container.getLogger().warn("no problem answer could be sent", e);
            }
        }
    }
}
