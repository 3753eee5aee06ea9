# apmatrix in an image, for s390x and amd64 alike: nothing here names an architecture, the base images decide.
#
#   podman build --format docker -t apmatrix .            (OCI's own format has no HEALTHCHECK)
#   podman run --rm -p 127.0.0.1:8080:8080 -e SPRING_PROFILES_ACTIVE=simulated -e SERVER_ADDRESS=0.0.0.0 \
#       -e APMATRIX_SECURITY_OPENBEYONDLOOPBACK=true apmatrix
#   podman run --rm -it apmatrix token add --help         (the jar's commands)
#
# Any base with Java 17 or newer, bash and coreutils will do. From 25 on the start is cut short by an AOT cache, before by a CDS archive.
ARG JDK=eclipse-temurin:25-jdk
ARG JRE=eclipse-temurin:25-jre

FROM ${JDK} AS jar
# a jar that was built before, target/apmatrix.jar; without it the sources are built
ARG JAR=
WORKDIR /src
COPY . .
RUN if [ -n "${JAR}" ]; then cp "${JAR}" /apmatrix.jar; else ./mvnw -B -DskipTests package && cp target/apmatrix.jar /; fi

FROM ${JRE} AS app
COPY --from=jar /apmatrix.jar /tmp/
RUN java -Djarmode=tools -jar /tmp/apmatrix.jar extract --destination /opt/apmatrix
WORKDIR /opt/apmatrix
# The one place for the flags of the JVM, read by the run that fills the cache and by every later one: a cache made with others is
# refused. A small heap that grows slowly, the quick compiler alone: the work is a few system calls a request. -Xmx overrules the
# share of memory: JDK_JAVA_OPTIONS=-Xmx256m.
RUN printf '%s\n' \
        -XX:+IgnoreUnrecognizedVMOptions \
        -XX:+UseSerialGC \
        -XX:TieredStopAtLevel=1 \
        -XX:+UseCompactObjectHeaders \
        -Xss512k \
        -XX:MaxRAMPercentage=60 \
        -XX:+ExitOnOutOfMemoryError \
        >jvm.options
# The start of the simulated host fills the cache, also where the machine that builds has AP queues of its own.
RUN if java -XX:+PrintFlagsFinal -version 2>/dev/null | grep -q AOTCacheOutput; then \
        fill=-XX:AOTCacheOutput use=-XX:AOTCache; \
    else \
        fill=-XX:ArchiveClassesAtExit use=-XX:SharedArchiveFile; \
    fi \
    && java @jvm.options "${fill}=/opt/apmatrix/apmatrix.cache" -Dspring.context.exit=onRefresh -jar /opt/apmatrix/apmatrix.jar \
        --spring.profiles.active=simulated --apmatrix.host.simulated-beside-real-one=true --server.port=0 \
    && test -s apmatrix.cache \
    && echo "${use}=/opt/apmatrix/apmatrix.cache" >cache.options \
    && chmod -R a+rX .

FROM ${JRE}
# libvirt's client library, for guests of libvirt; a base that has it, or has no apt-get, stays as it is
RUN if ! ldconfig -p | grep -q libvirt-qemu.so.0 && command -v apt-get >/dev/null; then \
        apt-get update && apt-get install -y --no-install-recommends libvirt0 && rm -rf /var/lib/apt/lists/*; \
    fi
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="apmatrix" \
      org.opencontainers.image.description="REST control plane for passing AP crypto queues to KVM guests on IBM Z and LinuxONE" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=app /opt/apmatrix /opt/apmatrix
WORKDIR /opt/apmatrix

# Nobody, without any capability: enough for the simulated host and the jar's commands. A real host needs more, which the chart and
# the systemd unit give, and nothing beyond it:
#   uid 0             sysfs belongs to root: apmask, create, assign_adapter, … are writable for their owner; so are /run/lock and
#                     /var/lib/apmatrix. Being the owner is enough, no capability. (CAP_DAC_OVERRIDE with another uid would be: it
#                     opens every file instead of root's, and runtimes do not hand a capability to a process that is not root.)
#   CAP_SYS_PTRACE    /proc/PID/fd of other processes: who has a device open, which process listens on a monitor. Needs the host's PID
#                     namespace, and the host's network namespace for /proc/net/unix.
#   CAP_DAC_OVERRIDE  only where QEMU runs as another user than root: connecting to its monitor is a write to the socket.
#   no capability     the lock file, QMP, uevents, ports from 1024 on. /dev/vfio is opened by the self-test alone, by the device cgroup's leave.
USER 65532:65532

# The root may be read-only. Written are /tmp (exec: JNA unpacks its library), and on a real host /sys, /run/lock and /var/lib/apmatrix.
EXPOSE 8080
# SIGTERM lets running requests end (spring.lifecycle.timeout-per-shutdown-phase, 30 s)
STOPSIGNAL SIGTERM

# Asks without TLS. Where the service speaks TLS, give management a port of its own: MANAGEMENT_SERVER_PORT=8081,
# MANAGEMENT_SERVER_ADDRESS=127.0.0.1, MANAGEMENT_SERVER_SSL_ENABLED=false. Kubernetes does not read this, it has the chart's probes.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/${MANAGEMENT_SERVER_ADDRESS:-127.0.0.1}/${MANAGEMENT_SERVER_PORT:-${SERVER_PORT:-8080}} && printf 'GET /actuator/health/liveness HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n' >&3 && read -r _ status _ <&3 && [ \"${status}\" = 200 ]"]

ENTRYPOINT ["java", "@/opt/apmatrix/jvm.options", "@/opt/apmatrix/cache.options", "-jar", "/opt/apmatrix/apmatrix.jar"]
