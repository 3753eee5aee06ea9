package org.apmatrix.api;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;

import com.microsoft.playwright.Locator;
import org.apmatrix.access.Role;
import org.apmatrix.api.Browser.Look;
import org.apmatrix.api.Browser.Window;
import org.junit.jupiter.api.Test;

/** The page where the service asks who calls. */
class SecuredPageTest extends SecuredHttpTest {
    private Window open() {
        return Browser.get().open("https://localhost:" + port + "/", Look.LAPTOP);
    }

    private static void logIn(Window window, String token) {
        window.page.getByLabel("Token").fill(token);
        window.page.getByText("Log in").click();
    }

    private static Locator kinds(Window window) {
        return window.page.locator(".panel .segments label");
    }

    @Test
    void asksForATokenAndSaysWhenOneIsNotTaken() {
        try (Window window = open()) {
            assertThat(window.page.getByLabel("Token")).isVisible();
            window.assertAccessible();
            logIn(window, "apm_nobody_secret");
            assertThat(window.page.locator("main")).containsText("The last token was not taken");
            logIn(window, ONLY.get(Role.ADMIN));
            assertThat(window.cell("05.0004")).isVisible();
            assertThat(window.page.locator("header")).containsText("only-admin");
            window.page.reload();
            assertThat(window.cell("05.0004")).isVisible();
            window.page.getByText("Log out").click();
            assertThat(window.page.getByLabel("Token")).isVisible();
            assertThat(window.page.evaluate("() => sessionStorage.length")).isEqualTo(0);
            window.assertClean(401);
        }
    }

    @Test
    void showsAViewerTheMatrixAndNothingToDo() {
        try (Window window = open()) {
            logIn(window, ONLY.get(Role.VIEWER));
            window.cell("05.0004").click();
            assertThat(window.page.locator(".panel")).containsText("Your roles let you look, not change.");
            assertThat(kinds(window)).hasCount(0);
            window.page
                    .locator("[aria-labelledby=guests-title] .row")
                    .getByText("guest1")
                    .click();
            assertThat(window.page.locator("[aria-labelledby=guests-title] .details"))
                    .isVisible();
            assertThat(window.page.locator(".action")).hasCount(0);
            window.assertClean(401);
        }
    }

    @Test
    void offersEachRoleWhatItMayDo() {
        try (Window window = open()) {
            logIn(window, ALL_BUT.get(Role.OPERATOR));
            assertThat(kinds(window)).hasText(new String[] {"From host", "To host"});
            window.page.getByText("Log out").click();
            logIn(window, ALL_BUT.get(Role.RESERVATION_ADMIN));
            assertThat(kinds(window)).hasText(new String[] {"Create", "Change", "Plan"});
            window.cell("05.0004").click();
            window.page.locator(".panel .curl summary").first().click();
            assertThat(window.page.locator(".panel .curl pre").first())
                    .containsText("-H \"Authorization: Bearer $TOKEN\"");
            window.assertClean(401);
        }
    }
}
