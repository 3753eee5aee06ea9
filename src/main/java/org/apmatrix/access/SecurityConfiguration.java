package org.apmatrix.access;

import com.github.benmanes.caffeine.cache.Ticker;
import jakarta.servlet.http.HttpServletRequest;
import java.net.InetAddress;
import java.util.Optional;
import java.util.function.Supplier;
import org.apmatrix.fault.RequestDenied;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.annotation.Qualifier;
import org.springframework.boot.web.server.autoconfigure.ServerProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.env.Environment;
import org.springframework.core.env.Profiles;
import org.springframework.http.HttpMethod;
import org.springframework.security.authentication.AuthenticationServiceException;
import org.springframework.security.authorization.AuthorizationDecision;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.config.http.SessionCreationPolicy;
import org.springframework.security.core.Authentication;
import org.springframework.security.core.AuthenticationException;
import org.springframework.security.oauth2.jwt.JwtDecoder;
import org.springframework.security.oauth2.server.resource.InvalidBearerTokenException;
import org.springframework.security.oauth2.server.resource.authentication.BearerTokenAuthenticationToken;
import org.springframework.security.oauth2.server.resource.authentication.JwtAuthenticationConverter;
import org.springframework.security.oauth2.server.resource.authentication.JwtAuthenticationProvider;
import org.springframework.security.web.AuthenticationEntryPoint;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.security.web.access.intercept.AuthorizationFilter;
import org.springframework.security.web.access.intercept.RequestAuthorizationContext;
import org.springframework.security.web.authentication.AnonymousAuthenticationFilter;
import org.springframework.security.web.authentication.preauth.AbstractPreAuthenticatedProcessingFilter;
import org.springframework.security.web.header.HeaderWriterFilter;
import org.springframework.web.servlet.HandlerExceptionResolver;
import org.springframework.web.util.ServletRequestPathUtils;

/** What stands between the network and the controllers: who calls, whether that role may, and how much one caller can take. */
@Configuration(proxyBeanMethods = false)
class SecurityConfiguration {
    private static final Logger LOG = LoggerFactory.getLogger(SecurityConfiguration.class);

    /** Open or not, and why. */
    @Bean
    AccessMode accessMode(
            AccessProperties properties,
            ServerProperties server,
            Environment environment,
            ObjectProvider<JwtDecoder> jwtDecoder) {
        AccessMode mode = AccessMode.of(
                properties,
                environment.acceptsProfiles(Profiles.of("simulated")),
                jwtDecoder.getIfAvailable() != null,
                isLoopback(server.getAddress())
                        // a port of its own listens to the whole network unless it has an address of its own, too
                        && (!environment.containsProperty("management.server.port")
                                || isLoopback(
                                        environment.getProperty("management.server.address", InetAddress.class))));
        LOG.info("{}", mode.reason());
        return mode;
    }

    private static boolean isLoopback(@Nullable InetAddress address) {
        return address != null && address.isLoopbackAddress();
    }

