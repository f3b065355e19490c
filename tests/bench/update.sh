#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# bench: service.update.p99.n1000
#
# One backend of one of 1000 Services comes or goes: until the last store into the maps.  A run has so
# many changes that the 99th percentile is not just its first, for which no cache is warm.
. "${0%/*}/lib.sh"

BPF_DIR=$TEST_DIR/bpf
at_exit umount "$BPF_DIR"
at_exit "$TEST_TOOLS/dataplane" "$BPF_DIR" bench - remove

for _ in $(rounds); do
	"$BENCH_TOOLS/update" "$BPF_DIR" bench 1000 400 >"$TEST_DIR/times" ||
		test_result 1 "backends are changed"
	while read -r time; do
		sample service.update.p99.n1000 ours "$time"
	done <"$TEST_DIR/times"
done
report service.update.p99.n1000 ms
done_testing
