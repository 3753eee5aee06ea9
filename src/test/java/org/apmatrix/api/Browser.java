package org.apmatrix.api;

import static org.assertj.core.api.Assertions.assertThat;

import com.deque.html.axecore.playwright.AxeBuilder;
import com.deque.html.axecore.results.Rule;
import com.microsoft.playwright.BrowserContext;
import com.microsoft.playwright.BrowserType;
import com.microsoft.playwright.ConsoleMessage;
import com.microsoft.playwright.Locator;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.Playwright;
import com.microsoft.playwright.assertions.PlaywrightAssertions;
import com.microsoft.playwright.options.ColorScheme;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apmatrix.Component;
import org.jspecify.annotations.Nullable;

/** A real Chromium, as an operator has one: started once, with a window of its own for each look. */
final class Browser {
    private static final Path CHROMIUM = Path.of("/usr/bin/chromium");
    private static final double PATIENCE_MILLIS = 30_000;
    private static final Pattern STATUS = Pattern.compile("Failed to load resource: .* status of (\\d+) .*");

    private static @Nullable Browser running;

    private final com.microsoft.playwright.Browser chromium;

    private Browser(com.microsoft.playwright.Browser chromium) {
        this.chromium = chromium;
    }

    /** How a window is. */
    record Look(int width, int height, ColorScheme colours, boolean hasTouch) {
        static final Look LAPTOP = new Look(1280, 800, ColorScheme.LIGHT, false);
        static final Look LAPTOP_AT_NIGHT = new Look(1280, 800, ColorScheme.DARK, false);
        static final Look PHONE = new Look(390, 844, ColorScheme.LIGHT, true);
        static final Look PHONE_AT_NIGHT = new Look(390, 844, ColorScheme.DARK, true);
    }

    /** Skips the test where there is no Chromium. */
    static synchronized Browser get() {
        if (running == null) {
            Component.require("Chromium", Files.isExecutable(CHROMIUM), "apt-get install chromium");
            Component.requireProgram("node", "apt-get install nodejs, which Playwright runs on");
            Playwright playwright = Playwright.create(new Playwright.CreateOptions()
                    .setEnv(Map.of(
                            "PLAYWRIGHT_NODEJS_PATH", node().toString(), "PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1")));
            running = new Browser(playwright
                    .chromium()
                    .launch(new BrowserType.LaunchOptions()
                            .setExecutablePath(CHROMIUM)
                            .setArgs(List.of(
                                    "--no-sandbox",
                                    "--disable-gpu",
                                    "--disable-quic",
                                    "--no-first-run",
                                    "--disable-background-networking",
                                    "--disable-component-update",
                                    "--disable-sync"))));
            PlaywrightAssertions.setDefaultAssertionTimeout(PATIENCE_MILLIS);
            Runtime.getRuntime().addShutdownHook(new Thread(playwright::close));
        }
        return running;
    }

    private static Path node() {
        return Stream.of(System.getenv("PATH").split(":"))
                .map(directory -> Path.of(directory, "node"))
                .filter(Files::isExecutable)
                .findFirst()
                .orElseThrow();
    }

    /** A window of its own, with nothing that another one has kept. */
    Window open(String url, Look look) {
        BrowserContext context = chromium.newContext(new com.microsoft.playwright.Browser.NewContextOptions()
                .setViewportSize(look.width(), look.height())
                .setColorScheme(look.colours())
                .setHasTouch(look.hasTouch())
                // certificates of the tests' own authority
                .setIgnoreHTTPSErrors(true));
        context.setDefaultTimeout(PATIENCE_MILLIS);
        Window window = new Window(context.newPage(), URI.create(url));
        window.page.navigate(url);
        return window;
    }

    /** A window, and what went wrong in it. */
    static final class Window implements AutoCloseable {
        final Page page;
        private final List<String> errors = new ArrayList<>();
        private final List<String> strangers = new ArrayList<>();

        private Window(Page page, URI home) {
            this.page = page;
            page.onConsoleMessage(this::said);
            page.onPageError(error -> errors.add("uncaught: " + error));
            page.onRequest(request -> {
                URI asked = URI.create(request.url());
                if (!"data".equals(asked.getScheme()) && !home.getAuthority().equals(asked.getAuthority())) {
                    strangers.add(request.url());
                }
            });
        }

        private void said(ConsoleMessage message) {
            if (Set.of("error", "warning").contains(message.type())) {
                errors.add(message.text());
            }
        }

        Locator cell(String apqn) {
            return page.locator("[data-apqn='" + apqn + "']");
        }

        /** A cell that shows a letter: what everybody sees of it. */
        Locator cell(String apqn, String letter) {
            return page.locator("[data-apqn='" + apqn + "'][data-letter='" + letter + "']");
        }

        /**
         * No error on the console, nothing asked of anybody else.
         *
         * @param statuses of answers that are no success and were wanted: the browser itself calls them errors
         */
        void assertClean(Integer... statuses) {
            assertThat(errors.stream().filter(error -> {
                        var status = STATUS.matcher(error);
                        return !status.matches() || !Set.of(statuses).contains(Integer.valueOf(status.group(1)));
                    }))
                    .as("errors on the console")
                    .isEmpty();
            assertThat(strangers).as("requests to others").isEmpty();
        }

        /** axe-core finds nothing that keeps somebody out. */
        void assertAccessible() {
            List<Rule> violations =
                    new AxeBuilder(page).setLegacyMode(true).analyze().getViolations();
            assertThat(violations.stream()
                            .filter(rule -> Set.of("serious", "critical").contains(rule.getImpact()))
                            .map(rule -> rule.getImpact() + " " + rule.getId() + ": " + rule.getHelp() + " at "
                                    + rule.getNodes().stream()
                                            .map(node -> String.valueOf(node.getTarget()))
                                            .limit(5)
                                            .collect(Collectors.joining(", "))))
                    .as("what axe-core finds at %s", page.viewportSize().width)
                    .isEmpty();
        }

        @Override
        public void close() {
            page.context().close();
        }
    }
}
