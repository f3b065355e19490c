#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# What a Pod has of its service account: a token, the authority's certificate and its namespace below
# /var/run/secrets, with which its processes use the API; and volumes of several sources.
. "${0%/*}/lib.sh"

SOCKET=$TEST_DIR/control/podnet-control.sock
PODS=/api/v1/namespaces/default/pods
MOUNT=/var/run/secrets/kubernetes.io/serviceaccount

control_start() {
	"$PODNET_BIN/podnet-control" --store "sqlite:$TEST_DIR/store" --run-dir "$TEST_DIR/control" \
		--listen 192.0.2.1:6443 --advertise-address 192.0.2.1 --pki-dir "$TEST_DIR/pki" \
		--admin-kubeconfig "" 2>>"$TEST_DIR/control.log" &
	control=$!
	disown "$control"
	eventually "podnet-control is there" 20 control_is_ready
}

control_is_ready() {
	[ "$(get /api/v1/namespaces | jq '.items | length')" = 4 ]
}

ask() { # METHOD PATH [BODY [TYPE]]
	curl -s --max-time 5 --unix-socket "$SOCKET" -X "$1" -H "Content-Type: ${4:-application/json}" \
		${3:+--data-binary "$3"} "http://podnet$2"
}

get() { # PATH
	ask GET "$1"
}

answers() { # PATH FILTER WANT
	[ "$(get "$1" | jq -r "$2")" = "$3" ]
}

ready='.status.conditions[] | select(.type == "Ready") | .status'

pod() { # NAME MORE-OF-SPEC [MOUNTS]
	local mounts=${3:-[]}
	cat <<-END
		{"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "$1", "labels": {"app": "$1"}}, "spec": {$2
		"nodeName": "test-node", "terminationGracePeriodSeconds": 1, "containers": [{"name": "main",
		"image": "busybox", "imagePullPolicy": "IfNotPresent", "args": ["sleep", "1000"],
		"resources": {"limits": {"cpu": "2", "memory": "64Mi"}}, "volumeMounts": $mounts}]}}
	END
}

in_pod() { # POD FILE
	ctl exec "$1" -- cat "$2"
}

# As a process of the Pod would: POD PATH; prints the status, the answer is in $TEST_DIR/answer.
api_in() {
	local pid
	pid=$(lab_container_pid "$1" sleep)
	nsenter --net="/proc/$pid/ns/net" curl -s --max-time 5 -o "$TEST_DIR/answer" -w '%{http_code}' \
		--cacert "/proc/$pid/root$MOUNT/ca.crt" -H "Authorization: Bearer $(cat "/proc/$pid/root$MOUNT/token")" \
		"https://10.96.0.1$2"
}

api_says() { # POD PATH CODE
	[ "$(api_in "$1" "$2")" = "$3" ]
}

claims() { # POD FILTER
	in_pod "$1" "$MOUNT/token" | cut -d. -f2 | tr '_-' '/+' | base64 -d 2>/dev/null | jq -r "$2"
}

node_up busybox
lab_podnetd_kill TERM
cat >"$TEST_DIR/kubeconfig" <<-END
	apiVersion: v1
	kind: Config
	current-context: test
	contexts: [{name: test, context: {cluster: test}}]
	clusters: [{name: test, cluster: {server: "unix://$SOCKET"}}]
END
LAB_FLAGS+=(--kubeconfig "$TEST_DIR/kubeconfig")
control_start
lab_podnetd_start || bail "podnetd does not start: $(tail -n 5 "$LAB/podnetd.log")"
eventually "the Node is Ready" 30 answers /api/v1/nodes/test-node "$ready" True

# --- the token of each Pod ---
ask POST /api/v1/namespaces/default/serviceaccounts '{"metadata": {"name": "robot"}}' >/dev/null
ask POST "$PODS" "$(pod web '"serviceAccountName": "robot",')" >/dev/null
like "admission gives it a volume" "$(get "$PODS/web" | jq -r '.spec.volumes[0].name')" '^kube-api-access-[a-z0-9]{5}$'
eventually "the Pod is Ready" "$SECONDS_READY" answers "$PODS/web" "$ready" True
is "it knows its namespace" "$(in_pod web "$MOUNT/namespace")" default
is "and the authority" "$(in_pod web "$MOUNT/ca.crt")" "$(cat "$TEST_DIR/pki/ca.crt")"
is "its token is its account's" "$(claims web .sub)" system:serviceaccount:default:robot
is "and bound to it" "$(claims web '.["kubernetes.io"].pod.name')" web
is "for an hour" "$(claims web '.exp - .iat')" 3607
ok "it cannot be changed" eval "! ctl exec web -- sh -c 'echo x >$MOUNT/token' 2>/dev/null"
is "secrets lie in memory" "$(ctl exec web -- sh -c "df -T $MOUNT | tail -n 1" | awk '{print $2}')" tmpfs
eventually "the API knows it" 20 api_says web /apis 200
is "as one without rights" "$(api_in web "$PODS")" 403
like "by its name" "$(jq -r .message "$TEST_DIR/answer")" 'User "system:serviceaccount:default:robot" cannot list'
ask POST /apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings '{"metadata": {"name": "robot"},
	"roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"},
	"subjects": [{"kind": "ServiceAccount", "name": "robot", "namespace": "default"}]}' >/dev/null
