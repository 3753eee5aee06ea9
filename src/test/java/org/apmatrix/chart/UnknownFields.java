package org.apmatrix.chart;

import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;

/** Fields of a Kubernetes object that Kubernetes does not have: fabric8 takes them up as additional properties and says nothing. */
final class UnknownFields {
    private UnknownFields() {}

    static List<String> of(Object object) {
        List<String> found = new ArrayList<>();
        try {
            collect(object.getClass().getSimpleName(), object, found);
        } catch (ReflectiveOperationException failed) {
            throw new AssertionError(failed);
        }
        return found;
    }

    private static void collect(String where, Object value, List<String> found) throws ReflectiveOperationException {
        if (value instanceof Collection<?> several) {
            for (Object one : several) {
                collect(where, one, found);
            }
        } else if (value != null && value.getClass().getName().startsWith("io.fabric8.kubernetes.api.model.")) {
            for (Method method : value.getClass().getMethods()) {
                if (method.getName().equals("getAdditionalProperties")) {
                    ((Map<?, ?>) method.invoke(value)).keySet().forEach(name -> found.add(where + "." + name));
                } else if (method.getName().startsWith("get")
                        && method.getParameterCount() == 0
                        && !value.getClass().isEnum()) {
                    collect(where + "." + method.getName().substring("get".length()), method.invoke(value), found);
                }
            }
        }
    }
}
