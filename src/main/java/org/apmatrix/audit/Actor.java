package org.apmatrix.audit;

import com.fasterxml.jackson.annotation.JsonPropertyOrder;

/**
 * Who tries to change something.
 *
 * @param name the token's name, the JWT's subject, the certificate's distinguished name; {@code anonymous} for nobody in particular
 * @param authentication {@code token}, {@code jwt}, {@code certificate}, {@code socket}, {@code anonymous}, or {@code none} for the service itself
 */
@JsonPropertyOrder({"name", "authentication"})
public record Actor(String name, String authentication) {
    /** Nobody in particular. */
    public static final Actor ANONYMOUS = new Actor("anonymous", "anonymous");

    /** The service itself, which finishes what no request waits for any more. */
    public static final Actor APMATRIX = new Actor("apmatrix", "none");
}