    @Bean
    SecurityFilterChain security(
            HttpSecurity http,
            AccessMode mode,
            AccessProperties properties,
            ObjectProvider<JwtDecoder> jwtDecoder,
            @Qualifier("handlerExceptionResolver") HandlerExceptionResolver problems) {
        WrongTokens wrong = new WrongTokens(properties.limits().wrongTokensPerMinute(), Ticker.systemTicker());
        Bearers bearers = bearers(properties, jwtDecoder.getIfAvailable(), wrong);
        AuthenticationEntryPoint askForIdentity =
                (request, response, why) -> askForIdentity(request.getRemoteAddr(), why, wrong);
        http.csrf(csrf -> csrf.disable()) // no cookie tells who calls, and ForeignPages refuses what other pages send
                .requestCache(cache -> cache.disable())
                .logout(logout -> logout.disable())
                .sessionManagement(session -> session.sessionCreationPolicy(SessionCreationPolicy.STATELESS))
                .x509(x509 -> x509.x509PrincipalExtractor(ClientCertificates::subject)
                        .authenticationUserDetailsService(new ClientCertificates(properties.certificates())))
                .oauth2ResourceServer(bearer -> bearer.authenticationManagerResolver(
                                request -> sent -> bearers.authenticate(sent, request.getRemoteAddr()))
                        .authenticationEntryPoint(askForIdentity))
                .exceptionHandling(refusals -> refusals.authenticationEntryPoint(askForIdentity)
                        .accessDeniedHandler((request, response, why) -> {
                            throw RequestDenied.roleMissing(
                                    needed(request).orElse(Role.ADMIN).toString());
                        }))
                .authorizeHttpRequests(requests -> requests.anyRequest().access(SecurityConfiguration::mayCall))
                .headers(BrowserRules::headers)
                .addFilterAfter(new FaultsOfFilters(problems), HeaderWriterFilter.class)
                .addFilterAfter(new ForeignPages(properties.allowedOrigins(), mode), FaultsOfFilters.class)
                .addFilterAfter(new BodyLimit(properties.limits().body()), ForeignPages.class)
                .addFilterBefore(new InFlightLimit(properties.limits().inFlightPerCaller()), AuthorizationFilter.class);
        if (properties.allowedOrigins().isEmpty()) {
            http.cors(cors -> cors.disable());
        } else {
            http.cors(cors -> cors.configurationSource(BrowserRules.cors(properties.allowedOrigins())));
        }
        if (properties.socket().path() != null) {
            http.addFilterBefore(
                    new SocketPeers(properties.socket().usersAndRoot()),
                    AbstractPreAuthenticatedProcessingFilter.class);
        }
        if (mode.isOpen()) {
            http.addFilterBefore(new OpenHost(), AnonymousAuthenticationFilter.class);
        }
        return http.build();
    }

    /** Tells who sends a bearer token, from this address. */
    private interface Bearers {
        Authentication authenticate(Authentication sent, String address);
    }

    private static Bearers bearers(AccessProperties properties, @Nullable JwtDecoder jwtDecoder, WrongTokens wrong) {
        StaticTokens tokens = properties.tokensFile() == null
                ? null
                : new StaticTokens(new TokenFile(properties.tokensFile()), wrong);
        JwtAuthenticationProvider jwts = jwtDecoder == null ? null : jwts(jwtDecoder, properties.jwt());
        return (authentication, address) -> {
            String text = ((BearerTokenAuthenticationToken) authentication).getToken();
            Optional<Token> token = Token.parse(text);
            if (token.isPresent() && tokens != null) {
                return tokens.caller(token.get(), address)
                        .orElseThrow(() -> new InvalidBearerTokenException("unknown token"));
            }
            if (token.isPresent() || jwts == null) {
                throw new InvalidBearerTokenException("a token of a kind that is not configured");
            }
            try {
                return jwts.authenticate(authentication);
            } catch (AuthenticationServiceException unavailable) {
                LOG.error("the identity provider cannot be asked for its keys", unavailable);
                throw new InvalidBearerTokenException("the identity provider cannot be asked", unavailable);
            }
        };
    }

    private static JwtAuthenticationProvider jwts(JwtDecoder decoder, AccessProperties.Jwt claims) {
        JwtAuthenticationConverter converter = new JwtAuthenticationConverter();
        converter.setPrincipalClaimName(claims.nameClaim());
        converter.setJwtGrantedAuthoritiesConverter(
                jwt -> Role.authorities(RolesClaim.read(jwt.getClaims(), claims.rolesClaim())));
        JwtAuthenticationProvider provider = new JwtAuthenticationProvider(decoder);
        provider.setJwtAuthenticationConverter(converter);
        return provider;
    }

    private static void askForIdentity(String address, AuthenticationException why, WrongTokens wrong) {
        if (why instanceof InvalidBearerTokenException) {
            if (wrong.count(address)) {
                LOG.info("from {}: {}", address, why.getMessage());
            }
            throw RequestDenied.unauthenticated("The token is wrong, has expired, or is not for this service.");
        }
        throw RequestDenied.unauthenticated(
                "This needs an identity: a token in the header Authorization, or a client certificate that is listed.");
    }

    private static AuthorizationDecision mayCall(
            Supplier<? extends @Nullable Authentication> caller, RequestAuthorizationContext context) {
        Optional<Role> needed = needed(context.getRequest());
        return new AuthorizationDecision(
                needed.isEmpty() || Caller.of(caller.get()).has(needed.get()));
    }

    private static Optional<Role> needed(HttpServletRequest request) {
        return Permissions.needed(
                HttpMethod.valueOf(request.getMethod()),
                ServletRequestPathUtils.parse(request).pathWithinApplication());
    }
}
