# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# For the drivers of `make bench`.  Each names what it measures in a line "# bench: NAME..." and
# sources this first: it then runs in a sandbox of its own, like a test, and what a test would print
# goes to stderr.
#
#	. "${0%/*}/lib.sh"
#	for round in $(rounds); do		# variants take turns in each round
#		sample cni.add.p50 ours "$(...)"
#		sample cni.add.p50 ptp "$(...)"
#	done
#	report cni.add.p50 ms ptp		# medians, and the ratio to each peer's
#	unable cni.add.p50 ptp "why"		# instead, for a peer that cannot be measured
#	done_testing
[ -n "${BENCH_NODE:-}" ] || . "${BASH_SOURCE[0]%/*}/../netns/lib.sh"
[ -z "${BENCH_NODE:-}" ] || . "${BASH_SOURCE[0]%/*}/../e2e/lib.sh"
exec 7>&1 1>&2
BENCH_TOOLS=$PODNET_BIN/tests/bench
export BENCH_TOOLS

# The rounds of one run: 7, or what BENCH_ROUNDS says; with less than 5 a median says little.
rounds() {
	seq "${BENCH_ROUNDS:-7}"
}

# A name is wanted when B, an extended regular expression, matches it.
wanted() { # NAME...
	printf '%s\n' "$@" | grep -qE -- "${B:-.}"
}

sample() { # NAME WHO VALUE
	if [[ ! "$3" =~ ^[0-9]+(\.[0-9]+)?$ ]]; then
		test_result 1 "$1 of $2 is measured" "got '$3'"
		return 1
	fi
	printf '%s\n' "$3" >>"$TEST_DIR/samples.$1.$2"
}

# quantile FRACTION FILE: of its numbers, the middle one for 0.5.
quantile() {
	sort -g "$2" | awk -v fraction="$1" '
		{ value[NR] = $1 }
		END {
			at = int(fraction * NR) + 1
			if (at > NR)
				at = NR
			print value[at]
		}'
}

line() { # NAME VALUE UNIT PEER RATIO
	(IFS=$'\t' && printf 'bench\t%s\n' "$*") >&7
}

# What is called max is the greatest sample; everything else is a median.
report() { # NAME UNIT [PEER...]
	local name=$1 unit=$2 fraction=0.5 value peer other
	shift 2
	wanted "$name" || return 0
	[[ "$name" != *.max* ]] || fraction=1
	[[ "$name" != *.p99* ]] || fraction=0.99
	if [ ! -s "$TEST_DIR/samples.$name.ours" ]; then
		test_result 1 "$name is measured" "no sample"
		return 1
	fi
	value=$(quantile "$fraction" "$TEST_DIR/samples.$name.ours")
	[ $# -gt 0 ] || line "$name" "$value" "$unit" - -
	for peer in "$@"; do
		if [ ! -s "$TEST_DIR/samples.$name.$peer" ]; then
			test_result 1 "$name of $peer is measured" "no sample"
			continue
		fi
		other=$(quantile 0.5 "$TEST_DIR/samples.$name.$peer")
		line "$name" "$value" "$unit" "$peer" \
			"$(awk -v ours="$value" -v other="$other" 'BEGIN { printf "%.3f", ours / other }')"
	done
}

unable() { # NAME PEER|- REASON
	wanted "$1" || return 0
	printf 'skip\t%s\t%s\t%s\n' "$1" "$2" "$3" >&7
}
