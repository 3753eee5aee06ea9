package org.apmatrix.api;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.is;

import com.microsoft.playwright.Locator;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.options.AriaRole;
import com.microsoft.playwright.options.KeyboardModifier;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apmatrix.api.Browser.Look;
import org.apmatrix.api.Browser.Window;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The page at / as operators use it, in a real browser. */
class PageTest extends HttpTest {
    /** What a browser fetches before the page stands; the API's answers are not counted. */
    private static final int BYTES_AT_MOST = 150_000;

    static Stream<Look> looks() {
        return Stream.of(Look.LAPTOP, Look.LAPTOP_AT_NIGHT, Look.PHONE, Look.PHONE_AT_NIGHT);
    }

    private Window open(Look look) {
        return Browser.get().open("http://localhost:" + port + "/", look);
    }

    private static Locator button(Window window, String name) {
        return window.page.getByRole(
                AriaRole.BUTTON, new Page.GetByRoleOptions().setName(name).setExact(true));
    }

    private static Locator field(Window window, String name) {
        return window.page.getByRole(
                AriaRole.TEXTBOX, new Page.GetByRoleOptions().setName(name).setExact(true));
    }

    private static void choose(Window window, String kind) {
        window.page
                .locator(".panel .segments label")
                .getByText(kind, new Locator.GetByTextOptions().setExact(true))
                .click();
    }

    private static void select(Window window, Look look) {
        if (look.hasTouch()) {
            window.cell("05.0004").tap();
            window.cell("06.00ab").tap();
        } else {
            window.cell("05.0004").click();
            window.cell("06.00ab").click(new Locator.ClickOptions().setModifiers(List.of(KeyboardModifier.CONTROL)));
        }
        assertThat(field(window, "Adapters")).hasValue("5, 6");
        assertThat(field(window, "Domains")).hasValue("4, 0xab");
    }

    @ParameterizedTest
    @MethodSource("looks")
    void theWholeStory(Look look) {
        try (Window window = open(look);
                Window other = open(Look.LAPTOP)) {
            assertThat(other.cell("05.0004", "H")).isVisible();
            select(window, look);
            assertThat(window.cell("05.00ab", "!")).isVisible();
            assertThat(window.page.locator(".panel .problem")).containsText("APQN_RESERVED");
            window.assertAccessible();

            button(window, "Take them from the host first …").click();
            assertThat(window.cell("06.00ab", "+")).isVisible();
            button(window, "Take them from the host").click();
            assertThat(other.cell("05.0004", "○")).isVisible();
            assertThat(other.cell("05.0047", "H")).isVisible();
            button(window, "Create the device").click();
            assertThat(other.cell("06.0004", "M")).isVisible();

            window.page.locator("#page select").selectOption("guest1");
            button(window, "Plug in").click();
            assertThat(window.cell("05.0004", "G")).isVisible();
            assertThat(other.cell("05.0004", "G")).containsText("guest1");
            api.get("/guests/guest1/ap-device").statusCode(200);

            button(window, "Change its matrix …").click();
            field(window, "Domains").fill("4");
            assertThat(window.page.locator(".panel .problem")).containsText("MDEV_IN_USE");
            button(window, "Replace its matrix").click();
            assertThat(window.page.getByRole(AriaRole.ALERT)).containsText("MDEV_IN_USE");
            assertThat(window.cell("06.00ab", "!")).containsText("guest1");
            window.assertAccessible();

            button(window, "Unplug from guest1").click();
            Locator question = window.page.getByRole(AriaRole.DIALOG);
            assertThat(question).containsText("05.0004, 05.00ab may have secure keys");
            window.assertAccessible();
            question.getByRole(AriaRole.BUTTON, new Locator.GetByRoleOptions().setName("Unplug"))
                    .click();
            assertThat(other.cell("05.0004", "M")).isVisible();
            api.get("/guests/guest1/ap-device").statusCode(404);

            window.assertAccessible();
            window.assertClean(409);
            other.assertClean();
        }
    }

