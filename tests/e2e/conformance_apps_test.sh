#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Kubernetes' conformance tests, sig-apps: see conformance.sh.
. "${0%/*}/control.sh"
. "${0%/*}/conformance.sh"

control_begin_tls
nodes_add n1 n2

image() { # NAME IMAGE
	ask PATCH "$DEPLOYMENTS/$1" "$STRATEGIC" "{\"spec\":{\"template\":{\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"$2\"}]}}}}" >/dev/null
}

images() { # APP: of its Pods
	owned "$PODS" "$1" '[.items[].spec.containers[0].image] | unique | join(" ")'
}

row "Deployment RecreateDeployment should delete old pods and create new ones"
make "$DEPLOYMENTS" "$(workload Deployment recreate 2 '"strategy":{"type":"Recreate"}')" >/dev/null
row_comes "it runs" plays 2 "$DEPLOYMENTS/recreate" .status.readyReplicas
before=$(revision "$PODS")
image recreate i:2
row_comes "it runs the new ones" plays '[2,2]' "$DEPLOYMENTS/recreate" '[.status.updatedReplicas, .status.readyReplicas]'
row_is "they never ran beside old ones" "$(ask GET "$PODS?watch=1&resourceVersion=$before&timeoutSeconds=1&labelSelector=app%3Drecreate" |
	jq -sc '[.[] | select(.type == "DELETED" or .type == "ADDED") | .type] | join(" ")')" '"DELETED DELETED ADDED ADDED"'

row "Deployment RollingUpdateDeployment should delete old pods and create new ones"
make "$SETS" "$(workload ReplicaSet rolling 2)" >/dev/null
row_comes "a ReplicaSet runs" plays 2 "$SETS/rolling" .status.readyReplicas
make "$DEPLOYMENTS" "$(workload Deployment rolling 2 '' i:2)" >/dev/null
row_comes "a Deployment that it fits runs its own" plays '[2,2]' "$DEPLOYMENTS/rolling" '[.status.updatedReplicas, .status.readyReplicas]'
row_comes "instead of the former's" plays i:2 "$PODS?labelSelector=app%3Drolling" '[.items[].spec.containers[0].image] | unique | join(" ")'
row_is "which it has adopted" "$(get "$SETS/rolling" '[.metadata.ownerReferences[0].name, .spec.replicas]')" '["rolling",0]'

row "Deployment deployment should delete old replica sets"
make "$DEPLOYMENTS" "$(workload Deployment cleanup 1 '"revisionHistoryLimit":0')" >/dev/null
row_comes "it runs" plays 1 "$DEPLOYMENTS/cleanup" .status.readyReplicas
image cleanup i:2
row_comes "of two ReplicaSets one is left" plays '["i:2"]' "$SETS?labelSelector=app%3Dcleanup" '[.items[].spec.template.spec.containers[0].image]'

row "Deployment deployment should support proportional scaling"
make "$DEPLOYMENTS" "$(workload Deployment proportional 10 '"strategy":{"rollingUpdate":{"maxSurge":3,"maxUnavailable":2}}')" >/dev/null
row_comes "ten run" plays 10 "$DEPLOYMENTS/proportional" .status.readyReplicas
image proportional never
sizes() {
	get "$SETS?labelSelector=app%3Dproportional" '[.items | sort_by(.spec.template.spec.containers[0].image)[].spec.replicas]'
}
sizes_are() {
	play
	[ "$(sizes)" = "$1" ]
}
row_comes "the update stays where no new one comes up" sizes_are '[8,5]'
ask PATCH "$DEPLOYMENTS/proportional/scale" "$MERGE" '{"spec":{"replicas":30}}' >/dev/null
row_comes "both grow in proportion" sizes_are '[20,13]'

row "ReplicaSet should adopt matching pods on creation and release no longer matching pods"
make "$PODS" "$(pod adopted '"labels":{"app":"adopter"}')" >/dev/null
make "$SETS" "$(workload ReplicaSet adopter 1)" >/dev/null
row_comes "a Pod that fits is adopted" answers adopter "$PODS/adopted" '.metadata.ownerReferences[0].name'
row_is "no other is made" "$(owned "$PODS" adopter)" 1
ask PATCH "$PODS/adopted" "$MERGE" '{"metadata":{"labels":{"app":"else"}}}' >/dev/null
row_comes "one that does not fit any more is released" answers null "$PODS/adopted" .metadata.ownerReferences
row_comes "and replaced" answers 1 "$PODS?labelSelector=app%3Dadopter" '.items | length'

is "nothing went wrong" "$(grep -cE 'ERROR|Sanitizer' "$TEST_DIR/control.log")" 0
done_testing
