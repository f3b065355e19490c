#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# podnet-shim with real runtimes: life of a container, exec, OOM, podnetd's death, the Pod's end.
#
#	shimctl (podnetd's client code) -- shim.sock -- podnet-shim -+- podnet-pause  <- net, ipc, uts
#	                                                             +- crun|runc -> containers
. "${0%/*}/lib.sh"

shimctl=$TEST_TOOLS/shimctl
# Longer than a socket's address may be.
pod=$TEST_DIR/pods/0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
root=$TEST_DIR/rootfs
cgroup=/podnet-shim-test/pods/pod1
own=/podnet-shim-test/shims

rootfs_make() {
	mkdir -p "$root"/{bin,dev,etc,proc,tmp}
	cp "$(command -v busybox)" "$root/bin/busybox"
	local applet
	for applet in sh sleep echo id cat dd head grep sync true env pwd readlink ls tr; do
		ln -s busybox "$root/bin/$applet"
	done
	echo 'web:x:1000:1000::/home/web:/bin/sh' >"$root/etc/passwd"
}

hierarchies() {
	findmnt --raw --noheadings --output TARGET --types cgroup,cgroup2
}

cgroups_of_pod() {
	hierarchies | xargs -I{} find {} -path "*$cgroup*" -type d
}

# bundle NAME COMMAND [EXTRA-LINUX-MEMBERS]: prints its directory.
bundle() {
	local dir=$TEST_DIR/bundle-$1 caps='["CAP_CHOWN","CAP_KILL"]'
	mkdir -p "$dir"
	jq -n --arg command "$2" --arg root "$root" --arg cgroup "$cgroup/$1" --arg ns "/proc/$pause/ns" \
		--argjson caps "$caps" --argjson extra "{${3:-}}" '{
		ociVersion: "1.0.0",
		root: {path: $root},
		process: {user: {uid: 1000, gid: 1000, umask: 63, additionalGids: [7]}, cwd: "/tmp",
			args: ["/bin/sh", "-c", $command], env: ["PATH=/bin", "COLOUR=blue"], oomScoreAdj: 500,
			capabilities: {bounding: $caps, effective: $caps, permitted: $caps, inheritable: $caps,
				ambient: $caps},
			rlimits: [{type: "RLIMIT_NOFILE", soft: 100, hard: 200}], noNewPrivileges: true},
		mounts: [{destination: "/proc", type: "proc", source: "proc"}],
		linux: ({cgroupsPath: $cgroup, namespaces: [{type: "pid"}, {type: "mount"}, {type: "cgroup"},
			{type: "network", path: ($ns + "/net")}, {type: "ipc", path: ($ns + "/ipc")},
			{type: "uts", path: ($ns + "/uts")}],
			seccomp: {defaultAction: "SCMP_ACT_ALLOW", syscalls: [
				{names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 38}]}} + $extra)
	}' >"$dir/config.json"
	echo "$dir"
}

shim_start() { # sets pause and shim
	mkdir -p "$pod"
	"$shimctl" start "$PODNET_BIN/podnet-shim" "$PODNET_BIN/podnet-pause" "$runtime" "$TEST_DIR/runtime" \
		"$pod" "$cgroup" "$own" >"$TEST_DIR/start" || return
	read -r pause shim <"$TEST_DIR/start"
	at_exit kill -KILL "$pause" "$shim"
}

run() { # NAME COMMAND [EXTRA]: created and started, its pid in $init
	init=$("$shimctl" create "$pod" "$1" "$(bundle "$@")" "$TEST_DIR/$1.log") &&
		"$shimctl" run "$pod" "$1"
}

# does WHAT COMMAND...: as ok, in this shell, so that what the command sets stays.
does() {
	local what=$1
	shift
	"$@" 2>"$TEST_DIR/stderr"
	test_result $? "$what" "$(cat "$TEST_DIR/stderr")"
}

# From a read-only mount of the program; before Linux 5.12 from a sealed copy.
runs_protected() { # PID
	[[ $(readlink "/proc/$1/exe") = /memfd:* ]] ||
		[[ $(chmod u+x "/proc/$1/exe" 2>&1) = *'Read-only file system' ]]
}

forever="trap 'exit 7' TERM; while :; do sleep 0.02; done"

check_sandbox() {
	does "$name: the shim makes the sandbox" shim_start
	is "pause has its own network" "$(nsenter -t "$pause" -n ip -br link show lo | cut -d' ' -f1)" lo
	like "lo is up in it" "$(nsenter -t "$pause" -n ip link show lo)" 'LOWER_UP'
	is "the Pod's host name is set" "$(nsenter -t "$pause" -u hostname)" shim-test
	is "pause is in the Pod's cgroups" "$(grep -cv ":$cgroup/pause\$" "/proc/$pause/cgroup")" 0
	is "the shim is outside of them" "$(grep -cv ":$own\$" "/proc/$shim/cgroup")" 0
	ok "its program cannot be written through /proc" runs_protected "$shim"
	is "the socket is root's alone" "$(stat -c %a "$pod/shim.sock")" 600
}

