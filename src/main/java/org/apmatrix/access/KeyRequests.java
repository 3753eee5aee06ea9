package org.apmatrix.access;

import io.micrometer.observation.ObservationRegistry;
import java.time.Duration;
import org.springframework.boot.security.oauth2.server.resource.autoconfigure.JwkSetUriJwtDecoderBuilderCustomizer;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.http.client.SimpleClientHttpRequestFactory;
import org.springframework.web.client.RestTemplate;

/** The only HTTP calls of this service: an identity provider is asked for its keys, with the trace context of the request that needs them. */
@Configuration(proxyBeanMethods = false)
class KeyRequests {
    /** A request waits for the keys, and is refused without them. */
    private static final Duration PATIENCE = Duration.ofSeconds(2);

    @Bean
    JwkSetUriJwtDecoderBuilderCustomizer tracedKeyRequests(ObservationRegistry observations) {
        SimpleClientHttpRequestFactory calls = new SimpleClientHttpRequestFactory();
        calls.setConnectTimeout(PATIENCE);
        calls.setReadTimeout(PATIENCE);
        RestTemplate keys = new RestTemplate(calls);
        keys.setObservationRegistry(observations);
        return decoder -> decoder.restOperations(keys);
    }
}
