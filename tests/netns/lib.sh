# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# TAP for shell tests.  A test sources this first: it is then started anew inside sandbox.sh, so all
# it makes is its own.  At the end the sandbox must be as it was: that is the last line of each test.
#
#	#!/bin/bash
#	# topology drawing
#	. "${0%/*}/lib.sh"
#	netns_add a; netns_add b; veth a eth0 10.1.0.1/24 b eth0 10.1.0.2/24
#	background in_netns b busybox httpd -f -p 80
#	ok "a reaches b" in_netns a ping -c1 10.1.0.2
#	is "the address is ours" "$got" 10.1.0.1
#	fails "an unknown name is refused" "no such pod" podnetctl logs nobody
#	done_testing
#
# set -e is not used: a failing check must not hide those behind it.  A test that ends before
# done_testing fails.
set -uo pipefail
export LC_ALL=C

SOURCE_DIR=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd)
[ -n "${PODNET_SANDBOX:-}" ] || exec "$SOURCE_DIR/tests/netns/sandbox.sh" "$BASH" "$0" "$@"

# The programs under test, and a directory that ends with the test.
export PODNET_BIN=${PODNET_BIN:-$SOURCE_DIR/build/asan}
export PODNET_PLAIN=${PODNET_PLAIN:-$SOURCE_DIR/build/plain}
export TEST_TOOLS=$PODNET_BIN/tests/tools
PIN_ABI=$(awk '$2 == "PODNET_ABI" { print $3 }' "$SOURCE_DIR/include/podnet/abi.h")
export PIN_ABI # the directory of the pins is vABI
TEST_DIR=/run/podnet-test
# How much slower than a machine of our own this one is, and how often it is asked.
export TEST_SLOW=${TEST_SLOW:-1} TEST_POLL=${TEST_POLL:-0.05}
# A report of ASan, LSan or UBSan ends the program with 99, which no test expects.
export ASAN_OPTIONS=${ASAN_OPTIONS:-exitcode=99:detect_leaks=1:abort_on_error=0}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1:halt_on_error=1:exitcode=99}

# The last command of a pipeline may check things, too.
shopt -s lastpipe
test_count=0 test_failed=0 test_finished=no exit_commands=()

# Runs "$@" when the test ends, last one first.
at_exit() {
	exit_commands=("$(printf '%q ' "$@")" "${exit_commands[@]}")
}

note() {
	printf '# %s\n' "${*//$'\n'/$'\n'# }"
}

test_result() { # CODE WHAT [DETAIL]
	test_count=$((test_count + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $test_count - $2"
		return 0
	fi
	test_failed=$((test_failed + 1))
	echo "not ok $test_count - $2"
	note "${BASH_SOURCE[2]##*/}:${BASH_LINENO[1]}: ${3:-}"
	return 1
}

# ok WHAT COMMAND...: the command succeeds.
ok() {
	local what=$1 output code
	shift
	output=$("$@" 2>&1)
	code=$?
	test_result "$code" "$what" "'$*' ended with $code: ${output:0:2000}"
}

# is WHAT GOT WANT
is() {
	[ "$2" = "$3" ]
	test_result $? "$1" "got '$2', want '$3'"
}

# like WHAT GOT REGEX (extended)
like() {
	[[ "$2" =~ $3 ]]
	test_result $? "$1" "got '${2:0:2000}', want something like '$3'"
}

# unlike WHAT GOT REGEX
unlike() {
	[[ ! "$2" =~ $3 ]]
	test_result $? "$1" "got '${2:0:2000}', want nothing like '$3'"
}

# fails WHAT REGEX COMMAND...: the command fails, with output like REGEX; a sanitizer's report is no
# failure we want.
fails() {
	local what=$1 want=$2 output code
	shift 2
	output=$("$@" 2>&1)
	code=$?
	[ "$code" -ne 0 ] && [ "$code" -ne 99 ] && [[ "$output" =~ $want ]]
	test_result $? "$what" "'$*' ended with $code: '${output:0:2000}', want a failure like '$want'"
}

# wait_for SECONDS COMMAND...: until it succeeds.  Silent; 1 when the time is over.
wait_for() {
	local deadline=$((${EPOCHREALTIME/./} + $1 * 1000000))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "${EPOCHREALTIME/./}" -lt "$deadline" ] || return 1
		read -rt "$TEST_POLL" <> <(:) || :
	done
}

# eventually WHAT SECONDS COMMAND...: the command succeeds within that time.
eventually() {
	local what=$1 seconds=$2
	shift 2
	wait_for "$seconds" "$@"
	test_result $? "$what" "not within $seconds s: '$*': $("$@" 2>&1 | tail -c 2000)"
}

# skip_all REASON: ends a test that this machine cannot run.
skip_all() {
	echo "1..0 # SKIP $*"
	test_finished=skip
	exit 0
}

# in_netns NAME COMMAND...
in_netns() {
	ip netns exec "$@"
}

# background [in_netns NAME] COMMAND...: its pid is $!; stopped when the test ends.
background() {
	if [ "$1" = in_netns ]; then
		shift
		ip netns exec "$@" &
	else
		"$@" &
	fi
	at_exit stop $!
}

# stop PID: ends a child; returns when it is gone.
stop() {
	kill "$1" && wait "$1"
}

# netns_add NAME: with lo up; removed when the test ends.
netns_add() {
	ip netns add "$1" && ip -n "$1" link set lo up && at_exit ip netns del "$1"
}

# veth NETNS LINK ADDRESS/BITS NETNS LINK ADDRESS/BITS: "-" as NETNS is the sandbox's own.
veth() {
	ip link add tv0 type veth peer name tv1 && veth_end tv0 "$1" "$2" "$3" && veth_end tv1 "$4" "$5" "$6"
}

veth_end() { # TEMPORARY-NAME NETNS LINK ADDRESS/BITS
	local where=()
	if [ "$2" != - ]; then
		ip link set "$1" netns "$2" || return
		where=(-n "$2")
	fi
	ip "${where[@]}" link set "$1" name "$3" && ip "${where[@]}" address add "$4" dev "$3" &&
		ip "${where[@]}" link set "$3" up
}

done_testing() {
	test_finished=yes
	exit 0
}

# BPF objects are not in any namespace: the run as a whole is compared for them.
read -ra leak_sections <<<"${TEST_SECTIONS:-processes netns links addresses routes rules qdiscs nft \
iptables mounts cgroups pins files}"

test_end() {
	local command left
	trap '' INT TERM
	[ "$test_finished" != skip ] || exit 0
	for command in "${exit_commands[@]}"; do
		eval "$command" >/dev/null 2>&1
	done
	rm -rf --one-file-system "$TEST_DIR"
	left=$("$SOURCE_DIR/tests/leaks.sh" compare /run/snapshot 2>&1)
	test_result $? "nothing is left" "$left"
	[ "$test_finished" = yes ]
	test_result $? "the test ran to its end"
	echo "1..$test_count"
	[ "$test_failed" -eq 0 ] || exit 1
	exit 0
}

trap test_end EXIT
trap 'exit 1' INT TERM
"$SOURCE_DIR/tests/leaks.sh" snapshot /run/snapshot "${leak_sections[@]}"
mkdir -m 700 "$TEST_DIR"