check_life() {
	does "a container runs" run life "echo hello; echo oops >&2; printf tail; $forever"
	like "it is listed as running" "$("$shimctl" list "$pod")" "life running $init "
	ok "a signal reaches it" "$shimctl" signal "$pod" life 15
	is "its exit code is told" "$("$shimctl" wait "$pod" life)" "life code=7 signal=0 oom=0 ran=1"
	is "and recorded" "$("$shimctl" record "$pod" life)" "life code=7 signal=0 oom=0 ran=1"
	is "its lines are in the log, the last without an end" "$(cut -d' ' -f2- "$TEST_DIR/life.log" | sort)" \
		$'stderr F oops\nstdout F hello\nstdout F tail'
	like "each with its time" "$(head -1 "$TEST_DIR/life.log")" \
		'^20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{9}Z '
	ok "it is deleted" "$shimctl" delete "$pod" life
	fails "and its record with it" "No such file" "$shimctl" record "$pod" life
	ok "deleting it again is fine" "$shimctl" delete "$pod" life

	run killed "$forever" && "$shimctl" signal "$pod" killed 9
	is "a killed one says by which signal" "$("$shimctl" wait "$pod" killed)" \
		"killed code=137 signal=9 oom=0 ran=1"
	ok "and can be deleted" "$shimctl" delete "$pod" killed
	root=$TEST_DIR/nowhere
	fails "a container that cannot be is refused with the runtime's reason" "[Nn]o such file" \
		run missing "$forever"
	root=$TEST_DIR/rootfs
	ok "a refused one leaves no container" "$shimctl" delete "$pod" missing
	unlike "nor a name in the list" "$("$shimctl" list "$pod")" missing
}

# The words of /proc/PID/status that decide what a process may do.
may() {
	grep -E '^(Uid|Gid|Groups|Cap...|NoNewPrivs|Seccomp|Umask):' "$1"
}

check_exec() {
	run work "$forever"
	is "a command's output, stdin and code come through" \
		"$("$shimctl" exec "$pod" work 5000 sh -c 'cat; pwd; echo $COLOUR $HOME; exit 3'; echo $?)" \
		$'from stdin\n/tmp\nblue /home/web\n3'
	is "it may do what the container may" "$("$shimctl" exec "$pod" work 5000 cat /proc/self/status |
		may /dev/stdin)" "$(may "/proc/$init/status")"
	is "its limits are the container's" \
		"$("$shimctl" exec "$pod" work 5000 grep 'open files' /proc/self/limits)" \
		"$(grep 'open files' "/proc/$init/limits")"
	is "its OOM score too" "$("$shimctl" exec "$pod" work 5000 cat /proc/self/oom_score_adj)" 500
	is "its namespaces are the container's" "$("$shimctl" exec "$pod" work 5000 sh -c \
		'for n in cgroup ipc mnt net pid uts user; do readlink /proc/self/ns/$n; done')" \
		"$(for n in cgroup ipc mnt net pid uts user; do readlink "/proc/$init/ns/$n"; done)"
	is "every cgroup of it is below the container's" \
		"$("$shimctl" exec "$pod" work 5000 grep -vcE ':/exec-[0-9]+-[0-9]+$' /proc/self/cgroup)" \
		"$(grep -vc ":$cgroup/work\$" "/proc/$init/cgroup")"
	is "it holds no descriptor of the host" \
		"$("$shimctl" exec "$pod" work 5000 sh -c \
			'for n in 3 4 5 6 7 8 9 10 11 12; do readlink /proc/$$/fd/$n; done')" ""
	fails "a command that is not there" "exec 'nothing'.*No such file" "$shimctl" exec "$pod" work 5000 nothing
	is "has code 127" "$("$shimctl" exec "$pod" work 5000 nothing 2>/dev/null; echo $?)" 127
	is "one that cannot be run has code 126" \
		"$("$shimctl" exec "$pod" work 5000 /etc/passwd 2>/dev/null; echo $?)" 126
	fails "the time of a command is limited" "Connection timed out" \
		"$shimctl" exec "$pod" work 200 sh -c 'sleep 4711 & sleep 4711'
	eventually "and all it began is killed" 5 no_process 'sleep 4711'
	ok "what a finished command left behind stays" "$shimctl" exec "$pod" work 5000 sh -c 'sleep 4712 >/dev/null 2>&1 &'
	ok "in the container" pgrep -f 'sleep 4712'
	eventually "no cgroup of an exec is left" 5 no_cgroup 'exec-[^/]*'
	fails "an exec in an unknown container is refused" "does not run" "$shimctl" exec "$pod" nobody 100 true
	"$shimctl" delete "$pod" work
}

no_process() {
	! pgrep -f "$1"
}

no_cgroup() {
	! cgroups_of_pod | grep "/$1\$"
}