is "with them it may look" "$(api_in web "$PODS")" 200
is "at itself" "$(jq -r '.items[].metadata.name' "$TEST_DIR/answer")" web

# --- those that want none, or cannot have one ---
ask POST "$PODS" "$(pod none '"automountServiceAccountToken": false,')" >/dev/null
is "none is none" "$(get "$PODS/none" | jq -c .spec.volumes)" null
ask PATCH /api/v1/namespaces/default/serviceaccounts/robot '{"automountServiceAccountToken": false}' \
	application/merge-patch+json >/dev/null
ask POST "$PODS" "$(pod quiet '"serviceAccountName": "robot",')" >/dev/null
is "the account may say so" "$(get "$PODS/quiet" | jq -c .spec.volumes)" null
for name in none quiet; do
	ask DELETE "$PODS/$name" >/dev/null
done

# --- volumes of several sources ---
ask POST /api/v1/namespaces/default/configmaps '{"metadata": {"name": "words"}, "data": {"word": "hello"}}' >/dev/null
ask POST "$PODS" "$(pod mixed '"volumes": [{"name": "all", "projected": {"sources": [
	{"configMap": {"name": "words"}}, {"secret": {"name": "gone", "optional": true}},
	{"serviceAccountToken": {"path": "vault/token", "audience": "vault", "expirationSeconds": 600}},
	{"downwardAPI": {"items": [{"path": "cpu", "resourceFieldRef": {"containerName": "main",
	"resource": "limits.cpu"}}]}}]}}, {"name": "self", "downwardAPI": {"items": [
	{"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}]}}],' \
	'[{"name": "all", "mountPath": "/all"}, {"name": "self", "mountPath": "/self"}]')" | jq -r '.message // empty' >&2
eventually "a Pod with such volumes is Ready" "$SECONDS_READY" answers "$PODS/mixed" "$ready" True
is "a ConfigMap" "$(in_pod mixed /all/word)" hello
is "a resource" "$(in_pod mixed /all/cpu)" 2
is "labels" "$(in_pod mixed /self/labels)" 'app="mixed"'
is "a token for others" "$(in_pod mixed /all/vault/token | cut -d. -f2 | tr '_-' '/+' | base64 -d 2>/dev/null |
	jq -c '[.aud[0], .exp - .iat]')" '["vault",600]'
ask PATCH /api/v1/namespaces/default/configmaps/words '{"data": {"word": "bye"}}' application/merge-patch+json >/dev/null
eventually "a change is shown" 20 eval '[ "$(in_pod mixed /all/word)" = bye ]'
ask PATCH "$PODS/mixed" '{"metadata": {"labels": {"more": "yes"}}}' application/merge-patch+json >/dev/null
eventually "so is a label" 20 eval '[ "$(in_pod mixed /self/labels)" = $'"'app=\"mixed\"\nmore=\"yes\"'"' ]'

# --- restarts ---
before=$(in_pod web "$MOUNT/token")
kill -KILL "$control"
lab_wait 10 eval '! kill -0 "$control" 2>/dev/null'
lab_podnetd_kill KILL
lab_podnetd_start || bail "podnetd does not start again: $(tail -n 5 "$LAB/podnetd.log")"
kill -KILL "$(lab_container_pid web sleep)"
eventually "without its server a container starts again" 40 eval \
	'[ "$(lab_pod web ".status.containerStatuses[0] | \"\(.restartCount) \(.ready)\"")" = "1 true" ]'
is "with the same token" "$(in_pod web "$MOUNT/token")" "$before"
control_start
eventually "which counts when it is back" 20 api_says web "$PODS" 200

for name in web mixed; do
	ask DELETE "$PODS/$name" >/dev/null
done
eventually "the Pods go" 30 answers "$PODS" '.items | length' 0
unlike "nothing went wrong at the server" "$(cat "$TEST_DIR/control.log")" 'ERROR|Sanitizer'
node_down
kill "$control"
lab_wait 20 eval '! kill -0 "$control" 2>/dev/null'
done_testing
