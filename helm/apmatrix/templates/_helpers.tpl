{{- define "apmatrix.name" -}}
{{- if contains "apmatrix" .Release.Name }}{{ .Release.Name | trunc 53 | trimSuffix "-" }}{{ else }}{{ printf "%s-apmatrix" .Release.Name | trunc 53 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "apmatrix.selector" -}}
app.kubernetes.io/name: apmatrix
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "apmatrix.labels" -}}
{{ include "apmatrix.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{/* what can tell who calls, empty for nothing */}}
{{- define "apmatrix.identity" -}}
{{- if .Values.tokens.secret }}tokens {{ end }}
{{- if or .Values.jwt.issuerUri .Values.jwt.publicKey }}jwt {{ end }}
{{- if .Values.certificates }}certificates {{ end }}
{{- end }}

{{- define "apmatrix.loopback" -}}
{{- if or (hasPrefix "127." .Values.listen.address) (eq .Values.listen.address "::1") }}true{{ end }}
{{- end }}

{{- define "apmatrix.scheme" -}}
{{- if .Values.tls.secret }}https{{ else }}http{{ end }}
{{- end }}

{{/* what the service would refuse at its start, or nobody could use, is refused here */}}
{{- define "apmatrix.refusals" -}}
{{- $beyond := not (include "apmatrix.loopback" .) }}
{{- if not .Values.simulated }}
{{- if and $beyond (not (include "apmatrix.identity" .)) }}
{{- fail "apmatrix would listen beyond its node (listen.address) and has no way to tell who calls: set tokens.secret, jwt.issuerUri or jwt.publicKey, or certificates. Or listen on the node alone: listen.address=127.0.0.1" }}
{{- end }}
{{- if and $beyond (not .Values.tls.secret) (not .Values.tls.plainText) }}
{{- fail "apmatrix would listen beyond its node (listen.address) without TLS, and whoever hears a token has it: set tls.secret, or insist with tls.plainText=true" }}
{{- end }}
{{- else if not $beyond }}
{{- fail "a simulated pod has an address of its own: with listen.address on the loopback nobody reaches it, the kubelet's probes included" }}
{{- end }}
{{- if and .Values.certificates (not .Values.tls.secret) }}
{{- fail "certificates of clients need TLS: set tls.secret, with the authority that signs them in its ca.crt" }}
{{- end }}
{{- if and .Values.jwt.issuerUri .Values.jwt.publicKey }}
{{- fail "jwt.issuerUri and jwt.publicKey exclude each other" }}
{{- end }}
{{- end }}

{{/* application.yaml of the service; what it does not say is the service's own default */}}
{{- define "apmatrix.application" -}}
{{- $own := include "apmatrix.ownApplication" . | fromYaml }}
{{- if not $own.spring }}{{ $_ := unset $own "spring" }}{{ end }}
{{- toYaml (mustMergeOverwrite $own (deepCopy .Values.properties)) }}
{{- end }}

{{- define "apmatrix.ownApplication" -}}
server:
  address: {{ .Values.listen.address | quote }}
  port: {{ .Values.listen.port }}
  {{- if .Values.tls.secret }}
  ssl:
    bundle: apmatrix
    {{- if .Values.certificates }}
    client-auth: want
    {{- end }}
  {{- end }}
spring:
  {{- if .Values.simulated }}
  profiles:
    active: simulated
  {{- end }}
  {{- if .Values.tls.secret }}
  ssl:
    bundle:
      pem:
        apmatrix:
          # a renewed certificate is taken up while it runs
          reload-on-update: true
          keystore:
            certificate: file:/etc/apmatrix/tls/tls.crt
            private-key: file:/etc/apmatrix/tls/tls.key
          {{- if .Values.certificates }}
          truststore:
            certificate: file:/etc/apmatrix/tls/ca.crt
          {{- end }}
  {{- end }}
  {{- if or .Values.jwt.issuerUri .Values.jwt.publicKey }}
  security:
    oauth2:
      resourceserver:
        jwt:
          {{- if .Values.jwt.issuerUri }}
          issuer-uri: {{ .Values.jwt.issuerUri | quote }}
          {{- else }}
          public-key-location: file:/etc/apmatrix/config/jwt.pem
          {{- end }}
          audiences: {{ toJson .Values.jwt.audiences }}
  {{- end }}
apmatrix:
  security:
    {{- if include "apmatrix.identity" . }}
    mode: required
    {{- else if .Values.simulated }}
    mode: open
    open-beyond-loopback: true
    {{- end }}
    {{- if .Values.tokens.secret }}
    tokens-file: /etc/apmatrix/tokens/{{ .Values.tokens.key }}
    {{- end }}
    jwt:
      name-claim: {{ .Values.jwt.nameClaim | quote }}
      roles-claim: {{ .Values.jwt.rolesClaim | quote }}
    {{- with .Values.certificates }}
    certificates: {{ toJson . }}
    {{- end }}
  {{- if .Values.simulated }}
  host:
    # the pod sees whether its node has an AP bus, and has no right on it
    simulated-beside-real-one: true
  {{- else }}
  preflight:
    # the host's own /etc, /run, /usr and /var, by hostPID and CAP_SYS_PTRACE
    root: /proc/1/root
  definitions:
    directory: /etc/mdevctl.d
  guests:
    qmp:
      sockets:
        {{- range .Values.monitors }}
        - {{ printf "%s/%s" (trimSuffix "/" .directory) .pattern | quote }}
        {{- else }}
        []
        {{- end }}
    {{- if .Values.host.libvirt }}
    libvirt:
      uri: qemu:///system
    {{- end }}
  {{- end }}
{{- end }}
