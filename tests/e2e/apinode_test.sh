#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# podnetd as a node of an API server: it registers, runs the Pods that are bound to it, serves the server's
# Services, and tells how they are.  The server away for a while: all goes on, and nothing starts anew when it
# is back, nor when podnetd is killed meanwhile.
. "${0%/*}/lib.sh"

SOCKET=$TEST_DIR/control/podnet-control.sock
MERGE='Content-Type: application/merge-patch+json'

control_start() {
	"$PODNET_BIN/podnet-control" --store "sqlite:$TEST_DIR/store" --run-dir "$TEST_DIR/control" \
		--listen 127.0.0.1:6443 --pki-dir "$TEST_DIR/pki" --admin-kubeconfig "$TEST_DIR/admin.conf" \
		2>>"$TEST_DIR/control.log" &
	control=$!
	disown "$control"
	eventually "podnet-control is there" 20 control_is_ready
}

control_is_ready() {
	[ "$(get /api/v1/namespaces | jq '.items | length')" = 4 ]
}

control_end() { # SIGNAL
	kill "-$1" "$control" 2>/dev/null
	lab_wait 20 control_is_gone
}

control_is_gone() {
	! kill -0 "$control" 2>/dev/null
}

# ask METHOD PATH [HEADER] [BODY]
ask() {
	curl -s --max-time 5 --unix-socket "$SOCKET" -X "$1" -H "${3:-Content-Type: application/json}" \
		${4:+--data-binary "$4"} "http://podnet$2"
}

get() { # PATH
	ask GET "$1"
}

# query PATH FILTER WANT
answers() {
	[ "$(get "$1" | jq -r "$2")" = "$3" ]
}

PODS=/api/v1/namespaces/default/pods
web_pods() { # FILTER of each
	get "$PODS?labelSelector=app%3Dweb" | jq -r "[.items[] | $1] | sort | join(\" \")"
}

web_is() { # FILTER WANT
	[ "$(web_pods "$1")" = "$2" ]
}

ready='.status.conditions[] | select(.type == "Ready") | .status'

# What must not change when somebody is away: who runs, since when, and how often it was started.
told() {
	get "$PODS" | jq -cS '[.items[] | [.metadata.name, .metadata.uid, .status.podIP,
		[.status.conditions[] | [.type, .status, .lastTransitionTime]],
		[.status.containerStatuses[] | [.containerID, .restartCount, .ready, .state]]]] | sort'
}

lease_is_renewed() {
	[ "$(get "$lease" | jq -r .spec.renewTime)" != "$renewed" ]
}

