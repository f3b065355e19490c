#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# UDP Services, with real sockets, by both ways: translated by the socket hooks, and by packet.
#
#	   a 10.244.0.2        b 10.244.0.3        c 10.244.0.4     Pods, as the CNI plugin makes them
#	      | eth0              | eth0              | eth0
#	      | pna               | pnb               | pnc
#	   +--+-------------------+-------------------+--+
#	   |  the host: 169.254.1.2 on each, 192.0.2.1   |
#	   +---------------------------------------------+
#
# Processes in the cgroup "hooked" have the socket hooks; all others have only the packet path.
. "${0%/*}/lib.sh"
. "${0%/*}/dataplane.sh"

udpend=$TEST_TOOLS/udpend

ask_from() { # POD HOW ADDRESS PORT...: by packet
	in_netns "$1" "$udpend" ask "${@:2}"
}

ask_hooked() { # POD HOW ADDRESS PORT...: by the hooks
	hooked ip netns exec "$1" "$udpend" ask "${@:2}"
}

many() { # how often each of a and b answered, without addresses
	awk '{ count[$1] += $NF } END { for (name in count) print name }' | sort | tr '\n' ' '
}

# desired A B [LEFT]: what podnetd asks for; the states of both, "-": no endpoint; the one that has
# left the Services at 87 and 89, though its endpoint lives.
desired() {
	local a=10.244.0.2:8080 b=10.244.0.3:8080 counted=10.244.0.2:8081 counted_b=10.244.0.3:8081
	local left=${3:-}
	{
		[ "$1" = - ] && a="" counted="" || echo "endpoint 10.244.0.2 $1"
		[ "$2" = - ] && b="" counted_b="" || echo "endpoint 10.244.0.3 $2"
		echo "endpoint 192.0.2.1 READY"
		echo "service udp:$VIP:80 2 $a $b"
		echo "service udp:$VIP:81 2 $a"
		echo "service udp:$VIP:82 2 $a"
		echo "service udp:$VIP:85 2 192.0.2.1:8080"
		echo "service udp:$VIP:88 2 $counted"
		[ "$left" != a ] || counted=""
		[ "$left" != b ] || counted_b=""
		echo "service udp:$VIP:87 2 $counted $counted_b"
		[ "$left" = a ] && echo "service udp:$VIP:89 2 $b" || echo "service udp:$VIP:89 2 $a"
		echo "service udp:10.96.0.11:80 2"
		echo "service 10.96.0.12:80 2 $a"
	} | dataplane apply
}

at_exit ip address del 192.0.2.1/32 dev lo
dataplane_begin
pod a 2
pod b 3
pod c 4
ip address add 192.0.2.1/32 dev lo
background "$udpend" serve 8080 host 192.0.2.1
for name in a b; do
	background in_netns "$name" "$udpend" serve 8080 "$name"
	background in_netns "$name" "$udpend" count 8081 "$TEST_DIR/$name.datagrams"
	wait_for 5 ask_from "$name" unconnected 127.0.0.1 8080
	wait_for 5 [ -e "$TEST_DIR/$name.datagrams" ]
done
wait_for 5 "$udpend" ask unconnected 192.0.2.1 8080

# --- Pod to Pod ---
is "a Pod reaches another" "$(ask_from a unconnected 10.244.0.3 8080)" "b from 10.244.0.3:8080"
is "with the hooks too" "$(ask_hooked a unconnected 10.244.0.3 8080)" "b from 10.244.0.3:8080"

# --- translated by packet ---
ok "Services are applied" desired READY READY
is "by packet, both answer" "$(in_netns c "$udpend" many connected $VIP 80 50 | many)" "a b "
# Each had a socket of its own; an ephemeral port may come twice.
ok "and were translated by packet" [ "$(counter 8)" -gt 40 ]
is "the answer comes from the Service" "$(ask_from c unconnected $VIP 81)" "a from $VIP:81"
is "to connected sockets as well" "$(ask_from c connected $VIP 81)" "a from $VIP:81 of $VIP:81"
is "and mapped ones" "$(ask_from c mapped $VIP 81)" "a from ::ffff:$VIP:81"
is "none ready: refused" "$(ask_from c connected 10.96.0.11 80)" ECONNREFUSED
is "a TCP Service's port is none of UDP's" "$(counter 5)" 1

