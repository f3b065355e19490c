#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# bench: service.connect.p50 service.crr.n1 service.crr.n10000 pod.stream
#
# New connections to the last of N Services, which has three endpoints; the others have one.  Each variant has a node of its
# own between its client and its server:
#
#	client-X eth0 10.244.0.2 ---- pnc  node-X  pns ---- eth0 10.244.0.3 server-X: 8080 8081 8082
#
#	ours	pod_out and pod_in on both veths, the connect hook on the client
#	direct	routes only, to the server's own address and first port
#	nft	as kube-proxy --proxy-mode=nftables writes its table
#	ipt	as kube-proxy --proxy-mode=iptables does, with this machine's iptables
. "${0%/*}/lib.sh"

CGROUPS=$(findmnt --raw --noheadings --output TARGET --types cgroup2 | head -n1)
[ -n "$CGROUPS" ] || skip_all "no cgroup2 here"
BPF_DIR=$TEST_DIR/bpf
HOOKED=$CGROUPS/test/hooked
SERVER=10.244.0.3
SECONDS_EACH=${BENCH_SECONDS:-0.4}
crr=$BENCH_TOOLS/crr

at_exit rmdir "$HOOKED"
mkdir "$HOOKED"
at_exit umount "$BPF_DIR"

dataplane() {
	nsenter --net=/run/netns/node-ours "$TEST_TOOLS/dataplane" "$BPF_DIR" bench "$HOOKED" "$@"
}
at_exit dataplane remove

pod() { # VARIANT NETNS LINK NUMBER
	local node=node-$1 netns=$2-$1 mac=02:00:00:00:00:0$4 host_mac=02:00:00:00:01:0$4
	netns_add "$netns"
	ip -n "$node" link add "$3" address "$host_mac" type veth peer name eth0 netns "$netns" address "$mac"
	ip -n "$node" link set "$3" up
	ip -n "$node" address add 169.254.1.2/32 dev "$3" scope link
	ip -n "$netns" link set eth0 up
	ip -n "$netns" address add "10.244.0.$4/32" dev eth0
	ip -n "$netns" route add 169.254.1.1 dev eth0 scope link
	ip -n "$netns" route add default via 169.254.1.1 src "10.244.0.$4"
	ip -n "$netns" neigh add 169.254.1.1 lladdr "$host_mac" dev eth0 nud permanent
	ip -n "$node" route add "10.244.0.$4" dev "$3" scope link
	ip -n "$node" neigh add "10.244.0.$4" lladdr "$mac" dev "$3" nud permanent
	[ "$1" != ours ] || ok "$2 is attached" dataplane pod "$3" "10.244.0.$4" "$mac"
}

node() { # VARIANT
	netns_add "node-$1"
	in_netns "node-$1" sysctl -qw net.ipv4.ip_forward=1
	pod "$1" client pnc 2
	pod "$1" server pns 3
	background in_netns "server-$1" taskset -c 1 "$crr" serve 8080 8081 8082
	ok "$1: the server answers" wait_for 5 in_netns "client-$1" "$crr" connect "$SERVER" 8080 0.01
}

vip() { # NUMBER
	echo "10.96.$(($1 / 250)).$(($1 % 250 + 1))"
}

vips() { # COUNT: lines "NUMBER VIP"
	awk -v count="$1" 'BEGIN {
		for (i = 1; i <= count; i++) print i, "10.96." int(i / 250) "." i % 250 + 1 }'
}

services_ours() { # COUNT
	{
		echo "endpoint $SERVER READY"
		vips "$1" | awk -v to="$SERVER" -v last="$1" '{
			print "service", $2 ":80 2", to ":8080", $1 == last ? to ":8081 " to ":8082" : "" }'
	} | dataplane apply
}

services_nft() { # COUNT
	{
		echo "table ip kube-proxy"
		echo "delete table ip kube-proxy"
		vips "$1" | awk -v to="$SERVER" -v last="$1" '
			BEGIN {
				print "table ip kube-proxy {"
				print "map service-ips { type ipv4_addr . inet_proto . inet_service : verdict; }"
			}
			{
				count = $1 == last ? 3 : 1
				for (i = 0; i < count; i++)
					print "chain ep-" $1 "-" i " { meta l4proto tcp dnat to " to ":" 8080 + i "; }"
				list = "0 : goto ep-" $1 "-0"
				for (i = 1; i < count; i++)
					list = list ", " i " : goto ep-" $1 "-" i
				print "chain svc-" $1 " { numgen random mod " count " vmap { " list " }; }"
				elements = elements (NR > 1 ? ", " : "") $2 " . tcp . 80 : goto svc-" $1
			}
			END {
				print "chain services { ip daddr . meta l4proto . th dport vmap @service-ips; }"
				print "chain masquerading { mark & 0x4000 == 0 return; " \
					"meta mark set meta mark ^ 0x4000; masquerade fully-random; }"
				print "chain nat-prerouting { type nat hook prerouting priority -100; jump services; }"
				print "chain nat-output { type nat hook output priority -100; jump services; }"
				print "chain nat-postrouting { type nat hook postrouting priority 100;" \
					" jump masquerading; }"
				print "}"
				print "add element ip kube-proxy service-ips { " elements " }"
			}'
	} >"$TEST_DIR/nft"
	in_netns node-nft nft -f "$TEST_DIR/nft"
}

