package org.apmatrix.access;

import java.security.cert.X509Certificate;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import javax.security.auth.x500.X500Principal;
import org.springframework.security.core.userdetails.AuthenticationUserDetailsService;
import org.springframework.security.core.userdetails.User;
import org.springframework.security.core.userdetails.UserDetails;
import org.springframework.security.core.userdetails.UsernameNotFoundException;
import org.springframework.security.web.authentication.preauth.PreAuthenticatedAuthenticationToken;

/** The roles of client certificates. That one was issued by a trusted authority and has not expired, TLS has checked already. */
final class ClientCertificates implements AuthenticationUserDetailsService<PreAuthenticatedAuthenticationToken> {
    private final Map<X500Principal, Collection<Role>> roles = new HashMap<>();

    /** Throws {@link StartRefused} for a subject that is no distinguished name. */
    ClientCertificates(List<AccessProperties.Certificate> certificates) {
        for (AccessProperties.Certificate certificate : certificates) {
            try {
                roles.put(new X500Principal(certificate.subject()), certificate.roles());
            } catch (IllegalArgumentException e) {
                throw new StartRefused(
                        "apmatrix.security.certificates: \"" + certificate.subject() + "\" is no distinguished name.",
                        "Write it as openssl x509 -noout -subject -nameopt RFC2253 shows it, such as CN=ci,O=Example");
            }
        }
    }

    static Object subject(X509Certificate certificate) {
        return certificate.getSubjectX500Principal().getName();
    }

    @Override
    public UserDetails loadUserDetails(PreAuthenticatedAuthenticationToken token) {
        Collection<Role> granted = roles.get(new X500Principal(token.getName()));
        if (granted == null) {
            throw new UsernameNotFoundException("the certificate of " + token.getName() + " is not listed");
        }
        return new User(token.getName(), "", Role.authorities(granted));
    }
}
