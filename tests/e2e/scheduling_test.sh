#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The scheduler behind the API: what people see of where Pods go, of those that wait, and of who goes for
# them.  Nodes and what runs on them are played by this test.  Each row of conformance.tsv begins a name.
. "${0%/*}/control.sh"

STRATEGIC='Content-Type: application/strategic-merge-patch+json'
PODS=$NS/default/pods
SETS=/apis/apps/v1/namespaces/default/replicasets

control_begin --listen "" --node-grace 600

node() { # NAME [STATUS-KEYS]: 4 CPUs
	make /api/v1/nodes "{\"kind\":\"Node\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"$1\",\"labels\":{\"host\":\"$1\"}},
		\"status\":{\"allocatable\":{\"cpu\":\"4\",\"memory\":\"8Gi\",\"pods\":\"110\"},
		\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\"}]${2:+,$2}}}" >/dev/null
}

pod() { # NAME CPU [SPEC-KEYS] [CONTAINER-KEYS]
	make "$PODS" "{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"$1\",\"labels\":{\"app\":\"$1\"}},\"spec\":{
		\"terminationGracePeriodSeconds\":0,\"containers\":[{\"name\":\"c\",\"image\":\"i:1\",
		\"resources\":{\"requests\":{\"cpu\":\"$2\"}}${4:+,$4}}]${3:+,$3}}}" >/dev/null
}

# Who leaves has left, as a node would say.
play() {
	local name
	for name in $(get "$PODS" '.items[].metadata | select(.deletionTimestamp) | .name'); do
		ask DELETE "$PODS/$name?gracePeriodSeconds=0" >/dev/null
	done
}

goes_to() { # POD NODE...: one of these
	local node
	play
	node=$(get "$PODS/$1" .spec.nodeName)
	[[ " ${*:2} " = *" $node "* ]]
}

waits() { # POD REASON MESSAGE
	[ "$(get "$PODS/$1" '.spec.nodeName, (.status.conditions[] | select(.type == "PodScheduled") | .reason, .message)')" = \
		$'null\n'"$2"$'\n'"$3" ]
}

unschedulable() { # POD MESSAGE [PREEMPTION]
	waits "$1" Unschedulable "0/2 nodes are available: $2 preemption: ${3:-0/2 nodes are available: 2 Preemption is not helpful for scheduling.}"
}

gone() { # POD...
	for name; do
		ask DELETE "$PODS/$name?gracePeriodSeconds=0" >/dev/null
	done
}

told() { # POD REASON: messages of its events
	get "$NS/default/events" ".items[] | select(.reason == \"$2\" and .involvedObject.name == \"$1\") | .message"
}

hears() { # POD REASON MESSAGE
	[[ "$(told "$1" "$2")" = "$3"* ]]
}

# --- no nodes, then two ---
pod first 1
eventually "without nodes a Pod waits" 20 waits first Unschedulable "no nodes available to schedule pods"
node n1
eventually "a new node is used" 20 goes_to first n1
eventually "and that is told" 20 hears first Scheduled "Successfully assigned default/first to n1"
node n2
gone first

# --- predicates ---
row="SchedulerPredicates [Serial] validates resource limits of pods that are allowed to run"
pod full1 3500m '"nodeSelector":{"host":"n1"}'
pod full2 3500m '"nodeSelector":{"host":"n2"}'
eventually "$row: what fits runs" 20 goes_to full1 n1
eventually "$row: on each node" 20 goes_to full2 n2
pod more 600m
eventually "$row: what exceeds does not" 20 unschedulable more "2 Insufficient cpu." \
	"0/2 nodes are available: 2 No preemption victims found for incoming pod."
eventually "$row: that is told" 20 hears more FailedScheduling "0/2 nodes are available: 2 Insufficient cpu. "
gone full2
eventually "$row: until there is room" 20 goes_to more n2
gone full1 more

row="SchedulerPredicates [Serial] validates that NodeSelector is respected if matching"
ask PATCH /api/v1/nodes/n2 "$MERGE" '{"metadata":{"labels":{"k":"v"}}}' >/dev/null
pod selects 1 '"nodeSelector":{"k":"v"}'
eventually "$row" 20 goes_to selects n2

