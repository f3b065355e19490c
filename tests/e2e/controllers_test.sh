#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# What podnet-control does by itself: addresses of Services, endpoints, namespaces, what belongs to others,
# nodes that fall silent.  Nodes and what runs on them are played by this test.
. "${0%/*}/control.sh"

GRACE=5 # seconds until a silent node is taken for lost

control_begin --listen "" --node-grace "$GRACE"

# --- what a cluster begins with ---
is "its Service has the first address" "$(get "$NS/default/services/kubernetes" .spec.clusterIP)" 10.96.0.1
eventually "and leads to where it is told to" 20 answers '["192.0.2.1"]' \
	/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes '.endpoints[0].addresses'
is "by both kinds of endpoints" \
	"$(get "$NS/default/endpoints/kubernetes" '.subsets[0] | [.addresses[0].ip, .ports[0].port]')" \
	'["192.0.2.1",6443]'
is "critical Pods have their priorities" \
	"$(get /apis/scheduling.k8s.io/v1/priorityclasses '[.items[] | [.metadata.name, .value]] | sort')" \
	'[["system-cluster-critical",2000000000],["system-node-critical",2000001000]]'
is "each namespace has a service account" "$(get /api/v1/serviceaccounts '[.items[].metadata.namespace] | sort')" \
	'["default","kube-node-lease","kube-public","kube-system"]'

# --- addresses and node ports ---
services=$NS/default/services
service() { # NAME [SPEC-KEYS]
	echo "{\"kind\":\"Service\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"$1\"},\"spec\":{
		\"ports\":[{\"port\":80}]${2:+,$2}}}"
}
is "a Service gets the 17th address" "$(make "$services" "$(service one)" | jq -r .spec.clusterIP)" 10.96.0.17
is "the next one the next" "$(make "$services" "$(service two)" | jq -c '[.spec.clusterIP, .spec.clusterIPs]')" \
	'["10.96.0.18",["10.96.0.18"]]'
is "dry, it keeps none" "$(make "$services?dryRun=All" "$(service dry)" | jq -r .spec.clusterIP)" 10.96.0.19
is "with all that upstream fills in" \
	"$(get "$services/one" '.spec | [.type,.ipFamilies,.ipFamilyPolicy,.internalTrafficPolicy,.sessionAffinity]')" \
	'["ClusterIP",["IPv4"],"SingleStack","Cluster","None"]'
is "an address is had once" "$(refused POST "$services" "$(service three '"clusterIP":"10.96.0.18"')")" \
	'422 Service "three" is invalid: spec.clusterIP: Invalid value: "10.96.0.18": provided IP is already allocated'
is "and lies in the range" "$(refused POST "$services" "$(service three '"clusterIP":"192.0.2.9"')")" \
	'422 Service "three" is invalid: spec.clusterIP: Invalid value: "192.0.2.9": provided IP is not in the valid range. The range of valid IPs is 10.96.0.0/16'
is "one may be named" "$(make "$services" "$(service three '"clusterIP":"10.96.0.10"')" | jq -r .spec.clusterIP)" 10.96.0.10
is "it stays" "$(refused PATCH "$services/two" '{"spec":{"clusterIP":"10.96.9.9"}}' "$MERGE")" \
	'422 Service "two" is invalid: spec.clusterIP: Invalid value: "10.96.9.9": field is immutable'
ask DELETE "$services/one" >/dev/null
is "what is given back is given again" "$(make "$services" "$(service four)" | jq -r .spec.clusterIP)" 10.96.0.17
is "a headless one needs none" "$(make "$services" "$(service none '"clusterIP":"None"')" | jq -c .spec.clusterIPs)" '["None"]'
is "nor does a name elsewhere" "$(make "$services" \
	"$(service away '"type":"ExternalName","externalName":"example.com"')" | jq -c '.spec | [.clusterIP,.ipFamilies]')" '[null,null]'
is "node ports are given" "$(make "$services" "$(service np '"type":"NodePort"')" |
	jq -c '.spec | [.ports[0].nodePort,.externalTrafficPolicy]')" '[30086,"Cluster"]'
