package org.apmatrix.api;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apmatrix.ap.AdapterId;
import org.apmatrix.ap.ApMask;
import org.apmatrix.ap.Apqn;
import org.apmatrix.ap.DomainId;
import org.apmatrix.ap.MdevId;
import org.apmatrix.fault.InvalidValue;
import org.jspecify.annotations.Nullable;
import org.springframework.format.FormatterRegistry;
import org.springframework.stereotype.Component;
import org.springframework.web.servlet.config.annotation.InterceptorRegistry;
import org.springframework.web.servlet.config.annotation.WebMvcConfigurer;

/** Text of a path, a query or a body to values; what cannot be read is a 400 that says what would have been. */
@Component
class ApiConverters implements WebMvcConfigurer {
    private static final String ID = "an id is 0 to 255, decimal without a leading zero (71) or 0x hex (0x47)";

    @Override
    public void addFormatters(FormatterRegistry registry) {
        registry.addConverter(String.class, AdapterId.class, text -> require(AdapterId.parse(text), ID));
        registry.addConverter(String.class, DomainId.class, text -> require(DomainId.parse(text), ID));
        registry.addConverter(
                String.class,
                Apqn.class,
                text -> require(Apqn.parse(text), "an APQN is two and four lower-case hex digits, such as 05.00ab"));
        registry.addConverter(
                String.class, MdevId.class, text -> require(MdevId.parse(text), "a UUID is 8-4-4-4-12 hex digits"));
    }

    @Override
    public void addInterceptors(InterceptorRegistry registry) {
        registry.addInterceptor(new KnownParameters());
    }

    /** Text that a converter cannot read; the advice adds the name of the parameter. */
    static final class Unreadable extends IllegalArgumentException {
        private static final long serialVersionUID = 1L;

        Unreadable(String expected) {
            super(expected);
        }
    }

    static MdevId mdevId(String field, String text) {
        return MdevId.parse(text)
                .orElseThrow(() -> new InvalidValue(field, "Not a UUID of 8-4-4-4-12 hex digits: " + excerpt(text)));
    }

    /** The integers of a JSON array as a mask; a missing array is an empty one. */
    static ApMask ids(String field, @Nullable List<@Nullable Integer> ids) {
        List<Integer> checked = new ArrayList<>();
        for (int i = 0; ids != null && i < ids.size(); i++) {
            Integer id = ids.get(i);
            if (id == null || id < 0 || id > 255) {
                throw new InvalidValue(field + "[" + i + "]", "An id is an integer from 0 to 255, not " + id + ".");
            }
            checked.add(id);
        }
        return ApMask.of(checked);
    }

    static String excerpt(String text) {
        return text.length() <= 80 ? text : text.substring(0, 80) + "…";
    }

    private static <T> T require(Optional<T> value, String expected) {
        return value.orElseThrow(() -> new Unreadable(expected));
    }
}
