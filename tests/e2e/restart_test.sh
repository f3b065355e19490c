#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Restart policies, back-off and graceful deletion.
. "${0%/*}/lib.sh"

node_up busybox

pod_ending() { # NAME POLICY CODE
	cat <<-END
		apiVersion: v1
		kind: Pod
		metadata: {name: $1}
		spec:
		  restartPolicy: $2
		  containers:
		  - name: main
		    image: busybox
		    imagePullPolicy: IfNotPresent
		    args: [sh, -c, "echo run; exit $3"]
	END
}

restarts() {
	lab_pod "$1" '.status.containerStatuses[0].restartCount'
}

restarts_are() { # POD COUNT
	[ "$(restarts "$1")" = "$2" ]
}

waiting_is() { # POD REASON
	[ "$(lab_pod "$1" '.status.containerStatuses[0].state.waiting.reason')" = "$2" ]
}

phase_is() { # POD PHASE
	[ "$(lab_pod "$1" .status.phase)" = "$2" ]
}

pod_ending always Always 0 | manifest always
pod_ending failing OnFailure 3 | manifest failing
pod_ending good OnFailure 0 | manifest good
pod_ending never Never 7 | manifest never

eventually "OnFailure: exit 0 is success" "$SECONDS_READY" phase_is good Succeeded
eventually "Never: another exit is failure" "$SECONDS_READY" phase_is never Failed
is "its exit code is kept" "$(lab_pod never '.status.containerStatuses[0].state.terminated.exitCode')" 7
eventually "Always: the first restart is immediate" 8 restarts_are always 1
eventually "then it backs off" 8 waiting_is always CrashLoopBackOff
like "and says for how long" "$(lab_pod always '.status.containerStatuses[0].state.waiting.message')" \
	"^back-off 10s restarting failed container=main pod=always_default\("
eventually "OnFailure: a failure restarts" 8 restarts_are failing 1
begin=$(lab_pod always '.status.containerStatuses[0].lastState.terminated.finishedAt | fromdate')
eventually "the second restart comes" 20 restarts_are always 2
waited=$(($(lab_pod always '.status.containerStatuses[0].lastState.terminated.startedAt | fromdate') - begin))
like "after 10 seconds" "$waited" "^(9|10|11|12|13)$"
is "Never does not restart" "$(restarts never)" 0
is "nor does a success" "$(restarts good)" 0

log_mark
lab_podnetd_kill KILL
lab_podnetd_start
is "the count survives podnetd" "$(restarts always)" 2
eventually "and so does the back-off" 8 waiting_is always CrashLoopBackOff
like "which has doubled" "$(lab_pod always '.status.containerStatuses[0].state.waiting.message')" \
	"^back-off 20s"

# --- graceful deletion: preStop, TERM, grace, KILL ---
mkdir "$TEST_DIR/log"
pod_logging() { # NAME GRACE TRAP
	cat <<-END
		apiVersion: v1
		kind: Pod
		metadata: {name: $1}
		spec:
		  terminationGracePeriodSeconds: $2
		  containers:
		  - name: main
		    image: busybox
		    imagePullPolicy: IfNotPresent
		    args: [sh, -c, "trap '$3' TERM; while :; do sleep 1 & wait \$!; done"]
		    lifecycle: {preStop: {exec: {command: [sh, -c, "echo preStop >>/log/$1"]}}}
		    volumeMounts: [{name: log, mountPath: /log}]
		  volumes: [{name: log, hostPath: {path: $TEST_DIR/log}}]
	END
}
pod_logging polite 30 "echo term >>/log/polite; exit 0" | manifest polite
pod_logging stubborn 3 "echo term >>/log/stubborn" | manifest stubborn
eventually "two Pods run" "$SECONDS_READY" lab_pods_are_ready polite stubborn

pod_is_gone() {
	! lab_pod "$1" .metadata.name
}
begin=$(date +%s%N)
manifest_remove polite
manifest_remove stubborn
eventually "a polite Pod is gone soon" 10 pod_is_gone polite
is "it heard preStop, then TERM" "$(cat "$TEST_DIR/log/polite")" $'preStop\nterm'
eventually "a stubborn Pod is gone after its grace period" 15 pod_is_gone stubborn
took=$((($(date +%s%N) - begin) / 1000000))
like "not before" "$took" "^([3-9]|1[0-9])[0-9][0-9][0-9]$"
is "it heard them too" "$(cat "$TEST_DIR/log/stubborn")" $'preStop\nterm'

# Always means at each start, restarts too: the tag has moved meanwhile.
images=$(cd "$SOURCE_DIR" && realpath -m "${BUILD_ROOT:-build}/images")
image_id() {
	lab_pod moving '.status.containerStatuses[0].imageID'
}
moved() {
	restarts_are moving 1 && lab_pods_are_ready moving && [ "$(image_id)" != "$first_image" ]
}
"$SOURCE_DIR/tools/registry" push "$LAB/registry" "$images/busybox" library/moving:latest
pod_sleeping moving | sed 's/image: busybox/image: moving/; s/IfNotPresent/Always/' | manifest moving
eventually "a Pod that always pulls is ready" "$SECONDS_READY" lab_pods_are_ready moving
first_image=$(image_id)
skopeo copy -q --format v2s2 --dest-tls-verify=false "oci:$images/busybox:latest" \
	"docker://$(cat "$LAB/registry/address")/library/moving:latest"
kill -KILL "$(lab_container_pid moving sh)"
eventually "its restart has what the tag means now" "$SECONDS_READY" moved

node_down
done_testing
