package org.apmatrix.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.contains;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.empty;
import static org.hamcrest.Matchers.hasItem;
import static org.hamcrest.Matchers.hasItems;
import static org.hamcrest.Matchers.is;
import static org.hamcrest.Matchers.nullValue;

import com.microsoft.playwright.Locator;
import com.microsoft.playwright.assertions.PlaywrightAssertions;
import java.io.IOException;
import java.util.List;
import org.apmatrix.Patience;
import org.apmatrix.ap.Matrix;
import org.apmatrix.host.MdevDefinition;
import org.apmatrix.host.MdevctlStore;
import org.apmatrix.host.libvirt.RealLibvirt;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.test.annotation.DirtiesContext;
import org.springframework.test.context.DynamicPropertyRegistry;
import org.springframework.test.context.DynamicPropertySource;

/** Guests of a real libvirtd on the simulated host: {@code vm} runs, without AP, which TCG does not have, and {@code off} is shut off. */
@DirtiesContext
class LibvirtHttpTest extends HttpTest {
    private static final String STORE_A = "{'mdev': '" + A + "', 'persistent': true}";
    private static RealLibvirt libvirt;

    @Autowired
    MdevctlStore definitions;

    @DynamicPropertySource
    static void withLibvirt(DynamicPropertyRegistry properties) throws IOException {
        libvirt = RealLibvirt.start();
        libvirt.define("off", "");
        libvirt.define("vm", "");
        libvirt.virsh("start", "vm");
        properties.add("apmatrix.guests.libvirt.uri", libvirt::uri);
        properties.add("apmatrix.host.state-directory", () -> "target/http-tests/libvirt-state");
        properties.add("apmatrix.guests.qmp.reply-timeout", () -> "5s");
    }

    @AfterAll
    static void endDaemon() throws IOException {
        libvirt.close();
    }

    @BeforeEach
    void twoDevices() {
        free();
        mdev(A, List.of(5), List.of(4));
        mdev(B, List.of(6), List.of(4));
        Patience.until(() -> "running".equals(api.get("/guests/vm").extract().path("state")));
    }

    private void starts(String uuid, MdevDefinition.Start start) {
        definitions.write(MdevDefinition.of(id(uuid), start, Matrix.EMPTY));
    }

    @Test
    void areListedWithTheOthers() {
        api.get("/guests")
                .statusCode(200)
                .body("items.name", contains("guest1", "guest2", "guest3", "off", "vm"))
                .body("items.source", contains("simulated", "simulated", "simulated", "libvirt", "libvirt"))
                .body("items.state", contains("running", "running", "running", "shutdown", "running"))
                .body(
                        "items.uuid",
                        hasItems(
                                libvirt.uuid("off").toString(),
                                libvirt.uuid("vm").toString()));
        api.get("/guests/vm").body("cpuFeatures.ap", is(false)).body("apDevice", nullValue());
        api.get("/host/preflight")
                .body("items.find { it.check == 'libvirt' }.result", is("ok"))
                .body("items.find { it.check == 'libvirt' }.found", containsString("libvirtd"));
    }

    @Test
    void theConnectionIsInHealthAndAmongTheMetrics() {
        api.ask("GET", "/actuator/health")
                .body("components.libvirt.status", is("UP"))
                .body("components.libvirt.details.link", is("CONNECTED"));
        assertThat(api.ask("GET", "/actuator/prometheus").extract().asString())
                .contains("apmatrix_libvirt_connected 1.0");
    }

    @Test
    void areUnderTheSameLawInTheSameOrder() {
        api.put("/guests/vm/ap-device", "{'mdev': '" + C + "'}").spec(refused(404, "MDEV_NOT_FOUND", null));
        api.put("/guests/vm/ap-device", "{'mdev': '" + A + "'}")
                .spec(refused(409, "CPU_FEATURE_MISSING", null))
                .body("missing", hasItem("ap"));
        api.put("/guests/vm/ap-device", STORE_A).spec(refused(409, "CPU_FEATURE_MISSING", null));
        api.put("/guests/off/ap-device", "{'mdev': '" + A + "'}").spec(refused(409, "GUEST_NOT_RUNNING", null));
        api.put("/guests/guest1/ap-device", "{'mdev': '" + A + "'}").statusCode(201);
        api.put("/guests/vm/ap-device", "{'mdev': '" + A + "'}")
                .spec(refused(409, "MDEV_ATTACHED_ELSEWHERE", null))
                .body("guest", is("guest1"));
        api.get("/guests/vm/ap-device").spec(refused(404, "AP_DEVICE_NOT_FOUND", null));
        assertThat(libvirt.virsh("dumpxml", "--inactive", "vm")).doesNotContain("vfio-ap");
    }