# --- translated by the hooks ---
flows=$(counter 8)
is "by the hooks, both answer" \
	"$(hooked ip netns exec c "$udpend" many connected $VIP 80 50 | many)" "a b "
is "and were translated by them" "$(counter 9)" 50
is "the answer comes from the Service " "$(ask_hooked c unconnected $VIP 81)" "a from $VIP:81"
is "to connected sockets as well " "$(ask_hooked c connected $VIP 81)" "a from $VIP:81 of $VIP:81"
is "and mapped ones " "$(ask_hooked c mapped $VIP 81)" "a from ::ffff:$VIP:81"
is "connected, too" "$(ask_hooked c mapped-connected $VIP 81)" "a from ::ffff:$VIP:81 of ::ffff:$VIP:81"
is "no packet was translated" "$(counter 8)" "$flows"
is "none ready: refused by packet" "$(ask_hooked c connected 10.96.0.11 80)" ECONNREFUSED
is "the host has the hooks" "$(hooked "$udpend" ask unconnected $VIP 81)" "a from $VIP:81"
hold keeps hooked c "$udpend" hold unconnected $VIP 80
first=$(say keeps x)
like "an unconnected socket is answered" "$first" "^[ab] from $VIP:80$"
is "and keeps its backend" "$(for _ in 1 2 3 4 5; do say keeps x; done | sort -u)" "$first"

# --- a Pod to itself ---
is "hairpin by packet" "$(ask_from a unconnected $VIP 81)" "a from $VIP:81"
is "hairpin by the hooks" "$(ask_hooked a unconnected $VIP 81)" "a from $VIP:81"
is "hairpin, connected" "$(ask_hooked a connected $VIP 81)" "a from $VIP:81 of $VIP:81"

# --- one client port, two Services, one backend ---
changed=$(counter 10)
is "port 40001 through one Service" "$(ask_from c unconnected $VIP 81 40001)" "a from $VIP:81"
is "through another" "$(ask_from c unconnected $VIP 82 40001)" "a from $VIP:82"
is "to the backend itself" "$(ask_from c unconnected 10.244.0.2 8080 40001)" "a from 10.244.0.2:8080"
is "and through the first again" "$(ask_from c unconnected $VIP 81 40001)" "a from $VIP:81"
is "two had their port translated" "$(counter 10)" $((changed + 2))

# --- a backend on the host network ---
is "its replies come through the host's stack" "$(ask_from c unconnected $VIP 85)" "host from $VIP:85"

# --- a backend that leaves while 1000 datagrams a second are on their way, by packet ---
stream() { # POD PORT COUNT: the number of refusals is in the file "refused" at the end
	in_netns "$1" "$udpend" stream $VIP "$2" "$3" >"$TEST_DIR/refused" &
	streaming=$!
}
last() { # FILE: the number of the last datagram
	tail -n1 "$TEST_DIR/$1.datagrams" 2>/dev/null | cut -d' ' -f1
}
has_more_than() { # FILE COUNT
	[ "$(wc -l <"$TEST_DIR/$1.datagrams")" -gt "$2" ]
}
# stream_leaves HOW GONE-A GONE-B: `desired` with these when a, or b, is the one that leaves
stream_leaves() {
	local old new removed left
	truncate -s0 "$TEST_DIR"/[ab].datagrams
	stream c 87 3000
	wait_for 5 eval 'has_more_than a 300 || has_more_than b 300'
	if has_more_than a 300; then
		# shellcheck disable=SC2086
		old=a new=b removed=$(desired $2)
	else
		# shellcheck disable=SC2086
		old=b new=a removed=$(desired $3)
	fi
	wait "$streaming"
	left=$(tail -n1 "$TEST_DIR/$old.datagrams" | cut -d' ' -f2)
	note "left $((left - removed)) us after it was asked for"
	ok "$1: the flow has left within 10 ms" [ $((left - removed)) -le $((10000 * TEST_SLOW)) ]
	is "$1: to the other backend" "$(last $new)" 2999
	is "$1: no datagram was lost" \
		"$(cut -d' ' -f1 "$TEST_DIR"/[ab].datagrams | sort -nu | wc -l)" 3000
	is "$1: nor refused" "$(cat "$TEST_DIR/refused")" 0
	ok "$1: it is back" desired READY READY
}
stream_leaves "the endpoint goes" "- READY" "READY -"
stream_leaves "the backend leaves its Service" "READY READY a" "READY READY b"

