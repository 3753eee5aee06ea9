package org.apmatrix.host.linux;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.apmatrix.host.kernel.Vfio.DeviceInfo;
import org.apmatrix.host.kernel.Vfio.InterruptInfo;

/**
 * The structures of VFIO's ioctls as bytes (include/uapi/linux/vfio.h): 32-bit numbers one after the other, {@code argsz} and {@code flags} first. What the
 * kernel answers comes in the same bytes that it was asked with.
 *
 * @param order the machine's own; s390x is big-endian
 */
record VfioLayout(ByteOrder order) {
    private static final int FLAGS = 4;

    /** struct vfio_group_status: argsz, flags. */
    byte[] groupStatus() {
        return numbers(8, 0);
    }

    int groupFlags(byte[] groupStatus) {
        return decode(groupStatus).getInt(FLAGS);
    }

    /** struct vfio_device_info: argsz, flags, num_regions, num_irqs. Later members are left out, as argsz says: an AP device has no use for them. */
    byte[] deviceInfo() {
        return numbers(16, 0, 0, 0);
    }

    DeviceInfo deviceInfo(byte[] deviceInfo) {
        ByteBuffer answer = decode(deviceInfo);
        return new DeviceInfo(answer.getInt(FLAGS), answer.getInt(8), answer.getInt(12));
    }

    /** struct vfio_irq_info: argsz, flags, index, count. */
    byte[] interruptInfo(int index) {
        return numbers(16, 0, index, 0);
    }

    InterruptInfo interruptInfo(byte[] interruptInfo) {
        ByteBuffer answer = decode(interruptInfo);
        return new InterruptInfo(answer.getInt(FLAGS), answer.getInt(12));
    }

    /** A file descriptor, of which VFIO_GROUP_SET_CONTAINER takes the address. */
    byte[] descriptor(int fd) {
        return numbers(fd);
    }

    /** A device's name with a NUL at its end. */
    static byte[] name(String name) {
        byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
        return Arrays.copyOf(bytes, bytes.length + 1);
    }

    private byte[] numbers(int... numbers) {
        ByteBuffer bytes = ByteBuffer.allocate(numbers.length * Integer.BYTES).order(order);
        for (int number : numbers) {
            bytes.putInt(number);
        }
        return bytes.array();
    }

    private ByteBuffer decode(byte[] structure) {
        return ByteBuffer.wrap(structure).order(order);
    }
}
