package org.apmatrix.api;

import static org.assertj.core.api.Assertions.assertThat;

import com.microsoft.playwright.Locator;
import java.nio.file.Path;
import org.apmatrix.api.Browser.Look;
import org.junit.jupiter.api.Test;

/** A newcomer's first minute: the Swagger UI in a real browser. */
class SwaggerUiTest extends HttpTest {
    private static final String CREATE_MDEV = "[id$='-createMdev'] ";

    @Test
    void makesAnMdevWithoutAnythingTyped() {
        try (Browser.Window window = Browser.get().open("http://localhost:" + port + "/swagger-ui.html", Look.LAPTOP)) {
            window.page.locator(CREATE_MDEV + ".opblock-summary-control").click();
            window.page.locator(CREATE_MDEV + ".execute").click();
            Locator status = window.page.locator(CREATE_MDEV + ".live-responses-table .response .response-col_status");

            assertThat(status.textContent()).startsWith("201");
            assertThat(kernel.list(Path.of("/sys/bus/mdev/devices"))).hasSize(1);
            window.assertClean();
        }
    }
}
