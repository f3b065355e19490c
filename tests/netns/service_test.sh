#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Services, with real sockets, by both ways: translated at connect(2), and by packet.
#
#	   a 10.244.0.2        b 10.244.0.3        c 10.244.0.4     Pods, as the CNI plugin makes them
#	      | eth0              | eth0              | eth0
#	      | pna               | pnb               | pnc
#	   +--+-------------------+-------------------+--+
#	   |  the host: 169.254.1.2 on each, 192.0.2.1   |
#	   +---------------------------------------------+
#
# Processes in the cgroup "hooked" have the connect hook; all others have only the packet path.
. "${0%/*}/lib.sh"

. "${0%/*}/dataplane.sh"

tcpend=$TEST_TOOLS/tcpend

ask_from() { # POD ADDRESS PORT...: by packet
	in_netns "$1" "$tcpend" ask "${@:2}"
}

ask_hooked() { # POD ADDRESS PORT...: at connect(2)
	hooked ip netns exec "$1" "$tcpend" ask "${@:2}"
}

# What podnetd asks for, without the lines of b.
services() { # A-STATE
	cat <<-END
		endpoint 10.244.0.2 $1
		endpoint 192.0.2.1 READY
		service $VIP:81 2 10.244.0.2:8080
		service $VIP:82 2 10.244.0.2:8080
		service $VIP:83 2 10.244.0.2:8081
		service $VIP:84 2 10.244.0.2:8081
		service $VIP:85 2 192.0.2.1:8080
		service 10.96.0.11:80 2
	END
}

desired() { # A-STATE B-STATE
	dataplane apply <<-END
		$(services "$1")
		endpoint 10.244.0.3 $2
		service $VIP:80 2 10.244.0.2:8080 10.244.0.3:8080
		service $VIP:86 2 10.244.0.3:8080
	END
}

desired_without_b() {
	dataplane apply <<-END
		$(services READY)
		service $VIP:80 2 10.244.0.2:8080
		service $VIP:86 2
	END
}

at_exit ip address del 192.0.2.1/32 dev lo
dataplane_begin

fails "without bpf(2) it says so" "open BPF pin .*: Function not implemented" \
	"$TEST_TOOLS/nobpf" "$TEST_TOOLS/dataplane" "$BPF_DIR" test - show
pod a 2
pod b 3
pod c 4
for name in a b c; do
	background in_netns "$name" "$tcpend" serve 8080 "$name"
done
background in_netns a "$tcpend" bye 8081 bye
ip address add 192.0.2.1/32 dev lo
background "$tcpend" serve 8080 host
wait_for 5 "$tcpend" ask 192.0.2.1 8080
wait_for 5 in_netns a "$tcpend" drain 127.0.0.1 8081 39999
for name in a b c; do
	wait_for 5 ask_from "$name" 127.0.0.1 8080
done

# --- Pod to Pod ---
is "a Pod reaches another" "$(ask_from a 10.244.0.3 8080)" b
ok "also with ping" in_netns a ping -c1 -W1 10.244.0.3
ok "the host reaches a Pod" "$tcpend" ask 10.244.0.2 8080

# --- translated by packet ---
ok "Services are applied" desired READY READY
like "by packet, connections go to both" "$(in_netns c "$tcpend" many $VIP 80 100 | sort | tr '\n' ' ')" \
	'^a [0-9]+ b [0-9]+ $'
is "and were translated by packet" "$(counter 8)" 100
is "none ready: refused" "$(ask_from c 10.96.0.11 80)" ECONNREFUSED
before=$(date +%s%N)
ask_from c 10.96.0.11 80 >/dev/null
ok "refused at once" [ $((($(date +%s%N) - before) / 1000000)) -lt $((500 * TEST_SLOW)) ]
unlike "nothing but connect(2)'s own errors" "$(ask_from c 10.96.0.11 80)" 'EPERM|ETIMEDOUT'

# --- translated at connect(2) ---
like "at connect(2), connections go to both" \
	"$(hooked ip netns exec c "$tcpend" many $VIP 80 100 | sort | tr '\n' ' ')" '^a [0-9]+ b [0-9]+ $'
