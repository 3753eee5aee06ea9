package org.apmatrix.api;

/** The worked examples of the OpenAPI document, all on the example host of the kernel's vfio-ap.rst. */
final class Examples {
    static final String UUID = "62177883-f1bb-47f0-914d-32a22e3a8804";
    static final String APMASK = "0xf9ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff";
    static final String AQMASK = "0xf7fffffffffffffffeffffffffffffffffffffffffeffffffffffffffffffffe";

    static final String HOST = """
            {"mode": "simulated", "machineId": "IBM-8561-00000000000SIM01", "kernelRelease": "6.12.95-simulated",
             "generation": "dynamic", "features": ["guest_matrix", "hotplug", "ap_config"], "maxAdapterId": 255,
             "maxDomainId": 255, "queueAssignment": "masks", "vfioApLoaded": true, "scanIntervalSeconds": 30,
             "unfinished": []}""";

    static final String CALLER = """
            {"name": "ci", "authentication": "token", "roles": ["viewer", "operator"]}""";

    static final String PREFLIGHT = """
            {"simulated": false, "items": [
             {"check": "ap-bus", "result": "ok", "found": "2 adapters, 8 queues", "means": "The kernel sees queues.",
              "mend": null},
             {"check": "vfio-ap-module", "result": "fail", "found": "not loaded",
              "means": "Every request for a device is answered with 503 AP_UNAVAILABLE.", "mend": "modprobe vfio_ap"}]}""";

    static final String SELF_TEST = """
            {"passed": true, "checks": [
             {"name": "the group opens", "expected": "ok", "answered": "ok", "passed": true},
             {"name": "a second open of the group", "expected": "EBUSY", "answered": "EBUSY", "passed": true},
             {"name": "status of the group", "expected": "flags 1", "answered": "flags 1", "passed": true}]}""";

    static final String SELF_TEST_DRY_RUN = """
            {"dryRun": true,
             "steps": [{"action": "create",
                        "target": "/sys/devices/vfio_ap/matrix/mdev_supported_types/vfio_ap-passthrough/create",
                        "value": "62177883-f1bb-47f0-914d-32a22e3a8804"},
                       {"action": "remove",
                        "target": "/sys/devices/vfio_ap/matrix/62177883-f1bb-47f0-914d-32a22e3a8804/remove",
                        "value": "1"}],
             "apqnsAdded": [], "apqnsRemoved": [], "guestsAffected": [], "problems": [], "warnings": []}""";

    static final String ADAPTER = """
            {"id": 5, "hwType": 11, "type": "CEX5C", "mode": "CCA", "online": true, "configured": true,
             "checkstop": false, "requestCount": 0, "serialNumber": null}""";
    static final String ADAPTERS = "{\"items\": [" + ADAPTER + "]}";

    static final String QUEUE = """
            {"apqn": "05.0004", "adapter": 5, "domain": 4, "driver": "vfio_ap", "reservedForHost": false,
             "mdev": "62177883-f1bb-47f0-914d-32a22e3a8804", "guest": null, "status": "assigned", "mode": "CCA",
             "hwType": 11, "serialNumber": "93AABEET",
             "masterKeys": {"state": "cached", "readAt": "2026-01-02T03:04:05Z", "keys": [
               {"type": "AES", "register": "NEW", "state": "empty", "pattern": "0x0000000000000000"},
               {"type": "AES", "register": "CUR", "state": "valid", "pattern": "0x0123456789abcdef"},
               {"type": "AES", "register": "OLD", "state": "invalid", "pattern": "0x0000000000000000"}],
              "pattern": "AES:0x0123456789abcdef", "operationModes": []}}""";
    static final String MASTER_KEYS_REQUEST = "{\"pattern\": \"0x0123456789abcdef\"}";
    static final String QUEUES = "{\"items\": [" + QUEUE + "]}";
    static final String DRIVER = "{\"driver\": \"vfio_ap\"}";

    static final String MASKS = """
            {"apmask": "0x0600000000000000000000000000000000000000000000000000000000000000",
             "aqmask": "0x0800000000000000000000000000000000000000000000000000000000000000",
             "hostAdapters": [5, 6], "hostDomains": [4]}""";
    static final String MASKS_PATCH = "{\"apmask\": \"-5,-6\", \"aqmask\": \"-4,-0x47,-0xab,-0xff\"}";
    static final String MASKS_CHANGED = """
            {"apmask": "0x0200000000000000000000000000000000000000000000000000000000000000",
             "aqmask": "0x0800000000000000000000000000000000000000000000000000000000000000",
             "hostAdapters": [6], "hostDomains": [4],
             "moved": [{"apqn": "05.0004", "from": "cex4queue", "to": "vfio_ap"}]}""";

