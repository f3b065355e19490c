#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The promise in numbers: kill -9 of podnetd, 30 times, with 30 Pods under load.  No readiness
# transition, no container restart, no changed map entry, no failed request; and what ended
# meanwhile is reported with its own exit code.
. "${0%/*}/lib.sh"

PODS=30 ROUNDS=30
names=()

serving_pod() { # NAME
	cat <<-END
		---
		apiVersion: v1
		kind: Pod
		metadata: {name: $1, labels: {app: many}}
		spec:
		  terminationGracePeriodSeconds: 0
		  containers:
		  - name: main
		    image: busybox
		    imagePullPolicy: IfNotPresent
		    args: [sh, -c, "echo $1 >/tmp/index.html; exec httpd -f -p 80 -h /tmp"]
		    readinessProbe: {httpGet: {path: /, port: 80}, periodSeconds: 1, timeoutSeconds: 5}
		    livenessProbe: {tcpSocket: {port: 80}, periodSeconds: 2, timeoutSeconds: 5}
	END
}

# Ends with code 40 + ROUND when it is told to, and is never restarted.
ending_pod() { # ROUND
	cat <<-END
		---
		apiVersion: v1
		kind: Pod
		metadata: {name: end-$1}
		spec:
		  restartPolicy: Never
		  terminationGracePeriodSeconds: 0
		  containers:
		  - name: main
		    image: busybox
		    imagePullPolicy: IfNotPresent
		    args: [sh, -c, "until [ -e /go/$1 ]; do sleep 0.1; done; exit $((40 + $1))"]
		    volumeMounts: [{name: go, mountPath: /go}]
		  volumes: [{name: go, hostPath: {path: $TEST_DIR/go, type: DirectoryOrCreate}}]
	END
}

served() {
	ctl get pods -o json | jq -cS '[.items[] | select(.metadata.labels.app == "many") |
		[.metadata.name, .metadata.uid, .status.podIP,
		[.status.conditions[] | select(.type == "Ready") | [.status, .lastTransitionTime]],
		[.status.containerStatuses[] | [.containerID, .restartCount, .ready]]]]'
}

all_ready() {
	[ "$(ctl get pods -o json | jq '[.items[] | select(any(.status.conditions[]?;
		.type == "Ready" and .status == "True"))] | length')" = $((PODS + 3)) ]
}

# All but pods4: a Pod that has ended gives its address back.
services_maps() {
	maps svc4 services rows backends endpoints
}

ending_is_known() { # ROUND
	[ "$(lab_pod "end-$1" '.status.containerStatuses[0].state.terminated |
		"\(.exitCode) \(.reason)"' 2>/dev/null)" = "$((40 + $1)) Error" ]
}

node_up busybox
for ((i = 1; i <= PODS; i++)); do
	names+=("many-$i")
done
{
	cat <<-END
		apiVersion: v1
		kind: Service
		metadata: {name: many}
		spec: {clusterIP: 10.96.0.90, selector: {app: many}, ports: [{port: 80}]}
	END
	for name in "${names[@]}"; do
		serving_pod "$name"
	done
	for round in 5 15 25; do
		ending_pod "$round"
	done
} | manifest many
eventually "$PODS Pods are ready" 180 all_ready

before=$(served) maps_before=$(services_maps) changed_pods=0 changed_maps=0
load_begin 10.96.0.90 80 --timeout 30000 --rate 50 # a slow answer is no lost one
eventually "the Service answers" 10 curl -sf --max-time 2 http://10.96.0.90/
for ((round = 1; round <= ROUNDS; round++)); do
	lab_podnetd_kill KILL
	case $round in 5 | 15 | 25) : >"$TEST_DIR/go/$round" ;; esac
	[ "$(services_maps)" = "$maps_before" ] || ((changed_maps++))
	lab_podnetd_start || break
	[ "$(services_maps)" = "$maps_before" ] || ((changed_maps++))
	[ "$(served)" = "$before" ] || ((changed_pods++))
done
is "all $ROUNDS rounds were done" "$((round - 1))" "$ROUNDS"
is "after no kill and no start had a map entry changed" "$changed_maps" 0
is "after no start had a Pod changed" "$changed_pods" 0
load_end
is "no request has failed" "$load_failed" 0
like "there were thousands of requests" "$load_requests" "^[0-9]{4,}$"
for round in 5 15 25; do
	eventually "what ended while podnetd was away in round $round is known" 10 ending_is_known "$round"
done

node_down
done_testing
