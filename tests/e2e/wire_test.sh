#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Lists and watches in each form that a client may ask for: protobuf and YAML say what JSON says.
. "${0%/*}/../netns/lib.sh"
. "${0%/*}/control.sh"

PROTOBUF='Accept: application/vnd.kubernetes.protobuf'
PARTS='as=PartialObjectMetadataList;g=meta.k8s.io;v=v1'
MAPS=$NS/default/configmaps
# Zero values are in JSON alone, and keys have no order.
PLAIN='walk(if type == "object" then with_entries(select(.value | . != null and . != "" and . != 0 and . != false
	and . != {} and . != [])) else . end)'

decoded() { # list|watch PATH [PARAMETERS]
	ask GET "$2" "$PROTOBUF${3:+;$3}" | "$PODNET_BIN/tests/tools/protobuf" "$1" | jq -cS "$PLAIN"
}

listed() { # PATH
	get "$1" '.items[]' | jq -cS "$PLAIN"
}

type_of() { # PATH [HEADER]: Content-Type
	curl -s -o "$TEST_DIR/answer" -w '%{content_type}' --unix-socket "$RUN/podnet-control.sock" -H "${2:-$PROTOBUF}" "http://podnet$1"
}

# Until nobody has changed anything between the two.
both_read() { # PATH
	in_json=$(listed "$1")
	in_protobuf=$(decoded list "$1")
	[ "$in_json" = "$(listed "$1")" ]
}

KUBECTL=$SOURCE_DIR/build/kubectl-trixie/usr/bin/kubectl
control_begin_tls
ask POST /apis/apps/v1/namespaces/default/deployments "" '{"kind":"Deployment","apiVersion":"apps/v1",
	"metadata":{"name":"web"},"spec":{"replicas":2,"selector":{"matchLabels":{"app":"web"}},"template":{"metadata":
	{"labels":{"app":"web"}},"spec":{"containers":[{"name":"c","image":"nginx","ports":[{"containerPort":80}],
	"resources":{"requests":{"cpu":"100m","memory":"1Gi"}},"livenessProbe":{"httpGet":{"port":"x","path":"/"}},
	"securityContext":{"runAsUser":0}}],"terminationGracePeriodSeconds":0}}}}' >/dev/null
ask POST /apis/policy/v1/namespaces/default/poddisruptionbudgets "" '{"kind":"PodDisruptionBudget","apiVersion":
	"policy/v1","metadata":{"name":"b"},"spec":{"minAvailable":"50%","selector":{"matchLabels":{"app":"web"}}}}' >/dev/null
ask POST /api/v1/nodes "" '{"kind":"Node","apiVersion":"v1","metadata":{"name":"n"},"spec":{"podCIDR":"10.244.9.0/24"}}' >/dev/null
eventually "it runs" 20 answers 2 "$NS/default/pods?labelSelector=app%3Dweb" '.items | length'
eventually "an event is told" 20 answers true "$NS/default/events" \
	'any(.items[]; .reason == "FailedScheduling")'

for path in api/v1/{pods,services,namespaces,nodes,events,configmaps,secrets,serviceaccounts,endpoints} \
	apis/apps/v1/{deployments,replicasets} apis/discovery.k8s.io/v1{,beta1}/endpointslices apis/events.k8s.io/v1/events \
	apis/policy/v1{,beta1}/poddisruptionbudgets apis/scheduling.k8s.io/v1/priorityclasses \
	apis/rbac.authorization.k8s.io/v1/{roles,rolebindings,clusterroles,clusterrolebindings}; do
	wait_for 20 both_read "/$path"
	is "$path in protobuf are those in JSON" "$in_protobuf" "$in_json"
done
is "a list says its type" "$(type_of "$MAPS")" application/vnd.kubernetes.protobuf
is "an empty one, too" "$(type_of "$MAPS?labelSelector=none") $(head -c 3 "$TEST_DIR/answer")" "application/vnd.kubernetes.protobuf k8s"
is "selectors hold" "$(decoded list "$NS/default/pods?labelSelector=app%3Dother")" ""
is "so does a limit" "$(decoded list "/api/v1/pods?limit=1" | wc -l)" 1
is "metadata alone" "$(decoded list /api/v1/nodes "$PARTS" | jq -c '[.metadata.name, has("spec")]')" '["n",false]'
is "a list in YAML" "$(ask GET "$NS/default/pods" "Accept: application/yaml" | grep -c '^- metadata:')" 2
is "that says its type" "$(type_of "$NS/default/pods" "Accept: application/yaml")" application/yaml
is "a Table in protobuf there is not" "$(code GET /api/v1/pods "" "$PROTOBUF;as=Table;g=meta.k8s.io;v=v1")" 406

