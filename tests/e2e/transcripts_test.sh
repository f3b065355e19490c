#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The API as a real kube-apiserver serves it, without controllers and nodes: see transcripts.sh.
. "${0%/*}/control.sh"
. "${0%/*}/transcripts.sh"

# What happened during the watches: a map comes, changes, leaves the selector and goes.
change() { # NAME
	make "$NS/default/configmaps" '{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"'"$1"'","labels":{"w":"1"}}}'
	ask PATCH "$NS/default/configmaps/$1" "$MERGE" '{"data":{"a":"1"}}'
	ask PATCH "$NS/default/configmaps/$1" "$MERGE" '{"metadata":{"labels":{"w":"2"}}}'
	ask DELETE "$NS/default/configmaps/$1"
} >/dev/null

# A watch that begins where it is told sees what was before; one that is not sees what comes.
replay_watch() { # NAME MAP
	if grep -q resourceVersion= "$T/$1.request"; then
		change "$2"
		replay "$1"
		return
	fi
	replay "$1" &
	watch=$!
	wait_for 10 test -s "$T/$1.got"
	change "$2"
	wait "$watch"
}

# Those who have asked for one revision of some maps come too late for it.
compact() {
	local i
	ask DELETE "$NS/default/configmaps" >/dev/null
	for i in 0 1 2 3 4; do
		make "$NS/default/configmaps" '{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"old'$i'"},"data":{"a":"'$i'"}}' >"$T/old"
	done
	revisions[3860]=$(jq -r .metadata.resourceVersion "$T/old")
	ids[$(sed -n 's/.*&continue=\([^ ]*\).*/\1/p' "$T/300-list-continue-compacted-410.request")]=$(
		get "$NS/default/configmaps?limit=2" .metadata.continue)
	head -c 700000 /dev/zero | tr '\0' x | jq -Rc '{data: {a: .}}' >"$T/much"
	for i in {1..60}; do
		printf 'next\nurl = "http://podnet%s/default/configmaps/old0"\nrequest = PATCH\nunix-socket = "%s"\nheader = "%s"\ndata-binary = "@%s"\noutput = "%s"\n' \
			"$NS" "$RUN/podnet-control.sock" "$MERGE" "$T/much-$((i % 2))" "$T/old"
	done >"$T/curlrc"
	cp "$T/much" "$T/much-0"
	sed 's/xx/yy/' "$T/much" >"$T/much-1"
	curl -s -K "$T/curlrc"
}

transcripts_begin '[0-3]*' path
ids["https://kubernetes.default.svc"]=https://kubernetes.default.svc.cluster.local # what the server calls itself
control_begin --listen 127.0.0.1:6443 --admin-kubeconfig "$TEST_DIR/admin.conf" --controllers none
ask DELETE "$NS/default/serviceaccounts/default" >/dev/null # theirs has none yet

while transcripts_next; do
	case $name in
	236-*) replay_watch "$name" w1 ;;
	237-*) replay_watch "$name" w2 ;;
	239-*) replay_watch "$name" w3 ;;
	240-*) replay_watch "$name" w4 ;;
	241-*) replay_watch "$name" w5 ;;
	300-*) compact && replay "$name" ;;
	*) replay "$name" ;;
	esac
	check "$name"
done
transcripts_end
is "nothing went wrong" "$(grep -cE 'ERROR|Sanitizer' "$TEST_DIR/control.log")" 0
done_testing
