{{/* the pod, on a real host or simulated */}}
{{- define "apmatrix.pod" -}}
{{- $real := not .Values.simulated }}
{{- $ofAnotherUser := false }}
{{- range .Values.monitors }}{{ if .ofAnotherUser }}{{ $ofAnotherUser = true }}{{ end }}{{ end }}
metadata:
  labels:
    {{- include "apmatrix.labels" . | nindent 4 }}
  annotations:
    # another configuration is another pod
    checksum/config: {{ include "apmatrix.application" . | sha256sum }}
    {{- with .Values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ include "apmatrix.name" . }}
  # it never asks the Kubernetes API
  automountServiceAccountToken: false
  # variables named APMATRIX_… would be read as properties
  enableServiceLinks: false
  {{- with .Values.image.pullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  # running requests end within 30 s
  terminationGracePeriodSeconds: 45
  {{- if $real }}
  # Which process has a device open, and which one listens on a monitor, is read from the host's /proc; a lock whose holder cannot be seen
  # would be taken for a dead one's.
  hostPID: true
  # /proc/net/unix, which names the sockets of QEMU, and the kernel's uevents are those of the network namespace.
  hostNetwork: true
  dnsPolicy: ClusterFirstWithHostNet
  {{- end }}
  {{- if or $real .Values.nodeSelector }}
  nodeSelector:
    {{- if $real }}
    kubernetes.io/arch: s390x
    {{- end }}
    {{- with .Values.nodeSelector }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- end }}
  {{- with .Values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  securityContext:
    seccompProfile:
      type: RuntimeDefault
    {{- if not $real }}
    # makes the secrets readable for it
    fsGroup: 65532
    {{- end }}
  containers:
    - name: apmatrix
      image: {{ printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) | quote }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      env:
        - name: SPRING_CONFIG_ADDITIONAL_LOCATION
          value: file:/etc/apmatrix/config/
        {{- range $name, $value := .Values.environment }}
        - name: {{ $name }}
          value: {{ $value | quote }}
        {{- end }}
      ports:
        - name: {{ include "apmatrix.scheme" . }}
          containerPort: {{ .Values.listen.port }}
      startupProbe:
        {{- include "apmatrix.probe" (list . "liveness") | trim | nindent 8 }}
        periodSeconds: 2
        failureThreshold: 60
      livenessProbe:
        {{- include "apmatrix.probe" (list . "liveness") | trim | nindent 8 }}
        periodSeconds: 10
        timeoutSeconds: 5
        failureThreshold: 6
      readinessProbe:
        {{- include "apmatrix.probe" (list . "readiness") | trim | nindent 8 }}
        periodSeconds: 10
        timeoutSeconds: 5
      {{- with .Values.resources }}
      resources:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      securityContext:
        privileged: false
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        {{- if $real }}
        # sysfs, the lock and the state belong to root; being their owner is enough, no capability
        runAsUser: 0
        runAsGroup: 0
        capabilities:
          drop: [ALL]
          add:
            # /proc/PID/fd of processes of the host; preflight reads the host's files through /proc/1/root. Whoever takes this process
            # over is root on the node.
            - SYS_PTRACE
            {{- if $ofAnotherUser }}
            - DAC_OVERRIDE # to connect to the monitor of a QEMU that is not root's
            {{- end }}
        appArmorProfile:
          type: {{ .Values.host.appArmor }}
        {{- with .Values.host.seLinux }}
        seLinuxOptions:
          {{- toYaml . | nindent 10 }}
        {{- end }}
        {{- else }}
        runAsNonRoot: true
        runAsUser: 65532
        runAsGroup: 65532
        capabilities:
          drop: [ALL]
        {{- end }}
      volumeMounts:
        - name: tmp
          mountPath: /tmp
        - name: config
          mountPath: /etc/apmatrix/config
          readOnly: true
        {{- if .Values.tokens.secret }}
        - name: tokens
          mountPath: /etc/apmatrix/tokens
          readOnly: true
        {{- end }}
        {{- if .Values.tls.secret }}
        - name: tls
          mountPath: /etc/apmatrix/tls
          readOnly: true
        {{- end }}
        {{- if $real }}
        - name: sys
          mountPath: /sys
          readOnly: true
        - name: sys-bus-ap
          mountPath: /sys/bus/ap
        - name: sys-devices-ap
          mountPath: /sys/devices/ap
        - name: sys-devices-vfio-ap
          mountPath: /sys/devices/vfio_ap
        - name: dev-vfio
          mountPath: /dev/vfio
          readOnly: true
        - name: lock
          mountPath: /run/lock
        - name: state
          mountPath: /var/lib/apmatrix
        - name: definitions
          mountPath: /etc/mdevctl.d
        {{- range $number, $monitor := .Values.monitors }}
        - name: monitors-{{ $number }}
          mountPath: {{ $monitor.directory }}
          readOnly: true
        {{- end }}
        {{- with .Values.host.libvirt }}
        - name: libvirt
          mountPath: {{ . }}
          readOnly: true
        {{- end }}
        {{- end }}
  volumes:
    # the only place to write to beside the host's: JNA unpacks its library there
    - name: tmp
      emptyDir:
        sizeLimit: 64Mi
    - name: config
      configMap:
        name: {{ include "apmatrix.name" . }}
    {{- with .Values.tokens.secret }}
    # hashes of tokens, by "apmatrix token add"
    - name: tokens
      secret:
        secretName: {{ . }}
        defaultMode: 0400
    {{- end }}
    {{- with .Values.tls.secret }}
    - name: tls
      secret:
        secretName: {{ . }}
        defaultMode: 0400
    {{- end }}
    {{- if $real }}
    # What there is: the AP bus, cards, queues, mediated devices, modules. Read-only, for root may write to more of it than to AP …
    - name: sys
      hostPath:
        path: /sys
        type: Directory
    # … and over it the three trees that it writes to: the masks and the binding of queues,
    - name: sys-bus-ap
      hostPath:
        path: /sys/bus/ap
        type: Directory
    # the queues themselves (driver_override),
    - name: sys-devices-ap
      hostPath:
        path: /sys/devices/ap
        type: Directory
    # mediated devices and their matrices. Where vfio_ap is not loaded the pod waits for it, and says so; after it was unloaded
    # and loaded again the pod is to be deleted.
    - name: sys-devices-vfio-ap
      hostPath:
        path: /sys/devices/vfio_ap
        type: Directory
    # VFIO, for the self-test. The device cgroup of a pod that is not privileged lets it see the nodes and not open them: the self-test
    # says so, nothing else needs them.
    - name: dev-vfio
      hostPath:
        path: /dev/vfio
        type: ""
    # the lock that chzdev and ap-check share
    - name: lock
      hostPath:
        path: /run/lock
        type: Directory
    # work in flight, prepared migrations, documents and the audit journal outlive the pod
    - name: state
      hostPath:
        path: /var/lib/apmatrix
        type: DirectoryOrCreate
    # mdevctl's definitions of devices, which come back after a boot
    - name: definitions
      hostPath:
        path: /etc/mdevctl.d
        type: DirectoryOrCreate
    {{- range $number, $monitor := .Values.monitors }}
    # monitors of QEMU; connecting to a socket is no write to the directory
    - name: monitors-{{ $number }}
      hostPath:
        path: {{ $monitor.directory }}
        type: DirectoryOrCreate
    {{- end }}
    {{- with .Values.host.libvirt }}
    # libvirt's socket
    - name: libvirt
      hostPath:
        path: {{ . }}
        type: Directory
    {{- end }}
    {{- end }}
{{- end }}

{{- define "apmatrix.probe" -}}
{{- $ := index . 0 }}
httpGet:
  path: /actuator/health/{{ index . 1 }}
  port: {{ include "apmatrix.scheme" $ }}
  scheme: {{ include "apmatrix.scheme" $ | upper }}
  {{- if include "apmatrix.loopback" $ }}
  # the node's own
  host: {{ $.Values.listen.address | quote }}
  {{- end }}
{{- end }}
