package org.apmatrix.host.sim;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** An object of QEMU's tree: a type, properties in the order they were added, and a place below its parent (qom/object.c). */
final class QomObject {
    /** What an object has under a name. */
    sealed interface Property {
        /** As qom-list tells it: {@code string}, {@code child<vfio-ap>}, {@code link<bus>}. */
        String type();
    }

    record Child(QomObject object) implements Property {
        @Override
        public String type() {
            return "child<" + object.type + ">";
        }
    }

    /** @param target the object that is pointed to; null for none */
    record Link(String targetType, @Nullable QomObject target) implements Property {
        @Override
        public String type() {
            return "link<" + targetType + ">";
        }
    }

    /** @param value a text, number or boolean, asked anew at each qom-get; a null supplier stands for a property that can only be written */
    record Value(String type, @Nullable Supplier<Object> value) implements Property {}

    private static final String SEPARATOR = "/";

    private final String type;
    private final Map<String, Property> properties = new LinkedHashMap<>();
    private @Nullable QomObject parent;
    private String name = "";

    QomObject(String type) {
        this.type = type;
        properties.put("type", new Value("string", () -> type));
    }

    String type() {
        return type;
    }

    Map<String, Property> properties() {
        return properties;
    }

    /**
     * The property of this name.
     *
     * @throws QmpRefusal GenericError when there is none
     */
    Property property(String property) {
        Property found = properties.get(property);
        if (found == null) {
            throw QmpRefusal.generic("Property '" + type + "." + property + "' not found");
        }
        return found;
    }

    QomObject value(String property, String valueType, Supplier<Object> value) {
        properties.put(property, new Value(valueType, value));
        return this;
    }

    QomObject link(String property, String targetType, @Nullable QomObject target) {
        properties.put(property, new Link(targetType, target));
        return this;
    }

    /** Puts an object below this one; returns that object. */
    QomObject child(String property, QomObject object) {
        object.parent = this;
        object.name = property;
        properties.put(property, new Child(object));
        return object;
    }

    void remove(String property) {
        properties.remove(property);
    }

    /** The canonical path: {@code /} for the root. */
    String path() {
        QomObject above = parent;
        if (above == null) {
            return SEPARATOR;
        }
        return above.parent == null ? SEPARATOR + name : above.path() + SEPARATOR + name;
    }

    /**
     * The object at a path below this root: an absolute one through children and links, or the end of a path that only one object has.
     *
     * @throws QmpRefusal DeviceNotFound, or GenericError when several objects have it (qom/qom-qmp-cmds.c, qmp_qom_list)
     */
    QomObject resolve(String path) {
        Optional<QomObject> found = path.startsWith(SEPARATOR) ? find(path) : search(path, path.split(SEPARATOR, -1));
        return found.orElseThrow(() -> QmpRefusal.deviceNotFound(path));
    }

    /** The object at an absolute path below this root. */
    Optional<QomObject> find(String path) {
        return walk(path.split(SEPARATOR, -1));
    }

    /** object_resolve_abs_path: names that are empty are passed over. */
    private Optional<QomObject> walk(String[] names) {
        QomObject at = this;
        for (String step : names) {
            if (!step.isEmpty()) {
                QomObject next = at.step(step);
                if (next == null) {
                    return Optional.empty();
                }
                at = next;
            }
        }
        return Optional.of(at);
    }

    private @Nullable QomObject step(String property) {
        Property found = properties.get(property);
        if (found instanceof Child child) {
            return child.object();
        }
        return found instanceof Link link ? link.target() : null;
    }

    /** object_resolve_partial_path. */
    private Optional<QomObject> search(String path, String[] names) {
        Optional<QomObject> found = walk(names);
        for (Property property : properties.values()) {
            if (property instanceof Child child) {
                Optional<QomObject> below = child.object().search(path, names);
                if (below.isPresent() && found.isPresent()) {
                    throw QmpRefusal.generic("Path '" + path + "' is ambiguous");
                }
                found = below.isPresent() ? below : found;
            }
        }
        return found;
    }
}
