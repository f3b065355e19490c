#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Server-side apply: who owns which fields, what goes when it is not applied any more, conflicts, and an unmodified
# kubectl's apply --server-side.
. "${0%/*}/control.sh"

APPLY='Content-Type: application/apply-patch+yaml'
MAPS=$NS/default/configmaps
DEPLOYMENTS=/apis/apps/v1/namespaces/default/deployments

control_begin_tls

apply() { # PATH MANAGER YAML [QUERY]: "CODE", the answer in $TEST_DIR/answer
	code PATCH "$1?fieldManager=$2${4:+&$4}" "$3" "$APPLY"
}

said() { # JQ
	jq -cr "$1" "$TEST_DIR/answer"
}

map() { # DATA: YAML of a ConfigMap
	printf 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: m\ndata: %s\n' "$1"
}

owners() { # PATH: manager, operation and fields
	get "$1" '[.metadata.managedFields[]? | "\(.manager) \(.operation) \([.fieldsV1 | paths(. == {}) | join("")] | join(" "))"]'
}

# --- a map of two ---
is "what is not there is made" "$(apply "$MAPS/m" one "$(map '{a: "1", b: "1"}')")" 201
is "and is its manager's" "$(owners "$MAPS/m")" '["one Apply f:dataf:a f:dataf:b"]'
is "the same again" "$(apply "$MAPS/m" one "$(map '{a: "1", b: "1"}')")" 200
is "changes nothing" "$(said .metadata.resourceVersion)" "$(get "$MAPS/m" .metadata.resourceVersion)"
is "another adds to it" "$(apply "$MAPS/m" two "$(map '{b: "1", c: "2"}')")" 200
is "of what is the same both are owners" "$(owners "$MAPS/m")" \
	'["one Apply f:dataf:a f:dataf:b","two Apply f:dataf:b f:dataf:c"]'
is "who changes what is another's" "$(apply "$MAPS/m" two "$(map '{b: "2", c: "2"}')")" 409
is "is told" "$(said .message)" 'Apply failed with 1 conflict: conflict with "one": .data.b'
is "for machines, too" "$(said '.details.causes[0] | [.reason, .field, .message]')" \
	'["FieldManagerConflict",".data.b","conflict with \"one\""]'
is "nothing has changed" "$(get "$MAPS/m" .data)" '{"a":"1","b":"1","c":"2"}'
is "with force it is his" "$(apply "$MAPS/m" two "$(map '{b: "2", c: "2"}')" force=true)" 200
is "alone" "$(owners "$MAPS/m")" '["one Apply f:dataf:a","two Apply f:dataf:b f:dataf:c"]'
is "what is not applied any more" "$(apply "$MAPS/m" two "$(map '{c: "3"}')")" 200
is "goes" "$(get "$MAPS/m" .data)" '{"a":"1","c":"3"}'
apply "$MAPS/m" three "$(map '{c: "3"}')" >/dev/null
apply "$MAPS/m" two "$(map '{d: "4"}')" >/dev/null
is "unless another owns it" "$(get "$MAPS/m" .data)" '{"a":"1","c":"3","d":"4"}'

# --- other writes ---
ask PATCH "$MAPS/m?fieldManager=hand" "$MERGE" '{"data":{"a":"9","c":null}}' >/dev/null
is "a patch takes what it changes" "$(owners "$MAPS/m")" '["two Apply f:dataf:d","hand Update f:dataf:a"]'
is "which is a conflict" "$(apply "$MAPS/m" one "$(map '{a: "1"}')")" 409
like "with who and when" "$(said .message)" \
	'^Apply failed with 1 conflict: conflict with "hand" using v1 at 20[0-9-]+T[0-9:]+Z: .data.a$'
ask PUT "$MAPS/m?fieldManager=hand" "" "$(get "$MAPS/m" '.data = {d: "4"}')" >/dev/null
is "who removes the last owns nothing" "$(owners "$MAPS/m")" '["two Apply f:dataf:d"]'
ask PATCH "$MAPS/m" "$MERGE" '{"metadata":{"managedFields":[{}]}}' >/dev/null
is "owners can be forgotten" "$(owners "$MAPS/m")" '[]'
is "and what is there is taken over" "$(apply "$MAPS/m" one "$(map '{d: "4"}')")" 200
is "with who had it before" "$(owners "$MAPS/m")" '["one Apply f:dataf:d","before-first-apply Update f:dataf:d"]'