    static final String ALLOCATION_ID = "0b8f2f0e-6c1f-4a57-9d61-5a4d0c7be912";
    static final String ALLOCATION_REQUEST = """
            {"owner": "payments", "guest": "guest1", "mode": "CCA", "queues": 2, "ttl": "PT4H", "mayTakeFromHost": true}""";
    static final String SMALLEST_ALLOCATION_REQUEST = """
            {"owner": "payments", "mode": "CCA", "queues": 1}""";
    static final String RENEWAL_REQUEST = "{\"ttl\": \"PT4H\"}";
    private static final String ALLOCATION_TO_STATE = """
            {"id": "0b8f2f0e-6c1f-4a57-9d61-5a4d0c7be912", "owner": "payments",
             "mdev": "62177883-f1bb-47f0-914d-32a22e3a8804", "mode": "CCA", "queues": ["05.0004", "05.0047"],
             "adapters": [5], "domains": [4, 71], "controlDomains": [], "guest": "guest1", "state": \"""";
    private static final String ALLOCATION_FROM_STATE = """
            ", "createdAt": "2026-01-02T03:04:05Z", "ttl": "PT4H", "expiresAt": "2026-01-02T07:04:05Z",
             "onExpiry": "keep", "fromHost": ["05.0004", "05.0047"],
             "explanation": ["2 CCA queues on 1 adapter in 2 domains: 05.0004, 05.0047."]}""";
    static final String ALLOCATION = ALLOCATION_TO_STATE + "ACTIVE" + ALLOCATION_FROM_STATE;
    static final String ALLOCATION_RELEASING = ALLOCATION_TO_STATE + "RELEASING" + ALLOCATION_FROM_STATE;
    static final String ALLOCATIONS = "{\"items\": [" + ALLOCATION + "]}";
    static final String DRY_RUN_NOTHING = """
            {"dryRun": true, "steps": [], "apqnsAdded": [], "apqnsRemoved": [], "guestsAffected": [], "problems": [],
             "warnings": []}""";

    static final String MDEV = """
            {"uuid": "62177883-f1bb-47f0-914d-32a22e3a8804",
             "path": "/sys/devices/vfio_ap/matrix/62177883-f1bb-47f0-914d-32a22e3a8804",
             "adapters": [5, 6], "domains": [4, 171], "controlDomains": [4, 171],
             "matrix": ["05.0004", "05.00ab", "06.0004", "06.00ab"],
             "guestMatrix": ["05.0004", "05.00ab"],
             "hidden": [{"adapter": 6, "domain": null, "because": ["06.00ab"], "reason": "QUEUE_NOT_BOUND"}],
             "iommuGroup": 0, "inUse": true, "guest": {"name": "guest1", "pid": 4001, "state": "ATTACHED"},
             "definition": "auto", "storedFor": [],
             "warnings": [{"code": "MIXED_MODES", "detail": "Queues of several modes: CCA 05.0004, 05.00ab; ACCELERATOR 06.0004, 06.00ab. Requests of one mode find no other queue when theirs fails.",
                           "apqns": ["05.0004", "05.00ab", "06.0004", "06.00ab"]}]}""";
    static final String MDEVS = "{\"items\": [" + MDEV + "]}";

    /** Adapters without domains have no queue yet, so this works on a host whose masks still keep everything. */
    static final String NEW_MDEV = "{\"adapters\": [5, 6], \"controlDomains\": [4, 171]}";

    static final String NEW_MDEV_WITH_QUEUES =
            "{\"uuid\": \"62177883-f1bb-47f0-914d-32a22e3a8804\", \"adapters\": [5, 6], \"domains\": [4, 171]}";
    static final String MATRIX = "{\"adapters\": [5, 6], \"domains\": [4, 171], \"controlDomains\": [4]}";

    static final String DRY_RUN = """
            {"dryRun": true,
             "steps": [{"action": "assign_adapter",
                        "target": "/sys/devices/vfio_ap/matrix/62177883-f1bb-47f0-914d-32a22e3a8804/assign_adapter",
                        "value": "5"}],
             "apqnsAdded": ["05.0004"], "apqnsRemoved": [], "guestsAffected": [], "problems": [], "warnings": []}""";

