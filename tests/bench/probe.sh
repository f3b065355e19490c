#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# bench: probe.http.rate
#
# HTTP probes on loopback, the prober on one CPU, the server on another.
. "${0%/*}/lib.sh"

PORT=8080
probes=$BENCH_TOOLS/probes
background taskset -c 1 "$BENCH_TOOLS/crr" http "$PORT"
ok "the server answers" wait_for 5 "$probes" epoll "$PORT" 0.01
for _ in $(rounds); do
	for who in ours epoll curl; do
		sample probe.http.rate "$who" \
			"$(taskset -c 0 "$probes" "$who" "$PORT" "${BENCH_SECONDS:-0.5}")"
	done
done
report probe.http.rate 1/s epoll curl
done_testing
