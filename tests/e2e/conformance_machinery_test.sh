#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Kubernetes' conformance tests, sig-api-machinery: see conformance.sh.
. "${0%/*}/control.sh"
. "${0%/*}/conformance.sh"

control_begin_tls
nodes_add n1
EVENTS=$NS/default/events
MAPS=$NS/default/configmaps
SECRETS=$NS/default/secrets

event() { # NAME
	echo "{\"kind\":\"Event\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"$1\",\"labels\":{\"set\":\"events\"}},
		\"involvedObject\":{\"namespace\":\"default\"},\"message\":\"$1\",\"reason\":\"Test\",\"type\":\"Normal\"}"
}

row "Events should delete a collection of events"
for i in 1 2 3; do make "$EVENTS" "$(event "event-$i")" >/dev/null; done
row_is "they are found by their label" "$(get "$EVENTS?labelSelector=set%3Devents" '[.items[].metadata.name]')" '["event-1","event-2","event-3"]'
row_is "deleted at once" "$(code DELETE "$EVENTS?labelSelector=set%3Devents")" 200
row_is "they are gone" "$(get "$EVENTS?labelSelector=set%3Devents" .items)" '[]'

row "Events should ensure that an event can be fetched, patched, deleted, and listed"
make "$EVENTS" "$(event one)" >/dev/null
row_is "it is listed in all namespaces" "$(get "/api/v1/events?labelSelector=set%3Devents" '[.items[].metadata.name]')" '["one"]'
row_is "patched" "$(code PATCH "$EVENTS/one" '{"message":"patched"}' "$STRATEGIC")" 200
row_is "it says so" "$(get "$EVENTS/one" .message)" patched
row_is "deleted" "$(code DELETE "$EVENTS/one")" 200
row_is "it is not listed" "$(get "/api/v1/events?labelSelector=set%3Devents" .items)" '[]'

deletion() { # POLICY
	echo "{\"kind\":\"DeleteOptions\",\"apiVersion\":\"v1\",\"propagationPolicy\":\"$1\"}"
}

row "Garbage collector should delete RS created by deployment when not orphaning"
make "$DEPLOYMENTS" "$(workload Deployment gone 2)" >/dev/null
row_comes "it has a ReplicaSet" answers 1 "$SETS?labelSelector=app%3Dgone" '.items | length'
row_is "deleted in the background" "$(code DELETE "$DEPLOYMENTS/gone" "$(deletion Background)")" 200
row_comes "the ReplicaSet goes, too" answers 0 "$SETS?labelSelector=app%3Dgone" '.items | length'
row_comes "and its Pods" plays 0 "$PODS?labelSelector=app%3Dgone" '.items | length'

row "Garbage collector should orphan RS created by deployment when deleteOptions.PropagationPolicy is Orphan"
make "$DEPLOYMENTS" "$(workload Deployment orphans 1)" >/dev/null
row_comes "it has a ReplicaSet" answers 1 "$SETS?labelSelector=app%3Dorphans" '.items | length'
ask DELETE "$DEPLOYMENTS/orphans" "" "$(deletion Orphan)" >/dev/null
row_comes "the Deployment goes" missing "$DEPLOYMENTS/orphans"
row_is "the ReplicaSet stays, without an owner" "$(owned "$SETS" orphans '[.items[].metadata.ownerReferences]')" '[null]'

row "Garbage collector should not be blocked by dependency circle"
for i in 1 2 3; do make "$PODS" "$(pod "pod$i")" >/dev/null; done
own() { # POD OWNER
	ask PATCH "$PODS/$1" "$MERGE" "{\"metadata\":{\"ownerReferences\":[{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"name\":\"$2\",
		\"uid\":$(get "$PODS/$2" '.metadata.uid | @json'),\"controller\":true,\"blockOwnerDeletion\":true}]}}" >/dev/null
}
own pod1 pod3
own pod2 pod1
own pod3 pod2
ask DELETE "$PODS/pod1" "" "$(deletion Foreground)" >/dev/null
row_comes "all three go" plays 0 "$PODS" '[.items[] | select(.metadata.name | startswith("pod"))] | length'

namespace() { # NAME
	make "$NS" "{\"kind\":\"Namespace\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"$1\"}}" >/dev/null
}

row "Namespaces [Serial] should ensure that all services are removed when a namespace is deleted"
namespace emptied
make "$NS/emptied/services" '{"kind":"Service","apiVersion":"v1","metadata":{"name":"s"},"spec":{"ports":[{"port":80}]}}' >/dev/null
ask DELETE "$NS/emptied" >/dev/null
row_comes "the namespace goes" missing "$NS/emptied"
namespace emptied
row_is "a new one of that name has no Services" "$(get "$NS/emptied/services" .items)" '[]'