# --- lists of items with keys ---
deployment() { # CONTAINERS [SPEC]
	printf 'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  selector: {matchLabels: {app: web}}\n'
	printf '  template:\n    metadata: {labels: {app: web}}\n    spec:\n      containers: %s\n%s' "$1" "${2:-}"
}
containers() {
	get "$DEPLOYMENTS/web" '[.spec.template.spec.containers[] | "\(.name)=\(.image)" +
		([.ports[]? | " \(.containerPort)/\(.protocol)"] | join(""))]'
}
is "a Deployment" "$(apply "$DEPLOYMENTS/web" one \
	"$(deployment '[{name: c, image: nginx, ports: [{containerPort: 80}]}]' '  replicas: 2')")" 201
is "has its defaults" "$(containers)" '["c=nginx 80/TCP"]'
is "another adds a container, and a port" "$(apply "$DEPLOYMENTS/web" two \
	"$(deployment '[{name: side, image: busybox}, {name: c, ports: [{containerPort: 80, protocol: UDP}]}]')")" 200
is "both stand" "$(containers | jq -c sort)" '["c=nginx 80/TCP 80/UDP","side=busybox"]'
like "a conflict names the item" "$(apply "$DEPLOYMENTS/web" two "$(deployment '[{name: c, image: other}]')") $(said .message)" \
	'^409 .*conflict with "one": .spec.template.spec.containers\[name="c"\].image$'
is "scaled by hand" "$(ask PATCH "$DEPLOYMENTS/web/scale" "$MERGE" '{"spec":{"replicas":5}}' | jq .spec.replicas)" 5
is "it stays so for who does not say" "$(apply "$DEPLOYMENTS/web" one \
	"$(deployment '[{name: c, image: nginx, ports: [{containerPort: 80}]}]')") $(said .spec.replicas)" "200 5"
is "what another has added stays" "$(containers | jq -c length)" 2
is "until it takes it back" "$(apply "$DEPLOYMENTS/web" two "$(deployment '[]')") $(containers)" '200 ["c=nginx 80/TCP"]'
apply "$DEPLOYMENTS/web" two "$(deployment '[{name: side, image: busybox}]')" >/dev/null
ask PATCH "$DEPLOYMENTS/web?fieldManager=hand" "Content-Type: application/strategic-merge-patch+json" \
	'{"spec":{"template":{"spec":{"containers":[{"name":"side","image":"busybox:2"}]}}}}' >/dev/null
is "of what somebody has changed" "$(apply "$DEPLOYMENTS/web" two "$(deployment '[]')")" 200
is "that part stays, under its name" "$(containers | jq -c sort)" '["c=nginx 80/TCP","side=busybox:2"]'
empty=$(deployment '[{name: c, image: nginx, ports: [{containerPort: 80}], resources: {}}]' $'  strategy: {}\n')
is "what is empty is what it defaults to" "$(apply "$DEPLOYMENTS/web" one "$empty")" 200
mine() {
	get "$DEPLOYMENTS/web" '.metadata.managedFields[] | select(.manager == "one")'
}
before=$(mine)
begun=$EPOCHSECONDS
later() {
	[ "$EPOCHSECONDS" != "$begun" ]
}
wait_for 5 later # a time of its own
is "again, nothing is owned anew" "$(apply "$DEPLOYMENTS/web" one "$empty") $(mine)" "200 $before"
is "nor is it a conflict for others" "$(apply "$DEPLOYMENTS/web" four "$empty")" 200
is "a status is not applied with the rest" "$(apply "$DEPLOYMENTS/web" three \
	"$(printf 'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, labels: {a: b}}\nstatus: {replicas: 77}\n')") $(said .status.replicas)" \
	"200 $(get "$DEPLOYMENTS/web" .status.replicas)"

eventually "a controller owns the status that it writes" 10 answers '["podnet-control"]' "$DEPLOYMENTS/web" \
	'[.metadata.managedFields[] | select(.subresource == "status") | .manager] | unique'

# --- bad input ---
is "without a manager" "$(code PATCH "$MAPS/m" "$(map '{}')" "$APPLY") $(said .message)" \
	'422 PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch'
is "with owners of its own" "$(apply "$MAPS/m" one '{"metadata":{"managedFields":[{"manager":"x"}]}}') $(said .message)" \
	"400 metadata.managedFields must be nil"
