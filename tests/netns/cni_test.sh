#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The CNI plugin as a runtime calls it, with no daemon.
#
#	a, b: Pods by ADD, 10.244.0.0/24          sandbox: the node            outside
#	eth0 10.244.0.x/32 ---- pnXXXXXXXXXXXX 169.254.1.2 | up0 192.0.2.1/24 ---- up1 192.0.2.2/24
#
# The outside has no route back to the Pods.
. "${0%/*}/lib.sh"
. "$SOURCE_DIR/tests/netns/cni.sh"

milliseconds() { # COMMAND...
	local start
	start=$(date +%s%N)
	"$@" >/dev/null
	echo $((($(date +%s%N) - start) / 1000000))
}

serve() { # NETNS or -: one line for each TCP connection to port 7
	if [ "$1" = - ]; then
		background busybox nc -ll -p 7 -e cat
	else
		background in_netns "$1" busybox nc -ll -p 7 -e cat
	fi
}

# talk NETNS|- ADDRESS: a line goes there and comes back
talk() {
	local where=()
	[ "$1" = - ] || where=(ip netns exec "$1")
	[ "$(echo hello | "${where[@]}" busybox nc -w 5 "$2" 7)" = hello ]
}

netns_add a
netns_add b
netns_add outside
veth - up0 192.0.2.1/24 outside up1 192.0.2.2/24

# --- what needs no network ---------------------------------------------------------------------
like "without a runtime it says what it is" "$("$plugin" 2>&1)" "CNI plugin.*1\.1\.0"
like "--version" "$("$plugin" --version)" "^podnet "
is "VERSION needs nothing" "$(CNI_COMMAND=VERSION "$plugin" </dev/null)" \
	'{"cniVersion":"1.1.0","supportedVersions":["0.3.1","0.4.0","1.0.0","1.1.0"]}'
fails "an unknown command" '"code":4' call FLY a /run/netns/a
fails "a namespace that is not there" '"code":3' call ADD a /run/netns/absent
fails "a file that is no namespace" '"code":8' call ADD a /etc/passwd
fails "the plugin's own namespace" '"code":8' call ADD a /proc/self/ns/net
is "nothing is left of those" "$(remains)" ""

# --- ADD ----------------------------------------------------------------------------------------
result=$(add a)
is "ADD succeeds" $? 0
host=$(jq -r '.interfaces[0].name' <<<"$result")
is "the result has the address" "$(jq -r '.ips[0].address' <<<"$result")" "$(address a)/32"
is "its interface is that of the Pod" \
	"$(jq -r '.interfaces[.ips[0].interface] | .name + " " + .sandbox' <<<"$result")" \
	"eth0 /run/netns/a"
is "the MAC is the interface's" "$(jq -r '.interfaces[1].mac' <<<"$result")" \
	"$(in_netns a cat /sys/class/net/eth0/address)"
is "the MTU is the uplink's" "$(in_netns a cat /sys/class/net/eth0/mtu)" 1500
like "the default route goes by the gateway" "$(ip -n a route)" "default via 169.254.1.1 dev eth0"
is "router advertisements are not listened to" \
	"$(cat "/proc/sys/net/ipv6/conf/$host/accept_ra")" 0
is "the host forwards" "$(cat /proc/sys/net/ipv4/ip_forward)" 1
is "the Pod's entry is written" "$(entries)" "$(address a)"
filters=$(tc filter show dev "$host" ingress; tc filter show dev "$host" egress)
like "filters are on both directions" "$filters" "pod_out.*pod_in"
add b >/dev/null
is "a second Pod" "$(entries | sort)" "$(printf '%s\n' "$(address a)" "$(address b)" | sort)"

