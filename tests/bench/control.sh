#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# bench: control.deploy10 control.rss.empty control.rss.5000 control.rss.idle10000 api.list5000 watch.fanout watch.fanout.p99 watch.selector watch.selector.p99
#
# From `kubectl create deployment` of ten Pods to all of them ready, and from ten manifests to the same.  What
# the API server keeps in memory with nothing, with 5,000 Pods of 4 KB and for 10,000 connections that say nothing, and
# how long a list of these Pods takes from a store on disk and from one in memory.  The cores it takes to tell 200
# watchers 1,000 updates a second, which are stored on disk, and how late they hear of them.
BENCH_NODE=1 . "${0%/*}/lib.sh"

SOCKET=$TEST_DIR/control/podnet-control.sock
PODS=/api/v1/namespaces/default/pods
MANY=5000 TEN=10
control=

control_start() { # STORE
	"$PODNET_BIN/podnet-control" --store "$1" --run-dir "$TEST_DIR/control" --listen "" \
		--pki-dir "$TEST_DIR/pki" --user "" 2>>"$TEST_DIR/control.log" &
	control=$!
	eventually "podnet-control is there" 20 control_is_ready
}

control_is_ready() {
	ask GET /api/v1/namespaces/default/serviceaccounts/default | grep -q uid
}