    static final String DEFINITION_FILE = """
            {
              "mdev_type": "vfio_ap-passthrough",
              "start": "auto",
              "attrs": [
                {
                  "assign_adapter": "0x05"
                },
                {
                  "assign_domain": "0x0004"
                }
              ]
            }""";

    static final String DEFINITION_AUTO = "{\"start\": \"auto\"}";

    static final String NODE_DEVICE = """
            <device>
              <name>mdev_62177883_f1bb_47f0_914d_32a22e3a8804_matrix</name>
              <parent>ap_matrix</parent>
              <capability type='mdev'>
                <type id='vfio_ap-passthrough'/>
                <uuid>62177883-f1bb-47f0-914d-32a22e3a8804</uuid>
                <parent_addr>matrix</parent_addr>
                <attr name='assign_adapter' value='0x05'/>
                <attr name='assign_domain' value='0x0004'/>
              </capability>
            </device>""";

    static final String DEFINITION = """
            {"uuid": "62177883-f1bb-47f0-914d-32a22e3a8804", "start": "auto", "adapters": [5], "domains": [4],
             "controlDomains": [], "path": "/etc/mdevctl.d/matrix/62177883-f1bb-47f0-914d-32a22e3a8804"}""";

    static final String DEFINITIONS = """
            {"items": [{"uuid": "62177883-f1bb-47f0-914d-32a22e3a8804", "start": "auto",
             "defined": {"adapters": [5], "domains": [4], "controlDomains": []},
             "active": {"adapters": [5], "domains": [4, 171], "controlDomains": []}, "state": "DIFFERENT"}],
             "unreadable": [{"name": "62177883-f1bb-47f0-914d-32a22e3a8805", "reason": "start is missing: auto or manual"}]}""";

    static final String DRY_RUN_DEFINITION = """
            {"dryRun": true,
             "steps": [{"action": "write", "target": "/etc/mdevctl.d/matrix/62177883-f1bb-47f0-914d-32a22e3a8804",
                        "value": "{\\"mdev_type\\": \\"vfio_ap-passthrough\\", \\"start\\": \\"auto\\", \\"attrs\\": []}"}],
             "apqnsAdded": [], "apqnsRemoved": [], "guestsAffected": [], "problems": [], "warnings": []}""";

    static final String DRY_RUN_UNDEFINE = """
            {"dryRun": true,
             "steps": [{"action": "remove", "target": "/etc/mdevctl.d/matrix/62177883-f1bb-47f0-914d-32a22e3a8804",
                        "value": ""}],
             "apqnsAdded": [], "apqnsRemoved": ["05.0004"], "guestsAffected": [], "problems": [], "warnings": []}""";

    static final String AFTER_REBOOT = """
            {"simulated": false,
             "masks": {"apmask": "0xf9ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
                       "aqmask": "0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", "source": "chzdev"},
             "mdevs": [{"uuid": "62177883-f1bb-47f0-914d-32a22e3a8804", "comesBack": true, "reason": "AUTOSTART",
                        "because": "It is defined to be started at boot.", "queues": []}],
             "attachments": [{"guest": "guest1", "mdev": "62177883-f1bb-47f0-914d-32a22e3a8804", "comesBack": false,
                              "reason": "HOT_PLUG_ENDS_WITH_QEMU",
                              "because": "What was plugged in ends with the guest's QEMU."}],
             "differences": ["The device 62177883-f1bb-47f0-914d-32a22e3a8804 is with the guest guest1 now and with nobody then."]}""";

    static final String SIMULATED_HOST_REQUEST = "{\"kernel\": \"6.12\"}";

    static final String SIMULATED_HOST = """
            {"kernel": "6.12", "generation": "dynamic", "adapters": [{"id": 5, "type": "CEX5C"}, {"id": 6, "type": "CEX5A"}],
             "domains": [4, 71, 171, 255], "controlDomains": [4, 71, 171, 255], "maxAdapterId": 255,
             "maxDomainId": 255}""";

    static final String PLUG = "{\"mdev\": \"62177883-f1bb-47f0-914d-32a22e3a8804\"}";

    static final String AP_DEVICE = """
            {"id": "vfio-ap-62177883-f1bb-47f0-914d-32a22e3a8804", "mdev": "62177883-f1bb-47f0-914d-32a22e3a8804",
             "sysfsdev": "/sys/devices/vfio_ap/matrix/62177883-f1bb-47f0-914d-32a22e3a8804", "state": "ATTACHED",
             "since": "2026-11-22T10:00:00Z", "guestVisibleBy": "2026-11-22T10:00:30Z", "persistent": null,
             "secureKeys": {"queues": ["05.0004"], "facts": [
               "A secure key works only in a queue whose current master key has the pattern that the key was made under."]}}""";