serve a
serve b
serve -
serve outside
wait_for 5 talk outside 192.0.2.2
ok "Pod to Pod, ping" in_netns a ping -c1 -W2 "$(address b)"
eventually "Pod to Pod" 5 talk a "$(address b)"
eventually "and back" 5 talk b "$(address a)"
eventually "host to Pod" 5 talk - "$(address a)"
eventually "Pod to host" 5 talk a 192.0.2.1
eventually "Pod to the host's address for Pods" 5 talk a 169.254.1.2
eventually "Pod to the outside" 5 talk a 192.0.2.2
ok "Pod to the outside, ping" in_netns b ping -c1 -W2 192.0.2.2
fails "the outside has no way to the Pod" "unreachable" in_netns outside ping -c1 -W1 "$(address a)"

before=$(remains)
second=$(ifname=eth1 add a | jq -r '.ips[0].address | rtrimstr("/32")')
like "a second interface has its own address" "$second" "^10\.244\.0\."
ok "which is reached from the host" talk - "$second"
ok "and from a Pod" talk b "$second"
ok "the first goes on" talk - "$(address a)"
ifname=eth1 del a
is "the second goes alone" "$(remains)" "$before"
ok "and leaves the first" talk b "$(address a)"

# --- masquerade and forwarding -------------------------------------------------------------------
before=$(nft -s list table ip podnet-default)
like "one table masquerades" "$before" "ip saddr 10.244.0.0/24 .*masquerade"
nft delete table ip podnet-default
netns_add c
add c >/dev/null
is "the next ADD writes it anew" "$(nft -s list table ip podnet-default)" "$before"
del c
add c ",\"serviceCIDR\":\"10.97.0.0/16\"$usual" >/dev/null
like "a changed configuration changes it" "$(nft -s list table ip podnet-default)" "10.97.0.0/16"
del c

iptables-nft -P FORWARD DROP
ok "before an ADD a DROP policy drops" \
	eval '! in_netns a ping -c1 -W1 192.0.2.2'
add c >/dev/null
ok "after it Pods are accepted" in_netns a ping -c1 -W2 192.0.2.2
del c
add c >/dev/null
is "once for each direction" "$(nft -s list chain ip filter FORWARD | grep -c podnet-default:)" 2
ok "iptables still understands the chain" iptables-nft -S FORWARD
del c

# --- ADD that fails leaves nothing -------------------------------------------------------------------
before=$(remains)
fails "the same attachment again" "has an address already" add a
ok "and the first goes on" talk a "$(address b)"
ip -n c link add eth0 type veth peer name other
fails "an interface that is there" '"code":100.*eth0' add c
is "changes nothing" "$(remains)" "$before"
like "not even there" "$(ip -n c -o link show eth0)" "eth0@other"
ip -n c link del eth0
next=10.244.0.$((1 + $(cut -d. -f4 <"$state/ipam/pods/last")))
ip route add "$next" dev lo
fails "a route that is there" "add route to $next/32" add c
ip route del "$next" dev lo
is "leaves nothing" "$(remains)" "$before"

add c "$small" >/dev/null
netns_add d
add d "$small" >/dev/null
netns_add e
fails "an exhausted pool has its code" '"code":11.*no free address' add e "$small"
del c
ok "and recovers" add e "$small"
del d
del e

# --- DEL --------------------------------------------------------------------------------------------
add c >/dev/null
stale=$(address c)
for _ in 1 2 3; do
	is "DEL, again and again, says nothing" "$(del c)" ""
done
is "and all is as before" "$(remains)" "$before"
ok "DEL of what never was" del never
add c >/dev/null
ip netns del c
ok "DEL when the namespace is gone" del c
is "leaves nothing" "$(remains)" "$before"
ip netns add c

# A new Pod has got the address of an old one, whose DEL comes again.
printf '10.244.0.%d' $(($(cut -d. -f4 <<<"$stale") - 1)) >"$state/ipam/pods/last"
add d >/dev/null
is "an address comes again" "$(address d)" "$stale"
ok "a late DEL of its former owner" del c
ok "does not touch the new one" talk d "$(address b)"
del d

