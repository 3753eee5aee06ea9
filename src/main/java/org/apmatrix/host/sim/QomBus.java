package org.apmatrix.host.sim;

import java.util.HashMap;
import java.util.Map;

/** A bus of the virtual machine, which links to its devices as {@code child[N]}; N counts up and is never used again (hw/core/qdev.c, bus_add_child). */
final class QomBus {
    private final String name;
    private final QomObject object;
    private final int capacity;
    private final Map<QomObject, String> children = new HashMap<>();
    private int added;

    /** @param capacity how many devices there is room for (BusClass.max_dev) */
    QomBus(String name, String type, int capacity) {
        this.name = name;
        this.capacity = capacity;
        object = new QomObject(type)
                .value("realized", "bool", () -> true)
                .link("hotplug-handler", "hotplug-handler", null);
    }

    String name() {
        return name;
    }

    QomObject object() {
        return object;
    }

    boolean isFull() {
        return children.size() >= capacity;
    }

    void add(QomObject device) {
        String child = "child[" + added + "]";
        added++;
        children.put(device, child);
        object.link(child, device.type(), device);
    }

    void remove(QomObject device) {
        String child = children.remove(device);
        if (child != null) {
            object.remove(child);
        }
    }
}
