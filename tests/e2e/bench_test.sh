#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# What `make bench` says and how it ends, with drivers that measure nothing: a target missed, a peer
# missing, a machine that others use.
. "${0%/*}/../netns/lib.sh"
cd "$SOURCE_DIR" || exit 1

export BENCH_DIR=$TEST_DIR/drivers BUILD_ROOT=$TEST_DIR/build
export BENCH_OTHERS=100 BENCH_STOLEN=100 # others may use this machine now
unset B GATE PLOT
mkdir "$BENCH_DIR" "$BUILD_ROOT"

driver() { # FILE NAMES < SHELL
	{
		printf '#!/bin/bash\n# bench: %s\n' "$2"
		cat
	} >"$BENCH_DIR/$1.sh"
	chmod 755 "$BENCH_DIR/$1.sh"
}

target() { # NAME PEER OP LIMIT
	(IFS=$'\t' && echo "$*") >>"$BENCH_DIR/targets.tsv"
}

line() { # KIND FIELD...: as run-bench prints it
	(IFS=$'\t' && echo "$*")
}

bench() { # [VARIABLE=VALUE...]: sets output, code
	output=$(env "$@" tools/run-bench 2>"$TEST_DIR/err")
	code=$?
}

driver fast "fast.p50 fast.rate" <<'END'
printf 'bench\tfast.p50\t3\tms\tpeer\t0.300\nbench\tfast.p50\t3\tms\tthird\t0.100\n'
printf 'bench\tfast.rate\t900\t1/s\t-\t-\n'
END
target fast.p50 peer "<=" 0.3
target fast.rate - ">=" 900
bench GATE=1
is "targets that are just met pass the gate" "$code" 0
like "the summary counts" "$output" 'bench: 3 lines, 0 skipped, 0 disturbed, 0 targets missed$'

driver slow "slow.p50 slow.max" <<'END'
printf 'bench\tslow.p50\t3.1\tms\tpeer\t0.301\nbench\tslow.max\t11\tms\t-\t-\n'
END
target slow.p50 peer "<=" 0.3
target slow.max - "<=" 10
bench
is "without the gate a miss is only told" "$code" 0
like "both misses are counted" "$output" '2 targets missed$'
like "a miss says what is and what should be" "$(cat "$TEST_DIR/err")" \
	'missed: slow.p50 peer is 0.301, not <= 0.3'
bench GATE=1
is "a missed target fails the gate" "$code" 1
bench GATE=1 B='fast|none'
is "B leaves out what it does not match, its targets too" "$code" 0
unlike "nothing of the others is run" "$output" slow

driver alone "alone.p50" <<'END'
printf 'bench\talone.p50\t3\tms\t-\t-\nskip\talone.p50\tpeer\tits package is not installed\n'
END
target alone.p50 peer "<=" 1
bench B=alone
is "a missing peer is no failure by itself" "$code" 0
like "the skip is shown with its reason" "$output" "$(line skip alone.p50 peer "its package is not installed")"
like "the skip is counted, its target is not met" "$output" '1 lines, 1 skipped, 0 disturbed, 1 targets missed$'
bench B=alone GATE=1
is "what was not measured does not pass the gate" "$code" 1
like "why it was not measured" "$(cat "$TEST_DIR/err")" \
	'missed: alone.p50 peer not measured: its package is not installed'

driver broken "broken.p50" <<'END'
printf 'bench\tbroken.p50\t3\tms\t-\t-\n'
exit 1
END
bench B=broken
is "a driver that fails is a failure, gate or not" "$code" 1

driver silent "silent.p50" <<<"exit 0"
target silent.p50 - "<=" 1
bench B=silent GATE=1
is "a driver that prints nothing does not pass the gate" "$code" 1

driver shared "fast.shared" <<'END'
read -rt 0.5 <> <(:) # the others of this machine have that long
printf 'bench\tfast.shared\t3\tms\t-\t-\n'
END
target fast.shared - "<=" 10
spin() { while :; do :; done; }
background spin
bench B=shared BENCH_OTHERS=5
like "that others used the machine is told" "$output" "$(line note fast.shared - 'disturbed: other processes had [0-9]+ % of the CPUs')"
like "it is counted, and the target is not known to be met" "$output" '1 disturbed, 1 targets missed$'
bench B=shared BENCH_OTHERS=5 GATE=1
is "a target met in disturbance does not pass the gate" "$code" 1
bench B=shared GATE=1
is "met without disturbance it does" "$code" 0

bench B='('
is "what is no regular expression is refused" "$code" 2
bench B=nobody
is "a name that nothing has is refused" "$code" 2

bench PLOT=1 B='fast|alone'
like "the drawing shows ours, peers and limits" "$(cat "$BUILD_ROOT/bench.svg")" \
	'its package is not installed.*fast.p50 \[ms\].*>podnet<.*>peer<.*≤ 0.3 × peer, is 0.3<.*</svg>$'
done_testing