row "Namespaces [Serial] should patch a Namespace"
namespace patched
ask PATCH "$NS/patched" "$STRATEGIC" '{"metadata":{"labels":{"label":"value"}}}' >/dev/null
row_is "it has the label" "$(get "$NS/patched" .metadata.labels.label)" value

row "Secrets should fail to create secret due to empty secret key"
row_is "refused" "$(code POST "$SECRETS" '{"kind":"Secret","apiVersion":"v1","metadata":{"name":"empty"},"data":{"":"dmFsdWU="}}')" 422

row "Secrets should patch a secret"
make "$SECRETS" '{"kind":"Secret","apiVersion":"v1","metadata":{"name":"s","labels":{"set":"secrets"}},"data":{"key":"dmFsdWU="}}' >/dev/null
row_is "it is listed in all namespaces" "$(get "/api/v1/secrets?labelSelector=set%3Dsecrets" '[.items[].metadata.name]')" '["s"]'
ask PATCH "$SECRETS/s" "$STRATEGIC" '{"metadata":{"labels":{"set":"patched"}},"data":{"key":"b3RoZXI="}}' >/dev/null
row_is "it has the new values" "$(get "$SECRETS/s" '[.metadata.labels.set, .data.key]')" '["patched","b3RoZXI="]'
row_is "deleted by its label" "$(code DELETE "$SECRETS?labelSelector=set%3Dpatched")" 200
row_is "it is not listed" "$(get "/api/v1/secrets?labelSelector=set%3Dpatched" .items)" '[]'

row "Servers with support for Table transformation should return a 406 for a backend which does not implement metadata"
row_is "406" "$(curl -s -o "$TEST_DIR/answer" -w '%{http_code}' --unix-socket "$RUN/podnet-control.sock" \
	-H 'Accept: application/json;as=Table;v=v1;g=meta.k8s.io' -H 'Content-Type: application/json' \
	--data-binary '{"kind":"SelfSubjectAccessReview","apiVersion":"authorization.k8s.io/v1","spec":{"nonResourceAttributes":{"path":"/","verb":"get"}}}' \
	http://podnet/apis/authorization.k8s.io/v1/selfsubjectaccessreviews) $(jq -r .reason "$TEST_DIR/answer")" "406 NotAcceptable"

map() { # NAME: the revision of a new one
	make "$MAPS" "{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"$1\"}}" | jq -r .metadata.resourceVersion
}

row "Watchers should be able to restart watching from the last resource version observed by the previous watch"
before=$(revision "$MAPS")
first=$(map w)
second=$(ask PATCH "$MAPS/w" "$MERGE" '{"data":{"mutation":"1"}}' | jq -r .metadata.resourceVersion)
row_is "the first watch has seen two" "$(watch "$MAPS" "$before" 1 | head -n 2)" $"ADDED w $first"$'\n'"MODIFIED w $second"
third=$(ask PATCH "$MAPS/w" "$MERGE" '{"data":{"mutation":"2"}}' | jq -r .metadata.resourceVersion)
ask DELETE "$MAPS/w" >/dev/null
row_like "the next goes on behind them" "$(watch "$MAPS" "$second" 1)" "^MODIFIED w $third"$'\n''DELETED w [0-9]+$'

row "Watchers should receive events on concurrent watches in same order"
before=$(revision "$MAPS")
for i in {1..10}; do
	map "c$i" >/dev/null
	ask PATCH "$MAPS/c$i" "$MERGE" '{"data":{"a":"b"}}' >/dev/null
	[ $((i % 3)) != 0 ] || ask DELETE "$MAPS/c$i" >/dev/null
done
watch "$MAPS" "$before" 1 >"$TEST_DIR/all"
row_is "all are seen, in order" "$(wc -l <"$TEST_DIR/all") $(sort -nk 3 -C "$TEST_DIR/all" && echo ordered)" "23 ordered"
watchers=()
for i in 5 10 15 20; do
	watch "$MAPS" "$(sed -n "${i}p" "$TEST_DIR/all" | cut -d ' ' -f 3)" 1 >"$TEST_DIR/from-$i" &
	watchers+=($!)
done
wait "${watchers[@]}"
for i in 5 10 15 20; do
	row_is "so does who begins at the ${i}th" "$(cat "$TEST_DIR/from-$i")" "$(tail -n +$((i + 1)) "$TEST_DIR/all")"
done

row "server version should find the server version"
row_is "whole numbers" "$(get /version '[.major, .minor | test("^[0-9]+$")]')" '[true,true]'

is "nothing went wrong" "$(grep -cE 'ERROR|Sanitizer' "$TEST_DIR/control.log")" 0
done_testing
