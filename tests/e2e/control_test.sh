#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# podnet-control alone, asked as any client asks it: objects, watches, Tables, Deployments, the scheduler,
# and what is left when it is killed in the middle.
. "${0%/*}/../netns/lib.sh"

RUN=$TEST_DIR/run
STORE=$TEST_DIR/store
MERGE='Content-Type: application/merge-patch+json'
STRATEGIC='Content-Type: application/strategic-merge-patch+json'
TABLE='Accept: application/json;as=Table;v=v1;g=meta.k8s.io'

control_start() {
	"$PODNET_BIN/podnet-control" --store "sqlite:$STORE" --run-dir "$RUN" --listen "" \
		--pki-dir "$TEST_DIR/pki" 2>>"$TEST_DIR/control.log" &
	control=$!
	eventually "podnet-control is there" 20 control_is_ready
}

control_is_ready() {
	[ "$(get /readyz)" = ok ] && [ "$(get /api/v1/namespaces | jq '.items | length')" = 4 ]
}

# ask METHOD PATH [HEADER] [BODY]
ask() {
	curl -s --unix-socket "$RUN/podnet-control.sock" -X "$1" -H "${3:-Content-Type: application/json}" \
		${4:+--data-binary "$4"} "http://podnet$2"
}

get() { # PATH
	ask GET "$1"
}

status() { # METHOD PATH [HEADER] [BODY]: HTTP status, and the reason of a failure
	ask "$@" >"$TEST_DIR/answer"
	jq -r 'if .kind == "Status" then "\(.code // 200) \(.reason // "Success")" else "object" end' \
		"$TEST_DIR/answer"
}

cells() { # PATH: the rows of its Table
	ask GET "$1" "$TABLE" | jq -r '.rows[].cells | map(tostring) | join(" ")'
}

node_make() { # NAME [CPU]
	ask POST /api/v1/nodes "" \
		"{\"kind\":\"Node\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"$1\"}}" >/dev/null
	ask PATCH "/api/v1/nodes/$1/status" "$MERGE" "{\"status\":{\"allocatable\":{\"cpu\":\"${2:-2}\",
		\"memory\":\"4Gi\",\"pods\":\"110\"},\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\"}]}}" >/dev/null
}

deployment() { # NAME REPLICAS [SPEC-KEYS]
	cat <<-END
		{"kind":"Deployment","apiVersion":"apps/v1","metadata":{"name":"$1"},"spec":{"replicas":$2,
		"selector":{"matchLabels":{"app":"$1"}},"template":{"metadata":{"labels":{"app":"$1"}},
		"spec":{"containers":[{"name":"nginx","image":"nginx","resources":{"requests":{"cpu":"100m"}}}]${3:-}}}}}
	END
}

pods_on() { # APP: the nodes of its Pods, sorted, "-" without one
	get "/api/v1/namespaces/default/pods?labelSelector=app%3D$1" |
		jq -r '[.items[].spec.nodeName // "-"] | sort | join(" ")'
}

pods_are_on() { # APP NODES
	[ "$(pods_on "$1")" = "$2" ]
}

scale() { # NAME REPLICAS
	ask PATCH "/apis/apps/v1/namespaces/default/deployments/$1/scale" "$MERGE" \
		"{\"spec\":{\"replicas\":$2}}" >/dev/null
}

taint() { # NODE TAINTS
	ask PATCH "/api/v1/nodes/$1" "$STRATEGIC" "{\"spec\":{\"taints\":$2}}" >/dev/null
}

control_start

# --- objects ---
config='{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"cm"},"data":{"k":"v"}}'
maps=/api/v1/namespaces/default/configmaps
is "an object is created" "$(status POST "$maps" "" "$config")" object
is "once" "$(status POST "$maps" "" "$config")" "409 AlreadyExists"
is "in a namespace that there is" \
	"$(status POST /api/v1/namespaces/nowhere/configmaps "" "$config")" "404 NotFound"