    @Test
    void aGuestThatIsShutOffIsGivenADeviceForItsNextStart() {
        api.put("/guests/off/ap-device", STORE_A).spec(refused(409, "MDEV_NOT_AUTOSTARTED", null));
        starts(A, MdevDefinition.Start.MANUAL);
        api.put("/guests/off/ap-device", STORE_A).spec(refused(409, "MDEV_NOT_AUTOSTARTED", null));
        starts(A, MdevDefinition.Start.AUTO);
        api.put("/guests/off/ap-device?dryRun=true", STORE_A)
                .statusCode(200)
                .body("steps.action", contains("store"))
                .body("problems", empty())
                .body("guestsAffected", contains("off"));
        assertThat(libvirt.virsh("dumpxml", "off")).doesNotContain("vfio-ap");

        api.put("/guests/off/ap-device", STORE_A)
                .statusCode(201)
                .body("state", is("STORED"))
                .body("persistent", is(true))
                .body("mdev", is(A));
        assertThat(libvirt.virsh("dumpxml", "off")).contains("model='vfio-ap'").contains(A);
        api.put("/guests/off/ap-device", STORE_A).statusCode(200).body("state", is("STORED"));
        api.get("/guests/off/ap-device").statusCode(200).body("state", is("STORED"));
        api.get("/mdevs/" + A).body("storedFor", contains("off")).body("inUse", is(false));
        api.get("/mdevs/" + B).body("storedFor", empty());
        api.delete("/mdevs/" + A + "?dryRun=true")
                .body("warnings.code", contains("STORED_FOR_GUEST"))
                .body("warnings[0].detail", containsString("off"));
        api.delete("/mdevs/" + B + "?dryRun=true").body("warnings", empty());
        api.get("/guests/off").body("apDevice.state", is("STORED")).body("storedDevices", contains(A));
        api.get("/guests/vm").body("storedDevices", empty());
        api.get("/guests/guest1").body("storedDevices", nullValue());
        api.get("/host/after-reboot")
                .body("attachments.guest", contains("off"))
                .body("attachments.reason", contains("STORED"))
                .body("attachments.comesBack", contains(true));
        api.put("/guests/guest1/ap-device", "{'mdev': '" + A + "'}")
                .spec(refused(409, "MDEV_ATTACHED_ELSEWHERE", null))
                .body("guest", is("off"));
        starts(B, MdevDefinition.Start.AUTO);
        api.put("/guests/off/ap-device", "{'mdev': '" + B + "', 'persistent': true}")
                .spec(refused(409, "GUEST_HAS_AP_DEVICE", null))
                .body("attached", is(A));

        api.delete("/guests/off/ap-device?persistent=true&dryRun=true")
                .statusCode(200)
                .body("steps.action", contains("unstore"));
        api.delete("/guests/off/ap-device?persistent=true&mdev=" + B).spec(refused(409, "AP_DEVICE_MISMATCH", null));
        definitions.delete(id(A));
        api.get("/host/after-reboot")
                .body("attachments.reason", contains("STORED_WITHOUT_DEVICE"))
                .body("differences", hasItem(containsString("the guest does not start")));
        api.delete("/guests/off/ap-device").statusCode(204);
        assertThat(libvirt.virsh("dumpxml", "off")).contains(A);
        api.delete("/guests/off/ap-device?persistent=true&mdev=" + A).statusCode(204);
        assertThat(libvirt.virsh("dumpxml", "off")).doesNotContain("vfio-ap");
        api.delete("/guests/off/ap-device?persistent=true").statusCode(204);
        api.get("/guests/off/ap-device").spec(refused(404, "AP_DEVICE_NOT_FOUND", null));
        api.get("/mdevs/" + A).body("storedFor", empty());
    }