    @Test
    void showsWhatOtherToolsDo() {
        try (Window window = open(Look.LAPTOP)) {
            assertThat(window.cell("05.0004", "H")).isVisible();
            free();
            assertThat(window.cell("05.0004", "○")).isVisible();
            mdev(A, List.of(5), List.of(4, 71));
            assertThat(window.cell("05.0004", "M")).containsText(A.substring(0, 8));
            store(directory(A) + "/remove", "1");
            assertThat(window.cell("05.0004", "○")).isVisible();
            window.assertClean();
        }
    }

    @Test
    void eachLevelShowsWhatItKnows() {
        free();
        mdev(A, List.of(5), List.of(4, 71));
        start(A);
        store("/sys/bus/ap/drivers/vfio_ap/unbind", "05.0047");
        try (Window window = open(Look.LAPTOP)) {
            assertThat(window.cell("05.0004", "×")).isVisible();
            Map.of("LPAR", "●", "Host", "○", "Mdev", "M", "Guest", "×", "All", "×")
                    .forEach((level, letter) -> {
                        window.page
                                .locator(".bar .segments label")
                                .getByText(level)
                                .click();
                        assertThat(window.cell("05.0004", letter)).isVisible();
                    });
            window.cell("05.0004").hover();
            assertThat(window.page.locator("#tip")).containsText("05.0047 is not bound to vfio_ap");
            assertThat(window.page.locator("#tip")).containsText("domain 4 (0004)");
            window.assertAccessible();
            window.assertClean();
        }
    }

    @Test
    void needsNoMouse() {
        free();
        try (Window window = open(Look.LAPTOP)) {
            window.cell("05.0004").focus();
            window.page.keyboard().press("ArrowRight");
            window.page.keyboard().press("Shift+ArrowDown");
            assertThat(window.cell("06.0047")).isFocused();
            assertThat(field(window, "Adapters")).hasValue("5, 6");
            assertThat(field(window, "Domains")).hasValue("0x47");
            window.page.keyboard().press("ArrowRight");
            window.page.keyboard().press("Space");
            assertThat(field(window, "Domains")).hasValue("0x47, 0xab");
            window.page.keyboard().press("ArrowUp");
            window.page.keyboard().press("ArrowUp");
            window.page.keyboard().press("Enter");
            assertThat(field(window, "Domains")).hasValue("0x47");
            window.page.keyboard().press("Escape");
            assertThat(field(window, "Adapters")).hasValue("");
            window.assertClean();
        }
    }

    @Test
    void drawsAPlanBeforeItRuns() {
        free();
        mdev(A, List.of(5), List.of(71));
        try (Window window = open(Look.LAPTOP)) {
            choose(window, "Plan");
            Locator document = field(window, "Document (YAML or JSON)");
            document.fill("owner: demo\nmdevs:\n  - name: one\n    adapters: [5, 6]\n    domains: [4, 0x47]\n");
            assertThat(window.cell("05.0047", "!")).containsText(A.substring(0, 8));
            assertThat(window.cell("06.0047", "+")).isVisible();
            document.fill("owner: demo\nmdevs:\n  - name: one\n    adapters: [5, 6]\n    domains: [4]\n");
            assertThat(window.cell("05.0047", "M")).isVisible();
            window.page.locator(".panel .curl summary").click();
            assertThat(window.page.locator(".panel .curl pre"))
                    .containsText("curl -X PUT http://localhost:" + port + "/api/v1/desired-state");
            button(window, "Apply the document").click();
            assertThat(window.cell("06.0004", "M")).isVisible();
            window.assertAccessible();
            window.assertClean();
        }
    }

