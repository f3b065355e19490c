# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# A node of podnet inside the sandbox of a test.  Sourced first:
#
#	. "${0%/*}/lib.sh"
#	node_up nginx busybox			# registry with these images, podnetd
#	manifest web <<-END ... END		# writes manifests/web.yaml
#	eventually "web is ready" 30 lab_pods_are_ready web
#	node_down				# deletes all Pods, ends podnetd; what is left fails the test
#	done_testing
#
#	outside  eth0 192.0.2.2/24 ---- uplink 192.0.2.1/24  the sandbox, default via 192.0.2.2
#	(no route to Pods)
. "${BASH_SOURCE[0]%/*}/../netns/lib.sh"

LAB_SOURCE=$SOURCE_DIR
LAB=$TEST_DIR/lab
LAB_RUN=$TEST_DIR/run
LAB_BIN=$PODNET_BIN
LAB_INSTANCE="test"
LAB_FLAGS=(--node-name test-node)
. "$SOURCE_DIR/tools/lab.sh"

# Programs built with sanitizers are slow to start.
export SECONDS_READY=40

node_up() { # IMAGE...
	lab_prepare
	at_exit node_kill
	uplink_add
	sysctls_before=$(sysctl_values)
	lab_registry_start "$@" || bail "the registry does not start"
	lab_podnetd_start || bail "podnetd does not start: $(tail -n 5 "$LAB/podnetd.log")"
}

uplink_add() {
	veth - uplink 192.0.2.1/24 outside eth0 192.0.2.2/24
	ip route add default via 192.0.2.2
}

uplink_remove() {
	ip route del default
	ip link del uplink
}

# Ends the test at once: without this nothing else makes sense.
bail() {
	test_result 1 "set-up" "$*"
	test_finished=yes
	exit 1
}

sysctl_values() {
	sysctl -n net.ipv4.ip_forward
}

# The file appears whole.
manifest() { # NAME < YAML
	cat >"$LAB/.manifest"
	mv "$LAB/.manifest" "$LAB/manifests/$1.yaml"
}

manifest_remove() { # NAME
	rm -f "$LAB/manifests/$1.yaml"
}

# A Pod of one busybox container that sleeps until it is told to end; further lines of the container
# come from stdin, indented by four.
pod_sleeping() { # NAME [LABEL]
	cat <<-END
		apiVersion: v1
		kind: Pod
		metadata: {name: $1, labels: {app: ${2:-$1}}}
		spec:
		  terminationGracePeriodSeconds: 2
		  containers:
		  - name: main
		    image: busybox
		    imagePullPolicy: IfNotPresent
		    args: [sh, -c, "trap 'exit 0' TERM; while :; do sleep 1 & wait \$!; done"]
	END
}

# What podnetd said since the last call of log_mark.
log_mark() {
	log_lines=$(wc -l <"$LAB/podnetd.log")
}

log_since() {
	tail -n "+$((log_lines + 1))" "$LAB/podnetd.log"
}

log_has() { # REGEX
	grep -qE "$1" <(log_since)
}

# One for each container: restarts and id show whether somebody touched it.
identities() {
	ctl get pods -A -o json | jq -cS '[.items[] | [.metadata.name, .metadata.uid, .status.podIP,
		([.status.conditions[]? | select(.type == "Ready") | [.status, .lastTransitionTime]]),
		[.status.containerStatuses[]? | [.name, .containerID, .restartCount, .ready]]]] | sort'
}

# The whole content of the data plane, or of the maps that are named.
maps() { # [MAP...]
	local map
	[ $# -gt 0 ] || set -- svc4 services rows backends endpoints pods4
	for map in "$@"; do
		echo "$map"
		"$TEST_TOOLS/mapdump" /sys/fs/bpf/podnet/"$LAB_INSTANCE"/*/"$map" || echo "$RANDOM"
	done | sha256sum
}

load_begin() { # ADDRESS PORT [FLAG...]: a client on the host, until load_end
	local address=$1 port=$2
	shift 2
	mkfifo "$TEST_DIR/load.in"
	"$TEST_TOOLS/load" --phase load "$@" "$address" "$port" <"$TEST_DIR/load.in" \
		>"$TEST_DIR/load.out" &
	load_pid=$!
	at_exit kill "$load_pid"
	exec 4>"$TEST_DIR/load.in"
}

# Sets load_requests and load_failed.
export load_requests=0 load_failed=0
load_end() {
	exec 4>&-
	wait "$load_pid"
	rm "$TEST_DIR/load.in"
	grep '^failed' "$TEST_DIR/load.out" | head -n 5 | sed 's/^/# /' >&2
	read -r load_requests load_failed < <(sed -n 's/^phase load //p' "$TEST_DIR/load.out")
}

# A client of the host inside the network of a Pod.
curl_in() { # POD CURL-ARGUMENT...
	local pid
	read -r pid _ < <(lab_pod_processes "$1")
	shift
	nsenter --net="/proc/$pid/ns/net" curl -sS --max-time 3 "$@"
}

node_down() {
	rm -f "$LAB"/manifests/*
	eventually "all Pods are deleted" 60 lab_pods_are_gone
	ok "podnetd ends on SIGTERM" lab_podnetd_kill TERM
	unlike "no sanitizer has complained" "$(cat "$LAB/podnetd.log")" \
		"Sanitizer|runtime error:"
	lab_registry_stop
	rm -rf "/sys/fs/bpf/podnet"
	nft delete table ip "podnet-$LAB_INSTANCE" 2>/dev/null
	ip route del unreachable 10.96.0.0/16 2>/dev/null
	uplink_remove
	sysctl -qw net.ipv4.ip_forward="$sysctls_before"
}

# For tests that end early.
node_kill() {
	lab_podnetd_kill KILL
	lab_registry_stop
}

netns_add outside
