# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# What can go wrong: one function each, which does it once and leaves nothing of it.  It tells
#	did WHAT		for those who read of a failure
#	hit POD [CODE REASON]	this Pod may change, and its container ended like that
# A function that tells no hit promises that nobody notices.
# shellcheck disable=SC2154 # set by node.sh

# shellcheck disable=SC2034 # drawn by the test
DISTURBANCES=(daemon_killed daemon_killed_container_ends daemon_stopped shim_stopped shim_killed container_killed
	container_ends container_stopped plugin_killed plugin_fails disk_full disk_read_only storm_memory storm_disk
	clock_jumps)

# What memory may be refused for, and what a disk may refuse.
CALLS_MEMORY=(openat socket accept4 clone clone3 epoll_ctl timerfd_create eventfd2 pipe2 socketpair pidfd_open
	sendto sendmsg bpf inotify_add_watch)
CALLS_DISK=(openat write pwrite64 rename renameat2 mkdir mkdirat fsync fdatasync ftruncate link linkat symlink
	symlinkat unlink unlinkat)

did() {
	done_now+="; $*"
}

hit() { # POD [CODE REASON]
	hits+=("$1")
	[ $# -lt 3 ] || endings+=("$*")
}

# Sets chance: 0..N-1.
chance() { # N
	chance=$((RANDOM % $1))
}

# Sets victim: a Pod that is not being replaced.
victim_choose() {
	local stable=() name
	for name in "${names[@]}"; do
		[[ " ${replaced[*]} " = *" $name "* ]] || stable+=("$name")
	done
	chance ${#stable[@]}
	victim=${stable[chance]}
}

# This is no synchronisation: so long a disturbance lasts.
last() { # MILLISECONDS
	read -rt "$(printf '%d.%03d' $(($1 / 1000)) $(($1 % 1000)))" <> <(:)
}

replace() { # POD: a new one of the same name comes
	hits+=("$1")
	replaced+=("$1")
	ctl delete pod "$1" >/dev/null || did "cannot delete $1"
}

container_signal() { # POD SIGNAL
	kill "-$2" "$(lab_container_pid "$1" sh)" || did "no container to signal in $1"
}

daemon_killed() {
	chance 800
	did "podnetd killed for $chance ms"
	lab_podnetd_kill KILL
	last "$chance"
	lab_podnetd_start
}

daemon_killed_container_ends() {
	local pid
	victim_choose
	pid=$(lab_container_pid "$victim" sh)
	lab_podnetd_kill KILL
	hit "$victim" 41 Error
	did "podnetd killed, and then $victim ends with 41"
	kill -USR1 "$pid"
	chance 500
	last "$chance"
	lab_podnetd_start
}

daemon_stopped() {
	chance 3000
	did "podnetd stopped for $chance ms"
	kill -STOP "$(podnetd_pid)"
	last "$chance"
	kill -CONT "$(podnetd_pid)"
}

shim_stopped() {
	local pid
	victim_choose
	chance 3000
	did "shim of $victim stopped for $chance ms"
	pid=$(shim_of "$victim")
	kill -STOP "$pid"
	last "$chance"
	kill -CONT "$pid"
}

shim_killed() {
	victim_choose
	hit "$victim" 137 ContainerStatusUnknown
	did "shim of $victim killed"
	kill -KILL "$(shim_of "$victim")"
}

container_killed() {
	victim_choose
	hit "$victim" 137 Error
	did "container of $victim killed"
	container_signal "$victim" KILL
}

container_ends() {
	victim_choose
	hit "$victim" 41 Error
	did "$victim ends with 41"
	container_signal "$victim" USR1
}

# Shorter than what probes and clients wait: nobody may lose patience.
container_stopped() {
	local pids
	victim_choose
	chance 2500
	did "all of $victim stopped for $chance ms"
	pids=$(lab_pod_processes "$victim" | cut -d' ' -f1)
	# shellcheck disable=SC2086 # words
	kill -STOP $pids
	last "$chance"
	# shellcheck disable=SC2086
	kill -CONT $pids
}

# plugin_meets FAULT: the next ADD or DEL, of which there is one of each.
plugin_meets() {
	echo "$*" >"$TEST_DIR/fault"
	victim_choose
	did "plugin meets '$*' while $victim is replaced"
	replace "$victim"
	if ! wait_for 20 test ! -e "$TEST_DIR/fault"; then
		rm -f "$TEST_DIR/fault"
		did "nobody called the plugin"
	fi
}

# Its own calls are those from about the 95th on.
plugin_killed() {
	chance 180
	plugin_meets kill $((90 + chance))
}

plugin_fails() {
	local errors=(ENOMEM ENOSPC EROFS EIO)
	chance 4
	local error=${errors[chance]}
	chance 180
	plugin_meets fail $((90 + chance)) "$error"
}

disk_full() {
	victim_choose
	hit "$victim" 41 Error
	chance 2000
	did "disk full for $chance ms, while $victim ends with 41"
	cat /dev/zero >"$DISK/fill" 2>/dev/null
	container_signal "$victim" USR1
	last "$chance"
	rm "$DISK/fill"
}

disk_read_only() {
	mount --bind "$LAB/state" "$LAB/state"
	mount -o remount,bind,ro "$LAB/state"
	victim_choose
	chance 2000
	did "state read-only for $chance ms, while $victim is replaced"
	replace "$victim"
	last "$chance"
	umount -l "$LAB/state"
}

storm() { # ERROR CALL...
	local error=$1
	shift
	chance 30
	local percent=$((1 + chance))
	victim_choose
	did "$percent % of podnetd's calls fail with $error while $victim is replaced"
	"$TEST_TOOLS/faults" storm "$(podnetd_pid)" 2000 "$percent" "$RANDOM" "$error" "$@" 3>"$TEST_DIR/storm" &
	local pid=$!
	replace "$victim"
	wait "$pid"
	did "these: $(sort "$TEST_DIR/storm" | uniq -c | awk '{ printf "%s %s ", $1, $2 }')"
}

storm_memory() {
	local errors=(ENOMEM ENOBUFS EMFILE)
	chance 3
	storm "${errors[chance]}" "${CALLS_MEMORY[@]}"
}

storm_disk() {
	local errors=(ENOSPC EROFS EIO)
	chance 3
	storm "${errors[chance]}" "${CALLS_DISK[@]}"
}

# Hours to years, there and back.
clock_jumps() {
	chance 30000
	local seconds=$((chance * 10007 + 3600))
	chance 2
	[ "$chance" = 0 ] || seconds=-$seconds
	victim_choose
	did "clock jumps by $seconds s while $victim is replaced"
	clock_set "$seconds"
	replace "$victim"
	last 1500
	clock_set 0
}