    @Test
    void asksBeforeTheHostGetsQueuesBack() {
        free();
        try (Window window = open(Look.LAPTOP)) {
            select(window, Look.LAPTOP);
            choose(window, "To host");
            assertThat(window.cell("06.00ff", "−")).isVisible();
            button(window, "Give them back to the host").click();
            Locator question = window.page.getByRole(AriaRole.DIALOG);
            assertThat(question).containsText("Give 8 queues back to the host?");
            question.getByText("Cancel").click();
            assertThat(question).isHidden();
            api.get("/queues/05.0004").body("reservedForHost", is(false));
            button(window, "Give them back to the host").click();
            question.getByText("Give back", new Locator.GetByTextOptions().setExact(true))
                    .click();
            assertThat(window.cell("06.00ff", "H")).isVisible();
            window.assertClean();
        }
    }

    @Test
    void preparesAMigrationAndPlugsInAgain() {
        free();
        mdev(A, List.of(6), List.of(4));
        api.send("PUT", "/guests/guest2/ap-device", "{\"mdev\": \"" + A + "\"}").statusCode(201);
        try (Window window = open(Look.LAPTOP)) {
            window.page
                    .locator("[aria-labelledby=guests-title] .row")
                    .getByText("guest2")
                    .click();
            button(window, "Prepare migration").click();
            assertThat(window.cell("06.0004", "M")).isVisible();
            button(window, "Plug in again").click();
            assertThat(window.cell("06.0004", "G")).isVisible();
            window.assertClean();
        }
    }

    @Test
    void saysThatItHasLostTheServiceAndComesBackBelowAnyPath() throws IOException {
        try (PrefixProxy proxy = new PrefixProxy(port);
                Window window = Browser.get().open(proxy.url(), Look.LAPTOP)) {
            assertThat(window.cell("05.0004", "H")).isVisible();
            assertThat(window.page.locator(".connection")).containsText("live");
            window.assertClean();

            proxy.cut();
            assertThat(window.page.getByRole(AriaRole.ALERT)).containsText("Connection lost.");
            window.assertAccessible();
            free();
            proxy.mend();
            assertThat(window.cell("05.0004", "○")).isVisible();
            assertThat(window.page.locator(".connection")).containsText("live");
            select(window, Look.LAPTOP);
            button(window, "Create the device").click();
            assertThat(window.cell("05.0004", "M")).isVisible();
        }
    }

    @Test
    void bearsSixtyAdaptersAndEightyFiveDomains() {
        String adapters = IntStream.range(0, 60)
                .mapToObj(id -> "{\"id\": " + id + ", \"type\": \"CEX8C\"}")
                .collect(Collectors.joining(","));
        String domains = IntStream.range(0, 85).mapToObj(String::valueOf).collect(Collectors.joining(","));
        api.send("PUT", "/simulation/host", "{\"adapters\": [" + adapters + "], \"domains\": [" + domains + "]}")
                .statusCode(200);
        try (Window window = open(Look.LAPTOP)) {
            assertThat(window.cell("3b.0054", "H")).isVisible();
            window.cell("0a.0003").scrollIntoViewIfNeeded();
            window.cell("0a.0003").hover();
            window.page.mouse().down();
            window.cell("0c.0010").hover();
            window.page.mouse().up();
            assertThat(field(window, "Adapters")).hasValue("0x0a-0x0c");
            assertThat(field(window, "Domains")).hasValue("3-0x10");
            assertThat(window.cell("0b.0007", "!")).isVisible();
            window.assertClean();
        }
    }

    @Test
    void isSmall() {
        try (Window window = open(Look.LAPTOP)) {
            assertThat(window.cell("05.0004", "H")).isVisible();
            Object bytes = window.page.evaluate(
                    "() => ['navigation', 'resource'].flatMap(type => performance.getEntriesByType(type))"
                            + ".filter(entry => !entry.name.includes('/api/')).reduce((sum, entry) => sum + entry.transferSize, 0)");
            assertThat(((Number) bytes).intValue()).isBetween(10_000, BYTES_AT_MOST);
        }
    }
}
