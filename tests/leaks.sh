#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# leaks.sh snapshot FILE [SECTION...]   writes down what the machine holds
# leaks.sh compare FILE                 prints what differs since; exit 1 when something does
#
# The kernel frees namespaces, devices and BPF objects some time after their last user has gone:
# compare looks again until nothing differs or LEAKS_WAIT (5) seconds have passed.
set -euo pipefail
export LC_ALL=C

SECTIONS=(processes netns links addresses routes rules qdiscs nft iptables mounts cgroups pins bpf
	sysctls files)
DIRECTORIES=(/run /etc/cni /opt/cni /etc/containers /etc/podnet /var/lib/podnet /var/lib/cni
	/var/log/pods /var/log/containers)

# In a run of all tests others may use the machine too: then only what inherited LEAKS_SNAPSHOT counts, and
# what is called like something of ours; nor does it count that a cgroup of others has gone.
show_processes() {
	list_processes | while read -r pid name; do
		if [ -z "${LEAKS_SNAPSHOT:-}" ] ||
			[[ "$name" =~ ^(podnet|crun|runc|nginx|docker-registry|skopeo|qemu|virtiofsd) ]] ||
			grep -qzF "LEAKS_SNAPSHOT=$LEAKS_SNAPSHOT" "/proc/$pid/environ" 2>/dev/null; then
			echo "$pid $name"
		fi
	done
}

# Not counted: kernel threads, this script with its ancestors and descendants, and zombies that
# PID 1 has not reaped yet (nobody else can).
list_processes() {
	ps -eo pid=,ppid=,stat=,comm= | awk -v self=$$ '
		{ parent[$1] = $2; state[$1] = $3; name[$1] = $4 }
		END {
			for (pid = self; pid in parent; pid = parent[pid])
				own[pid]
			for (pid in parent) {
				for (up = pid; up in parent && up != self; up = parent[up])
					;
				if (pid in own || up == self || pid == 2 || parent[pid] == 2 ||
				    (parent[pid] == 1 && state[pid] ~ /^Z/))
					continue
				print pid, name[pid]
			}
		}'
}

show_netns() {
	ip netns list
	lsns --type net --noheadings --raw --output NS,NSFS,COMMAND
}

show_links() {
	ip -o link show | sed -E 's/^([0-9]+): ([^:]+): <([^>]*)>.*/\1 \2 \3/'
}

# Lifetimes count down.
show_addresses() {
	ip -o address show | sed -E 's/ +(valid_lft|preferred_lft) [^ ]+//g'
}

show_routes() {
	local family
	for family in -4 -6; do
		ip "$family" route show table all | sed -E 's/ expires [^ ]+//'
	done
}

show_rules() {
	ip -4 rule show
	ip -6 rule show
}

show_qdiscs() {
	tc qdisc show
}

# -s: without counters.  One line a statement, led by table and chain.
show_nft() {
	nft -s list ruleset | awk '
		/^table/ { table = $2 " " $3 }
		/^\t(chain|set|map|flowtable|ct|counter)/ { object = $1 " " $2 }
		NF && $1 != "}" { print table, object, $0 }'
}

# Tables of the legacy interface; those of iptables-nft are in show_nft.  Reading a table that
# nobody uses would create it; an empty one cannot be removed again and changes nothing.
show_iptables() {
	local save
	for save in iptables ip6tables; do
		[ -n "$(cat "/proc/net/${save/tables/_tables_names}" 2>/dev/null)" ] || continue
		"$save-legacy-save" | awk -v save="$save" '
			/^\*/ { table = substr($1, 2) }
			/^:/ && $2 != "ACCEPT" { print save, table, $1, $2 }
			/^-/ { print save, table, $0 }'
	done
}

# Without the mount's and its peer group's numbers.
show_mounts() {
	sed -E 's/^[0-9]+ [0-9]+ [^ ]+ //; s/ (shared|master|propagate_from):[0-9]+//g' /proc/self/mountinfo
}

# A directory that goes while find looks is no leak.
show_below() { # FILESYSTEMS [FIND-TEST...]
	local target types=$1
	shift
	for target in $(findmnt --raw --noheadings --output TARGET --types "$types"); do
		find "$target" -ignore_readdir_race -mindepth 1 "$@"
	done
}

show_cgroups() {
	show_below cgroup,cgroup2 -type d
}

show_pins() {
	show_below bpf
}

# bpftool itself loads an iterator to name the owners of what it lists, and frees it later.
show_bpf() {
	local kind
	for kind in prog map link; do
		bpftool "$kind" list | sed -nE "s/^([0-9]+): ([a-z_0-9]+) +(name [^ ]+|prog [0-9]+)?.*/$kind \1 \2 \3/p"
	done | grep -vE ' (iter|task_file|tracing|pid_iter|libbpf_|dump_)|pid_iter|iter\.' || :
}

# Left out: values that the kernel itself moves.
show_sysctls() {
	grep -rsH '' /proc/sys/net /proc/sys/kernel /proc/sys/vm |
		grep -vE '^/proc/sys/(kernel/(random/|ns_last_pid|pty/nr|perf_event_max_sample_rate|sched_domain/)|net/netfilter/nf_conntrack_count|net/ipv4/route/|vm/stat_refresh|vm/compact)' |
		grep -vE '/(mtu|base_reachable_time(_ms)?|stable_secret):' || :
}

# Configuration with mode, size and time, state by name.  Left out: what udev, systemd and logins keep.
# virtiofsd never removes its lock files in /run.
show_files() {
	local dir
	for dir in "${DIRECTORIES[@]}"; do
		[ -e "$dir" ] || continue
		case "$dir" in
		/etc/* | /opt/*) find "$dir" -ignore_readdir_race -type d -printf '%p %y %m\n' \
			-o -printf '%p %y %m %s %T@\n' ;;
		*) find "$dir" -ignore_readdir_race \( -path /run/udev -o -path /run/systemd -o -path /run/user \
			-o -path /run/virtiofsd \) -prune \
			-o -printf '%p %y\n' ;;
		esac
	done
}

snapshot() { # SECTION...
	local section
	for section in "$@"; do
		"show_$section" | sed "s/^/$section\t/" || {
			echo "leaks.sh: cannot list $section" >&2
			exit 2
		}
	done | sort
}

differences() { # FILE
	local sections now
	read -ra sections <"$1"
	now=$(snapshot "${sections[@]}")
	comm -3 <(tail -n +2 "$1") - <<<"$now" | sed -E 's/^\t(.*)/+ \1/; t; s/^/- /'
}

command=${1:-} file=${2:-}
[ -n "$file" ] || {
	echo "usage: leaks.sh snapshot FILE [SECTION...] | compare FILE" >&2
	exit 2
}
case "$command" in
snapshot)
	shift 2
	[ $# -gt 0 ] || set -- "${SECTIONS[@]}"
	{
		echo "$*"
		snapshot "$@"
	} >"$file"
	;;
compare)
	deadline=$((SECONDS + ${LEAKS_WAIT:-5}))
	while :; do
		found=$(differences "$file" | sed "${LEAKS_SNAPSHOT:+/^- cgroups\t/d}")
		[ -n "$found" ] || exit 0
		[ "$SECONDS" -lt "$deadline" ] || break
		read -rt 0.3 <> <(:) || :
	done
	printf '%s\n' "$found"
	exit 1
	;;
*)
	exit 2
	;;
esac
