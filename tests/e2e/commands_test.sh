#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# commands.tsv, typed: what an unmodified kubectl prints of each command.  Nodes are played.
. "${0%/*}/control.sh"
. "${0%/*}/conformance.sh"

E2E=$SOURCE_DIR/tests/e2e
FACTS=${KUBECTL_FACTS:-$SOURCE_DIR/../shared/facts/kubectl.md} # rows that must be there, where it is at hand
NODES=(k8smaster k8snode1 k8snode2 node1)

kubectl() {
	timeout 60 "$KUBECTL" "$@"
}

# --- nodes ----------------------------------------------------------------------------------------

# What their kubelets do, as far as the API sees it: "go PATH" and "run PATH STATUS".
kubelets_decide() {
	jq --unbuffered -r 'select(.type != "DELETED").object | select(.spec.nodeName) |
		"/api/v1/namespaces/\(.metadata.namespace)/pods/\(.metadata.name)" as $path |
		if .metadata.deletionTimestamp then "go \($path)"
		elif .status.phase == "Pending" then "run \($path) " + ({status: {phase: "Running", podIP: "10.244.0.\(input_line_number)",
			conditions: [{type: "Ready", status: "True", lastTransitionTime: .metadata.creationTimestamp}],
			containerStatuses: [.spec.containers[] | {name, image, imageID: "", ready: true, started: true, restartCount: 0,
				state: {running: {startedAt: now | todate}}}]}} | tojson)
		else empty end'
}

kubelets_play() {
	curl -sN --unix-socket "$RUN/podnet-control.sock" "http://podnet/api/v1/pods?watch=1" | kubelets_decide |
		while read -r what path status; do
			case $what in
			run) ask PATCH "$path/status" "$STRATEGIC" "$status" ;;
			go) ask DELETE "$path" "" '{"gracePeriodSeconds":0}' ;;
			esac >/dev/null
		done
}

nodes_prepare() {
	local node
	nodes_add "${NODES[@]}"
	for node in "${NODES[@]}"; do
		make /apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases "{\"metadata\":{\"name\":\"$node\"},
			\"spec\":{\"holderIdentity\":\"$node\",\"leaseDurationSeconds\":40}}" >/dev/null
		ask PATCH "/api/v1/nodes/$node/status" "$MERGE" '{"status":{"capacity":{"cpu":"8","memory":"8Gi","pods":"110"},
			"nodeInfo":{"kubeletVersion":"v1.32.0"}}}' >/dev/null
	done
	ask PATCH /api/v1/nodes/k8smaster "$MERGE" '{"metadata":{"labels":{"node-role.kubernetes.io/control-plane":""}},
		"spec":{"taints":[{"key":"node-role.kubernetes.io/master","effect":"NoSchedule"}]}}' >/dev/null
}

# --- files that commands name ---------------------------------------------------------------------

web() { # REPLICAS IMAGE PORTS
	cat <<-END
		apiVersion: apps/v1
		kind: Deployment
		metadata: {name: web, labels: {app: web}}
		spec:
		  replicas: $1
		  selector: {matchLabels: {app: web}}
		  template:
		    metadata: {labels: {app: web}}
		    spec: {containers: [{name: c, image: "$2"}]}
		---
		apiVersion: v1
		kind: Service
		metadata: {name: web, labels: {app: web}}
		spec: {selector: {app: web}, ports: [$3]}
	END
}

files_write() {
	web 1 nginx:1 '{name: a, port: 80}' >web.yaml
	web 2 nginx:2 '{name: a, port: 80}, {name: b, port: 81}' >web2.yaml
	printf 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: map}\ndata: {a: "1"}\n' >map.yaml
	printf 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: other}\ndata: {a: old}\n' >other.yaml
	cat >held.yaml <<-END
		apiVersion: v1
		kind: Pod
		metadata: {name: held, labels: {app: held}}
		spec: {nodeName: node1, containers: [{name: c, image: nginx}]}
		---
		apiVersion: policy/v1
		kind: PodDisruptionBudget
		metadata: {name: held}
		spec: {minAvailable: 1, selector: {matchLabels: {app: held}}}
	END
}

# --- words that commands use ----------------------------------------------------------------------

none_left() { # KUBECTL-GET-ARGUMENT...
	[ -z "$(kubectl get "$@" -o name)" ]
}

gone() { # KUBECTL-GET-ARGUMENT...
	wait_for 30 none_left "$@"
}

budget_is_met() {
	wait_for 30 answers 1 /apis/policy/v1/namespaces/default/poddisruptionbudgets/held .status.currentHealthy
}

# A command that goes on: its output up to a line like REGEX, which CAUSE brings.
watching() { # REGEX CAUSE COMMAND...
	local watcher
	timeout 60 "$KUBECTL" -v=6 "${@:4}" >watched 2>asked &
	watcher=$!
	wait_for 30 grep -qE 'watch=true.*200 OK' asked
	$2 >/dev/null
	wait_for 30 eval "tr -s ' ' <watched | grep -qE '$1'"
	kill "$watcher"
	wait "$watcher"
	cat watched
}

# --- rows -----------------------------------------------------------------------------------------

is_for() { # VERSIONS MINOR
	case $1 in
	all) ;;
	'>='*) [ "$2" -ge "${1#>=}" ] ;;
	'<'*) [ "$2" -lt "${1#<}" ] ;;
	*) return 1 ;;
	esac
}

typed() { # COMMAND: its output in a line, without those that are empty
	eval "$1" 2>&1 | tr -s ' \t' ' ' | sed 's/^ //; s/ $//' | awk 'NF { printf "%s%s", n++ ? " ~ " : "", $0 }'
}

rows() {
	grep -v '^#' "$E2E/commands.tsv"
}

rows_type() { # MINOR
	local name versions command want
	while IFS=$'\t' read -r name versions command want; do
		! is_for "$versions" "$1" || like "$name: $command" "$(typed "$command")" "$want"
	done < <(rows)
}

# Each names a check that there is.
rows_elsewhere() {
	local name versions file what
	while IFS=$'\t' read -r name versions file what; do
		[ "$versions" != - ] || ok "$name: $file: $what" grep -qF "\"$what\" " "$E2E/$file"
	done < <(rows)
}

facts() {
	sed -nE '/^## 1\./,/^###/s/^\| ([0-9]+) \|.*/1.\1/p; /^## 5\./,/^## 6/p' "$FACTS" |
		sed -E '/^[ #`]|^$/d; s/  .*//; s/^(version: GET .version;).*/\1/'
}

kubectl_home
[ -x "$KUBECTL" ] || skip_all "no kubectl"
control_begin_tls
nodes_prepare
background kubelets_play
cd "$TEST_DIR" || exit
files_write
rows_type "$("$KUBECTL" version --client -o json | jq -r .clientVersion.minor | tr -dc 0-9)"
rows_elsewhere
[ ! -f "$FACTS" ] || is "no row is forgotten, or invented" "$(rows | cut -f 1 | sort -u | diff - <(facts | sort -u))" ""
is "nothing went wrong" "$(grep -cE 'ERROR|Sanitizer' "$TEST_DIR/control.log")" 0
done_testing