port() { # NUMBER
	echo "{\"kind\":\"Service\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"np2\"},\"spec\":{\"type\":\"NodePort\",
		\"ports\":[{\"port\":80,\"nodePort\":$1},{\"name\":\"u\",\"port\":80,\"protocol\":\"UDP\"}]}}"
}
is "once" "$(refused POST "$services" "$(port 30086 | sed 's/"port":80,"nodePort"/"name":"t",&/')")" \
	'422 Service "np2" is invalid: spec.ports[0].nodePort: Invalid value: 30086: provided port is already allocated'
is "from a range" "$(refused POST "$services" "$(port 80 | sed 's/"port":80,"nodePort"/"name":"t",&/')")" \
	'422 Service "np2" is invalid: spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The range of valid ports is 30000-32767'
is "one number serves both protocols" "$(make "$services" \
	"$(port 30080 | sed 's/"port":80,"nodePort"/"name":"t",&/')" | jq -c '[.spec.ports[].nodePort]')" '[30080,30080]'
is "a new type brings them" "$(ask PATCH "$services/two" "$MERGE" '{"spec":{"type":"NodePort"}}' |
	jq -c '.spec | [.clusterIP,.ports[0].nodePort]')" '["10.96.0.18",30087]'
is "and takes them away" "$(ask PATCH "$services/two" "$MERGE" '{"spec":{"type":"ClusterIP"}}' |
	jq -c '.spec | [.clusterIP,.ports[0].nodePort,.externalTrafficPolicy]')" '["10.96.0.18",null,null]'
is "a name elsewhere gives its address back" "$(ask PATCH "$services/two" "$MERGE" \
	'{"spec":{"type":"ExternalName","externalName":"example.com"}}' | jq -c '.spec | [.clusterIP,.clusterIPs]')" '[null,null]'
is "to the next" "$(make "$services" "$(service five)" | jq -r .spec.clusterIP)" 10.96.0.18
makers=()
for i in {1..40}; do
	make "$services" "$(service "many$i")" >/dev/null &
	makers+=($!)
done
wait "${makers[@]}"
is "many at once get one each" \
	"$(get "$services" '[.items[].spec.clusterIP | select(. and . != "None")] | [length, (unique | length)] | .[0] == .[1]')" true

# --- namespaces ---
make "$NS" '{"kind":"Namespace","apiVersion":"v1","metadata":{"name":"team"}}' >/dev/null
eventually "a new one gets its service account" 20 answers default "$NS/team/serviceaccounts/default" .metadata.name
pod() { # NAME [SPEC-KEYS] [META-KEYS]
	echo "{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"$1\",\"labels\":{\"app\":\"$1\"}${3:+,$3}},
		\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i:1\",\"ports\":[{\"name\":\"web\",\"containerPort\":8080}]}]${2:+,$2}}}"
}
is "a Pod runs as its service account" "$(make "$NS/team/pods" "$(pod a)" |
	jq -c '.spec | [.serviceAccountName, .priority, [.tolerations[] | [.key, .tolerationSeconds]]]')" \
	'["default",0,[["node.kubernetes.io/not-ready",300],["node.kubernetes.io/unreachable",300]]]'
is "which must be there" "$(refused POST "$NS/team/pods" "$(pod b '"serviceAccountName":"nobody"')")" \
	'403 pods "b" is forbidden: error looking up service account team/nobody: serviceaccount "nobody" not found'
is "as must its priority" "$(refused POST "$NS/team/pods" "$(pod b '"priorityClassName":"nothing"')")" \
	'403 pods "b" is forbidden: no PriorityClass with name nothing was found'
is "a priority has a number" "$(make "$NS/kube-system/pods" "$(pod b '"priorityClassName":"system-node-critical"')" |
	jq -c '.spec | [.priority, .preemptionPolicy]')" '[2000001000,"PreemptLowerPriority"]'
make "$NS/team/configmaps" '{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"held","finalizers":["example.com/x"]}}' >/dev/null
ask DELETE "$NS/team" >/dev/null
is "one on its way out takes nothing new" \
	"$(refused POST "$NS/team/configmaps" '{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"x"}}')" \
	'403 configmaps "x" is forbidden: unable to create new content in namespace team because it is being terminated'
