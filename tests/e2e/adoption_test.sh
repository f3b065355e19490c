#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# kill -9 of podnetd changes nothing: neither while it is away nor when it is back.
. "${0%/*}/lib.sh"

node_up nginx busybox
cp "$SOURCE_DIR"/examples/demo/*.yaml "$LAB/manifests/"
manifest brief <<-END
	apiVersion: v1
	kind: Pod
	metadata: {name: brief}
	spec:
	  restartPolicy: Never
	  containers:
	  - name: main
	    image: busybox
	    imagePullPolicy: IfNotPresent
	    args: [sh, -c, "until [ -e /signal/go ]; do sleep 0.1; done; exit 42"]
	    volumeMounts: [{name: signal, mountPath: /signal}]
	  volumes: [{name: signal, hostPath: {path: $TEST_DIR/signal, type: DirectoryOrCreate}}]
END
eventually "the Pods are ready" "$SECONDS_READY" lab_pods_are_ready web-1 web-2 web-3 pair brief

before=$(identities) maps_before=$(maps)
load_begin 10.96.0.80 80 --rate 200
eventually "the Service answers" 10 curl -sf --max-time 1 http://10.96.0.80/
for round in 1 2 3 4 5; do
	lab_podnetd_kill KILL
	is "round $round: without podnetd the maps are unchanged" "$(maps)" "$maps_before"
	[ "$round" != 5 ] || touch "$TEST_DIR/signal/go"
	lab_podnetd_start
	if [ "$round" != 5 ]; then
		is "round $round: no Pod has changed" "$(identities)" "$before"
		is "round $round: no map entry has changed" "$(maps)" "$maps_before"
	fi
done
load_end
is "no request has failed" "$load_failed" 0
like "there were requests" "$load_requests" "^[1-9][0-9][0-9]+$"

exit_code() {
	lab_pod brief '.status.containerStatuses[0].state.terminated.exitCode'
}
eventually "the container that ended meanwhile is reported" 10 exit_code
is "its exit code is right" "$(exit_code)" 42
is "its Pod has failed" "$(lab_pod brief .status.phase)" Failed

# --- a shim that is killed: its Pod gets a new sandbox, the others notice nothing ---
shim_of() { # POD
	pgrep -f "podnet-shim --dir $LAB_RUN/pods/$(lab_pod "$1" .metadata.uid) "
}

restarted() { # POD
	[ "$(lab_pod "$1" '.status.containerStatuses[0].restartCount')" = 1 ] && lab_pods_are_ready "$1"
}

others() {
	identities | jq -c 'map(select(.[0] != "web-2"))'
}

others_before=$(others)
kill -KILL "$(shim_of web-2)"
eventually "a Pod whose shim was killed is made anew" "$SECONDS_READY" restarted web-2
is "its containers ended in a way nobody saw" \
	"$(lab_pod web-2 '.status.containerStatuses[0].lastState.terminated.reason')" ContainerStatusUnknown
is "no other Pod has changed" "$(others)" "$others_before"

node_down
done_testing
