package org.apmatrix.api;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.apmatrix.fault.ErrorCode;

/** The codes that an operation may be refused with, beside those that any operation may have; the OpenAPI document is made from it. */
@Documented
@Target({ElementType.METHOD, ElementType.ANNOTATION_TYPE})
@Retention(RetentionPolicy.RUNTIME)
@interface Refuses {
    ErrorCode[] value();
}
