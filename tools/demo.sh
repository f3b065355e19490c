# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# What the demos share: one at a time on this machine, steps with their lines, the machine as it was at the end.
# Sourced from the root of the tree by a script that has set LAB_RUN and LAB_INSTANCE and defines
#	take_down	works from what is on disk, so that it also ends an earlier run
# and then calls demo_begin.  stdout becomes descriptor 3; it holds steps only.
set -uo pipefail
export LC_ALL=C
exec 3>&1 1>&2

LAB_SOURCE=$PWD
LAB=$(realpath -m "${BUILD_ROOT:-build}/demo")${PODNET_SANDBOX:+-sandbox}
LAB_BIN=$(realpath -m "${BUILD:-${BUILD_ROOT:-build}/${SANITIZE:+asan}}")
[ -n "${BUILD:-}${SANITIZE:-}" ] || LAB_BIN+=/plain
LAB_FLAGS=()
. tools/lab.sh

steps=0 failures=0

say() {
	printf 'demo: %s\n' "$*"
}

now_ms() {
	echo $(($(date +%s%N) / 1000000))
}

# --- the machine before and after --------------------------------------------------------------

sysctls() {
	find /proc/sys/net -type f -perm -u+w -exec grep -sH '' {} + | sort
}

# podnetd mounts bpffs where there is none.
machine_prepare() {
	sysctls >"$LAB/sysctls"
	[ -n "$(ip route show exact 10.96.0.0/16)" ] || : >"$LAB/no-route"
	findmnt --raw --noheadings --types bpf /sys/fs/bpf >/dev/null || : >"$LAB/no-bpffs"
}

# ip_forward comes first: writing it changes others.
machine_restore() {
	local file value
	comm -23 "$LAB/sysctls" <(sysctls) | sort -t: -k1,1r | {
		grep '/ip_forward:' "$LAB/sysctls"
		cat
	} | while IFS=: read -r file value; do
		[ ! -e "$file" ] || [ "$(cat "$file" 2>/dev/null)" = "$value" ] ||
			echo "$value" >"$file" || say "cannot restore $file to '$value'"
	done
	rm -f "$LAB/sysctls"
	[ ! -e "$LAB/no-route" ] || ip route del unreachable 10.96.0.0/16 2>/dev/null
	rmdir /sys/fs/bpf/podnet 2>/dev/null
	if [ -e "$LAB/no-bpffs" ]; then
		umount /sys/fs/bpf && rm "$LAB/no-bpffs"
	fi
}

# --- steps --------------------------------------------------------------------------------------

# What a demo under load adds to a step that is done.  It may set requests, failed and verdict.
step_after() { # NAME [JUDGE]
	:
}

# step NAME FUNCTION [JUDGE]: FUNCTION does it and returns when its goal is reached.
step() {
	local name=$1 begin elapsed=- requests=- failed=- verdict=ok
	begin=$(now_ms)
	steps=$((steps + 1))
	if "$2"; then
		elapsed=$(($(now_ms) - begin))
	else
		verdict=FAILED
	fi
	step_after "$name" "${@:3}"
	[ "$name" != cleanup ] || [ -z "${KEEP:-}" ] || elapsed=-
	[ "$verdict" = ok ] || failures=$((failures + 1))
	printf 'demo\t%s\t%s\t%s\t%s\t%s\n' "$name" "$elapsed" "$requests" "$failed" "$verdict" >&3
}

# What all demos leave but for Pods and daemons.
demo_take_down() {
	local result=0
	lab_registry_stop || result=1
	rm -rf "$LAB_RUN"*
	[ ! -e "$LAB/sysctls" ] || machine_restore || result=1
	rm -rf --one-file-system "$LAB" || result=1
	return "$result"
}

# --- begin and end ------------------------------------------------------------------------------

# By the demo that left it.
demo_take_down_earlier() {
	local demo
	demo=$(cat "$LAB/demo" 2>/dev/null)
	if [ "${demo:-$0}" = "$0" ]; then
		take_down
	else
		flock --unlock 6
		DOWN=1 "$demo" 6>&-
		flock 6
	fi
}

leave() {
	trap '' INT TERM
	if [ -e "$LAB" ] && [ -z "${KEEP:-}" ]; then
		say "taking down what is left"
		take_down
	fi
}

demo_begin() {
	make --no-print-directory -j "$(nproc)" programs test-tools || exit 1
	# Addresses and paths are fixed: one demo at a time on a machine.
	exec 6</run # each sandbox has its own
	flock --nonblock 6 || {
		say "another demo is running"
		exit 1
	}
	if [ -e "$LAB" ]; then
		say "taking down an earlier run"
		demo_take_down_earlier
	fi
	[ -z "${DOWN:-}" ] || exit 0
	trap leave EXIT
	trap 'exit 1' INT TERM
	mkdir -p "$LAB"
	echo "$0" >"$LAB/demo"
	machine_prepare
}

demo_end() {
	printf 'demo: %d steps, %d failed\n' "$steps" "$failures" >&3
	[ "$failures" -eq 0 ]
}
