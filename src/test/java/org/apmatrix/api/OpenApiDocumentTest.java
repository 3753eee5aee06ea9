package org.apmatrix.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.restassured.RestAssured;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** The checked-in document is what the running service serves. */
class OpenApiDocumentTest extends HttpTest {
    private static final Path CHECKED_IN = Path.of("openapi/apmatrix.yaml");

    @Test
    void servesTheDocumentThatIsCheckedIn() throws Exception {
        String served = RestAssured.get("http://localhost:" + port + "/v3/api-docs.yaml")
                .asString();
        if (Boolean.getBoolean("openapi.refresh")) {
            Files.writeString(CHECKED_IN, served);
        }
        assertThat(served)
                .withFailMessage(CHECKED_IN
                        + " is not what the service serves; after a look at the difference, refresh it with\n"
                        + "  ./mvnw test -Dtest=OpenApiDocumentTest -Dopenapi.refresh=true")
                .isEqualTo(Files.readString(CHECKED_IN));
    }
}
