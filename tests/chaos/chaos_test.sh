#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Chaos: in each round something goes wrong under load; then everything is as it must be, and who was not hit has
# noticed nothing.
#
#	CHAOS_ROUNDS, CHAOS_PODS	as many of them; by default each disturbance comes once
#	SEED=N				the same disturbances as in the run that printed it; else rounds that were
#					asked for draw their own, and the sample of each test run is one
#	CHAOS=NAME			only this disturbance, of tests/chaos/disturbances.sh
. "${0%/*}/node.sh" || exit
. "$SOURCE_DIR/tests/chaos/disturbances.sh"
. "$SOURCE_DIR/tests/chaos/invariants.sh"

[ -n "${SEED:-}" ] || SEED=${CHAOS_ROUNDS:+$SRANDOM}
SEED=$((${SEED:-475} % 32768))
ROUNDS=${CHAOS_ROUNDS:-${#DISTURBANCES[@]}} PODS=${CHAOS_PODS:-8}
# Connections a second; they are given 30 s, since only a lost one is podnet's fault, not a slow one.
RATE=$((PODS < 30 ? PODS * 8 : 240))
SETTLE=90 # seconds: back-off included
FAILED_MOST=3
[ -z "${CHAOS:-}" ] || DISTURBANCES=("$CHAOS")

# Each kind comes once before one comes again.
deck=()
disturbance_draw() {
	[ ${#deck[@]} -gt 0 ] || deck=("${DISTURBANCES[@]}")
	chance ${#deck[@]}
	disturbance=${deck[chance]}
	deck=("${deck[@]:0:chance}" "${deck[@]:chance+1}")
}

# Who was hit goes: back-off would make later rounds long.
worn=()
round_run() {
	local pod from=()
	done_now="" hits=() endings=() replaced=()
	pods_before=$(ctl get pods -o json)
	for pod in "${worn[@]}"; do
		replace "$pod"
	done
	disturbance_draw
	[ $((round % 2)) = 0 ] || from=(--netns "$client_netns")
	load_begin "$VIP" 80 --timeout 30000 --rate "$RATE" "${from[@]}"
	"$disturbance"
	TEST_POLL=0.2 wait_for "$SETTLE" none_found "${INVARIANTS[@]}"
	load_end
	TEST_POLL=0.2 wait_for 10 none_found "${INVARIANTS[@]}" "${INVARIANTS_IDLE[@]}"
	found+=$(requests_judge)
	done_now+="${replaced[*]:+; replaced in all: ${replaced[*]}}"
	worn=()
	for pod in "${hits[@]}"; do
		[[ " ${replaced[*]} " = *" $pod "* ]] || worn+=("$pod")
	done
}

note "SEED=$SEED, $ROUNDS rounds, $PODS Pods"
RANDOM=$SEED
chaos_up "$PODS"
census_before=$(census)
failed=0
for ((round = 1; round <= ROUNDS && failed < FAILED_MOST; round++)); do
	begin=$SECONDS
	round_run
	is "round $round, $disturbance: all is well after $((SECONDS - begin)) s, $load_requests requests" "$found" "" ||
		{
			failed=$((failed + 1))
			note "SEED=$SEED, round $round: ${done_now#; }"
			note "$(tail -n 15 "$LAB/podnetd.log")"
		}
done
is "all rounds were done" "$((round - 1))" "$ROUNDS"
node_down
done_testing
