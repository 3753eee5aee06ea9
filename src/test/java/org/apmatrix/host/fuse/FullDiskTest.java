package org.apmatrix.host.fuse;

import static io.restassured.RestAssured.given;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.hasItem;
import static org.hamcrest.Matchers.is;
import static org.hamcrest.Matchers.notNullValue;

import io.restassured.response.Response;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apmatrix.Component;
import org.apmatrix.Patience;
import org.apmatrix.Shell;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The whole service with its audit journal on a disk that fills up. */
@Timeout(180)
class FullDiskTest {
    @TempDir
    Path directory;

    private Path disk;
    private ServiceProcess service;

    @BeforeEach
    void aSmallDisk() throws Exception {
        disk = Files.createDirectory(directory.resolve("disk"));
        Shell.Result mounted = Shell.bash(directory, "mount -t tmpfs -o size=256k tmpfs \"$1\"", disk.toString());
        Component.require("a small tmpfs", mounted.exit() == 0, "run the tests as root, where mount(2) is allowed");
        service = new ServiceProcess(
                "--spring.profiles.active=simulated", "--apmatrix.audit.directory=" + disk.resolve("audit"));
    }

    @AfterEach
    void end() {
        if (service != null) {
            service.close();
        }
        Shell.bash(directory, "umount -l \"$1\"", disk.toString());
    }

    @Test
    void writesStopReadsGoOnAndItRecoversByItself() throws Exception {
        String url = "http://localhost:" + service.start();
        Path ballast = disk.resolve("ballast");
        Shell.bash(disk, "cat /dev/zero > \"$1\"", ballast.toString());
        Patience.until(() -> patch(url).statusCode() == 503);

        patch(url).then().statusCode(503).header("Retry-After", notNullValue()).body("code", is("AUDIT_UNAVAILABLE"));
        String masks = given().get(url + "/api/v1/masks").path("apmask");
        patch(url).then().statusCode(503);
        given().get(url + "/api/v1/masks").then().statusCode(200).body("apmask", equalTo(masks));
        given().get(url + "/api/v1/audit").then().statusCode(200);
        given().get(url + "/actuator/health/readiness").then().statusCode(503);
        given().get(url + "/actuator/health/liveness").then().statusCode(200);

        Files.delete(ballast);
        patch(url).then().statusCode(200);
        given().get(url + "/actuator/health/readiness").then().statusCode(200);
        given().get(url + "/api/v1/audit?operation=recoverJournal").then().body("items.code", hasItem("RECOVERED"));
    }

    /** Another mask each time, so that something is to be written. */
    private static Response patch(String url) {
        String now = given().get(url + "/api/v1/masks").path("hostAdapters").toString();
        return given().contentType("application/json")
                .body(now.contains("5,") ? "{\"apmask\": \"-5\"}" : "{\"apmask\": \"+5\"}")
                .patch(url + "/api/v1/masks");
    }
}