is "and were translated at connect(2)" "$(counter 9)" 100
is "no packet was" "$(counter 8)" 100
is "none ready: refused at connect(2)" "$(ask_hooked c 10.96.0.11 80)" ECONNREFUSED
like "the host has the hook" "$(hooked "$tcpend" ask $VIP 80)" '^[ab]$'
is "the host is refused too" "$(hooked "$tcpend" ask 10.96.0.11 80)" ECONNREFUSED
like "so does an IPv6 socket that asks for a mapped address" "$(hooked "$tcpend" ask ::ffff:$VIP 80)" '^[ab]$'
is "and is refused" "$(hooked "$tcpend" ask ::ffff:10.96.0.11 80)" ECONNREFUSED
is "it may ask for others" "$(hooked "$tcpend" ask ::ffff:10.244.0.2 8080)" a
is "in a Pod, too" "$(ask_hooked a ::ffff:$VIP 81)" a
is "and no packet was translated" "$(counter 8)" 100

# --- a Pod to itself ---
is "hairpin by packet" "$(ask_from a $VIP 81)" a
is "hairpin at connect(2)" "$(ask_hooked a $VIP 81)" a

# --- readiness ---
hold kept packet c "$tcpend" hold $VIP 81
is "a connection to a" "$(heard kept)" a
hold hairpin packet a "$tcpend" hold $VIP 81
is "a connection from a to itself" "$(heard hairpin)" a
ok "a is not ready any more" dataplane state 10.244.0.2 UNREADY
is "before rows follow: only b, by packet" "$(in_netns c "$tcpend" many $VIP 80 100)" "b 100"
is "and at connect(2)" "$(hooked ip netns exec c "$tcpend" many $VIP 80 100)" "b 100"
is "the last backend is unready: refused" "$(ask_from c $VIP 81)" ECONNREFUSED
is "the open connection goes on" "$(say kept still)" still
ok "rows follow" desired UNREADY READY
is "only b, by packet" "$(in_netns c "$tcpend" many $VIP 80 100)" "b 100"
is "only b, at connect(2)" "$(hooked ip netns exec c "$tcpend" many $VIP 80 100)" "b 100"
is "the open connection still goes on" "$(say kept more)" more
is "so does the hairpin" "$(say hairpin more)" more
ok "a is ready again" desired READY READY
like "both again" "$(in_netns c "$tcpend" many $VIP 80 100 | sort | tr '\n' ' ')" '^a [0-9]+ b [0-9]+ $'

# --- one client port, two Services, one backend ---
changed=$(counter 10)
hold first packet c "$tcpend" hold $VIP 81 40001
is "a connection from port 40001 through one Service" "$(heard first)" a
is "from the same port through another, same backend" "$(ask_from c $VIP 82 40001)" a
is "its port was translated" "$(counter 10)" $((changed + 1))
is "and from the same port to the backend itself" "$(ask_from c 10.244.0.2 8080 40001)" a
is "the first one lives" "$(say first alive)" alive

# The server closes first and keeps TIME_WAIT.  A SYN from the same port through another Service comes
# with sequence numbers of another destination: untranslated, it would be challenged, and sent again.
syns_sent_again() {
	in_netns c awk '$1 == "TcpExt:" && name { print $name }
		$1 == "TcpExt:" { for (i = 2; i <= NF; i++) if ($i == "TCPSynRetrans") name = i }' /proc/net/netstat
}
changed=$(counter 10)
is "the server closes first" "$(in_netns c "$tcpend" drain $VIP 83 40002)" bye
is "the port goes through another Service" "$(in_netns c "$tcpend" drain $VIP 84 40002)" bye
is "translated" "$(counter 10)" $((changed + 1))
before=$(syns_sent_again)
like "SYNs sent again are counted" "$before" '^[0-9]+$'
for port in 40003 40004 40005; do
	in_netns c "$tcpend" drain $VIP 83 $port >/dev/null
	is "so does $port" "$(in_netns c "$tcpend" drain $VIP 84 $port)" bye
done
is "no SYN had to be sent again" "$(syns_sent_again)" "$before"

# --- a backend on the host network ---
is "its replies come through the host's stack" "$(ask_from c $VIP 85)" host

# --- a backend that leaves ---
hold leaving packet c "$tcpend" hold $VIP 86
is "a connection to b" "$(heard leaving)" b
ok "b is no endpoint any more" desired_without_b
is "new connections go to a" "$(in_netns c "$tcpend" many $VIP 80 50)" "a 50"
is "its connection is reset" "$(say leaving word)" ECONNRESET
ok "b is back" desired READY READY
is "and served again" "$(ask_from c $VIP 86)" b