services_ipt() { # COUNT
	vips "$1" | awk -v to="$SERVER" -v last="$1" '
		BEGIN {
			print "*nat\n:KUBE-SERVICES - [0:0]\n:KUBE-MARK-MASQ - [0:0]\n:KUBE-POSTROUTING - [0:0]"
			rules = "-A PREROUTING -j KUBE-SERVICES\n-A OUTPUT -j KUBE-SERVICES\n" \
				"-A POSTROUTING -j KUBE-POSTROUTING\n" \
				"-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN\n" \
				"-A KUBE-POSTROUTING -j MARK --xor-mark 0x4000\n" \
				"-A KUBE-POSTROUTING -j MASQUERADE --random-fully\n" \
				"-A KUBE-MARK-MASQ -j MARK --or-mark 0x4000"
			split("0.33333333349 0.50000000000", chance, " ")
		}
		{
			svc = "KUBE-SVC-" $1
			print ":" svc " - [0:0]"
			line[++lines] = "-A KUBE-SERVICES -d " $2 "/32 -p tcp -m comment --comment \"bench/s" $1 \
				" cluster IP\" -m tcp --dport 80 -j " svc
			count = $1 == last ? 3 : 1
			for (i = 0; i < count; i++) {
				sep = "KUBE-SEP-" $1 "-" i
				print ":" sep " - [0:0]"
				line[++lines] = "-A " svc (i < count - 1 ? " -m statistic --mode random --probability " \
					chance[i + 1] : "") " -j " sep
				line[++lines] = "-A " sep " -s " to "/32 -j KUBE-MARK-MASQ"
				line[++lines] = "-A " sep " -p tcp -m tcp -j DNAT --to-destination " to ":" 8080 + i
			}
		}
		END {
			print rules
			for (i = 1; i <= lines; i++) print line[i]
			print "COMMIT"
		}' >"$TEST_DIR/ipt"
	in_netns node-ipt iptables-restore <"$TEST_DIR/ipt"
}

client() { # VARIANT ARGUMENT...
	local variant=$1
	shift
	(
		[ "$variant" != ours ] || echo "$BASHPID" >"$HOOKED/cgroup.procs"
		exec ip netns exec "client-$variant" taskset -c 0 "$crr" "$@"
	)
}

target() { # VARIANT COUNT: ADDRESS PORT
	if [ "$1" = direct ]; then
		echo "$SERVER 8080"
	else
		echo "$(vip "$2") 80"
	fi
}

measure() { # NAME COUNT MODE [OPEN]
	local name=$1 count=$2 mode=$3 variant address port
	shift 3
	wanted "$name" || return 0
	for _ in $(rounds); do
		for variant in "${variants[@]}"; do
			read -r address port < <(target "$variant" "$count")
			sample "$name" "${variant}" "$(client "$variant" "$mode" "$address" "$port" \
				"$SECONDS_EACH" "$@")"
		done
	done
}

install() { # COUNT
	local variant
	for variant in "${variants[@]}"; do
		[ "$variant" = direct ] || ok "$variant: $1 Services" "services_$variant" "$1"
	done
}

variants=(ours direct)
command -v nft >/dev/null && variants+=(nft)
command -v iptables-restore >/dev/null && variants+=(ipt)
peers=("${variants[@]:1}")
for variant in "${variants[@]}"; do
	node "$variant"
done

if wanted pod.stream; then
	background in_netns client-ours taskset -c 1 "$crr" serve 8090
	wait_for 5 in_netns client-ours "$crr" connect 127.0.0.1 8090 0.01
	stream_seconds=$(awk -v each="$SECONDS_EACH" 'BEGIN { print 2.5 * each }')
	for round in warm-up $(rounds); do # windows and buffers grow in the first
		ours=$(client ours stream "$SERVER" 8080 "$stream_seconds")
		loopback=$(client ours stream 127.0.0.1 8090 "$stream_seconds")
		[ "$round" = warm-up ] || sample pod.stream ours "$ours"
		[ "$round" = warm-up ] || sample pod.stream loopback "$loopback"
	done
	report pod.stream Gbit/s loopback
fi
if wanted service.connect.p50 service.crr.n1; then
	install 1
	measure service.connect.p50 1 connect
	measure service.crr.n1 1 rate 32
	report service.connect.p50 us "${peers[@]}"
	report service.crr.n1 1/s "${peers[@]}"
fi
if wanted service.crr.n10000; then
	install 10000
	measure service.crr.n10000 10000 rate 32
	report service.crr.n10000 1/s "${peers[@]}"
fi
for peer in nft ipt; do
	[[ " ${peers[*]} " != *" $peer "* ]] || continue
	for name in service.connect.p50 service.crr.n1 service.crr.n10000; do
		unable "$name" "$peer" "its program is not installed"
	done
done
done_testing
