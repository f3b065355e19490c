#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# bench: health.kill.p50 health.kill.max health.unready.p50
#
# Under load through a Service of two Pods, one is killed, or its readiness probe fails: how long do
# SYNs still arrive in its network namespace?  Each run has a new Pod.
BENCH_NODE=1 . "${0%/*}/lib.sh"

VIP=10.96.0.80
RATE=3000 # connections a second, half of them to the Pod that is watched; reaction waits for 2,000
RUNS=${BENCH_RUNS:-20}

server() { # NAME RESTART-POLICY [PROBE]
	cat <<-END
		apiVersion: v1
		kind: Pod
		metadata: {name: $1, labels: {app: server}}
		spec:
		  restartPolicy: $2
		  terminationGracePeriodSeconds: 1
		  containers:
		  - name: main
		    image: nginx
		    imagePullPolicy: IfNotPresent
		    ${3:-}
	END
}

process() { # POD
	lab_pod_processes "$1" | awk 'NR == 1 { print $1 }'
}

pod_is_gone() { # NAME
	! lab_pod "$1" .metadata.name >/dev/null 2>&1
}

in_service() { # POD
	lab_backend_is "$1" READY
}

watch() { # MODE RUN [PROBER]: milliseconds
	local pod=$1-$2 netns
	netns=/proc/$(process "$pod")/ns/net
	case "$1" in
	kill) "$BENCH_TOOLS/reaction" "$netns" 80 kill "$(lab_container_pid "$pod" nginx)" ;;
	unready) "$BENCH_TOOLS/reaction" "$netns" 80 unready 9090 ${3:+"$3"} ;;
	esac
}

run_kill() { # RUN
	local pod=kill-$1 got
	server "$pod" Never | manifest "$pod"
	wait_for 20 in_service "$pod" || return
	got=$(watch kill "$1") || return
	sample health.kill.p50 ours "$got"
	sample health.kill.max ours "$got"
}

# The probe is answered by reaction, so the Pod is ready once that runs.
unready_begin() { # RUN
	local pod=unready-$1
	server "$pod" Always "readinessProbe: {httpGet: {path: /, port: 9090}, \
periodSeconds: 1, failureThreshold: 1}" | manifest "$pod"
	wait_for 20 lab_container_pid "$pod" nginx
}

run_unready() { # RUN
	local got
	unready_begin "$1" || return
	got=$(watch unready "$1") || return
	sample health.unready.p50 ours "$got"
}

# That nothing arrives any more is soon said: what is late has to be seen, too.
unready_is_seen() {
	local got
	unready_begin late || return
	got=$(watch unready late "$(cat "$LAB/podnetd.pid")") || return
	note "podnetd was stopped for 20 ms: $got ms"
	[ "${got%.*}" -ge 15 ]
	test_result $? "a podnetd that is late is seen to be" "$got ms"
}

run_end() { # POD
	manifest_remove "$1"
	wait_for 20 pod_is_gone "$1" || test_result 1 "$1 is deleted"
}

runs() { # KIND
	local run
	for run in $(seq "$RUNS"); do
		"run_$1" "$run" || test_result 1 "$1: run $run"
		run_end "$1-$run"
	done
}

node_up nginx
server stays Always | manifest stays
manifest service <<-END
	apiVersion: v1
	kind: Service
	metadata: {name: server}
	spec: {clusterIP: $VIP, selector: {app: server}, ports: [{port: 80}]}
END
server client Always | sed 's/app: server/app: client/' | manifest client
eventually "the Pods are ready" 20 lab_pods_are_ready stays client
load_begin "$VIP" 80 --rate "$RATE" --netns "/proc/$(process client)/ns/net"
if wanted health.kill.p50 health.kill.max; then
	runs kill
fi
if wanted health.unready.p50; then
	runs unready
	unready_is_seen
	run_end unready-late
fi
load_end
note "$load_requests connections, $load_failed failed"
report health.kill.p50 ms
report health.kill.max ms
report health.unready.p50 ms
node_down
done_testing
