package org.apmatrix.api;

import java.io.IOException;
import java.math.BigInteger;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Base64;
import java.util.Date;
import javax.security.auth.x500.X500Principal;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;

/** An authority of the tests, which issues certificates for localhost and for clients. */
public final class Certificates {
    private final Issued authority;

    public Certificates(String name) throws GeneralSecurityException, IOException, OperatorCreationException {
        KeyPair keys = keys();
        authority = new Issued(sign("CN=" + name, keys, "CN=" + name, keys.getPrivate(), true), keys.getPrivate());
    }

    /** A certificate with its key. */
    public record Issued(X509Certificate certificate, PrivateKey key) {
        public String certificatePem() throws GeneralSecurityException, IOException, OperatorCreationException {
            return pem("CERTIFICATE", certificate.getEncoded());
        }

        public String keyPem() {
            return pem("PRIVATE KEY", key.getEncoded());
        }
    }

    public Issued authority() {
        return authority;
    }

    public Issued issue(String subject) throws GeneralSecurityException, IOException, OperatorCreationException {
        KeyPair keys = keys();
        String issuer = authority.certificate().getSubjectX500Principal().getName();
        return new Issued(sign(subject, keys, issuer, authority.key(), false), keys.getPrivate());
    }

    static String pem(String kind, byte[] der) {
        return "-----BEGIN " + kind + "-----\n"
                + Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(der) + "\n-----END " + kind + "-----\n";
    }

    private static KeyPair keys() throws GeneralSecurityException, IOException, OperatorCreationException {
        KeyPairGenerator generator =
                KeyPairGenerator.getInstance("RSA"); // GnuTLS does not take Java's keys of elliptic curves
        generator.initialize(2048);
        return generator.generateKeyPair();
    }

    private static X509Certificate sign(
            String subject, KeyPair keys, String issuer, PrivateKey signer, boolean authority)
            throws GeneralSecurityException, IOException, OperatorCreationException {
        Instant now = Instant.now();
        JcaX509v3CertificateBuilder builder = new JcaX509v3CertificateBuilder(
                name(issuer),
                new BigInteger(64, new SecureRandom()),
                Date.from(now.minus(1, ChronoUnit.HOURS)),
                Date.from(now.plus(1, ChronoUnit.DAYS)),
                name(subject),
                keys.getPublic());
        builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(authority));
        builder.addExtension(
                Extension.subjectAlternativeName,
                false,
                new GeneralNames(new GeneralName(GeneralName.dNSName, "localhost")));
        return new JcaX509CertificateConverter()
                .getCertificate(builder.build(new JcaContentSignerBuilder("SHA256withRSA").build(signer)));
    }

    /** In the order of RFC 2253, as OpenSSL encodes it. */
    private static X500Name name(String text) {
        return X500Name.getInstance(new X500Principal(text).getEncoded());
    }
}