# podnetd is killed while it is connected and an exec of its runs.
check_adoption() {
	run before "$forever"
	run during "trap 'exit 9' TERM; while :; do sleep 0.02; done"
	"$shimctl" exec "$pod" before 0 sh -c 'sleep 4713; true' &
	local client=$!
	wait_for 5 pgrep -f 'sleep 4713'
	kill -KILL "$client"
	wait "$client" 2>/dev/null
	eventually "an exec ends with its client" 5 no_process 'sleep 4713'
	kill -TERM "$(init_of during)"
	eventually "the next client finds what ended meanwhile" 5 list_has 'during exited 0 code=9'
	like "and what still runs" "$("$shimctl" list "$pod")" "before running [1-9]"
	is "the record is right" "$("$shimctl" record "$pod" during)" "during code=9 signal=0 oom=0 ran=1"
	"$shimctl" delete "$pod" during
}

init_of() {
	"$shimctl" list "$pod" | sed -n "s/^$1 [a-z]* \([0-9]*\) .*/\1/p"
}

list_has() {
	"$shimctl" list "$pod" | grep -q "^$1"
}

check_logs() {
	run lines 'head -c 20000 /dev/zero | tr "\0" x; echo; while :; do echo tick; sleep 0.02; done'
	eventually "a long line comes in pieces" 5 grep -q ' stdout F x' "$TEST_DIR/lines.log"
	is "all but the last are marked" "$(grep -E 'x$' "$TEST_DIR/lines.log" | cut -d' ' -f3 | tr '\n' ' ')" 'P F '
	mv "$TEST_DIR/lines.log" "$TEST_DIR/lines.old"
	ok "the log is opened anew" "$shimctl" reopen "$pod" lines
	eventually "and written at its path" 5 grep -q 'stdout F tick' "$TEST_DIR/lines.log"
	"$shimctl" delete "$pod" lines

	mkdir -p "$TEST_DIR/small"
	mount -t tmpfs -o size=64k tmpfs "$TEST_DIR/small"
	at_exit umount "$TEST_DIR/small"
	"$shimctl" create "$pod" full "$(bundle full 'while :; do echo 0123456789012345678901234567890123456789; done')" \
		"$TEST_DIR/small/log" >/dev/null
	"$shimctl" run "$pod" full
	eventually "a full disk" 10 fs_full
	like "does not stop the container" "$("$shimctl" list "$pod")" "full running"
	mount -o remount,size=128k "$TEST_DIR/small"
	eventually "and when there is room again, the log says what is missing" 10 \
		grep -q 'bytes of this log are lost: No space left on device' "$TEST_DIR/small/log"
	is "no line is torn" "$(head -n -1 "$TEST_DIR/small/log" |
		grep -cvE '^[^ ]{30} stdout F (0123456789012345678901234567890123456789|\[podnet-shim: .*\])$')" 0
	"$shimctl" delete "$pod" full
	umount "$TEST_DIR/small"
}

fs_full() {
	[ "$(df --output=avail "$TEST_DIR/small" | tail -1)" -eq 0 ]
}

check_oom() {
	run greedy 'x=x; while :; do x=$x$x; done' '"resources": {"memory": {"limit": 16777216}}'
	is "the OOM killer's work is told" "$("$shimctl" wait "$pod" greedy)" \
		"greedy code=137 signal=9 oom=1 ran=1"
	is "and recorded, too" "$("$shimctl" record "$pod" greedy)" "greedy code=137 signal=9 oom=1 ran=1"
	"$shimctl" delete "$pod" greedy
}

# A container that forks as fast as it can, and one that was never started.
check_shutdown() {
	run bomb 'bomb() { bomb & bomb & sleep 0.01; }; bomb; sleep 1000' '"resources": {"pids": {"limit": 60}}'
	"$shimctl" create "$pod" never "$(bundle never true)" "$TEST_DIR/never.log" >/dev/null
	note "VmRSS of the shim: $(sed -n 's/^VmRSS:\s*//p' "/proc/$shim/status")"
	ok "the Pod is shut down" "$shimctl" shutdown "$pod"
	fails "nobody answers at its socket" "No such file|refused" "$shimctl" list "$pod"
	eventually "the shim is gone" 5 gone "$shim"
	eventually "pause is gone" 5 gone "$pause"
	is "no cgroup of the Pod is left" "$(cgroups_of_pod)" ""
	is "no state of the runtime is left" "$(find "$TEST_DIR/runtime" -mindepth 1)" ""
	local hierarchy
	for hierarchy in $(hierarchies); do
		rmdir "$hierarchy$own" "$hierarchy/podnet-shim-test/pods" "$hierarchy/podnet-shim-test"
	done
	rm -rf "$pod" "$TEST_DIR"/*.log
}

gone() {
	! kill -0 "$1" || grep -q '^State:.Z' "/proc/$1/status"
}

usable() { # RUNTIME
	[ "${1##*/}" != crun ] || [ ! -f /sys/fs/cgroup/unified/cgroup.controllers ] ||
		[ -z "$(cat /sys/fs/cgroup/unified/cgroup.controllers)" ]
}

rootfs_make

for runtime in "$(command -v runc)" "$(command -v crun)"; do
	name=${runtime##*/}
	if ! usable "$runtime"; then
		note "$name cannot run here: cgroup2 holds a controller beside cgroup v1"
		continue
	fi
	check_sandbox
	check_life
	check_exec
	check_adoption
	check_logs
	check_oom
	check_shutdown
done
done_testing