is "what is not there is not found" "$(status GET "$maps/none")" "404 NotFound"
is "nor what is not served" "$(status GET /api/v1/nothings)" "404 NotFound"
is "a body must be JSON" "$(status POST "$maps" "" '{')" "400 BadRequest"
is "of the kind of the path" "$(status POST "$maps" "" '{"kind":"Pod","apiVersion":"v1"}')" "400 BadRequest"
is "strictly, where that is asked for" "$(status POST "$maps?fieldValidation=Strict" "" \
	'{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"x"},"nonsense":1}')" "400 BadRequest"
like "and says what" "$(jq -r .message "$TEST_DIR/answer")" 'unknown field "nonsense"'
is "a name must be one" "$(status POST "$maps" "" \
	'{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"Not_One"}}')" "422 Invalid"
is "a patch merges" "$(ask PATCH "$maps/cm" "$MERGE" '{"data":{"l":"w"}}' | jq -c .data)" '{"k":"v","l":"w"}'
revision=$(get "$maps/cm" | jq -r .metadata.resourceVersion)
ask PATCH "$maps/cm" "$MERGE" '{"data":{"m":"x"}}' >/dev/null
is "an older state is a conflict" "$(status PUT "$maps/cm" "" \
	"{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"cm\",\"resourceVersion\":\"$revision\"}}")" \
	"409 Conflict"
is "a watch begins where it is told to" \
	"$(get "$maps?watch=true&resourceVersion=$revision&timeoutSeconds=1" | jq -c '[.type,.object.data.m]')" \
	'["MODIFIED","x"]'
is "what leaves a selector is deleted for it" "$(
	ask PATCH "$maps/cm" "$MERGE" '{"metadata":{"labels":{"a":"b"}}}' >/dev/null
	revision=$(get "$maps/cm" | jq -r .metadata.resourceVersion)
	ask PATCH "$maps/cm" "$MERGE" '{"metadata":{"labels":{"a":"c"}}}' >/dev/null
	get "$maps?watch=true&labelSelector=a%3Db&resourceVersion=$revision&timeoutSeconds=1" |
		jq -c '[.type,.object.metadata.labels.a]'
)" '["DELETED","b"]'
is "a list goes on where it stopped" "$(
	for name in p1 p2 p3; do ask POST "$maps" "" "${config/\"cm\"/\"$name\"}" >/dev/null; done
	token=$(get "$maps?limit=4" | jq -r '.metadata.continue | @uri')
	get "$maps?limit=4&continue=$token" | jq -r '[.items[].metadata.name] | join(" ")'
)" p3
is "a deletion says so" "$(status DELETE "$maps/cm")" "200 Success"
is "and is one" "$(status GET "$maps/cm")" "404 NotFound"
like "rows for people" "$(cells /api/v1/namespaces/default)" '^default Active [0-9]+s$'

# --- Deployments and the scheduler ---
node_make k8smaster
node_make k8snode1
node_make k8snode2
taint k8smaster '[{"key":"node-role.kubernetes.io/master","effect":"NoSchedule"}]'
is "a Deployment is created" "$(status POST /apis/apps/v1/namespaces/default/deployments "" \
	"$(deployment web 1)")" object
eventually "its Pod has a node" 20 eval '[[ "$(pods_on web)" = k8snode? ]]'
scale web 4
eventually "scaled, its Pods are on the nodes without taints" 20 \
	pods_are_on web "k8snode1 k8snode1 k8snode2 k8snode2"
like "a Deployment's row" "$(cells /apis/apps/v1/namespaces/default/deployments)" '^web 0/4 4 0 '
ask DELETE /apis/apps/v1/namespaces/default/deployments/web >/dev/null
taint k8snode1 '[{"key":"env_role","value":"yes","effect":"NoSchedule"}]'
ask POST /apis/apps/v1/namespaces/default/deployments "" "$(deployment other 3)" >/dev/null
eventually "a tainted node gets none" 20 pods_are_on other "k8snode2 k8snode2 k8snode2"
ask POST /apis/apps/v1/namespaces/default/deployments "" "$(deployment tolerant 1 \
	',"tolerations":[{"key":"env_role","operator":"Exists"}],"nodeSelector":{"disk":"fast"}')" >/dev/null
