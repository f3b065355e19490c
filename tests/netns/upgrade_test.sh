#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# From the pins of ABI 1 to ours, with real sockets: Pods and what they have open live on.
#
#	   a 10.244.0.2        b 10.244.0.3        c 10.244.0.4
#	      | eth0              | eth0              | eth0
#	      | pna               | pnb               | pnc
#	   +--+-------------------+-------------------+--+
#	   |                  the host                   |
#	   +---------------------------------------------+
. "${0%/*}/lib.sh"
. "${0%/*}/dataplane.sh"

tcpend=$TEST_TOOLS/tcpend udpend=$TEST_TOOLS/udpend
pins=$BPF_DIR/podnet/test

# desired [udp-without-a]: what podnetd asks for.
desired() {
	{
		echo "endpoint 10.244.0.2 READY"
		echo "endpoint 10.244.0.3 READY"
		echo "service $VIP:80 2 10.244.0.2:8080"
		echo "service udp:$VIP:80 2 ${1:-10.244.0.2}:8080"
	} | dataplane apply
}

filters() { # the ids of the programs at all Pods
	local link
	for link in pna pnb pnc; do
		tc filter show dev $link ingress
		tc filter show dev $link egress
	done | grep -o ' id [0-9]*' | sort -u
}
hooks() {
	bpftool cgroup show "$HOOKED" | awk 'NR > 1 { print $1 }' | sort
}

dataplane_begin
pod a 2
pod b 3
pod c 4
for name in a b; do
	background in_netns "$name" "$tcpend" serve 8080 "$name"
	background in_netns "$name" "$udpend" serve 8080 "$name"
	wait_for 5 in_netns "$name" "$tcpend" ask 127.0.0.1 8080
	wait_for 5 in_netns "$name" "$udpend" ask unconnected 127.0.0.1 8080
done
ok "Services are applied" desired
ok "b is not served by anything" dataplane state 10.244.0.3 UNREADY
hold tcp packet c "$tcpend" hold $VIP 80
is "a connection by packet" "$(heard tcp)" a
hold udp hooked c "$udpend" hold connected $VIP 80
is "a UDP socket by the hooks" "$(say udp x)" "a from $VIP:80 of $VIP:80"

# --- what another release has left ---
ok "the pins are of ABI 1" "$TEST_TOOLS/oldpins" "$BPF_DIR" test
is "and no others" "$(ls "$pins")" v1
old_filters=$(filters) old_hooks=$(hooks)
stale=$(printf '10 244 0 9')
# shellcheck disable=SC2086
ok "one Pod has gone without a word" bpftool map update pinned "$pins/v1/pods4" key $stale \
	value 255 255 255 0 $stale 2 0 0 0 0 9 0 0 0 0 0 0

# --- podnetd of this release starts ---
is "endpoints are as they were" "$(dataplane show 2>"$TEST_DIR/log" | sort)" \
	"$(printf '10.244.0.2 READY\n10.244.0.3 UNREADY')"
like "the log says so" "$(cat "$TEST_DIR/log")" "pins of ABI 1"
ok "the old pins stay until Services are known" [ -e "$pins/v1/pods4" ]
is "and so do the old programs" "$(filters)" "$old_filters"
is "the connection goes on" "$(say tcp between)" between
is "Services are served" "$(in_netns c "$tcpend" ask $VIP 80)" a
ok "Services are applied" desired

# --- and has taken over ---
is "the old pins are gone" "$(ls "$pins")" "v$PIN_ABI"
ok "the programs at Pods are ours" [ -z "$(comm -12 <(echo "$old_filters") <(filters))" ]
is "no hook is there twice" "$(hooks | wc -l)" "$(echo "$old_hooks" | wc -l)"
ok "and none is the old one" [ -z "$(comm -12 <(echo "$old_hooks") <(hooks))" ]
is "the open connection goes on" "$(say tcp after)" after
is "new ones too" "$(in_netns c "$tcpend" ask $VIP 80)" a
is "by the hooks" "$(hooked ip netns exec c "$tcpend" ask $VIP 80)" a
is "the UDP socket hears from its Service" "$(say udp x)" "a from $VIP:80 of $VIP:80"
is "by packet" "$(in_netns c "$udpend" ask unconnected $VIP 80)" "a from $VIP:80"
is "Pods reach each other" "$(in_netns a "$tcpend" ask 10.244.0.3 8080)" b
ok "the Pod that had gone is forgotten" [ "$(bpftool --json map dump pinned "$pins/v$PIN_ABI/pods4" |
	grep -o '"key":\["0x' | wc -l)" -eq 3 ]
is "no socket has to end" "$(dataplane abort /run/netns/c)" 0
ok "its backend leaves" desired 10.244.0.3
is "now it has" "$(dataplane abort /run/netns/c)" 1

# --- down ---
mkdir "$pins/v1"
bpftool map create "$pins/v1/pods4" type array key 4 value 4 entries 1 name old
ok "down removes the pins of all releases" dataplane remove
ok "nothing is pinned" [ ! -e "$pins" ]

done_testing
