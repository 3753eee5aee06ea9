package org.apmatrix.api;

import static org.hamcrest.Matchers.is;

import io.restassured.response.ValidatableResponse;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.apmatrix.host.sim.KernelVersion;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Two clients want the last queue. */
class RaceHttpTest extends HttpTest {
    private static final int ROUNDS = 50;

    @ParameterizedTest
    @EnumSource(names = {"V5_10", "V6_12"})
    void oneOfTwoGetsTheLastQueueAndTheOtherLearnsWhoHasIt(KernelVersion version) throws Exception {
        bootAndFree(version);
        mdev(A, List.of(5), List.of());
        mdev(B, List.of(5), List.of());
        CyclicBarrier start = new CyclicBarrier(2);
        ExecutorService clients = Executors.newFixedThreadPool(2);
        try {
            for (int round = 0; round < ROUNDS; round++) {
                Future<ValidatableResponse> first = clients.submit(() -> wish(A, start));
                Future<ValidatableResponse> second = clients.submit(() -> wish(B, start));
                boolean firstWon = first.get().extract().statusCode() == 200;
                String winner = firstWon ? A : B;
                (firstWon ? first : second).get().statusCode(200).body("matrix[0]", is("05.0004"));
                (firstWon ? second : first)
                        .get()
                        .spec(refused(409, "APQN_IN_USE", "EADDRINUSE", held("mdev", winner, "05.0004")));
                api.get("/queues/05.0004").body("mdev", is(winner));
                api.delete("/mdevs/" + winner + "/domains/4").statusCode(200);
            }
        } finally {
            clients.shutdownNow();
        }
    }

    private ValidatableResponse wish(String uuid, CyclicBarrier start) throws Exception {
        start.await();
        ValidatableResponse answer = api.put("/mdevs/" + uuid + "/domains/4");
        while (answer.extract().statusCode() == 423) { // on a machine under load the other may hold the lock for long
            answer = api.put("/mdevs/" + uuid + "/domains/4");
        }
        return answer;
    }
}
