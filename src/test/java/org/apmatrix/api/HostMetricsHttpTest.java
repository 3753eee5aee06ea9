package org.apmatrix.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.is;
import static org.hamcrest.Matchers.notNullValue;

import java.util.List;
import org.apmatrix.Patience;
import org.apmatrix.host.sim.SimulatedQemu;
import org.junit.jupiter.api.Test;

/** The host in numbers and in health, as the last look found it. */
class HostMetricsHttpTest extends HttpTest {
    private List<String> scrape() {
        return api.ask("GET", "/actuator/prometheus")
                .statusCode(200)
                .extract()
                .asString()
                .lines()
                .filter(line -> line.startsWith("apmatrix_"))
                .toList();
    }

    private void await(String line) {
        Patience.until(() -> scrape().contains(line));
    }

    private double value(String name) {
        return scrape().stream()
                .filter(line -> line.startsWith(name + " "))
                .mapToDouble(line -> Double.parseDouble(line.substring(name.length() + 1)))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void countsQueuesByDriverModeAndHolderAndDevicesGuestsAndAttachments() {
        await("apmatrix_queues{driver=\"cex4queue\",holder=\"host\",mode=\"cca\"} 4.0");
        free();
        api.put("/mdevs/" + A, "{'adapters': [5], 'domains': [4]}").statusCode(201);
        await("apmatrix_queues{driver=\"vfio_ap\",holder=\"mdev\",mode=\"cca\"} 1.0");
        await("apmatrix_queues{driver=\"vfio_ap\",holder=\"none\",mode=\"cca\"} 3.0");
        await("apmatrix_queues{driver=\"vfio_ap\",holder=\"none\",mode=\"accelerator\"} 4.0");
        await("apmatrix_mdevs 1.0");
        await("apmatrix_guests{state=\"running\"} 3.0");
        api.put("/guests/guest1/ap-device", "{'mdev': '" + A + "'}").statusCode(201);
        await("apmatrix_queues{driver=\"vfio_ap\",holder=\"guest\",mode=\"cca\"} 1.0");
        await("apmatrix_attachments{state=\"attached\"} 1.0");
        store("/sys/bus/ap/drivers/vfio_ap/unbind", "06.0004");
        await("apmatrix_queues{driver=\"none\",holder=\"none\",mode=\"accelerator\"} 1.0");
        assertThat(scrape())
                .noneMatch(line -> line.contains("guest1") || line.contains(A))
                .noneMatch(line -> line.startsWith("apmatrix_queues{driver=\"cex4queue\""))
                .contains(
                        "apmatrix_attachments{state=\"attaching\"} 0.0",
                        "apmatrix_attachments{state=\"detaching\"} 0.0",
                        "apmatrix_guests{state=\"unreachable\"} 0.0",
                        "apmatrix_guests{state=\"paused\"} 0.0",
                        "apmatrix_guests{state=\"other\"} 0.0");
    }

    @Test
    void countsWhatVanishedAndHowOldTheLookIs() {
        Patience.until(() -> value("apmatrix_host_look_age_seconds") < 30);
        double before = value("apmatrix_mdevs_vanished_total");
        api.put("/mdevs/" + A, "{}").statusCode(201);
        store(directory(A) + "/remove", "1");
        Patience.until(() -> value("apmatrix_mdevs_vanished_total") == before + 1);
        await("apmatrix_mdevs 0.0");
    }

    @Test
    void countsEventsAndWhoListensToThem() {
        double told = value("apmatrix_events_told_total");
        assertThat(value("apmatrix_events_dropped_total")).isNotNegative();
        try (EventStream stream = api.events("?types=mdev.created")) {
            await("apmatrix_events_listeners 1.0");
            api.put("/mdevs/" + A, "{}").statusCode(201);
            stream.await("mdev.created", A);
        }
        assertThat(value("apmatrix_events_told_total")).isGreaterThan(told);
        await("apmatrix_events_listeners 0.0");
    }

    @Test
    void aGuestThatDoesNotAnswerIsShownAndTakesNothingOutOfService() {
        Patience.until(() -> "running".equals(health("guest1")));
        guest("guest1").apply(guest("guest1").settings().withTemper(SimulatedQemu.Temper.SILENT));
        api.get("/guests/guest1").body("state", is("unreachable"));
        Patience.until(() -> "unreachable".equals(health("guest1")));
        await("apmatrix_guests{state=\"unreachable\"} 1.0");
        api.ask("GET", "/actuator/health").statusCode(200).body("components.guests.status", is("UP"));
        api.ask("GET", "/actuator/health/readiness").statusCode(200).body("status", is("UP"));
        assertThat(health("guest2")).isEqualTo("running");
    }

    private String health(String guest) {
        return api.ask("GET", "/actuator/health").extract().path("components.guests.details." + guest);
    }

    @Test
    void tellsHowChangesByOthersAreNoticed() {
        api.ask("GET", "/actuator/info")
                .statusCode(200)
                .body("changesByOthers.noticedBy", is("uevents and looking"))
                .body("changesByOthers.uevents", notNullValue());
    }
}
