package org.apmatrix;

import org.apmatrix.command.Commands;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.context.properties.ConfigurationPropertiesScan;

/** Starts the house. */
@SpringBootApplication
@ConfigurationPropertiesScan
public class ApMatrixApplication {
    public static void main(String[] args) {
        if (Commands.isAskedForBy(args)) {
            System.exit(Commands.run(args));
        }
        SpringApplication.run(ApMatrixApplication.class, args);
    }
}
