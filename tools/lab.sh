# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# One podnet node in directories of its own, with its own registry: for the demo and the e2e tests.
# Sourced.  The caller sets
#	LAB		directory for all that may be kept: state, logs, manifests, registry, CNI
#	LAB_RUN		directory for sockets (a short path: socket names have 108 bytes)
#	LAB_BIN		where the programs are
#	LAB_INSTANCE	name in BPF pins, nftables
#	LAB_SOURCE	the source tree
# and may set LAB_FLAGS, an array of further flags for podnetd, and LAB_REGISTRY_HOST, an address of this machine.

lab_prepare() {
	mkdir -p "$LAB"/{state,log,manifests,cni/conf,cni/bin}
	mkdir -p "$LAB_RUN"
	chmod 700 "$LAB_RUN"
	ln -sf "$LAB_BIN/podnet" "$LAB/cni/bin/podnet"
}

# What stays must not hold the caller's descriptors open: someone may wait for their end.
lab_detached() {
	"$@" 3>&- 4>&- 5>&- 6>&-
}

# Images are made from Debian packages; docker.io is mapped to a registry on loopback.
lab_registry_start() { # IMAGE...
	local image images
	images=$(cd "$LAB_SOURCE" && realpath -m "${BUILD_ROOT:-build}/images")
	lab_detached "$LAB_SOURCE/tools/registry" start "$LAB/registry" 0 "${LAB_REGISTRY_HOST:-127.0.0.1}" >/dev/null ||
		return
	"$LAB_SOURCE/tools/registry" conf "$LAB/registry" >"$LAB/registries.conf" || return
	for image in "$@"; do
		"$LAB_SOURCE/tools/make-image" "$image" "$images" || return
		"$LAB_SOURCE/tools/registry" push "$LAB/registry" "$images/$image" \
			"library/$image:latest" || return
	done
}

lab_registry_stop() {
	"$LAB_SOURCE/tools/registry" stop "$LAB/registry"
}

lab_podnetd() { # [FLAG...]
	exec setsid "$LAB_BIN/podnetd" --state-dir "$LAB/state" --run-dir "$LAB_RUN" \
		--instance "$LAB_INSTANCE" --manifests "$LAB/manifests" --log-dir "$LAB/log" \
		--cni-conf-dir "$LAB/cni/conf" --cni-bin-dir "$LAB/cni/bin" \
		--registries-conf "$LAB/registries.conf" --kubeconfig "" "${LAB_FLAGS[@]}" "$@" \
		</dev/null >>"$LAB/podnetd.log" 2>&1
}

# Returns once the control socket answers.
lab_podnetd_start() {
	lab_detached lab_podnetd &
	echo $! >"$LAB/podnetd.pid"
	disown $! # when it is killed the shell has nothing to say
	lab_wait 20 lab_podnetd_answers || {
		echo "podnetd does not answer:" >&2
		tail -n 20 "$LAB/podnetd.log" >&2
		return 1
	}
}

lab_podnetd_answers() {
	lab_podnetd_is_alive || return
	ctl get pods >/dev/null 2>&1
}

lab_podnetd_is_alive() {
	[ -s "$LAB/podnetd.pid" ] && kill -0 "$(cat "$LAB/podnetd.pid")" 2>/dev/null
}

# Returns when the process is gone.
lab_podnetd_kill() { # SIGNAL
	lab_podnetd_is_alive || return 0
	kill "-$1" "$(cat "$LAB/podnetd.pid")"
	if ! lab_wait 30 lab_podnetd_is_gone; then
		echo "podnetd survives SIG$1" >&2
		return 1
	fi
}

# Ends all Pods, whoever wanted them.
lab_podnetd_remove() {
	lab_podnetd_kill TERM && (lab_podnetd --remove)
}

# A zombie is gone: its parent may be slow.
lab_podnetd_is_gone() {
	local state
	state=$(sed -n 's/^State:\t\(.\).*/\1/p' "/proc/$(cat "$LAB/podnetd.pid")/status" 2>/dev/null)
	[ -z "$state" ] || [ "$state" = Z ]
}

ctl() {
	"$LAB_BIN/podnetctl" --socket "$LAB_RUN/podnetd.sock" "$@"
}

# lab_wait SECONDS COMMAND...: until it succeeds.
lab_wait() {
	local deadline=$((${EPOCHREALTIME/./} + $1 * 1000000))
	shift
	until "$@"; do
		[ "${EPOCHREALTIME/./}" -lt "$deadline" ] || return 1
		read -rt "${TEST_POLL:-0.02}" <> <(:)
	done
	return 0 # not what read has returned
}

# lab_pod NAME FILTER: what jq makes of the Pod.
lab_pod() {
	ctl get pods -o json | jq -er --arg name "$1" \
		".items[] | select(.metadata.name == \$name) | $2"
}

lab_pods_are_ready() { # NAME...
	local name
	for name in "$@"; do
		lab_pod "$name" '.status.conditions[]? | select(.type == "Ready" and .status == "True")' \
			>/dev/null 2>&1 || return
	done
}

lab_pods_are_gone() {
	[ "$(ctl get pods -A -o json | jq '.items | length')" = 0 ]
}

# lab_backend POD FILTER: of its first backend.
lab_backend() {
	ctl get backends -o json | jq -er --arg pod "$1" \
		"[.items[] | select(.pod == \$pod or (.pod | endswith(\"/\" + \$pod)))][0] | $2"
}

lab_backend_is() { # POD STATE
	[ "$(lab_backend "$1" .state 2>/dev/null)" = "$2" ]
}

# All processes of a Pod: "PID COMMAND" lines.
lab_pod_processes() { # NAME
	local uid hierarchy
	uid=$(lab_pod "$1" .metadata.uid) || return
	for hierarchy in $(findmnt --raw --noheadings --output TARGET --types cgroup,cgroup2); do
		find "$hierarchy" -path "*pod$uid*" -name cgroup.procs -exec cat {} + 2>/dev/null
	done | sort -nu | while read -r pid; do
		echo "$pid $(cat "/proc/$pid/comm" 2>/dev/null)"
	done
}

# The init of the Pod's container that runs COMMAND (pid 1 of its namespace).
lab_container_pid() { # POD COMMAND
	local pid command
	while read -r pid command; do
		if [ "$command" = "$2" ] && grep -qE '^NSpid:.*\s1$' "/proc/$pid/status"; then
			echo "$pid"
			return
		fi
	done < <(lab_pod_processes "$1")
	return 1
}
