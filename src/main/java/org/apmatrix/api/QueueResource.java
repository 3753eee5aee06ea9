package org.apmatrix.api;

import io.swagger.v3.oas.annotations.media.Schema;
import org.apmatrix.service.HostView;
import org.apmatrix.service.QueueService.QueueState;
import org.jspecify.annotations.Nullable;

/** A queue. */
@Schema(name = "Queue")
record QueueResource(
        @Schema(example = "05.0004") String apqn,
        @Schema(example = "5") int adapter,
        @Schema(example = "4") int domain,

        @Schema(
                description = "null when it is not bound",
                types = {"string", "null"},
                example = "vfio_ap")
        @Nullable
        String driver,

        @Schema(description = "Whether the masks, or its driver override, keep it for the host")
        boolean reservedForHost,

        @Schema(
                description = "The mediated device that it is assigned to",
                types = {"string", "null"})
        @Nullable
        String mdev,

        @Schema(
                description = "The guest that uses that device",
                types = {"string", "null"})
        @Nullable
        String guest,

        @Schema(
                description = "The kernel's own word; only on queues of vfio_ap, on kernels from 5.17 on",
                types = {"string", "null"},
                allowableValues = {"unassigned", "assigned", "in use"})
        @Nullable
        String status,

        @Schema(
                types = {"string", "null"},
                allowableValues = {"CCA", "EP11", "ACCELERATOR"})
        @Nullable
        String mode,

        @Schema(
                description = "Of its adapter: 10 (CEX4) to 14 (CEX8)",
                types = {"integer", "null"},
                example = "11")
        @Nullable
        Integer hwType,

        @Schema(
                description = "Of its adapter, as that told it last; null where it never did, and for accelerators",
                types = {"string", "null"})
        @Nullable
        String serialNumber,

        @Schema(description = "null for an accelerator, and where the mode cannot be told") @Nullable
        MasterKeysResource masterKeys) {
    static QueueResource from(QueueState queue) {
        HostView.Entry owner = queue.owner();
        return new QueueResource(
                queue.apqn().toString(),
                queue.apqn().adapter().value(),
                queue.apqn().domain().value(),
                queue.driver(),
                queue.reservedForHost(),
                owner == null ? null : owner.mdev().id().toString(),
                owner == null
                                || owner.attachment() == null
                                || owner.attachment().guest() == null
                        ? null
                        : owner.attachment().guest().toString(),
                queue.status(),
                queue.mode() == null ? null : queue.mode().name(),
                queue.hwType(),
                queue.serialNumber(),
                queue.keys() == null ? null : MasterKeysResource.from(queue.keys()));
    }
}