# --- spoofing ---
spoofed=$(counter 1)
ip -n c address add 10.244.0.3/32 dev lo
in_netns c ping -c1 -W1 -I 10.244.0.3 10.244.0.2 >/dev/null
is "another Pod's address is dropped" "$(counter 1)" $((spoofed + 1))
ip -n c address del 10.244.0.3/32 dev lo
ip -n c link set eth0 address 02:00:00:00:00:99
fails "another MAC reaches nobody" "100% packet loss" in_netns c ping -c1 -W1 10.244.0.2
ok "and is dropped" [ "$(counter 1)" -gt $((spoofed + 1)) ]
ip -n c link set eth0 address 02:00:00:00:00:04
ip -n c neigh replace 169.254.1.1 lladdr 02:00:00:00:01:04 dev eth0 nud permanent # lost with the MAC

# --- restart and removal ---
# A pin that was made anew has another inode.
identity() {
	stat -c '%n %i' "$BPF_DIR"/podnet/test/*/*
	tc filter show dev pna ingress | grep -o 'id [0-9]*'
}
before=$(identity)
ok "opening again" dataplane show
is "adopts programs and maps" "$(identity)" "$before"
is "and endpoints" "$(dataplane show | sort | tr '\n' ' ')" \
	"10.244.0.2 READY 10.244.0.3 READY 192.0.2.1 READY "
is "one filter a direction" "$(tc filter show dev pna ingress | grep -c 'handle 0x1')" 1
ok "attaching again" dataplane pod pna 10.244.0.2 02:00:00:00:00:02
is "still one" "$(tc filter show dev pna ingress | grep -c 'handle 0x1')" 1
ok "another interface's entry stays" dataplane nopod 10.244.0.2 1
is "the Pod is still reached" "$(ask_from b 10.244.0.2 8080)" a
is "the open connection lives" "$(say kept end)" end

# --- another build's programs ---
bpftool map update pinned "$BPF_DIR/podnet/test/v$PIN_ABI/build" key 0 0 0 0 value 1 2 3 4 5 6 7 8
programs() {
	tc filter show dev pna ingress | grep -o 'id [0-9]*'
	tc filter show dev pnb egress | grep -o 'id [0-9]*'
	bpftool cgroup show "$HOOKED" | awk 'NR > 1 { print $1 }'
}
flows() {
	stat -c %i "$BPF_DIR/podnet/test/v$PIN_ABI/flows4_tcp"
}
before=$(programs) flows_before=$(flows)
ok "a new build opens" dataplane show
is "each attached program is replaced" "$(comm -12 <(sort <<<"$before") <(programs | sort))" ""
is "there are as many as before" "$(programs | wc -l)" "$(wc -l <<<"$before")"
is "over the same maps" "$(flows)" "$flows_before"
is "the open connection lives on" "$(say kept on)" on
is "new ones are translated" "$(ask_from c $VIP 81)" a
is "at connect(2) too" "$(ask_hooked c $VIP 81)" a
ok "everything is removed" dataplane remove
fails "nothing is pinned" . ls "$BPF_DIR/podnet"
is "the hook is gone" "$(bpftool cgroup show "$HOOKED" | wc -l)" 0

# map_of_filter INTERFACE NAME: the id of the map of that name that the interface's program uses.
map_of_filter() {
	local program maps
	program=$(tc filter show dev "$1" ingress | grep -o ' id [0-9]*' | cut -d' ' -f3)
	maps=$(bpftool -j prog show id "$program" | grep -o '"map_ids":\[[0-9,]*' | grep -o '[0-9,]*$')
	bpftool map show | awk -F '[: ]+' -v ids=",$maps," -v name="$2" \
		'index(ids, "," $1 ",") && $4 == name { print $1 }'
}

# --- many plugins at once, with nothing pinned ---
together() {
	local number pids=() code=0
	for number in 1 2 3 4 5 6 7 8; do
		dataplane pod pna "10.244.1.$number" 02:00:00:00:00:02 &
		pids+=($!)
	done
	for number in "${pids[@]}"; do
		wait "$number" || code=1
	done
	return "$code"
}
ok "eight first callers at once" together
is "all attached the same program" \
	"$(bpftool map show pinned "$BPF_DIR/podnet/test/v$PIN_ABI/pods4" | head -n1 | cut -d: -f1)" \
	"$(map_of_filter pna pods4)"
is "and there is one filter" "$(tc filter show dev pna ingress | grep -c 'handle 0x1')" 1
is "each has its entry" \
	"$(bpftool map dump pinned "$BPF_DIR/podnet/test/v$PIN_ABI/pods4" | grep -c '"key"')" 8

done_testing
