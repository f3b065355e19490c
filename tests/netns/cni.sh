# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# The CNI plugin as a runtime calls it, with no daemon.  Sourced behind lib.sh.
plugin=$PODNET_BIN/podnet
state=$TEST_DIR/state
mkdir "$state"
pods4=/sys/fs/bpf/podnet/default/v$PIN_ABI/pods4

ipam() { # KEYS of the range
	printf ',"ipam":{"type":"podnet","ranges":[[{"subnet":"10.244.0.0/24"%s}]]}' "$1"
}

usual=$(ipam "")
# shellcheck disable=SC2034 # for cni_test.sh
small=$(ipam ',"rangeStart":"10.244.0.200","rangeEnd":"10.244.0.201"')

conf() { # KEYS
	printf '{"cniVersion":"1.1.0","name":"pods","type":"podnet","stateDir":"%s"%s}' "$state" "$1"
}

call() { # COMMAND ID NETNS [KEYS [WRAPPER...]]
	local command=$1 id=$2 netns=$3 keys=${4:-$usual}
	shift $(($# < 4 ? $# : 4))
	conf "$keys" | CNI_COMMAND=$command CNI_CONTAINERID=$id CNI_NETNS=$netns \
		CNI_IFNAME=${ifname:-eth0} CNI_PATH=/nowhere "$@" "$plugin"
}

add() { # ID [KEYS]
	call ADD "$1" "/run/netns/$1" "${2:-}"
}

del() { # ID
	call DEL "$1" ""
}

address() { # ID: from the Pod itself
	ip -n "$1" -4 -o address show dev eth0 | sed 's/.*inet \([0-9.]*\).*/\1/'
}

entries() { # lines "10.244.0.x" of the map of Pods
	[ ! -e "$pods4" ] || bpftool --json map dump pinned "$pods4" |
		jq -r '.[].key | map(ltrimstr("0x")) | "\("0x" + .[3])"' | while read -r last; do
		echo "10.244.0.$((last))"
	done
}

# What an attachment leaves anywhere.
remains() {
	ip -o link show | grep -o ' pn[0-9a-f]\{12\}'
	ip route show | grep '^10\.244\.'
	find "$state" -name '*@*' -o -name '*.new'
	entries
}