# --- watches ---
PATCHED="$MAPS/cm?fieldManager=t"
make "$MAPS" '{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"cm","labels":{"a":"b"}},"data":{"k":"1"}}' >/dev/null
before=$(get "$MAPS" .metadata.resourceVersion)
ask PATCH "$PATCHED" "$MERGE" '{"data":{"k":"2"}}' >/dev/null
ask PATCH "$PATCHED" "$MERGE" '{"metadata":{"labels":{"a":"c"}}}' >/dev/null
ask PATCH "$PATCHED" "$MERGE" '{"metadata":{"labels":{"a":"b"}}}' >/dev/null
ask DELETE "$MAPS/cm" >/dev/null
watch="$MAPS?watch=true&resourceVersion=$before&timeoutSeconds=1"
is "a watch in protobuf tells what one in JSON tells" \
	"$(decoded watch "$watch")" "$(get "$watch" '.object + {type}' | jq -cS "$PLAIN")"
is "each change in order" "$(decoded watch "$watch" | jq -r .type | tr '\n' ' ')" "MODIFIED MODIFIED MODIFIED DELETED "
is "also to a selector" "$(decoded watch "$watch&labelSelector=a%3Db" | jq -r '"\(.type) \(.data.k) \(.metadata.labels.a)"' |
	tr '\n' ' ')" "MODIFIED 2 b DELETED 2 b ADDED 2 b DELETED 2 b "
is "with the revision of the event" "$(decoded watch "$watch&labelSelector=a%3Db" | jq -r .metadata.resourceVersion | sort -nu | wc -l)" 4
is "its type is a stream's" "$(type_of "$watch")" "application/vnd.kubernetes.protobuf;stream=watch"
is "in JSON, none" "$(type_of "$watch" "Accept: application/json;stream=watch")" application/json
is "metadata alone" "$(decoded watch "$watch" "$PARTS" | jq -rc '[.kind, .type, has("data")]' | sort -u | tr '\n' ' ')" \
	'["PartialObjectMetadata","DELETED",false] ["PartialObjectMetadata","MODIFIED",false] '
is "what was there at the start ends with a bookmark" "$(decoded watch "/api/v1/nodes?watch=true&timeoutSeconds=1&allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan" |
	jq -rc '[.type, .kind, .metadata.annotations["k8s.io/initial-events-end"]]' | head -n 2 | tr '\n' ' ')" \
	'["ADDED","Node",null] ["BOOKMARK","Node","true"] '
is "what is too old is an event" "$(decoded watch "$MAPS?watch=true&resourceVersion=1&timeoutSeconds=1" | jq -c '[.type,.kind]' | head -n 1)" \
	"$(get "$MAPS?watch=true&resourceVersion=1&timeoutSeconds=1" '[.type, .object.kind]' | head -n 1)"
is "YAML has no events" "$(code GET "$watch" "" "Accept: application/yaml") $(jq -r .message "$TEST_DIR/answer")" \
	"406 only the following media types are accepted: application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch"

# --- when to come again ---
retry_after() { # PATH: status, header, details
	curl -s -D "$TEST_DIR/head" -o "$TEST_DIR/answer" --unix-socket "$RUN/podnet-control.sock" "http://podnet$1"
	awk 'NR == 1 { printf "%s ", $2 } tolower($1) == "retry-after:" { printf "%d ", $2 }' "$TEST_DIR/head"
	jq -c .details.retryAfterSeconds "$TEST_DIR/answer"
}
is "a revision that is still to come is worth another try" "$(retry_after "$MAPS?resourceVersion=99999999")" "504 1 1"
is "what is not there is not" "$(retry_after "$MAPS/none")" "404 null"

# --- to who reads it as Kubernetes does ---
told=$(timeout 5 "$KUBECTL" events --watch -v 8 2>&1)
like "the newer kubectl watches events in protobuf" "$told" 'Content-Type: application/vnd.kubernetes.protobuf;stream=watch'
like "and reads them" "$told" 'Warning +FailedScheduling +Pod/web-'
like "so it does lists" "$("$KUBECTL" describe deployment web)" 'NewReplicaSet: +web-[0-9a-z]+ \(2/2 replicas created\)'

kill "$control"
wait "$control"
is "it ends in peace" $? 0
is "nothing went wrong" "$(grep -cE 'ERROR|Sanitizer' "$TEST_DIR/control.log")" 0
done_testing
