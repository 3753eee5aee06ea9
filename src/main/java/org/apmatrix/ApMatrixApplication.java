package org.apmatrix;

import org.apmatrix.command.Commands;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.context.properties.ConfigurationPropertiesScan;
import org.springframework.boot.security.autoconfigure.UserDetailsServiceAutoConfiguration;

/** Starts the house. */
@SpringBootApplication(exclude = UserDetailsServiceAutoConfiguration.class)
@ConfigurationPropertiesScan
public class ApMatrixApplication {
    public static void main(String[] args) {
        if (Commands.isAskedForBy(args)) {
            System.exit(Commands.run(args));
        }
        SpringApplication.run(ApMatrixApplication.class, args);
    }
}