row="SchedulerPredicates [Serial] validates that NodeSelector is respected if not matching"
pod other 1 '"nodeSelector":{"k":"w"}'
eventually "$row" 20 unschedulable other "2 node(s) didn't match Pod's node affinity/selector."
ask PATCH /api/v1/nodes/n1 "$MERGE" '{"metadata":{"labels":{"k":"w"}}}' >/dev/null
eventually "$row: a label lets it go" 20 goes_to other n1
gone selects other

row="SchedulerPredicates [Serial] validates that there exists conflict between pods with same hostPort and protocol but one using 0.0.0.0 hostIP"
pod port1 1 '"nodeSelector":{"host":"n1"}' '"ports":[{"containerPort":80,"hostPort":54322,"hostIP":"0.0.0.0"}]'
eventually "$row: the first is there" 20 goes_to port1 n1
pod port2 1 '"nodeSelector":{"host":"n1"}' '"ports":[{"containerPort":80,"hostPort":54322,"hostIP":"127.0.0.1"}]'
eventually "$row" 20 unschedulable port2 \
	"1 node(s) didn't have free ports for the requested pod ports, 1 node(s) didn't match Pod's node affinity/selector." \
	"0/2 nodes are available: 1 No preemption victims found for incoming pod, 1 Preemption is not helpful for scheduling."
pod port3 1 '"nodeSelector":{"host":"n1"}' '"ports":[{"containerPort":80,"hostPort":54322,"protocol":"UDP"}]'
eventually "another protocol is no conflict" 20 goes_to port3 n1
gone port1 port3
eventually "$row: once it is free it goes there" 20 goes_to port2 n1
gone port2

# --- taints, cordons, gates ---
ask PATCH /api/v1/nodes/n1 "$MERGE" '{"spec":{"taints":[{"key":"env_role","value":"yes","effect":"NoSchedule"}]}}' >/dev/null
ask PATCH /api/v1/nodes/n2 "$MERGE" '{"spec":{"unschedulable":true}}' >/dev/null
eventually "a cordoned node is tainted" 20 answers '["node.kubernetes.io/unschedulable"]' /api/v1/nodes/n2 '[.spec.taints[].key]'
pod taint 1
eventually "taints keep it off" 20 unschedulable taint \
	"1 node(s) had untolerated taint {env_role: yes}, 1 node(s) were unschedulable."
ask PATCH /api/v1/nodes/n2 "$MERGE" '{"spec":{"unschedulable":null}}' >/dev/null
eventually "until one is uncordoned" 20 goes_to taint n2
ask PATCH /api/v1/nodes/n1 "$MERGE" '{"spec":{"taints":null}}' >/dev/null
gone taint

pod gated 1 '"schedulingGates":[{"name":"example.com/a"},{"name":"example.com/b"}],"affinity":{"podAntiAffinity":{
	"requiredDuringSchedulingIgnoredDuringExecution":[{"labelSelector":{},"matchLabelKeys":["app"],"topologyKey":"host"}]}}'
is "keys of labels stand in the selector" "$(get "$PODS/gated" '.spec.affinity.podAntiAffinity[][0].labelSelector')" \
	'{"matchExpressions":[{"key":"app","operator":"In","values":["gated"]}]}'
eventually "gates hold a Pod" 20 waits gated SchedulingGated "Scheduling is blocked due to non-empty scheduling gates"
is "they do not close again" "$(refused PATCH "$PODS/gated" \
	'{"spec":{"schedulingGates":[{"name":"example.com/a"},{"name":"example.com/c"}]}}' "$MERGE")" \
	"422 Pod \"gated\" is invalid: spec.schedulingGates: Forbidden: only deletion is allowed, but found new scheduling gate 'example.com/c'"
ask PATCH "$PODS/gated" "$MERGE" '{"spec":{"nodeSelector":{"host":"n2"}}}' >/dev/null
is "they may be told more of their node" "$(get "$PODS/gated" .spec.nodeSelector.host)" n2
like "but nothing else" "$(refused PATCH "$PODS/gated" '{"spec":{"nodeSelector":{"host":"n1"}}}' "$MERGE")" \
	'^422 .*only additions to spec.nodeSelector are allowed'