eventually "all in it is deleted" 20 missing "$NS/team/pods/a"
is "it waits for what is held" "$(get "$NS/team" .status.phase)" Terminating
ask PATCH "$NS/team/configmaps/held" "$MERGE" '{"metadata":{"finalizers":null}}' >/dev/null
eventually "and then goes" 60 missing "$NS/team"
is "some never do" "$(refused DELETE "$NS/default" "")" '403 namespaces "default" is forbidden: this namespace may not be deleted'

# --- many at once ---
maps=$NS/default/configmaps
map() { # NAME META-KEYS
	make "$maps" "{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"$1\",$2}}" >/dev/null
}
for i in 1 2 3; do map "m$i" '"labels":{"set":"a"}'; done
map other '"labels":{"set":"b"}'
is "a dry deletion deletes none" "$(ask DELETE "$maps?labelSelector=set%3Da&dryRun=All" | jq -c '[.items[].metadata.name]')" '["m1","m2","m3"]'
is "all of a selector are deleted" "$(ask DELETE "$maps?labelSelector=set%3Da" | jq -c '[.items[].metadata.name]')" '["m1","m2","m3"]'
is "no others" "$(get "$maps" '[.items[].metadata.name]')" '["kube-root-ca.crt","other"]'
is "a dry deletion of one, by its body" "$(code DELETE "$maps/other" '{"kind":"DeleteOptions","apiVersion":"v1","dryRun":["All"]}')" 200
is "deletes nothing" "$(get "$maps/other" .metadata.name)" other

# --- nodes ---
heart() { # NAME: of a node, beats once a second
	while :; do
		ask PATCH "/api/v1/nodes/$1/status" "$MERGE" "{\"status\":{\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\",
			\"lastHeartbeatTime\":\"$(date -u +%FT%TZ)\"}]}}" >/dev/null
		read -rt 1 <> <(:)
	done
}
node() { # NAME [SPEC]
	make /api/v1/nodes "{\"kind\":\"Node\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"$1\"}}" >/dev/null
	ask PATCH "/api/v1/nodes/$1/status" "$MERGE" '{"status":{"allocatable":{"cpu":"4","memory":"8Gi","pods":"110"}}}' >/dev/null
	heart "$1" &
	hearts[$1]=$!
	at_exit still "$1"
}
still() { # NAME: its heart stops
	[ -n "${hearts[$1]}" ] || return 0
	kill "${hearts[$1]}"
	wait "${hearts[$1]}"
	hearts[$1]=
}
taints() { # NODE: KEY:EFFECT
	get "/api/v1/nodes/$1" '[.spec.taints[]? | "\(.key):\(.effect)" | sub("node.kubernetes.io/"; "")] | sort | join(" ")'
}
tainted() { # NODE TAINTS
	[ "$(taints "$1")" = "$2" ]
}
run() { # POD IP: it runs, and is ready
	ask PATCH "$pods/$1/status" "$MERGE" "{\"status\":{\"phase\":\"Running\",\"podIP\":\"$2\",
		\"conditions\":[{\"type\":\"Ready\",\"status\":\"${3:-True}\",\"lastTransitionTime\":\"2026-01-01T00:00:00Z\"}]}}" >/dev/null
}
declare -A hearts
pods=$NS/default/pods
make /api/v1/nodes '{"kind":"Node","apiVersion":"v1","metadata":{"name":"new"}}' >/dev/null
is "a new node is not ready" "$(taints new)" not-ready:NoSchedule
ask DELETE /api/v1/nodes/new >/dev/null
node n1
node n2
eventually "until it says so" 20 tainted n1 ""
eventually "nor is the other" 20 tainted n2 ""

# --- endpoints ---
slices="/apis/discovery.k8s.io/v1/namespaces/default/endpointslices?labelSelector=kubernetes.io/service-name%3Dweb"
make "$services" '{"kind":"Service","apiVersion":"v1","metadata":{"name":"web","labels":{"l":"m"}},"spec":{"selector":{"app":"web"},
	"ports":[{"name":"http","port":80,"targetPort":"web"}]}}' >/dev/null
eventually "a Service without Pods has a slice that says so" 20 answers '[[]]' "$slices" '[.items[].endpoints]'
eventually "and Endpoints" 20 answers web "$NS/default/endpoints/web" .metadata.name
make "$pods" "$(pod web '"nodeName":"n1"')" >/dev/null
run web 10.244.1.2
eventually "a Pod that is ready is one of its endpoints" 20 \
	answers '[["10.244.1.2"],{"ready":true,"serving":true,"terminating":false},"n1","web"]' \
	"$slices" '.items[0].endpoints[0] | [.addresses, .conditions, .nodeName, .targetRef.name]'