# --- a kill at any point, and DEL ------------------------------------------------------------------
time=$(milliseconds add c)
note "ADD took $time ms, DEL $(milliseconds del c) ms (with the sanitizers, bash and jq around)"
left=""
for i in $(seq 40); do
	call ADD c /run/netns/c "" timeout -s KILL "$(printf '0.%03d' $((i * (time + 3) / 40)))" \
		>/dev/null 2>&1
	del c || left+="DEL failed; "
	[ "$(remains)" = "$before" ] || left+="$(remains); "
	[ -z "$(ip -n c -o link show type veth)" ] || left+="a link in the namespace; "
done
is "kill -9 in the middle of ADD, then DEL" "$left" ""

# The order of what ADD does to the record of its address, with what the disk is told of it.
record_calls() {
	ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0 call ADD c /run/netns/c "" \
		strace -qqy -o "$TEST_DIR/trace" -e trace=rename,fsync,write >/dev/null 2>&1
	awk -v pool="$state/ipam/pods" '
		/^rename\(/ && /@/ { print "rename" }
		/^fsync\(/ && /@/ { print "fsync record" }
		/^fsync\(/ && index($0, "<" pool ">") { print "fsync pool" }
		/^write\(1</ && !answered++ { print "answer" }' "$TEST_DIR/trace" | paste -sd,
	del c
}

if command -v strace >/dev/null; then
	is "an address is on the disk before it is given out" "$(record_calls)" \
		"rename,fsync record,fsync pool,answer"
	answer=$(ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0 call ADD c /run/netns/c "" \
		strace -qq -o "$TEST_DIR/trace" -e trace=setns -e inject=setns:error=EPERM:when=2+)
	is "a namespace that cannot be left again is a failure" $? 1
	like "which the runtime is told" "$answer" '"code".*leave the network namespace'
	is "and nothing has been made" "$(remains)" "$before"
else
	note "no strace: the order of what the disk is told is not tested"
fi

# --- damage and reboot --------------------------------------------------------------------------------
add c >/dev/null
: >"$(find "$state" -name "$(address c)@*")"
netns_add f
ok "ADD beside a damaged record" add f
unlike "does not take its address" "$(address f)" "^$(address c)$"
ok "DEL of its owner" del c
del f
is "leaves nothing" "$(remains)" "$before"

host=$(add c | jq -r '.interfaces[0].name')
sed -i "s/$(cat /proc/sys/kernel/random/boot_id)/another-boot/" \
	"$(find "$state" -name "$(address c)@*")"
echo another-boot >"$state/ipam/pods/boot"
last=$(address c)
ip link del "$host"
read -ra bytes <<<"${last//./ }"
bpftool map delete pinned "$pods4" key "${bytes[@]}"
ok "the first ADD after a reboot" add c
is "reclaims the address of before" "$(find "$state" -name "$last@*")" ""
del c

# --- many at once ------------------------------------------------------------------------------------
for i in $(seq 50); do
	netns_add "p$i"
done
pids=()
for i in $(seq 50); do
	add "p$i" >"$TEST_DIR/p$i" 2>&1 &
	pids+=($!)
done
failed=0
for pid in "${pids[@]}"; do
	wait "$pid" || failed=$((failed + 1))
done
is "50 ADDs at once succeed" "$failed" 0
[ "$failed" = 0 ] || note "$(grep -h msg "$TEST_DIR"/p* | head -5)"
is "with 50 addresses" "$(for i in $(seq 50); do address "p$i"; done | sort -u | wc -l)" 50
ok "and all are connected" eval \
	'for i in $(seq 49); do in_netns "p$i" ping -qc1 -W2 "$(address "p$((i + 1))")" || exit 1; done'
pids=()
for i in $(seq 50); do
	del "p$i" &
	pids+=($!)
done
for pid in "${pids[@]}"; do
	wait "$pid" || failed=$((failed + 1))
done
is "50 DELs at once succeed" "$failed" 0
is "and leave nothing" "$(remains)" "$before"

del a
del b
is "at the end nothing is left" "$(remains)" ""
iptables-nft -P FORWARD ACCEPT
nft flush ruleset
rm -r "${pods4%/*/*/*}"
done_testing