like "another name" "$(apply "$MAPS/other" one "$(map '{}')") $(said .message)" "400 the name of the object"
is "an unknown field" "$(apply "$MAPS/m" one "$(map '{}')"$'\nx: 1' fieldValidation=Strict) $(said .message)" \
	'400 strict decoding error: unknown field "x"'
like "no YAML" "$(apply "$MAPS/m" one 'a: [')" 400
is "what is invalid" "$(apply "$MAPS/bad_name" one "$(map '{}' | sed 's/: m/: bad_name/')")" 422

is "a manager that cannot be printed" "$(apply "$MAPS/m" '%ff%fe' "$(map '{z: "1"}')")" 422
is "an item twice" "$(apply "$DEPLOYMENTS/web" one "$(deployment '[{name: c, image: a}, {name: c, image: b}]')") $(said .message)" \
	'400 failed to create typed patch object: containers: duplicate entries for a key'
is "who is not there any more" "$(apply "$MAPS/gone" one "$(map '{}' | sed 's/: m$/: gone\n  uid: u/')") $(said .reason)" "409 Conflict"
ask POST /apis/rbac.authorization.k8s.io/v1/namespaces/default/roles "" '{"kind":"Role","apiVersion":"rbac.authorization.k8s.io/v1",
	"metadata":{"name":"patcher"},"rules":[{"apiGroups":[""],"resources":["configmaps"],"verbs":["patch"]}]}' >/dev/null
ask POST /apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings "" '{"kind":"RoleBinding","apiVersion":"rbac.authorization.k8s.io/v1",
	"metadata":{"name":"patcher"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"Role","name":"patcher"},
	"subjects":[{"apiGroup":"rbac.authorization.k8s.io","kind":"User","name":"pat"}]}' >/dev/null
as_pat() { # NAME
	curl -s -o "$TEST_DIR/answer" -w '%{http_code}' --unix-socket "$RUN/podnet-control.sock" -X PATCH -H "$APPLY" \
		-H 'Impersonate-User: pat' --data-binary "$(map '{z: "1"}' | sed "s/: m$/: $1/")" "http://podnet$MAPS/$1?fieldManager=pat"
}
is "who may patch applies" "$(as_pat m)" 200
is "but makes nothing" "$(as_pat new) $(said .message | sed 's/ in API.*//')" \
	'403 configmaps "new" is forbidden: User "pat" cannot create resource "configmaps"'

# --- kubectl ---
if [ -x "$KUBECTL" ]; then
	k() {
		timeout 60 "$KUBECTL" "$@"
	}
	deployment '[{name: c, image: nginx}]' | sed 's/name: web}/name: typed}/' >"$TEST_DIR/typed.yaml"
	is "apply, at first by kubectl itself" "$(k apply -f "$TEST_DIR/typed.yaml")" "deployment.apps/typed created"
	sed -i 's/name: typed}/name: typed, labels: {x: why}}/' "$TEST_DIR/typed.yaml"
	is "with a label" "$(k apply -f "$TEST_DIR/typed.yaml" 2>&1)" "deployment.apps/typed configured"
	sed -i 's/nginx/nginx:2/; s/, labels: {x: why}}/}/' "$TEST_DIR/typed.yaml"
	is "then by the server, without a conflict" "$(k apply --server-side -f "$TEST_DIR/typed.yaml")" \
		"deployment.apps/typed serverside-applied"
	is "what it says is so" "$(k get deployment typed -o jsonpath='{..image}')" nginx:2
	is "and what it does not say any more is gone" "$(k get deployment typed -o jsonpath='{.metadata.labels}')" ""
	ok "somebody types" k set image deployment/typed c=nginx:3
	fails "which is a conflict" 'Apply failed with 1 conflict: conflict with "kubectl[^ ]*" using apps/v1( at [0-9T:Z-]+)?: .spec.template.spec.containers\[name="c"\].image' \
		k apply --server-side -f "$TEST_DIR/typed.yaml"
	is "that can be forced" "$(k apply --server-side --force-conflicts -f "$TEST_DIR/typed.yaml")" \
		"deployment.apps/typed serverside-applied"
fi
is "nothing went wrong" "$(grep -cE 'ERROR|Sanitizer' "$TEST_DIR/control.log")" 0
done_testing
