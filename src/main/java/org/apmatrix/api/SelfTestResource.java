package org.apmatrix.api;

import io.swagger.v3.oas.annotations.media.Schema;
import java.util.List;
import org.apmatrix.host.VfioSelfTest.Check;
import org.apmatrix.service.SelfTestService.SelfTest;

/** What a self-test found. */
@Schema(name = "SelfTest")
record SelfTestResource(
        @Schema(description = "Whether every check did") boolean passed,

        @Schema(description = "In the order in which they were made")
        List<CheckResource> checks) {

    /** One thing that was asked of the kernel. */
    @Schema(name = "SelfTestCheck")
    record CheckResource(
            @Schema(example = "a second open of the group") String name,

            @Schema(description = "What kernels of this generation answer: ok, an errno, or values", example = "EBUSY")
            String expected,

            @Schema(description = "What this kernel answered", example = "EBUSY")
            String answered,

            boolean passed) {
        static CheckResource from(Check check) {
            return new CheckResource(check.name(), check.expected(), check.answered(), check.passed());
        }
    }

    static SelfTestResource from(SelfTest selfTest) {
        return new SelfTestResource(
                selfTest.passed(),
                selfTest.checks().stream().map(CheckResource::from).toList());
    }
}
