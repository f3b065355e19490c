#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# bench: cni.add.p50 cni.del.p50
#
# The CNI plugin and ptp with host-local, each as a runtime starts it, in namespaces that take turns.
. "${0%/*}/lib.sh"

peer=/usr/lib/cni/ptp
mkdir "$TEST_DIR/state"
at_exit rm -rf /sys/fs/bpf/podnet
netns_add pod

ours() {
	printf '{"cniVersion":"1.0.0","name":"ours","type":"podnet","ipMasq":false,"stateDir":"%s",' "$TEST_DIR/state"
	printf '"ipam":{"type":"podnet","ranges":[[{"subnet":"10.244.0.0/24"}]]}}'
}

ptp() {
	printf '{"cniVersion":"1.0.0","name":"theirs","type":"ptp","ipMasq":false,"ipam":{"type":"host-local",'
	printf '"dataDir":"%s","routes":[{"dst":"0.0.0.0/0"}],' "$TEST_DIR/host-local"
	printf '"ranges":[[{"subnet":"10.245.0.0/24"}]]}}'
}

call() { # WHO COMMAND PLUGIN: milliseconds
	"$1" | CNI_COMMAND=$2 CNI_CONTAINERID=bench CNI_NETNS=/run/netns/pod CNI_IFNAME=eth0 \
		CNI_PATH="$PODNET_BIN:${peer%/*}" "$BENCH_TOOLS/elapsed" "$3"
}

turn() { # WHO PLUGIN
	local add del
	if add=$(call "$1" ADD "$2"); then
		sample cni.add.p50 "$1" "$add"
	else
		test_result 1 "ADD of $1"
	fi
	if del=$(call "$1" DEL "$2"); then
		sample cni.del.p50 "$1" "$del"
	else
		test_result 1 "DEL of $1"
	fi
}

peers=()
[ ! -x "$peer" ] || peers=(ptp)
# Five in a round: one call is short.
for _ in $(rounds) $(rounds) $(rounds) $(rounds) $(rounds); do
	turn ours "$PODNET_BIN/podnet" 2>>"$TEST_DIR/answers"
	[ ${#peers[@]} -eq 0 ] || turn ptp "$peer" 2>>"$TEST_DIR/answers"
done
for name in cni.add.p50 cni.del.p50; do
	report "$name" ms "${peers[@]}"
	[ ${#peers[@]} -gt 0 ] || unable "$name" ptp "containernetworking-plugins is not installed"
done
done_testing