is "nobody binds it" "$(refused POST "$PODS/gated/binding" \
	'{"kind":"Binding","apiVersion":"v1","metadata":{"name":"gated"},"target":{"kind":"Node","name":"n1"}}')" \
	'409 Operation cannot be fulfilled on pods/binding "gated": pod gated has non-empty .spec.schedulingGates'
ask PATCH "$PODS/gated" "$MERGE" '{"spec":{"schedulingGates":null}}' >/dev/null
eventually "open, it goes there" 20 goes_to gated n2
gone gated

# --- preemption ---
class() { # NAME VALUE [MORE]
	make /apis/scheduling.k8s.io/v1/priorityclasses "{\"kind\":\"PriorityClass\",\"apiVersion\":\"scheduling.k8s.io/v1\",
		\"metadata\":{\"name\":\"$1\"},\"value\":$2${3:+,$3}}" >/dev/null
}
for i in 1 2 3 4; do class "p$i" "$i"; done
class polite 9 '"preemptionPolicy":"Never"'

row="SchedulerPreemption [Serial] validates basic preemption works"
pod low 3 '"priorityClassName":"p1"'
eventually "$row: the first node is full" 20 goes_to low n1 n2
pod middle 3 '"priorityClassName":"p2"'
eventually "$row: the second node is full" 20 goes_to middle n1 n2
place=$(get "$PODS/low" .spec.nodeName)
pod polite 3 '"priorityClassName":"polite"'
eventually "who is polite waits" 20 unschedulable polite "2 Insufficient cpu." "not eligible due to preemptionPolicy=Never."
gone polite
pod high 3 '"priorityClassName":"p3"'
eventually "$row" 20 goes_to high "$place"
is "$row: who matters least has gone" "$(code GET "$PODS/low")" 404
is "$row: others have not" "$(get "$PODS/middle" .metadata.deletionTimestamp)" null
is "$row: it had been promised the node" "$(get "$PODS/high" .status.nominatedNodeName)" "$place"
eventually "$row: the victim's event" 20 hears low Preempted \
	"Preempted by pod $(get "$PODS/high" .metadata.uid) on node $place"

row="SchedulerPreemption [Serial] validates lower priority pod preemption by critical pod"
place=$(get "$PODS/middle" .spec.nodeName)
make "$NS/kube-system/pods" '{"kind":"Pod","apiVersion":"v1","metadata":{"name":"critical"},"spec":{
	"priorityClassName":"system-cluster-critical","containers":[{"name":"c","image":"i:1",
	"resources":{"requests":{"cpu":"3"}}}]}}' >/dev/null
critical_runs() {
	play
	[ "$(get "$NS/kube-system/pods/critical" .spec.nodeName)" = "$place" ]
}
eventually "$row" 20 critical_runs
is "$row: the other one has gone" "$(code GET "$PODS/middle")" 404
ask DELETE "$NS/kube-system/pods/critical?gracePeriodSeconds=0" >/dev/null
gone high

# The first three take what there is; the fourth pushes out the first.
row="SchedulerPreemption [Serial] PreemptionExecutionPath runs ReplicaSets to verify preemption running path"
set_of() { # NAME REPLICAS CPU
	make "$SETS" "{\"kind\":\"ReplicaSet\",\"apiVersion\":\"apps/v1\",\"metadata\":{\"name\":\"$1\"},\"spec\":{\"replicas\":$2,
		\"selector\":{\"matchLabels\":{\"set\":\"$1\"}},\"template\":{\"metadata\":{\"labels\":{\"set\":\"$1\"}},\"spec\":{
		\"terminationGracePeriodSeconds\":0,\"priorityClassName\":\"$1\",\"nodeSelector\":{\"host\":\"n1\"},
		\"containers\":[{\"name\":\"c\",\"image\":\"i:1\",\"resources\":{\"requests\":{\"cpu\":\"$3\"}}}]}}}}" >/dev/null
}
placed() { # SET COUNT
	play
	[ "$(get "$PODS?labelSelector=set%3D$1" '[.items[] | select(.spec.nodeName)] | length')" = "$2" ]
}
set_of p1 5 200m
set_of p2 4 300m
set_of p3 4 450m
eventually "$row: p1" 20 placed p1 5
eventually "$row: p2" 20 placed p2 4
eventually "$row: p3, which just fits" 20 placed p3 4
set_of p4 1 1
eventually "$row: p4 is there" 30 placed p4 1
is "$row: those of the least priority have gone for it" "$(get "$PODS?labelSelector=set%3Dp1" \
	'[.items[] | select(.spec.nodeName)] | length')" 0
