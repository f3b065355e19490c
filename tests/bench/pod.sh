#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# bench: pod.start.p50
#
# From the manifest to a Pod that is ready.
BENCH_NODE=1 . "${0%/*}/lib.sh"

pod_is_gone() { # NAME
	! lab_pod "$1" .metadata.name >/dev/null 2>&1
}

export TEST_POLL=0.002 # what lab_wait adds
node_up busybox
for run in $(rounds); do
	began=$(date +%s%N)
	pod_sleeping "start-$run" | manifest "start-$run"
	wait_for 20 lab_pods_are_ready "start-$run" || test_result 1 "start-$run is ready"
	sample pod.start.p50 ours "$(awk -v ns=$(($(date +%s%N) - began)) 'BEGIN { printf "%.3f", ns / 1e6 }')"
	manifest_remove "start-$run"
	wait_for 20 pod_is_gone "start-$run"
done
report pod.start.p50 ms
unable pod.start.p50 podman "no driver sets podman up"
node_down
done_testing
