#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# What podnet-control does by itself: addresses of Services, endpoints, namespaces, what belongs to others,
# nodes that fall silent.  Nodes and what runs on them are played by this test.
. "${0%/*}/../netns/lib.sh"

RUN=$TEST_DIR/run
MERGE='Content-Type: application/merge-patch+json'
NS=/api/v1/namespaces
GRACE=5 # seconds until a silent node is taken for lost

# ask METHOD PATH [HEADER] [BODY]
ask() {
	curl -s --unix-socket "$RUN/podnet-control.sock" -X "$1" -H "${3:-Content-Type: application/json}" \
		${4:+--data-binary "$4"} "http://podnet$2"
}

get() { # PATH [JQ]
	ask GET "$1" | jq -cr "${2:-.}"
}

make() { # COLLECTION BODY: what the server says
	ask POST "$1" "" "$2"
}

refused() { # METHOD PATH BODY [HEADER]: its message
	ask "$1" "$2" "${4:-}" "$3" | jq -r '"\(.code) \(.message)"'
}

code() { # METHOD PATH [BODY] [HEADER]
	curl -s -o "$TEST_DIR/answer" -w '%{http_code}' --unix-socket "$RUN/podnet-control.sock" -X "$1" \
		-H "${4:-Content-Type: application/json}" ${3:+--data-binary "$3"} "http://podnet$2"
}

answers() { # WANT GET-ARGUMENTS
	[ "$(get "${@:2}")" = "$1" ]
}

missing() { # PATH
	[ "$(code GET "$1")" = 404 ]
}

"$PODNET_BIN/podnet-control" --store memory --run-dir "$RUN" --node-grace "$GRACE" \
	--advertise-address 192.0.2.1 2>"$TEST_DIR/control.log" &
control=$!
at_exit kill "$control"
eventually "podnet-control is there" 20 answers https "$NS/default/services/kubernetes" '.spec.ports[0].name'

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
for i in {1..40}; do make "$services" "$(service "many$i")" >/dev/null & done
wait $(jobs -p | grep -vx "$control")
is "many at once get one each" \
	"$(get "$services" '[.items[].spec.clusterIP | select(. and . != "None")] | [length, (unique | length)] | .[0] == .[1]')" true

# --- namespaces ---
make "$NS" '{"kind":"Namespace","apiVersion":"v1","metadata":{"name":"work"}}' >/dev/null
eventually "a new one gets its service account" 20 answers default "$NS/work/serviceaccounts/default" .metadata.name
pod() { # NAME [SPEC-KEYS] [META-KEYS]
	echo "{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"$1\",\"labels\":{\"app\":\"$1\"}${3:+,$3}},
		\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i:1\",\"ports\":[{\"name\":\"web\",\"containerPort\":8080}]}]${2:+,$2}}}"
}
is "a Pod runs as its service account" "$(make "$NS/work/pods" "$(pod a)" |
	jq -c '.spec | [.serviceAccountName, .priority, [.tolerations[] | [.key, .tolerationSeconds]]]')" \
	'["default",0,[["node.kubernetes.io/not-ready",300],["node.kubernetes.io/unreachable",300]]]'
is "which must be there" "$(refused POST "$NS/work/pods" "$(pod b '"serviceAccountName":"nobody"')")" \
	'403 pods "b" is forbidden: error looking up service account work/nobody: serviceaccount "nobody" not found'
is "as must its priority" "$(refused POST "$NS/work/pods" "$(pod b '"priorityClassName":"nothing"')")" \
	'403 pods "b" is forbidden: no PriorityClass with name nothing was found'
is "a priority has a number" "$(make "$NS/kube-system/pods" "$(pod b '"priorityClassName":"system-node-critical"')" |
	jq -c '.spec | [.priority, .preemptionPolicy]')" '[2000001000,"PreemptLowerPriority"]'
make "$NS/work/configmaps" '{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"held","finalizers":["example.com/x"]}}' >/dev/null
ask DELETE "$NS/work" >/dev/null
is "one on its way out takes nothing new" \
	"$(refused POST "$NS/work/configmaps" '{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"x"}}')" \
	'403 configmaps "x" is forbidden: unable to create new content in namespace work because it is being terminated'
eventually "all in it is deleted" 20 missing "$NS/work/pods/a"
is "it waits for what is held" "$(get "$NS/work" .status.phase)" Terminating
ask PATCH "$NS/work/configmaps/held" "$MERGE" '{"metadata":{"finalizers":null}}' >/dev/null
eventually "and then goes" 60 missing "$NS/work"
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
is "no others" "$(get "$maps" '[.items[].metadata.name]')" '["other"]'
is "a dry deletion of one, by its body" "$(code DELETE "$maps/other" '{"kind":"DeleteOptions","apiVersion":"v1","dryRun":["All"]}')" 200
is "deletes nothing" "$(get "$maps/other" .metadata.name)" other

# --- nodes ---
heart() { # NAME: of a node, beats
	local i=0
	while sleep 1; do
		i=$((i + 1))
		ask PATCH "/api/v1/nodes/$1/status" "$MERGE" "{\"status\":{\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\",
			\"lastHeartbeatTime\":\"2026-01-01T00:$((i / 60 % 60 + 10)):$((i % 60 + 100))Z\"}]}}" >/dev/null
	done
}
