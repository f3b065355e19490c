# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# The data plane without podnetd and the CNI plugin, for tests of Services: sourced after lib.sh.
CGROUPS=$(findmnt --raw --noheadings --output TARGET --types cgroup2 | head -n1)
[ -n "$CGROUPS" ] || skip_all "no cgroup2 here"
BPF_DIR=$TEST_DIR/bpf
HOOKED=$CGROUPS/test/hooked
export VIP=10.96.0.10

dataplane() {
	"$TEST_TOOLS/dataplane" "$BPF_DIR" test "$HOOKED" "$@"
}

dataplane_begin() {
	at_exit rmdir "$HOOKED"
	mkdir "$HOOKED"
	at_exit umount "$BPF_DIR"
	at_exit dataplane remove
}

# pod NAME NUMBER: a Pod with address 10.244.0.NUMBER, as the CNI plugin makes it.
pod() {
	local address=10.244.0.$2 mac=02:00:00:00:00:0$2 host_mac=02:00:00:00:01:0$2
	netns_add "$1"
	ip link add "pn$1" address "$host_mac" type veth peer name eth0 netns "$1" address "$mac"
	at_exit ip link del "pn$1"
	ip link set "pn$1" up
	ip address add 169.254.1.2/32 dev "pn$1" scope link
	ip -n "$1" link set eth0 up
	ip -n "$1" address add "$address/32" dev eth0
	ip -n "$1" route add 169.254.1.1 dev eth0 scope link
	ip -n "$1" route add default via 169.254.1.1 src "$address"
	ip -n "$1" neigh add 169.254.1.1 lladdr "$host_mac" dev eth0 nud permanent
	ip route add "$address" dev "pn$1" scope link
	ip neigh add "$address" lladdr "$mac" dev "pn$1" nud permanent
	ok "pod $1 is attached" dataplane pod "pn$1" "$address" "$mac"
}

hooked() { # COMMAND...: with the socket hooks
	(
		echo "$BASHPID" >"$HOOKED/cgroup.procs"
		exec "$@"
	)
}

counter() { # NUMBER
	dataplane counters | awk -v number="$1" '$1 == number { print $2 }'
}

# hold NAME hooked|packet POD COMMAND...: runs until the end, or release NAME; say and heard talk with it.
declare -A held_in held_out held_pid
hold() {
	local in out
	mkfifo "$TEST_DIR/$1.in" "$TEST_DIR/$1.out"
	exec {in}<>"$TEST_DIR/$1.in" {out}<>"$TEST_DIR/$1.out"
	(
		[ "$2" != hooked ] || echo "$BASHPID" >"$HOOKED/cgroup.procs"
		exec ip netns exec "${@:3}"
	) <&"$in" >&"$out" &
	held_in[$1]=$in held_out[$1]=$out held_pid[$1]=$!
	at_exit release "$1"
}

release() { # NAME
	[ -z "${held_pid[$1]}" ] || stop "${held_pid[$1]}"
	held_pid[$1]=''
}

heard() { # NAME: the next line it prints
	local line
	read -rt 5 -u "${held_out[$1]}" line
	echo "$line"
}

say() { # NAME WORD: what it answers
	echo "$2" >&"${held_in[$1]}"
	heard "$1"
}
