#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# bench: sched.rate
#
# How many Pods a second the scheduler gives nodes: 10,000 of them on 1,000 nodes, in a snapshot, by one core.
. "${0%/*}/lib.sh"

NODES=1000 PODS=10000

for _ in $(rounds); do
	sample sched.rate ours "$("$BENCH_TOOLS/schedrate" "$NODES" "$PODS")"
done
report sched.rate 1/s
done_testing
