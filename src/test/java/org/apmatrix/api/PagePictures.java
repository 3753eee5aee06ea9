package org.apmatrix.api;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;

import com.microsoft.playwright.Locator;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.options.ColorScheme;
import com.microsoft.playwright.options.KeyboardModifier;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apmatrix.api.Browser.Look;
import org.apmatrix.api.Browser.Window;
import org.junit.jupiter.api.Test;

/** Takes the pictures of the page that README shows: {@code ./mvnw test -Dtest=PagePictures}. */
class PagePictures extends HttpTest {
    private static final Path PICTURES = Path.of("src/docs");

    private Window open(Look look) {
        return Browser.get().open("http://localhost:" + port + "/", look);
    }

    private static void take(Window window, String name) {
        window.page.screenshot(new Page.ScreenshotOptions().setPath(PICTURES.resolve(name)));
    }

    private void plug(String guest, String uuid, String matrix) {
        api.put("/mdevs/" + uuid, matrix).statusCode(201);
        api.put("/guests/" + guest + "/ap-device", "{\"mdev\": \"" + uuid + "\"}")
                .statusCode(201);
    }

    private void threeGuests() {
        api.patch("/masks", "{\"apmask\": \"-5,-6\"}").statusCode(200);
        plug("guest1", "62177883-f1bb-47f0-914d-32a22e3a8804", "{\"adapters\": [5, 6], \"domains\": [4, 171]}");
        plug("guest2", "7f0c0b3e-2a55-4d0c-8a0c-0f5d5c2b7a02", "{\"adapters\": [5], \"domains\": [71, 255]}");
        plug("guest3", "a91b6f0e-9b1d-4c56-b1f5-3f1d2d7c6b03", "{\"adapters\": [6], \"domains\": [71, 255]}");
    }

    @Test
    void threeGuestsPlugged() {
        threeGuests();
        try (Window window = open(Look.LAPTOP)) {
            window.page
                    .locator("[aria-labelledby=devices-title] .row")
                    .getByText("62177883")
                    .click();
            assertThat(window.page.getByText("Unplug from guest1")).isVisible();
            assertThat(window.page.locator("[aria-labelledby=audit-title] li").first())
                    .containsText("plugApDevice guest3");
            take(window, "three-guests.png");
        }
    }

    @Test
    void aConflict() {
        threeGuests();
        api.delete("/guests/guest3/ap-device").statusCode(204);
        try (Window window = open(Look.LAPTOP_AT_NIGHT)) {
            window.cell("05.0047").click();
            window.cell("06.00ab").click(new Locator.ClickOptions().setModifiers(List.of(KeyboardModifier.CONTROL)));
            assertThat(window.cell("06.00ab", "!")).isVisible();
            window.cell("06.00ab").hover();
            take(window, "conflict.png");
        }
    }

    /** Forty-eight adapters have left the host; devices of several sizes, two thirds of them with guests; one queue unbound by hand, so that its adapter is hidden. */
    @Test
    void sixtyByEightyFive() {
        String types = IntStream.range(0, 60)
                .mapToObj(id -> "{\"id\": %d, \"type\": \"%s\"}"
                        .formatted(id, List.of("CEX8C", "CEX8P", "CEX7A").get(id % 3)))
                .collect(Collectors.joining(","));
        api.put("/simulation/host", "{\"adapters\": [" + types + "], \"domains\": " + ids(0, 85) + "}")
                .statusCode(200);
        api.patch(
                        "/masks",
                        "{\"apmask\": \""
                                + IntStream.range(8, 56)
                                        .mapToObj(id -> "-" + id)
                                        .collect(Collectors.joining(",")) + "\"}")
                .statusCode(200);
        int made = 0;
        for (int adapter = 8; adapter < 56; adapter += 6) {
            for (int domain = 0; domain < 84; domain += 12) {
                made++;
                if (made % 5 == 4) {
                    continue;
                }
                String uuid = "%08x-3a5c-4d0c-8a0c-0f5d5c2b7a02".formatted(0x51a7c000 + made * 0x9e3779);
                String matrix = "{\"adapters\": " + ids(adapter, adapter + 6 - made % 2) + ", \"domains\": "
                        + ids(domain, domain + 12 - made % 3) + "}";
                if (made % 3 == 0) {
                    api.put("/mdevs/" + uuid, matrix).statusCode(201);
                } else {
                    String guest = "vm%02d".formatted(made);
                    api.put("/simulation/guests/" + guest, "{}").statusCode(201);
                    api.get("/guests/" + guest).statusCode(200);
                    plug(guest, uuid, matrix);
                }
            }
        }
        store("/sys/bus/ap/drivers/vfio_ap/unbind", "15.0020");
        try (Window window = open(new Look(1280, 1080, ColorScheme.LIGHT, false))) {
            assertThat(window.cell("15.0020", "×")).isVisible();
            window.cell("15.001c").hover();
            take(window, "sixty-by-eighty-five.png");
        }
    }

    private static String ids(int from, int to) {
        return IntStream.range(from, to).boxed().toList().toString();
    }
}
