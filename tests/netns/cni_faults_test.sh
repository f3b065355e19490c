#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Each system call of ADD and DEL, of the plugin as it is installed, once is its last and once fails; those of the
# dynamic loader, before the plugin's own code, are left out.  Whatever happened, one more DEL leaves nothing; an ADD
# that says it failed has left nothing itself.  Other seeds let calls fail with other errors.
. "${0%/*}/lib.sh"
. "$SOURCE_DIR/tests/netns/cni.sh"

# A sanitizer's own calls are no business of the plugin's, and it does not survive their failure.
plugin=$PODNET_PLAIN/podnet
faults=$PODNET_PLAIN/tests/tools/faults
calls=$TEST_DIR/calls
SEED=${SEED:-1}
note "SEED=$SEED"

# faulty FAULT... : sets code and hit, what was hit; what the plugin says goes to $TEST_DIR/said.
faulty() { # COMMAND NETNS FAULT...
	local command=$1 netns=$2
	shift 2
	call "$command" c "$netns" "" "$faults" "$@" -- 3>"$calls" >"$TEST_DIR/said" 2>&1
	code=$?
	hit=$(cat "$calls")
}

# What disks, and what the kernel's memory may answer: one in its turn.
error_of() { # CALL
	local errors=(ENOMEM)
	case $1 in
	write | fsync | rename* | mkdir* | unlink* | open* | ftruncate) errors=(ENOSPC EROFS EIO ENOMEM) ;;
	esac
	echo "${errors[(n + SEED) % ${#errors[@]}]}"
}

complain() { # WHAT
	found+="call $n ($hit): $*: $(remains | tr '\n' ' ')$(tail -c 200 "$TEST_DIR/said"); "
}

# Puts everything back, whatever it was; the next round begins with the same.
clean() {
	del c || complain "DEL fails"
	[ "$(remains)" = "$before" ] || complain "DEL leaves something"
	[ -z "$(ip -n c -o link show type veth)" ] || complain "DEL leaves a link in the namespace"
}

judge_add() {
	if [ "$code" -eq 0 ]; then
		[ "$(entries | wc -l)" = 2 ] || complain "ADD succeeds without an entry"
		jq -e '.ips[0].address' "$TEST_DIR/said" >/dev/null || complain "ADD succeeds without a result"
	else
		[ "$(remains)" = "$before" ] || complain "ADD fails and leaves something"
		[ -s "$TEST_DIR/said" ] || complain "ADD fails and says nothing"
	fi
}

judge_del() {
	[ "$code" -ne 0 ] || [ "$(remains)" = "$before" ] || complain "DEL succeeds and leaves something"
	[ "$code" -eq 0 ] || [ -s "$TEST_DIR/said" ] || complain "DEL fails and says nothing"
}

count_calls() { # COMMAND NETNS
	faulty "$1" "$2" count
	mapfile -t names <"$calls"
	first=$((1 + $(grep -n -m 1 munmap "$calls" | cut -d: -f1))) # the loader unmaps its cache last
	note "$1 makes $((${#names[@]} - first + 1)) system calls of its own"
}

kill_each() { # COMMAND NETNS [PREPARE...]
	local command=$1 netns=$2
	shift 2
	found=""
	for ((n = first; n <= ${#names[@]}; n++)); do
		"$@" >/dev/null
		faulty "$command" "$netns" kill "$n"
		[ "$code" = 137 ] || [ -z "$hit" ] || complain "it survives SIGKILL"
		clean
	done
	is "a kill at each system call of $command, then DEL" "$found" ""
}

fail_each() { # COMMAND NETNS JUDGE [PREPARE...]
	local command=$1 netns=$2 judge=$3 error
	shift 3
	found=""
	for ((n = first; n <= ${#names[@]}; n++)); do
		# The kernel lets a descriptor go whatever close(2) answers; a skipped one would keep its lock.
		[ "${names[n - 1]}" != close ] || continue
		error=$(error_of "${names[n - 1]}")
		"$@" >/dev/null
		faulty "$command" "$netns" fail "$n" "$error"
		hit+=" $error"
		"$judge"
		clean
	done
	is "each system call of $command fails, then DEL" "$found" ""
}

netns_add a
netns_add c
add a >/dev/null
add c >/dev/null
del c
before=$(remains)

count_calls ADD /run/netns/c
like "these are all of them" "${#names[@]}" "^[1-9][0-9][0-9]$"
del c
kill_each ADD /run/netns/c true
fail_each ADD /run/netns/c judge_add true

add c >/dev/null
count_calls DEL ""
kill_each DEL "" add c
fail_each DEL "" judge_del add c

del a
is "at the end nothing is left" "$(remains)" ""
nft flush ruleset
rm -r "${pods4%/*/*/*}"
done_testing