    static final String DETACHING = """
            {"id": "vfio-ap-62177883-f1bb-47f0-914d-32a22e3a8804", "mdev": "62177883-f1bb-47f0-914d-32a22e3a8804",
             "sysfsdev": "/sys/devices/vfio_ap/matrix/62177883-f1bb-47f0-914d-32a22e3a8804", "state": "DETACHING",
             "since": "2026-11-22T10:00:00Z", "guestVisibleBy": null, "persistent": null,
             "secureKeys": {"queues": ["05.0004"], "facts": [
               "A secure key works only in a queue whose current master key has the pattern that the key was made under."]}}""";

    static final String GUEST = """
            {"name": "guest1", "uuid": "5f1c7f5e-2f0d-4b6e-9f59-0d2b5c1f4a01", "source": "simulated", "state": "running",
             "pid": 4001, "cpuFeatures": {"ap": true, "apqci": true, "apft": true}, "apDevice": null,
             "storedDevices": null, "migrationPrepared": null}""";
    static final String GUESTS = "{\"items\": [" + GUEST + "]}";

    static final String READINESS = """
            {"ready": false, "blockers": [{"kind": "AP_DEVICE_ATTACHED", "mdev": "62177883-f1bb-47f0-914d-32a22e3a8804",
                                           "reason": "non-migratable device: /1/vfio-ap"}]}""";
    static final String COMPARISON = """
            {"ready": false, "blockers": [{"kind": "AP_DEVICE_ATTACHED", "mdev": "62177883-f1bb-47f0-914d-32a22e3a8804",
                                           "reason": "non-migratable device: /1/vfio-ap"}],
             "mdev": "62177883-f1bb-47f0-914d-32a22e3a8804", "compatible": false,
             "target": [{"apqn": "05.0004", "present": true, "driver": "vfio_ap", "reservedForHost": false, "mdev": null,
                         "guest": null, "mode": "CCA", "hwType": 13, "serialNumber": "93AADDEE", "pattern": "AES:0xfedcba9876543210"}],
             "differences": [
               {"apqn": "05.0004", "what": "HW_TYPE", "source": "11", "target": "13",
                "detail": "The target is newer, which serves the guest as well."},
               {"apqn": "05.0004", "what": "MASTER_KEYS", "source": "AES:0x0123456789abcdef", "target": "AES:0xfedcba9876543210",
                "detail": "Secure keys of the guest would not work in 05.0004 there: other current master keys."}]}""";
    static final String PREPARATION = "{\"state\": \"PREPARED\", \"mdev\": \"62177883-f1bb-47f0-914d-32a22e3a8804\"}";
    static final String PREPARING = "{\"state\": \"DETACHING\", \"mdev\": \"62177883-f1bb-47f0-914d-32a22e3a8804\"}";

    static final String DRY_RUN_PLUG = """
            {"dryRun": true,
             "steps": [{"action": "device_add", "target": "guest1",
                        "value": "vfio-ap,id=vfio-ap-62177883-f1bb-47f0-914d-32a22e3a8804,bus=ap-bus,sysfsdev=/sys/devices/vfio_ap/matrix/62177883-f1bb-47f0-914d-32a22e3a8804"}],
             "apqnsAdded": ["05.0004"], "apqnsRemoved": [], "guestsAffected": ["guest1"], "problems": [], "warnings": []}""";

    static final String DRY_RUN_UNPLUG = """
            {"dryRun": true,
             "steps": [{"action": "device_del", "target": "guest1", "value": "/machine/ap-bridge/ap-bus/child[0]"}],
             "apqnsAdded": [], "apqnsRemoved": ["05.0004"], "guestsAffected": ["guest1"], "problems": [], "warnings": [
               {"code": "SECURE_KEYS", "detail": "At unplug the kernel resets the queues: requests in flight fail and are not repeated elsewhere.",
                "apqns": ["05.0004"]}]}""";

    static final String SIMULATED_GUEST_REQUEST = "{\"state\": \"paused\", \"temper\": \"SILENT\"}";

    static final String SIMULATED_GUEST = """
            {"name": "guest1", "state": "paused", "temper": "SILENT",
             "cpuFeatures": {"ap": true, "apqci": true, "apft": true}}""";

