#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# bench: podnetd.rss.30pods podnetd.cpu.30pods shim.rss
#
# What a node costs that has 30 Pods, each probed once a second.
BENCH_NODE=1 . "${0%/*}/lib.sh"

PODS=${BENCH_PODS:-30}
INTERVAL=${BENCH_INTERVAL:-5} # seconds over which a share of a CPU is taken
names=()

pod_probed() { # NAME
	cat <<-END
		apiVersion: v1
		kind: Pod
		metadata: {name: $1, labels: {app: bench}}
		spec:
		  terminationGracePeriodSeconds: 1
		  containers:
		  - name: main
		    image: busybox
		    imagePullPolicy: IfNotPresent
		    args: [sh, -c, "mkdir /www; touch /www/on; exec httpd -f -p 80 -h /www"]
		    readinessProbe: {httpGet: {path: /on, port: 80}, periodSeconds: 1}
	END
}

rss_mb() { # PID: VmRSS
	awk '/^VmRSS:/ { printf "%.3f\n", $2 / 1000 }' "/proc/$1/status"
}

# Clock ticks of 10 ms would be a fifth of the limit.
cpu_ns() { # PID
	"$BENCH_TOOLS/cputime" "$1"
}

shims() {
	local process
	for process in /proc/[0-9]*; do
		[ "$(cat "$process/comm" 2>/dev/null)" != podnet-shim ] || echo "${process#/proc/}"
	done
}

node_up busybox
for number in $(seq "$PODS"); do
	names+=("pod-$number")
	pod_probed "pod-$number" | manifest "pod-$number"
done
eventually "$PODS Pods are ready" 120 lab_pods_are_ready "${names[@]}"
podnetd=$(cat "$LAB/podnetd.pid")
for _ in $(rounds); do
	before=$(cpu_ns "$podnetd") began=$(date +%s%N)
	read -rt "$INTERVAL" <> <(:)
	sample podnetd.cpu.30pods ours "$(awk -v taken=$(($(cpu_ns "$podnetd") - before)) \
		-v ns=$(($(date +%s%N) - began)) 'BEGIN { printf "%.3f", 100 * taken / ns }')"
	sample podnetd.rss.30pods ours "$(rss_mb "$podnetd")"
done
for pid in $(shims); do
	sample shim.rss ours "$(rss_mb "$pid")"
done
report podnetd.rss.30pods MB
report podnetd.cpu.30pods %
report shim.rss MB
node_down
done_testing