mirror_is_another() {
	[ "$(get "$PODS/static-test-node" | jq -r ".metadata.uid // \"$mirror\"")" != "$mirror" ]
}

# events_of NAME FILTER of the list
events_of() {
	get "/api/v1/namespaces/default/events?fieldSelector=involvedObject.name%3D$1" | jq -r "[.items[] | $2] |
		unique | join(\" \")"
}

events_are() { # NAME FILTER REGEX
	[[ "$(events_of "$1" "$2")" =~ $3 ]]
}

deployment() {
	cat <<-END
		{"kind": "Deployment", "apiVersion": "apps/v1", "metadata": {"name": "web"}, "spec": {"replicas": 2,
		"selector": {"matchLabels": {"app": "web"}}, "template": {"metadata": {"labels": {"app": "web"}},
		"spec": {"terminationGracePeriodSeconds": 2, "containers": [{"name": "main", "image": "busybox",
		"imagePullPolicy": "IfNotPresent", "args": ["sh", "-c",
		"echo \$WORD \$(hostname) >/tmp/index.html; touch /tmp/ready; exec httpd -f -p 80 -h /tmp"],
		"env": [{"name": "WORD", "valueFrom": {"configMapKeyRef": {"name": "words", "key": "word"}}}],
		"readinessProbe": {"exec": {"command": ["test", "-e", "/tmp/ready"]}, "periodSeconds": 1}}]}}}}
	END
}

service() { # NAME ADDRESS
	cat <<-END
		{"kind": "Service", "apiVersion": "v1", "metadata": {"name": "$1"}, "spec": {"clusterIP": "$2",
		"selector": {"app": "web"}, "ports": [{"port": 80}]}}
	END
}

node_up nginx busybox
lab_podnetd_kill TERM
cat >"$TEST_DIR/kubeconfig" <<-END
	apiVersion: v1
	kind: Config
	current-context: test
	contexts: [{name: test, context: {cluster: test}}]
	clusters: [{name: test, cluster: {server: "http://192.0.2.1:6443"}}]
END
LAB_FLAGS+=(--kubeconfig "$TEST_DIR/kubeconfig")
fails "a server that cannot be spoken to is refused by name" \
	"kubeconfig '.*': clusters 'test': cluster.server: 'http://192.0.2.1:6443' is not spoken" \
	timeout 20 "$PODNET_BIN/podnetd" --state-dir "$LAB/state" --run-dir "$LAB_RUN" --instance test \
	--manifests "$LAB/manifests" --cni-conf-dir "$LAB/cni/conf" --kubeconfig "$TEST_DIR/kubeconfig"
sed -i "s|http://[^\"]*|unix://$SOCKET|" "$TEST_DIR/kubeconfig"

# --- the node ---
lab_podnetd_start || bail "podnetd does not start without its server: $(tail -n 5 "$LAB/podnetd.log")"
control_start
node=/api/v1/nodes/test-node
eventually "the Node is Ready" 30 answers "$node" "$ready" True
is "it says what it is" "$(get "$node" | jq -r '[.metadata.labels["kubernetes.io/hostname"], .spec.podCIDR,
	.status.nodeInfo.operatingSystem, (.status.addresses[] | select(.type == "InternalIP") | .address)] |
	join(" ")')" "test-node 10.244.0.0/24 linux 192.0.2.1"
is "and what it has" "$(get "$node" | jq -r '.status.allocatable | [.cpu, .pods] | join(" ")')" "$(nproc) 110"
lease=/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/test-node
is "its Lease is held" "$(get "$lease" | jq -r .spec.holderIdentity)" test-node
renewed=$(get "$lease" | jq -r .spec.renewTime)
ask PATCH "$node" "$MERGE" '{"metadata": {"labels": {"kubernetes.io/os": null, "disk": "fast"}},
	"spec": {"taints": [{"key": "a", "effect": "PreferNoSchedule"}]}}' >/dev/null
eventually "its labels are kept" 10 answers "$node" '.metadata.labels["kubernetes.io/os"]' linux
is "those of others, and taints, too" "$(get "$node" | jq -r '[.metadata.labels.disk, .spec.taints[0].key] |
	join(" ")')" "fast a"

# --- Pods and a Service ---
ask POST /apis/apps/v1/namespaces/default/deployments "" "$(deployment)" >/dev/null
ask POST /api/v1/namespaces/default/services "" "$(service web 10.96.0.77)" >/dev/null
eventually "its Pods have a node" 20 web_is .spec.nodeName "test-node test-node"
words_are_missed() {
	[ "$(get /api/v1/namespaces/default/events | jq '[.items[] | .involvedObject.name as $name |
		select(.message | endswith("configmap \"words\" not found")) | $name] | unique | length')" = 2 ]
}
eventually "they tell that their ConfigMap is not there" 20 words_are_missed
is "and wait for it" "$(web_pods .status.phase)" "Pending Pending"
ask POST /api/v1/namespaces/default/configmaps "" '{"kind": "ConfigMap", "apiVersion": "v1",
	"metadata": {"name": "words"}, "data": {"word": "hello"}}' >/dev/null
eventually "and are Ready with it" "$SECONDS_READY" web_is "$ready" "True True"
like "with addresses" "$(web_pods .status.podIP)" '^10\.244\.0\.[0-9]+ 10\.244\.0\.[0-9]+$'
is "they run" "$(web_pods .status.phase)" "Running Running"
eventually "the Service answers" 10 eval '[[ "$(curl -s --max-time 2 http://10.96.0.77/)" = "hello web-"* ]]'
first=$(web_pods .metadata.name)
first=${first%% *}
eventually "events tell what happened" 10 events_are "$first" \
	'select(.source.component == "kubelet") | .reason' '^Created Failed Pulled Started( Unhealthy)?$'
eventually "the Node tells of its images" 20 answers "$node" \
	'[.status.images[] | select(any(.names[]; endswith("/busybox:latest"))) | .sizeBytes > 0] | any' true
ask POST /api/v1/namespaces/default/services "" '{"kind": "Service", "apiVersion": "v1",
	"metadata": {"name": "outside"}, "spec": {"clusterIP": "10.96.0.78", "ports": [{"port": 80}]}}' >/dev/null
