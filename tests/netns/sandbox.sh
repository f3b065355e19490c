#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# sandbox.sh COMMAND [ARG...]: runs COMMAND in namespaces and a cgroup of its own.
#
#   pid, net, ipc, uts, mount, cgroup namespaces; lo is up
#   /run             empty tmpfs           /etc /opt /var   writable overlays of the host's
#   /sys/fs/bpf      empty bpffs           every cgroup hierarchy: rooted at podnet-test-PID,
#                                          COMMAND itself in its leaf "test"
#
# When COMMAND ends, the pid namespace ends with all its processes; the cgroups are then removed.
set -euo pipefail

hierarchies() { # TARGET TYPE OPTIONS of each mounted cgroup hierarchy
	findmnt --raw --noheadings --output TARGET,FSTYPE,FS-OPTIONS --types cgroup,cgroup2
}

# A v1 cpuset takes no process before it has CPUs and memory nodes.
cgroup_make() { # DIR
	mkdir "$1"
	local file
	for file in cpuset.cpus cpuset.mems; do
		if [ -e "$1/cgroup.clone_children" ] && [ -e "$1/$file" ]; then
			cat "$1/../$file" >"$1/$file"
		fi
	done
}

# The kernel answers EBUSY for a moment after the last process has gone.
cgroup_remove() { # DIR
	local deadline=$((SECONDS + 10))
	while [ -d "$1" ]; do
		find "$1" -depth -type d -exec rmdir {} + 2>/dev/null && return 0
		if [ "$SECONDS" -ge "$deadline" ]; then
			echo "sandbox.sh: cannot remove $1" >&2
			return 1
		fi
		read -rt 0.05 <> <(:) || :
	done
}

leave() {
	local code=$? target
	trap '' INT TERM
	{
		kill -KILL "$child" && wait "$child" # --kill-child does the rest
	} 2>/dev/null || :
	while read -r target _; do
		cgroup_remove "$target/$name" || code=1
	done < <(hierarchies)
	exit "$code"
}

overlay() { # DIR: writable, the writes end with the sandbox
	local layer=/run$1
	[ -d "$1" ] || return 0
	mkdir -p "$layer/upper" "$layer/work"
	mount -t overlay -o "lowerdir=$1,upperdir=$layer/upper,workdir=$layer/work" overlay "$1"
}

inside() {
	local target type options
	mount -t tmpfs tmpfs /run
	for target in /etc /opt /var; do
		overlay "$target"
	done
	mount -t tmpfs -o mode=755 tmpfs /run # hides the layers from those who look for files
	mkdir /run/netns
	mount --bind --make-shared /run/netns /run/netns # as the first `ip netns add` would do
	mount -t bpf bpf /sys/fs/bpf
	while read -r target type options; do
		options=${options#rw}
		options=${options#,}
		[ "$type" = cgroup ] || options=
		umount "$target" # its root is the host's; the new mount's is our cgroup
		mount -t "$type" ${options:+-o "$options"} "$type" "$target"
		cgroup_make "$target/test"
		echo $$ >"$target/test/cgroup.procs"
	done < <(hierarchies)
	ip link set lo up
	PODNET_SANDBOX=1 "$@"
}

if [ "${1:-}" = --inside ]; then
	shift
	inside "$@"
	exit
fi

name=podnet-test-$$ child=
trap leave EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
while read -r target _; do
	cgroup_make "$target/$name"
done < <(hierarchies)
# In the background, so that a signal is handled at once; env undoes what the shell does to the
# signals of background commands, for containers would inherit it.
(
	while read -r target _; do
		echo "$BASHPID" >"$target/$name/cgroup.procs"
	done < <(hierarchies)
	exec env --default-signal=INT,QUIT unshare --pid --fork --kill-child --mount-proc --mount --net \
		--ipc --uts --cgroup "$0" --inside "$@"
) <&0 &
child=$!
wait "$child"
