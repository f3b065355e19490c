#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# bench: lb.ns.tc.v4.est lb.ns.tc.v4.new
#
# Nanoseconds a packet spends in pod_out; the peer is a program that does nothing.
. "${0%/*}/lib.sh"

for _ in $(rounds); do
	null=$(taskset -c 0 "$BENCH_TOOLS/packets" null)
	for kind in est new; do
		sample "lb.ns.tc.v4.$kind" null "$null"
		sample "lb.ns.tc.v4.$kind" ours "$(taskset -c 0 "$BENCH_TOOLS/packets" "$kind")"
	done
done
report lb.ns.tc.v4.est ns null
report lb.ns.tc.v4.new ns null
done_testing
