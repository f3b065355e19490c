#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Readiness decides who gets connections, liveness who is restarted: httpGet, tcpSocket, exec.
. "${0%/*}/lib.sh"

node_up busybox

pod_probed() { # NAME PROBE...: YAML of one container's probes; /on is its switch
	local name=$1 probe
	shift
	cat <<-END
		apiVersion: v1
		kind: Pod
		metadata: {name: $name, labels: {app: probed}}
		spec:
		  terminationGracePeriodSeconds: 1
		  containers:
		  - name: main
		    image: busybox
		    imagePullPolicy: IfNotPresent
		    args: [sh, -c, "mkdir /www; touch /www/on; exec httpd -f -p 80 -h /www"]
		    ports: [{name: http, containerPort: 80}]
	END
	for probe in "$@"; do
		echo "    $probe"
	done
}

fast="periodSeconds: 1, failureThreshold: 1"
pod_probed http "readinessProbe: {httpGet: {path: /on, port: http}, $fast}" | manifest http
pod_probed tcp "readinessProbe: {tcpSocket: {port: 80}, $fast}" | manifest tcp
pod_probed exec "readinessProbe: {exec: {command: [test, -e, /www/on]}, $fast}" | manifest exec
pod_probed late "readinessProbe: {tcpSocket: {port: 80}, initialDelaySeconds: 5, periodSeconds: 1}" |
	manifest late
manifest service <<-END
	apiVersion: v1
	kind: Service
	metadata: {name: probed}
	spec: {selector: {app: probed}, ports: [{port: 80, targetPort: http}]}
END

started() { # POD: seconds since its container runs
	echo $(($(date +%s) - $(lab_pod "$1" '.status.containerStatuses[0].state.running.startedAt | fromdate')))
}
eventually "three kinds of probe make ready" "$SECONDS_READY" lab_pods_are_ready http tcp exec
eventually "initialDelaySeconds is waited for" "$SECONDS_READY" lab_pods_are_ready late
[ "$(started late)" -ge 5 ]
is "not less" $? 0

# --- readiness lost and regained ---
not_ready() {
	lab_pod "$1" '.status.conditions[] | select(.type == "Ready" and .status == "False")'
}
for pod in http exec; do
	ctl exec "$pod" -- rm /www/on
	eventually "$pod: a failing probe makes unready" 5 not_ready "$pod"
	ok "$pod: and takes it out of its Service" lab_backend_is "$pod" UNREADY
	ctl exec "$pod" -- touch /www/on
	eventually "$pod: a succeeding one makes ready again" 5 lab_pods_are_ready "$pod"
	is "$pod: nothing was restarted" "$(lab_pod "$pod" '.status.containerStatuses[0].restartCount')" 0
done

# --- liveness ---
restarted() {
	[ "$(lab_pod "$1" '.status.containerStatuses[0].restartCount')" -ge 1 ]
}
pod_probed alive "livenessProbe: {httpGet: {path: /on, port: 80}, periodSeconds: 1, failureThreshold: 2}" |
	manifest alive
pod_probed hanging \
	"livenessProbe: {exec: {command: [sh, -c, 'test -e /www/on || sleep 1000']}, timeoutSeconds: 1, $fast}" |
	manifest hanging
eventually "Pods with liveness probes are ready" "$SECONDS_READY" lab_pods_are_ready alive hanging
for pod in alive hanging; do
	ctl exec "$pod" -- rm /www/on
	eventually "$pod: a failing liveness probe restarts the container" 15 restarted "$pod"
	eventually "$pod: which is ready again" 10 lab_pods_are_ready "$pod"
done
like "the reason is kept" "$(lab_pod alive '.status.containerStatuses[0].lastState.terminated | tostring')" \
	"exitCode"
no_sleep() { # the new container's first probe may hang, too: it can come before /www/on
	! lab_pod_processes hanging | grep sleep
}
eventually "a probe that hung has left no process" 5 no_sleep

# --- readiness survives podnetd ---
ctl exec http -- rm /www/on
eventually "a Pod is unready" 5 not_ready http
before=$(identities)
lab_podnetd_kill KILL
lab_podnetd_start
is "podnetd comes back to the verdicts it had" "$(identities)" "$before"

node_down
done_testing