    static final String DESIRED_STATE = """
            {"owner": "demo",
             "masks": {"apmask": "-5,-6", "aqmask": "-4,-0x47,-0xab,-0xff"},
             "mdevs": [
               {"uuid": "62177883-f1bb-47f0-914d-32a22e3a8804", "adapters": [5, 6], "domains": [4, 171]},
               {"name": "payments", "adapters": [5], "domains": [71, 255], "autostart": true}],
             "attachments": [{"guest": "guest1", "mdev": "62177883-f1bb-47f0-914d-32a22e3a8804"}]}""";

    static final String DESIRED_STATES = """
            {"items": [{"owner": "demo", "masks": {"apmask": "-5,-6", "aqmask": null},
             "mdevs": [{"uuid": "62177883-f1bb-47f0-914d-32a22e3a8804", "name": null, "adapters": [5, 6], "domains": [4, 171],
              "controlDomains": [], "autostart": null}],
             "attachments": [{"guest": "guest1", "mdev": "62177883-f1bb-47f0-914d-32a22e3a8804"}]}]}""";

    static final String DESIRED_STATE_APPLIED = """
            {"applied": true, "changed": true,
             "steps": [{"action": "apmask", "target": "/sys/bus/ap/apmask",
                        "value": "0xf9ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"}], "warnings": []}""";

    static final String DESIRED_STATE_DRY_RUN = """
            {"dryRun": true,
             "steps": [{"action": "apmask", "target": "/sys/bus/ap/apmask",
                        "value": "0xfbffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"}],
             "apqnsAdded": ["05.0004"], "apqnsRemoved": [], "guestsAffected": [], "problems": [], "warnings": [],
             "moves": [{"apqn": "05.0004", "from": {"holderKind": "host", "holder": "cex4queue"}, "to": null}]}""";

    static final String BOOT_REPORT = """
            {"restoreOnStart": true, "startedAt": "2026-01-02T03:04:05Z", "finished": true,
             "owners": [{"owner": "demo", "state": "RESTORED", "attempts": 1, "lastAttempt": "2026-01-02T03:04:06Z",
                         "steps": 9, "problem": null}],
             "allocations": [{"id": "62177883-f1bb-47f0-914d-32a22e3a8804", "owner": "ci", "problem": null}]}""";

    static final String DRIFT = """
            {"drifted": true,
             "differences": [{"owner": "demo", "kind": "MDEV", "target": "62177883-f1bb-47f0-914d-32a22e3a8804",
              "expected": "adapters [5, 6], domains [4, 171], control domains []",
              "actual": "adapters [5], domains [4, 171], control domains []"}],
             "interrupted": []}""";

    static final String EVENT = """
            {"id": "3f0c9a5be1d24c77-42", "time": "2026-01-02T03:04:05.678901Z", "type": "mdev.created", "origin": "external",
             "mdev": "62177883-f1bb-47f0-914d-32a22e3a8804", "guest": null, "apqn": null, "before": null,
             "after": {"adapters": [5, 6], "domains": [4, 171], "controlDomains": []}}""";

    static final String AUDIT = """
            {"items": [{"sequence": 4711, "time": "2026-01-02T03:04:05Z", "kind": "OUTCOME",
             "attempt": "0f1e2d3c-4b5a-4978-8695-a4b3c2d1e0f0", "actor": {"name": "ci", "authentication": "token"},
             "sourceAddress": "192.0.2.7", "operation": "assignAdapter",
             "target": {"method": "PUT", "path": "/api/v1/mdevs/62177883-f1bb-47f0-914d-32a22e3a8804/adapters/6",
              "mdev": "62177883-f1bb-47f0-914d-32a22e3a8804", "guest": null, "queue": null},
             "dryRun": false, "parameters": {"query": {}, "body": null}, "steps": [],
             "before": {"exists": true, "adapters": [5], "domains": [4], "controlDomains": [], "apmask": null, "aqmask": null,
              "mdev": null, "state": null, "driver": null},
             "after": null, "code": "MDEV_IN_USE", "status": 409, "errno": "EBUSY", "reason": null, "attempts": 1,
             "requestId": "build-42", "traceId": null,
             "previousHash": "0f5d6a2c9e1b47883cd0a1f4e7b25c90d3f8a6b1c4e2d7098f6b5a4c3d2e1f00",
             "hash": "9b1c3d5e7f90a2b4c6d8e0f1a3b5c7d9e1f2a4b6c8d0e2f4a6b8c0d2e4f6a8b0"}], "next": null}""";

    private Examples() {}
}