control_stop() {
	kill "$control" && wait "$control"
	rm -f "$TEST_DIR"/store/*
}

# ask METHOD PATH [CURL-ARGUMENT...]
ask() {
	curl -s --unix-socket "$SOCKET" -X "$1" -H 'Content-Type: application/json' "${@:3}" "http://podnet$2"
}

rss_mb() {
	awk '/^VmRSS:/ { printf "%.3f\n", $2 / 1000 }' "/proc/$control/status"
}

# One connection each is too slow for so many: curl makes them over a few, one after the other.
pods_make() { # COUNT
	local i padding
	padding=$(printf 'x%.0s' {1..3300})
	for ((i = 0; i < $1; i++)); do
		printf 'next\nurl = "http://podnet%s"\nunix-socket = "%s"\nheader = "Content-Type: application/json"\noutput = /dev/null\n' \
			"$PODS" "$SOCKET"
		printf 'data = "{\\"kind\\":\\"Pod\\",\\"apiVersion\\":\\"v1\\",\\"metadata\\":{\\"name\\":\\"pod-%d\\",\\"annotations\\":{\\"p\\":\\"%s\\"}},\\"spec\\":{\\"nodeName\\":\\"elsewhere\\",\\"containers\\":[{\\"name\\":\\"a\\",\\"image\\":\\"b\\"}]}}"\n' \
			"$i" "$padding"
	done | sed 1d >"$TEST_DIR/pods.curl"
	curl -s --config "$TEST_DIR/pods.curl"
	rm "$TEST_DIR/pods.curl"
}

list_ms() {
	curl -s --unix-socket "$SOCKET" -o "$TEST_DIR/list" -w '%{time_total}' "http://podnet$PODS" |
		awk '{ printf "%.3f\n", 1000 * $1 }'
}

measure_lists() {
	local who store
	mkdir -p "$TEST_DIR/store"
	for who in memory ours; do
		store=memory
		[ "$who" = memory ] || store=sqlite:$TEST_DIR/store/objects
		control_start "$store"
		[ "$who" = memory ] || sample control.rss.empty ours "$(rss_mb)"
		pods_make "$MANY"
		list_ms >/dev/null
		is "$who: all Pods are listed" "$(jq '.items | length' "$TEST_DIR/list")" "$MANY"
		[ "$who" = memory ] || sample control.rss.5000 ours "$(rss_mb)"
		for _ in $(rounds); do
			sample api.list5000 "$who" "$(list_ms)"
		done
		control_stop
	done
}

# --- many who listen ---
measure_idle() {
	local _ holder hold
	mkdir -p "$TEST_DIR/store"
	mkfifo "$TEST_DIR/hold"
	control_start "sqlite:$TEST_DIR/store/objects"
	for _ in $(rounds); do
		"$BENCH_TOOLS/idle" "$SOCKET" 10000 <"$TEST_DIR/hold" >"$TEST_DIR/held" &
		holder=$!
		exec {hold}>"$TEST_DIR/hold"
		eventually "10,000 connections are there" 60 grep -q held "$TEST_DIR/held"
		sample control.rss.idle10000 ours "$(rss_mb)"
		ok "it answers beside them" control_is_ready
		exec {hold}>&-
		wait "$holder"
		test_result $? "none of them was closed"
	done
	control_stop
}

measure_fanout() { # NAME [SELECTOR]
	local _ cores late
	mkdir -p "$TEST_DIR/store"
	for _ in $(rounds); do
		control_start "sqlite:$TEST_DIR/store/objects"
		read -r cores late < <("$BENCH_TOOLS/fanout" "$SOCKET" "$control" 200 1000 3 "${@:2}")
		sample "$1" ours "$cores"
		sample "$1.p99" ours "$late"
		control_stop
	done
}

# --- ten Pods ---
one_of_ten() { # NAME
	printf -- '---\napiVersion: v1\nkind: Pod\nmetadata: {name: %s, labels: {app: ten}}\nspec:\n  terminationGracePeriodSeconds: 0\n' "$1"
	printf '  containers: [{name: busybox, image: busybox, imagePullPolicy: IfNotPresent, args: [sleep, "1000"]}]\n'
}

deployment() {
	cat <<-END
		{"kind": "Deployment", "apiVersion": "apps/v1", "metadata": {"name": "ten"}, "spec": {"replicas": $TEN,
		"selector": {"matchLabels": {"app": "ten"}}, "template": {"metadata": {"labels": {"app": "ten"}},
		"spec": {"terminationGracePeriodSeconds": 0, "containers": [{"name": "busybox", "image": "busybox",
		"imagePullPolicy": "IfNotPresent", "args": ["sleep", "1000"]}]}}}}
	END
}

ready_pods() { # FROM-FUNCTION...
	"$@" | jq '[.items[] | select(.metadata.labels.app == "ten") |
		select(any(.status.conditions[]?; .type == "Ready" and .status == "True"))] | length'
}

ready_are() { # COUNT FROM-FUNCTION...
	[ "$(ready_pods "${@:2}")" = "$1" ]
}

# Milliseconds from COMMAND to all ten ready, as FROM tells.
until_ready() { # COMMAND FROM...
	local began
	began=$(date +%s%N)
	"$1"
	TEST_POLL=0.01 wait_for 60 ready_are "$TEN" "${@:2}" || return
	awk -v ns=$(($(date +%s%N) - began)) 'BEGIN { printf "%.3f", ns / 1000000 }'
}

deploy() {
	ask POST /apis/apps/v1/namespaces/default/deployments --data-binary "$(deployment)" >/dev/null
}

deploy_undo() {
	ask DELETE /apis/apps/v1/namespaces/default/deployments/ten >/dev/null
	eventually "the Deployment's Pods are gone" 30 ready_are_none
}

ready_are_none() {
	[ "$(ctl get pods -o json | jq '.items | length')" = 0 ]
}

manifests() {
	local i
	for ((i = 0; i < TEN; i++)); do
		one_of_ten "ten-$i"
	done | manifest ten
}

measure_deploy() {
	control_start memory
	node_up busybox
	for _ in $(rounds); do
		sample control.deploy10 ours "$(until_ready deploy ask GET "$PODS")"
		deploy_undo
		sample control.deploy10 manifests "$(until_ready manifests ctl get pods -o json)"
		manifest_remove ten
		eventually "the manifests' Pods are gone" 30 ready_are_none
	done
	node_down
	control_stop
}

cat >"$TEST_DIR/kubeconfig" <<-END
	apiVersion: v1
	kind: Config
	current-context: bench
	contexts: [{name: bench, context: {cluster: bench}}]
	clusters: [{name: bench, cluster: {server: "unix://$SOCKET"}}]
END
LAB_FLAGS+=(--kubeconfig "$TEST_DIR/kubeconfig")
! wanted api.list5000 control.rss.empty control.rss.5000 || measure_lists
! wanted control.rss.idle10000 || measure_idle
! wanted watch.fanout watch.fanout.p99 || measure_fanout watch.fanout
! wanted watch.selector watch.selector.p99 || measure_fanout watch.selector fan%3Dout
! wanted control.deploy10 || measure_deploy
report control.deploy10 ms manifests
report control.rss.empty MB
report control.rss.5000 MB
report control.rss.idle10000 MB
report api.list5000 ms memory
report watch.fanout cores
report watch.fanout.p99 ms
report watch.selector cores
report watch.selector.p99 ms
done_testing