ask POST /apis/discovery.k8s.io/v1/namespaces/default/endpointslices "" '{"kind": "EndpointSlice",
	"apiVersion": "discovery.k8s.io/v1", "metadata": {"name": "outside-1",
	"labels": {"kubernetes.io/service-name": "outside"}}, "addressType": "IPv4",
	"endpoints": [{"addresses": ["192.0.2.2"], "conditions": {"ready": true}}],
	"ports": [{"name": "", "port": 8080, "protocol": "TCP"}]}' >/dev/null
mkdir "$TEST_DIR/www"
echo outside >"$TEST_DIR/www/index.html"
background in_netns outside busybox httpd -f -p 8080 -h "$TEST_DIR/www"
eventually "an EndpointSlice leads the host elsewhere" 10 eval \
	'[ "$(curl -s --max-time 2 http://10.96.0.78/index.html)" = outside ]'
is "and a Pod" "$(curl_in "$first" http://10.96.0.78/index.html)" outside
is "which is shown" "$(ctl get backends -o json | jq -r '.items[] | select(.service == "outside") |
	"\(.address) \(.state)"')" "192.0.2.2:8080 READY"
internal() { # POLICY
	ask PATCH /api/v1/namespaces/default/services/outside "$MERGE" \
		"{\"spec\": {\"internalTrafficPolicy\": \"$1\"}}" >/dev/null
}
internal Local
eventually "a Service that stays on its node does not lead there" 10 \
	eval '! curl -s --max-time 2 http://10.96.0.78/index.html'
is "nor is it shown" "$(ctl get backends -o json | jq -c '[.items[] | select(.service == "outside")]')" "[]"
internal Cluster
eventually "until it may leave again" 10 curl -sf --max-time 2 http://10.96.0.78/index.html

# --- manifests stay local, and win ---
pod_sleeping static | manifest static
manifest svc <<-END
	apiVersion: v1
	kind: Service
	metadata: {name: mine}
	spec: {clusterIP: 10.96.0.79, selector: {app: static}, ports: [{port: 80}]}
END
eventually "a manifest's Pod has a mirror" 20 answers "$PODS/static-test-node" "$ready" True
is "that says whose it is" "$(get "$PODS/static-test-node" |
	jq -r '.metadata.annotations["kubernetes.io/config.source"]')" file
mirror=$(get "$PODS/static-test-node" | jq -r .metadata.uid)
before=$(lab_pod static .metadata.uid)
ask DELETE "$PODS/static-test-node" >/dev/null
eventually "deleted, it is made anew" 10 mirror_is_another
is "and the Pod has not noticed" "$(lab_pod static .metadata.uid)" "$before"
ask POST /api/v1/namespaces/default/services "" "$(service theirs 10.96.0.79)" >/dev/null
eventually "a Service at the address of a manifest's is told" 10 events_are theirs \
	'"\(.type) \(.count) \(.message)"' "^Warning 1 service .* taken by service 'default/mine'$"
ask POST /api/v1/namespaces/default/services "" "$(service mine 10.96.0.80)" >/dev/null
eventually "so is one that a manifest describes, too" 10 events_are mine '"\(.type) \(.message)"' \
	"^Warning service 'default/mine': a manifest of node test-node describes it, too$"

# --- the server is away ---
eventually "the mirror tells the same" 10 answers "$PODS/static-test-node" "$ready" True
before=$(told) identity=$(identities)
control_end KILL
log_mark
eventually "the Service goes on" 5 curl -sf --max-time 2 http://10.96.0.77/
ctl exec "$first" -- rm /tmp/ready
eventually "readiness is a matter of this node" 10 lab_backend_is "$first" UNREADY
like "nobody is sent there" "$(for _ in {1..30}; do curl -s --max-time 2 http://10.96.0.77/; done |
	grep -c "$first")" '^0$'
ctl exec "$first" -- touch /tmp/ready
eventually "and back" 10 lab_backend_is "$first" READY
kill -KILL "$(lab_container_pid "$first" httpd)"
eventually "a container that is killed starts again" 20 eval \
	'[ "$(lab_pod "$first" ".status.containerStatuses[0].restartCount")" = 1 ]'