    @Test
    void aGuestThatNobodyKeepsADefinitionOfCannotBeGivenADeviceForItsNextStart() {
        api.put("/guests/guest1/ap-device", STORE_A)
                .spec(refused(400, "INVALID_VALUE", null))
                .body("field", is("persistent"));
        api.delete("/guests/guest1/ap-device?persistent=true")
                .spec(refused(400, "INVALID_VALUE", null))
                .body("field", is("persistent"));
        api.get("/guests/guest1").body("apDevice", nullValue());
        api.put("/guests/guest1/ap-device", "{'mdev': '" + A + "', 'persistent': false}")
                .statusCode(201)
                .body("persistent", nullValue());
    }

    @Test
    void thePageGivesAGuestThatIsShutOffItsDevice() {
        starts(A, MdevDefinition.Start.AUTO);
        try (Browser.Window window = Browser.get().open("http://localhost:" + port + "/", Browser.Look.LAPTOP)) {
            Locator guests = window.page.locator("section[aria-labelledby=guests-title]");
            Locator off = guests.locator("li").filter(new Locator.FilterOptions().setHasText("off"));
            off.locator("button.row").click();
            PlaywrightAssertions.assertThat(off).containsText("libvirt");
            PlaywrightAssertions.assertThat(off).containsText("it is given the device at its next start");
            window.assertAccessible();
            off.getByText("Store", new Locator.GetByTextOptions().setExact(true))
                    .click();
            PlaywrightAssertions.assertThat(off.getByText("Take it out")).isVisible();
            assertThat(libvirt.virsh("dumpxml", "off")).contains(A);
            Locator device = window.page
                    .locator("section[aria-labelledby=devices-title] li")
                    .filter(new Locator.FilterOptions().setHasText("11111111"));
            device.locator("button.row").click();
            PlaywrightAssertions.assertThat(device).containsText("for the next start of off");
            device.getByText("Remove", new Locator.GetByTextOptions().setExact(true))
                    .click();
            Locator dialog = window.page.locator("dialog");
            PlaywrightAssertions.assertThat(dialog).containsText("off cannot be started without it");
            dialog.getByText("Cancel").click();

            off.getByText("Take it out").click();
            PlaywrightAssertions.assertThat(off).containsText("none");
            assertThat(libvirt.virsh("dumpxml", "off")).doesNotContain("vfio-ap");
            window.assertAccessible();
            window.assertClean();
        }
    }

    @Test
    void whatHappensToThemIsTold() {
        try (EventStream events = api.events("")) {
            libvirt.virsh("suspend", "vm");
            assertThat(events.await("guest.changed").text()).contains("\"vm\"", "paused");
            api.get("/guests/vm").body("state", is("paused"));
        } finally {
            libvirt.virsh("resume", "vm");
        }
    }

    @Test
    void outliveALibvirtdThatIsStartedAnew() throws IOException {
        libvirt.stopDaemon();
        try {
            Patience.until(
                    () -> "unreachable".equals(api.get("/guests/vm").extract().path("state")));
            api.get("/host/preflight").body("items.find { it.check == 'libvirt' }.result", is("fail"));
            assertThat(api.ask("GET", "/actuator/prometheus").extract().asString())
                    .contains("apmatrix_libvirt_connected 0.0");
            // what a silent guest is known to lack comes before its silence
            api.put("/guests/vm/ap-device", "{'mdev': '" + A + "'}").spec(refused(409, "CPU_FEATURE_MISSING", null));
            api.put("/guests/guest1/ap-device", "{'mdev': '" + A + "'}").statusCode(201);
        } finally {
            libvirt.startDaemon();
        }
        Patience.until(() -> "running".equals(api.get("/guests/vm").extract().path("state")));
    }

    @Test
    void whatLibvirtWouldNotMigrateIsInTheReadiness() throws IOException {
        api.get("/guests/vm/migration-readiness").body("ready", is(true));
        libvirt.pretendSnapshot("vm");
        try {
            api.get("/guests/vm/migration-readiness")
                    .body("ready", is(false))
                    .body("blockers.kind", contains("LIBVIRT_BLOCKED"))
                    .body("blockers[0].reason", containsString("snapshots"));
        } finally {
            libvirt.virsh("snapshot-delete", "--metadata", "vm", "one");
        }
    }
}