is "at the port that the Pod names" "$(get "$slices" '.items[0].ports[] | [.name, .protocol, .port]')" '["http","TCP",8080]'
is "in a slice that is the Service's" "$(get "$slices" '.items[0].metadata | [.labels, .ownerReferences[0].name]')" \
	'[{"l":"m","kubernetes.io/service-name":"web","endpointslice.kubernetes.io/managed-by":"endpointslice-controller.k8s.io"},"web"]'
eventually "and in Endpoints" 20 answers '[{"addresses":[["10.244.1.2","n1"]],"ports":[["http",8080]]}]' \
	"$NS/default/endpoints/web" '[.subsets[] | {addresses: [.addresses[] | [.ip,.nodeName]], ports: [.ports[] | [.name,.port]]}]'
revision=$(get "$slices" '.items[0].metadata.resourceVersion')
ask PATCH "$pods/web" "$MERGE" '{"metadata":{"annotations":{"a":"b"}}}' >/dev/null
run web 10.244.1.2 False
eventually "one that is not is not" 20 answers '{"ready":false,"serving":false,"terminating":false}' "$slices" '.items[0].endpoints[0].conditions'
is "what does not count is not written" "$(get "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices?watch=true&timeoutSeconds=1&labelSelector=kubernetes.io/service-name%3Dweb&resourceVersion=$revision" .type)" MODIFIED
eventually "nor in Endpoints" 20 answers '["10.244.1.2"]' "$NS/default/endpoints/web" '[.subsets[0].notReadyAddresses[].ip]'
ask PATCH "$services/web" "$MERGE" '{"spec":{"publishNotReadyAddresses":true}}' >/dev/null
eventually "but where those are wanted, too" 20 answers '{"ready":true,"serving":false,"terminating":false}' "$slices" '.items[0].endpoints[0].conditions'
ask PATCH "$services/web" "$MERGE" '{"spec":{"publishNotReadyAddresses":null}}' >/dev/null
run web 10.244.1.2
eventually "it is ready again" 20 answers true "$slices" '.items[0].endpoints[0].conditions.ready'
ask DELETE "$pods/web" >/dev/null
eventually "one that leaves serves, and gets nothing new" 20 answers '{"ready":false,"serving":true,"terminating":true}' "$slices" '.items[0].endpoints[0].conditions'
ask DELETE "$pods/web?gracePeriodSeconds=0" >/dev/null
eventually "one that is gone is none" 20 answers '[[]]' "$slices" '[.items[].endpoints]'
ask DELETE "$services/web" >/dev/null
eventually "without the Service there are none" 20 answers '[]' "$slices" .items
eventually "of either kind" 20 missing "$NS/default/endpoints/web"
make "$services" '{"kind":"Service","apiVersion":"v1","metadata":{"name":"web"},"spec":{"ports":[{"port":80}]}}' >/dev/null
make "$NS/default/endpoints" '{"kind":"Endpoints","apiVersion":"v1","metadata":{"name":"web","labels":{"l":"m"}},
	"subsets":[{"addresses":[{"ip":"10.9.0.1"}],"notReadyAddresses":[{"ip":"10.9.0.2"}],"ports":[{"port":5432}]}]}' >/dev/null
eventually "Endpoints that somebody else keeps are mirrored" 20 answers '[["10.9.0.1",true],["10.9.0.2",false]]' \
	"$slices" '[.items[].endpoints[] | [.addresses[0], .conditions.ready]]'
is "in a slice that is theirs" "$(get "$slices" '.items[0] | [.metadata.labels, .metadata.ownerReferences[0].kind, .ports[0].port]')" \
	'[{"l":"m","kubernetes.io/service-name":"web","endpointslice.kubernetes.io/managed-by":"endpointslicemirroring-controller.k8s.io"},"Endpoints",5432]'