eventually "a Pod that no node fits says why" 20 eval \
	'[[ "$(get "/api/v1/namespaces/default/pods?labelSelector=app%3Dtolerant" |
		jq -r ".items[0].status.conditions[0].message")" = "0/3 nodes are available: "* ]]'
ask PATCH /api/v1/nodes/k8snode1 "$MERGE" '{"metadata":{"labels":{"disk":"fast"}}}' >/dev/null
eventually "a label makes it fit, a toleration lets it in" 20 pods_are_on tolerant k8snode1

# --- killed ---
before=$(get /api/v1/pods | jq -cS '[.items[].metadata | [.name, .uid, .resourceVersion]] | sort')
scale other 4
kill -KILL "$control"
wait "$control"
control_start
is "what was acknowledged is there" \
	"$(get /apis/apps/v1/namespaces/default/deployments/other | jq .spec.replicas)" 4
is "and what there was" "$(get /api/v1/pods | jq -cS \
	'[.items[].metadata | [.name, .uid, .resourceVersion]] | sort' | jq -c --argjson before "$before" \
	'$before - . | length')" 0
eventually "the work goes on" 20 pods_are_on other "k8snode2 k8snode2 k8snode2 k8snode2"
kill "$control"
wait "$control"
is "it ends in peace" $? 0
is "nothing went wrong" "$(grep -cE 'ERROR|Sanitizer' "$TEST_DIR/control.log")" 0
# --- without root's rights ---
# LeakSanitizer needs what the filter refuses.
chmod o+x "$TEST_DIR"
RUN=$TEST_DIR/confined/run
"$PODNET_PLAIN/podnet-control" --user nobody --store "sqlite:$TEST_DIR/confined/store/objects" --run-dir "$RUN" \
	--listen "" --pki-dir "$TEST_DIR/confined/pki" 2>"$TEST_DIR/confined.log" &
control=$!
at_exit kill "$control"
eventually "it runs as another user" 20 control_is_ready
is "for good, without rights, and filtered" "$(awk '/^(Uid|Gid|CapEff|CapPrm|NoNewPrivs|Seccomp):/ { $1 = ""; print }' \
	"/proc/$control/status" | xargs)" \
	"$(printf '%s ' "$(id -u nobody)"{,,,} "$(id -g nobody)"{,,,})0000000000000000 0000000000000000 1 2"
is "its threads, too" "$(cat "/proc/$control"/task/*/status | grep -cE '^Seccomp:.*2$')" \
	"$(find "/proc/$control/task" -mindepth 1 -maxdepth 1 | wc -l)"
is "it stores" "$(status POST /api/v1/namespaces '' '{"kind":"Namespace","apiVersion":"v1","metadata":{"name":"mine"}}')" object
is "in what is its own" "$(stat -c %U "$TEST_DIR/confined/store/objects")" nobody
is "its keys are not" "$(find "$TEST_DIR/confined/pki" -user nobody)" ""
kill "$control" && wait "$control"
mkdir -m 700 "$TEST_DIR/theirs"
fails "a store in somebody else's directory is refused by name" "'$TEST_DIR/theirs' belongs to user 0" \
	"$PODNET_PLAIN/podnet-control" --user nobody --store "sqlite:$TEST_DIR/theirs/objects" --run-dir "$RUN" \
	--listen "" --pki-dir "$TEST_DIR/confined/pki"
fails "so is a user that does not exist" "--user: there is no user 'nosuch'" \
	"$PODNET_PLAIN/podnet-control" --user nosuch --store memory --run-dir "$RUN" --listen "" \
	--pki-dir "$TEST_DIR/confined/pki"
done_testing