# --- from one to none to one ---
before=$(wc -l <"$TEST_DIR/a.datagrams")
stream c 88 1500
wait_for 5 has_more_than a $((before + 200))
ok "no backend any more" desired - READY
before=$(wc -l <"$TEST_DIR/a.datagrams")
wait_for 5 eval "[ $(counter 5) -lt \$(counter 5) ]"
is "no datagram arrives" "$(wc -l <"$TEST_DIR/a.datagrams")" "$before"
ok "one again" desired READY READY
wait "$streaming"
ok "they arrive again" has_more_than a "$before"
is "to the last one" "$(last a)" 1499
ok "those between were refused" [ "$(cat "$TEST_DIR/refused")" -gt 0 ]

# --- unready is not gone ---
hold patient packet c "$udpend" hold connected $VIP 81
is "a flow to a" "$(say patient x)" "a from $VIP:81 of $VIP:81"
ok "a is not ready any more" desired UNREADY READY
is "the flow stays" "$(say patient x)" "a from $VIP:81 of $VIP:81"
is "a new one is refused" "$(ask_from c connected $VIP 81)" ECONNREFUSED
ok "its process is gone" desired DOWN READY
is "the flow is refused" "$(say patient x)" ECONNREFUSED
ok "and is there again" desired READY READY
is "the flow too" "$(say patient x)" "a from $VIP:81 of $VIP:81"

# --- a backend leaves one of its Services; its endpoint lives, and serves others ---
hold flow packet c "$udpend" hold connected $VIP 89
hold flow_elsewhere packet c "$udpend" hold connected $VIP 81
hold bound_flow hooked c "$udpend" hold connected $VIP 89
hold bound_elsewhere hooked c "$udpend" hold connected $VIP 81
for name in flow bound_flow; do
	is "$name goes to a" "$(say $name x)" "a from $VIP:89 of $VIP:89"
done
for name in flow_elsewhere bound_elsewhere; do
	is "$name goes to a" "$(say $name x)" "a from $VIP:81 of $VIP:81"
done
ok "a leaves one Service" desired READY READY a
is "its flow leaves at the next datagram" "$(say flow x)" "b from $VIP:89 of $VIP:89"
is "another Service's flow stays" "$(say flow_elsewhere x)" "a from $VIP:81 of $VIP:81"
is "one socket ends" "$(dataplane abort /run/netns/c)" 1
is "its owner is told and connects again" "$(say bound_flow connect)" ECONNABORTED
is "to the other backend" "$(say bound_flow x)" "b from $VIP:89 of $VIP:89"
is "another Service's socket stays" "$(say bound_elsewhere x)" "a from $VIP:81 of $VIP:81"
ok "a is back, and b leaves" desired READY READY
is "so the socket ends once more" "$(dataplane abort /run/netns/c)" 1

# --- sockets that connect(2) has bound to a backend ---
release bound_flow
release bound_elsewhere
hold bound hooked c "$udpend" hold connected $VIP 80
hold direct hooked c "$udpend" hold connected 10.244.0.2 8080
hold free hooked c "$udpend" hold unconnected $VIP 80
first=$(say bound x) backend=${first%% *}
is "one that asked for the backend itself" "$(say direct x)" \
	"a from 10.244.0.2:8080 of 10.244.0.2:8080"
like "one that is not connected" "$(say free x)" "from $VIP:80"
is "nothing ends while all are there" "$(dataplane abort /run/netns/c)" 0
if [ "$backend" = a ]; then
	ok "the backend leaves" desired - READY
	other=b
else
	ok "the backend leaves" desired READY -
	other=a
fi
is "one socket ends" "$(dataplane abort /run/netns/c)" 1
is "it is not connected any more" "$(say bound x)" EDESTADDRREQ
is "its owner is told why, and connects again" "$(say bound connect)" ECONNABORTED
is "to the other" "$(say bound x)" "$other from $VIP:80 of $VIP:80"
is "the unconnected one went there by itself" "$(say free x)" "$other from $VIP:80"
is "the direct one was let alone" "$(say direct x)" "a from 10.244.0.2:8080 of 10.244.0.2:8080"
is "no other socket ends" "$(dataplane abort /run/netns/c)" 0
ok "all are back" desired READY READY
fails "a file is no namespace" "not a network namespace" dataplane abort /etc/passwd

done_testing