eventually "and is ready" 20 lab_backend_is "$first" READY
identity=$(identities)
lab_podnetd_kill KILL
cp "$TEST_DIR/admin.conf" "$TEST_DIR/kubeconfig" # from now on by TLS
lab_podnetd_start || bail "podnetd does not start again: $(tail -n 5 "$LAB/podnetd.log")"
is "podnetd killed and started: nothing has changed" "$(identities)" "$identity"
is "the Service goes on" "$(curl -s --max-time 2 http://10.96.0.77/ | cut -d' ' -f1)" hello
is "the one that leads elsewhere, too" "$(curl -s --max-time 2 http://10.96.0.78/index.html)" outside
kill -KILL "$(lab_container_pid "$first" httpd)"
eventually "a container starts again, with its ConfigMap" 40 eval \
	'[ "$(lab_pod "$first" ".status.containerStatuses[0] | \"\(.restartCount) \(.ready)\"")" = "2 true" ]'
identity=$(identities)

# --- and back ---
control_start
eventually "what happened meanwhile is told" 20 web_is '.status.containerStatuses[0].restartCount' "0 2"
eventually "all are Ready" 20 web_is "$ready" "True True"
is "nothing was started anew" "$(identities)" "$identity"
eventually "the Lease goes on" 20 lease_is_renewed
after=$(told)
is "the other Pod is told as before" "$(jq -cn --argjson a "$before" --argjson b "$after" --arg first "$first" \
	'($a | map(select(.[0] != $first))) == ($b | map(select(.[0] != $first)))')" true

# --- it hangs ---
kill -STOP "$control"
ctl exec "$first" -- rm /tmp/ready
eventually "a server that hangs keeps nobody waiting" 10 lab_backend_is "$first" UNREADY
is "the Service goes on" "$(curl -s --max-time 2 http://10.96.0.77/ | cut -d' ' -f1)" hello
kill -CONT "$control"
eventually "what happened meanwhile is told" 30 web_is "$ready" "False True"
ctl exec "$first" -- touch /tmp/ready
eventually "and what happens then" 10 web_is "$ready" "True True"

# --- changes ---
ask PATCH "$PODS/$first" "$MERGE" '{"metadata": {"labels": {"more": "yes"}}}' >/dev/null
eventually "a label follows" 10 eval '[ "$(lab_pod "$first" .metadata.labels.more)" = yes ]'
for second in $(web_pods .metadata.name); do
	[ "$second" = "$first" ] || break
done
ctl delete pod "$second" >/dev/null
eventually "a Pod that is deleted here goes there" 20 answers "$PODS/$second" .code 404
eventually "and is replaced" "$SECONDS_READY" web_is "$ready" "True True"
ask PATCH "$PODS/$first" 'Content-Type: application/strategic-merge-patch+json' \
	'{"spec": {"containers": [{"name": "main", "image": "nginx"}]}}' >/dev/null
eventually "an image follows, in the same Pod" 40 eval '[ "$(get "$PODS/$first" |
	jq -r ".status.containerStatuses[0] | \"\(.image) \(.restartCount)\"")" = "nginx 3" ]'
ask POST "$PODS" "" '{"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "host"}, "spec":
	{"hostNetwork": true, "nodeName": "test-node", "containers": [{"name": "a", "image": "busybox"}]}}' >/dev/null
eventually "what cannot be done is refused in words" 10 eval \
	'[[ "$(get "$PODS/host" | jq -r "\"\(.status.phase) \(.status.message)\"")" = "Pending "*spec.hostNetwork* ]]'
ask DELETE "$PODS/host" >/dev/null
eventually "and deleted" 10 answers "$PODS/host" .code 404

# --- the end ---
ask DELETE /apis/apps/v1/namespaces/default/deployments/web >/dev/null
sets=/apis/apps/v1/namespaces/default/replicasets
for name in $(get "$sets" | jq -r '.items[].metadata.name'); do
	ask DELETE "$sets/$name" >/dev/null
done
for name in $(web_pods .metadata.name); do
	ask DELETE "$PODS/$name" >/dev/null
done
eventually "deleted, its Pods have gone from the server" 30 web_is .metadata.name ""
is "and from here" "$(ctl get pods -o json | jq -r '[.items[].metadata.name] | join(" ")')" static
eventually "their Service refuses" 5 eval '! curl -sf --max-time 2 http://10.96.0.77/'
manifest_remove static
eventually "the manifest's Pod takes its mirror along" 20 answers "$PODS/static-test-node" .code 404
unlike "nothing went wrong at the server" "$(cat "$TEST_DIR/control.log")" 'ERROR|Sanitizer'
node_down
control_end TERM
done_testing