ask PATCH "$NS/default/endpoints/web" "$MERGE" '{"subsets":[{"addresses":[{"ip":"10.9.0.3"}],"ports":[{"port":5432}]}]}' >/dev/null
eventually "which follows them" 20 answers '["10.9.0.3"]' "$slices" '[.items[].endpoints[].addresses[0]]'
ask PATCH "$NS/default/endpoints/web" "$MERGE" '{"metadata":{"labels":{"endpointslice.kubernetes.io/skip-mirror":"true"}}}' >/dev/null
eventually "until they say that it shall not" 20 answers '[]' "$slices" .items
ask DELETE "$services/web" >/dev/null
ask DELETE "$NS/default/endpoints/web" >/dev/null

# --- what belongs to others ---
deployments=/apis/apps/v1/namespaces/default/deployments
deployment() { # NAME REPLICAS
	make "$deployments" "{\"kind\":\"Deployment\",\"apiVersion\":\"apps/v1\",\"metadata\":{\"name\":\"$1\"},\"spec\":{\"replicas\":$2,
		\"selector\":{\"matchLabels\":{\"app\":\"$1\"}},\"template\":{\"metadata\":{\"labels\":{\"app\":\"$1\"}},
		\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i:1\"}]}}}}" >/dev/null
}
of() { # COLLECTION APP: how many
	get "$1?labelSelector=app%3D$2" '.items | length'
}
sets=/apis/apps/v1/namespaces/default/replicasets
deletion() { # POLICY
	echo "{\"kind\":\"DeleteOptions\",\"apiVersion\":\"v1\",\"propagationPolicy\":\"$1\"}"
}
play() { # what nodes do with Pods that leave
	for name in $(get "$pods" '.items[].metadata | select(.deletionTimestamp) | .name'); do
		ask DELETE "$pods/$name?gracePeriodSeconds=0" >/dev/null
	done
}
count_is() { # WANT COLLECTION APP
	play
	[ "$(of "$2" "$3")" = "$1" ]
}
deployment back 2
deployment front 2
deployment left 2
for app in back front left; do eventually "Deployment $app has its Pods" 20 count_is 2 "$pods" $app; done
eventually "scheduled, it says so" 20 eval '[[ "$(get "$NS/default/events" \
	"[.items[] | select(.reason == \"Scheduled\") | .message] | .[0]")" = "Successfully assigned default/"* ]]'
ask DELETE "$deployments/back" "" "$(deletion Background)" >/dev/null
ask DELETE "$deployments/front" "" "$(deletion Foreground)" >/dev/null
ask DELETE "$deployments/left" "" "$(deletion Orphan)" >/dev/null
is "in the background it is gone at once" "$(code GET "$deployments/back")" 404
is "in the foreground it waits" "$(get "$deployments/front" .metadata.finalizers)" '["foregroundDeletion"]'
for app in back front; do
	eventually "then the ReplicaSet of $app goes" 20 count_is 0 "$sets" $app
	eventually "and the Pods of $app" 20 count_is 0 "$pods" $app
done
eventually "then the Deployment, too" 20 missing "$deployments/front"
deployment both 1
eventually "Deployment both has its Pod" 20 count_is 1 "$pods" both
ask DELETE "$deployments/both" "" "$(deletion Foreground)" >/dev/null
ask DELETE "$deployments/both" "" "$(deletion Background)" >/dev/null
is "of two deletions the last decides" "$(code GET "$deployments/both")" 404
eventually "and its Pod goes" 20 count_is 0 "$pods" both
eventually "orphans stay" 20 missing "$deployments/left"
eventually "without an owner" 20 answers '[null]' "$sets?labelSelector=app%3Dleft" '[.items[].metadata.ownerReferences]'
is "with their own" "$(of "$pods" left)" 2
ask DELETE "$sets/$(get "$sets" '.items[0].metadata.name')" >/dev/null
eventually "these go" 20 count_is 0 "$pods" left

# --- what matters more ---
make /apis/scheduling.k8s.io/v1/priorityclasses '{"kind":"PriorityClass","apiVersion":"scheduling.k8s.io/v1",
	"metadata":{"name":"high"},"value":1000}' >/dev/null