is "$row: p2 has stayed" "$(get "$PODS?labelSelector=set%3Dp2" '[.items[] | select(.spec.nodeName)] | length')" 4
is "$row: p3 has stayed" "$(get "$PODS?labelSelector=set%3Dp3" '[.items[] | select(.spec.nodeName)] | length')" 4
for name in p1 p2 p3 p4; do ask DELETE "$SETS/$name" >/dev/null; done
none_left() {
	play
	[ "$(get "$PODS" '.items | length')" = 0 ]
}
eventually "all of them go" 20 none_left

# --- a budget, a promise ---
pod kept 3 '"priorityClassName":"p1","nodeSelector":{"host":"n1"}'
pod spare 3 '"priorityClassName":"p2","nodeSelector":{"host":"n2"}'
make /apis/policy/v1/namespaces/default/poddisruptionbudgets '{"kind":"PodDisruptionBudget","apiVersion":"policy/v1",
	"metadata":{"name":"kept"},"spec":{"minAvailable":1,"selector":{"matchLabels":{"app":"kept"}}}}' >/dev/null
eventually "one that a budget protects" 20 goes_to kept n1
eventually "one that none does" 20 goes_to spare n2
ask PATCH "$PODS/kept/status" "$STRATEGIC" '{"status":{"phase":"Running","conditions":[{"type":"Ready","status":"True"}]}}' >/dev/null
ask PATCH "$PODS/spare" "$STRATEGIC" '{"metadata":{"finalizers":["example.com/slow"]}}' >/dev/null
pod high 3 '"priorityClassName":"p4"'
eventually "the other one is to go, though it matters more" 20 answers n2 "$PODS/high" .status.nominatedNodeName
is "it goes" "$(get "$PODS/spare" '.metadata.deletionTimestamp != null')" true
is "for that reason" "$(get "$PODS/spare" '.status.conditions[] | select(.type == "DisruptionTarget").reason')" PreemptionByScheduler
ask PATCH "$PODS/spare" "$MERGE" '{"metadata":{"finalizers":null}}' >/dev/null
eventually "when it has left, its room is had" 20 goes_to high n2
is "the protected one stays" "$(get "$PODS/kept" .metadata.deletionTimestamp)" null
gone kept high

# --- images, spreading ---
ask PATCH /api/v1/nodes/n2/status "$MERGE" '{"status":{"images":[{"names":["docker.io/library/large:1"],"sizeBytes":2000000000}]}}' >/dev/null
make "$PODS" '{"kind":"Pod","apiVersion":"v1","metadata":{"name":"large"},"spec":{"containers":[{"name":"c","image":"large:1"}]}}' >/dev/null
eventually "a Pod goes where its image is" 20 goes_to large n2
gone large
make "$SETS" '{"kind":"ReplicaSet","apiVersion":"apps/v1","metadata":{"name":"web"},"spec":{"replicas":20,
	"selector":{"matchLabels":{"app":"web"}},"template":{"metadata":{"labels":{"app":"web"}},"spec":{
	"containers":[{"name":"c","image":"i:1"}]}}}}' >/dev/null
spread() {
	[ "$(get "$PODS?labelSelector=app%3Dweb" '[.items[].spec.nodeName] | sort | group_by(.) | map(length)')" = '[10,10]' ]
}
eventually "Pods of a ReplicaSet share the nodes" 20 spread

kill "$control"
wait "$control"
is "it ends in peace" $? 0
is "nothing went wrong" "$(grep -E 'ERROR|Sanitizer|WARN' "$TEST_DIR/control.log")" ""
done_testing
