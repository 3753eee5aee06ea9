package org.apmatrix.host.libvirt;

import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;

/**
 * Where the guests of libvirt are.
 *
 * @param uri libvirt's own, such as {@code qemu:///system}, {@code qemu+ssh://host/system} or {@code qemu+tls://host/system}; null for no libvirt
 */
@ConfigurationProperties("apmatrix.guests.libvirt")
public record LibvirtProperties(@Nullable String uri) {
    /** An empty one is none. */
    public LibvirtProperties {
        uri = uri == null || uri.isBlank() ? null : uri.strip();
    }
}