large() { # NAME [SPEC-KEYS]: 3 of the 4 CPUs of a node
	make "$pods" "$(pod "$@" | jq -c '.spec.containers[0].resources = {requests: {cpu: "3"}}')" >/dev/null
}
on_a_node() { # POD...: each has one
	play
	for name; do [ "$(get "$pods/$name" .spec.nodeName)" != null ] || return 1; done
}
large low1
large low2
eventually "both nodes are full" 20 on_a_node low1 low2
large more
eventually "one more of the same finds no room" 20 answers \
	'"0/2 nodes are available: 2 Insufficient cpu. preemption: 0/2 nodes are available: 2 No preemption victims found for incoming pod."' \
	"$pods/more" '.status.conditions[0].message | tojson'
large high '"priorityClassName":"high"'
eventually "what matters more gets it" 20 on_a_node high
is "from one of the two" "$(get "$pods" '[.items[].metadata.name | select(startswith("low"))] | length')" 1
eventually "it is told" 20 answers 1 "$NS/default/events" '[.items[] | select(.reason == "Preempted")] | length'
for name in low1 low2 more high; do ask DELETE "$pods/$name?gracePeriodSeconds=0" >/dev/null; done

# --- a node that falls silent ---
deployment stay 1
eventually "a Pod runs" 20 eval '[ "$(get "$pods" ".items[0].spec.nodeName")" != null ]'
name=$(get "$pods" '.items[0].metadata.name') node=$(get "$pods" '.items[0].spec.nodeName')
make "$pods" "$(pod fast "\"nodeName\":\"$node\",\"tolerations\":[{\"key\":\"node.kubernetes.io/unreachable\",
	\"operator\":\"Exists\",\"effect\":\"NoExecute\",\"tolerationSeconds\":2}]")" >/dev/null
run "$name" 10.244.1.3
run fast 10.244.1.4
still "$node"
eventually "its node falls silent: nobody knows how it is" 30 answers '["Unknown","NodeStatusUnknown"]' "/api/v1/nodes/$node" \
	'.status.conditions[] | select(.type == "Ready") | [.status, .reason]'
eventually "it is tainted" 20 tainted "$node" "unreachable:NoExecute unreachable:NoSchedule"
eventually "its Pods are not ready" 20 answers '["False"]' "$pods/$name" '[.status.conditions[] | select(.type == "Ready").status]'
eventually "a Pod that does not wait leaves" 20 answers true "$pods/fast" '.metadata.deletionTimestamp != null'
is "for that reason" "$(get "$pods/fast" '[.status.conditions[] | select(.type == "DisruptionTarget").reason]')" '["DeletionByTaintManager"]'
is "others wait" "$(get "$pods/$name" .metadata.deletionTimestamp)" null
heart "$node" &
hearts[$node]=$!
eventually "it comes back" 20 tainted "$node" ""
still n1
still n2
eventually "when all are silent" 30 answers '["Unknown","Unknown"]' /api/v1/nodes '[.items[].status.conditions[] | select(.type == "Ready").status]'
eventually "nobody is evicted" 20 tainted n1 unreachable:NoSchedule
eventually "from none" 20 tainted n2 unreachable:NoSchedule

# --- events ---
events=/apis/events.k8s.io/v1/namespaces/default/events
make "$events" '{"kind":"Event","apiVersion":"events.k8s.io/v1","metadata":{"name":"e"},"regarding":{"kind":"Pod","name":"p",
	"namespace":"default"},"note":"n","reason":"R","type":"Normal","reportingController":"c","reportingInstance":"i","action":"a",
	"eventTime":"2026-01-01T00:00:00.000000Z"}' >/dev/null
is "an event of one group is one of the other" "$(get "$NS/default/events/e" '[.involvedObject.name, .message, .reportingComponent, .note]')" \
	'["p","n","c",null]'
is "as it was" "$(get "$events/e" '[.regarding.name, .note, .reportingController, .message]')" '["p","n","c",null]'
is "and back" "$(get "$events?fieldSelector=reason%3DPreempted" '[.items[] | [.regarding.kind, (.note | length > 0), .deprecatedSource.component]]')" \
	'[["Pod",true,"default-scheduler"]]'
is "in watches, too" "$(get "$events?watch=true&timeoutSeconds=1&fieldSelector=metadata.name%3De" '[.type, .object.note, .object.kind]')" \
	'["ADDED","n","Event"]'

kill "$control"
wait "$control"
is "it ends in peace" $? 0
is "nothing went wrong" "$(grep -E 'ERROR|Sanitizer' "$TEST_DIR/control.log")" ""
done_testing
