#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The edges of podnet-control's API: what nodes and users may not get by a detour, what a patch may not break,
# what must not be lost on the way out.
. "${0%/*}/../netns/lib.sh"

RUN=$TEST_DIR/run
MERGE='Content-Type: application/merge-patch+json'
NS=/api/v1/namespaces
AS=() # more headers: as whom it is asked

# ask METHOD PATH [BODY] [HEADER]
ask() {
	curl -s --unix-socket "$RUN/podnet-control.sock" -X "$1" -H "${4:-Content-Type: application/json}" "${AS[@]}" \
		${3:+--data-binary "$3"} "http://podnet$2"
}

# answer JQ METHOD PATH [BODY] [HEADER]: what it looks for in the answer
answer() {
	ask "${@:2}" | jq -cr "$1"
}

# refused METHOD PATH [BODY] [HEADER]: code and message
refused() {
	answer '"\(.code) \(.message)"' "$@"
}

as_node() { # NAME
	AS=(-H "Impersonate-User: system:node:$1" -H "Impersonate-Group: system:nodes")
}

as_self() {
	AS=()
}

control_is_ready() {
	[ "$(answer .metadata.name GET "$NS/default/serviceaccounts/default")" = default ] &&
		[ "$(answer .metadata.name GET "$NS/kube-system/serviceaccounts/default")" = default ] &&
		[ "$(answer .kind GET "$NS/default/configmaps/kube-root-ca.crt")" = ConfigMap ]
}

"$PODNET_BIN/podnet-control" --store memory --run-dir "$RUN" --listen "" --pki-dir "$TEST_DIR/pki" \
	--admin-kubeconfig "" --audit-log "$TEST_DIR/audit" 2>"$TEST_DIR/control.log" &
control=$!
eventually "podnet-control is there" 20 control_is_ready

pod() { # NAME [SPEC-KEYS] [META-KEYS]
	echo "{\"metadata\":{\"name\":\"$1\"${3:+,$3}},\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i:1\"}]${2:+,$2}}}"
}

# --- a node's detours ---
mirror() { # NAME [META-KEYS]
	pod "$1" '"nodeName":"n1"' "\"annotations\":{\"kubernetes.io/config.mirror\":\"x\"}${2:+,$2}"
}
as_node n1
is "a node is registered by itself" "$(answer .metadata.name POST /api/v1/nodes '{"metadata":{"name":"n1"}}')" n1
is "and shows what runs on it" "$(answer .metadata.name POST "$NS/kube-system/pods" "$(mirror shown)")" shown
bound='{"spec":{"boundObjectRef":{"kind":"Pod","apiVersion":"v1","name":"shown"}}}'
like "which gives it no token of that namespace" \
	"$(refused POST "$NS/kube-system/serviceaccounts/default/token" "$bound")" \
	"^403 .*no relationship found between node 'n1' and this object"
like "nor does it choose with whom it goes" "$(refused PATCH /api/v1/nodes/n1 \
	'{"metadata":{"ownerReferences":[{"apiVersion":"v1","kind":"ConfigMap","name":"x","uid":"y"}]}}' "$MERGE")" \
	'^403 .*is not allowed to modify ownerReferences'
as_self
like "nor anybody: a mirror Pod has no account" \
	"$(refused POST "$NS/kube-system/serviceaccounts/default/token" "$bound")" \
	'^422 .*the Pod runs with another service account'

# --- who gives rights ---
roles=/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles
many() { # LETTER: a hundred words
	printf "\"$1%d\"," {1..100} | sed 's/,$//'
}
ask POST "${roles%/*}/rolebindings" '{"metadata":{"name":"alice"},"subjects":[{"kind":"User","name":"alice"}],
	"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"admin"}}' >/dev/null
AS=(-H "Impersonate-User: alice")
is "who has rights can give them" "$(answer .metadata.name POST "$roles" \
	'{"metadata":{"name":"some"},"rules":[{"verbs":["get"],"apiGroups":[""],"resources":["pods"]}]}')" some
like "but not more than can be compared" "$(refused POST "$roles" "{\"metadata\":{\"name\":\"many\"},\"rules\":[{
	\"verbs\":[\"get\",$(many v)],\"apiGroups\":[$(many g)],\"resources\":[$(many r)]}]}")" \
	'^403 .*too many to be compared'
as_self

for i in {1..12}; do
	ask POST /apis/rbac.authorization.k8s.io/v1/clusterroles "{\"metadata\":{\"name\":\"ring$i\",
		\"labels\":{\"ring\":\"yes\"}},\"aggregationRule\":{\"clusterRoleSelectors\":[
		{\"matchLabels\":{\"ring\":\"yes\"}}]}}" >/dev/null
done
ask POST "${roles%/*}/rolebindings" '{"metadata":{"name":"bob"},"subjects":[{"kind":"User","name":"bob"}],
	"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"ring1"}}' >/dev/null
ask POST /apis/rbac.authorization.k8s.io/v1/clusterroles '{"metadata":{"name":"in","labels":{"ring":"yes"}},
	"rules":[{"verbs":["get"],"apiGroups":[""],"resources":["configmaps"]}]}' >/dev/null
AS=(-H "Impersonate-User: bob")
is "roles that gather each other give what is in one of them" \
	"$(answer .kind GET "$NS/default/configmaps/kube-root-ca.crt")" ConfigMap
like "and no more" "$(refused GET "$NS/default/secrets/x")" '^403 '
as_self

AS=(-H "Impersonate-User: carol" -H "Impersonate-Group: system:masters")
ask POST "$NS/default/configmaps" '{"metadata":{"name":"carols"}}' >/dev/null
is "the record says who acted as whom" "$(jq -c 'select(.impersonatedUser.username == "carol") |
	[.user.username, .impersonatedUser.groups, .verb]' "$TEST_DIR/audit")" \
	'["system:apiserver",["system:masters","system:authenticated"],"create"]'
as_self

groups() { # HEADERS: of whom one acts as
	local AS=("$@")
	answer .status.userInfo.groups POST /apis/authentication.k8s.io/v1/selfsubjectreviews '{}'
}
AS=(-H "Impersonate-User: system:anonymous")
like "nobody has not what everybody has" "$(refused POST /apis/authentication.k8s.io/v1/selfsubjectreviews '{}')" \
	'^403 .*User "system:anonymous" cannot create'
as_self
is "an account is in its groups" "$(groups -H "Impersonate-User: system:serviceaccount:default:a")" \
	'["system:serviceaccounts","system:serviceaccounts:default","system:authenticated"]'
is "unless others are named" "$(groups -H "Impersonate-User: system:serviceaccount:default:a" -H "Impersonate-Group: g")" \
	'["g","system:authenticated"]'
dan=(-H "Impersonate-User: dan" -H "Impersonate-Uid: 42" -H "Impersonate-Extra-Scopes: view" -H "impersonate-extra-scopes: edit"
	-H "Impersonate-Extra-Example.com%2FProject: p%2Fq")
AS=("${dan[@]}")
is "one may have the uid of another, and words under a name" \
	"$(answer '.status.userInfo | del(.groups)' POST /apis/authentication.k8s.io/v1/selfsubjectreviews '{}' | jq -cS .)" \
	'{"extra":{"example.com/project":["p%2Fq"],"scopes":["view","edit"]},"uid":"42","username":"dan"}'
AS=(-H "Impersonate-Uid: 42")
is "not without his name" "$(refused GET "$NS/default")" "400 requested without impersonating a user"
AS=(-H "Impersonate-Extra-Scopes: view")
is "nor with words alone" "$(refused GET "$NS/default")" "400 requested without impersonating a user"
AS=(-H $'Impersonate-User: d\xffn')
is "a name is text" "$(refused GET "$NS/default")" "400 users to impersonate are not UTF-8"
as_self

# --- what a patch may not break ---
deployments=/apis/apps/v1/namespaces/default/deployments
ask POST "$deployments" '{"metadata":{"name":"d"},"spec":{"replicas":3,"selector":{"matchLabels":{"a":"d"}},
	"template":{"metadata":{"labels":{"a":"d"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}}' >/dev/null
like "replicas are no text" "$(refused PATCH "$deployments/d/scale" '{"spec":{"replicas":"5"}}' "$MERGE")" \
	'^400 json: cannot unmarshal string into Go struct field .*replicas of type int32'
like "nor a number that nobody could count" \
	"$(refused PATCH "$deployments/d/scale" '{"spec":{"replicas":99999999999}}' "$MERGE")" \
	'^400 json: cannot unmarshal number into Go struct field .*replicas of type int32'
is "what was refused has changed nothing" "$(answer .spec.replicas GET "$deployments/d")" 3
is "a number is one" "$(answer .spec.replicas PATCH "$deployments/d/scale" '{"spec":{"replicas":2}}' "$MERGE")" 2

ask POST "$NS/default/pods" "$(pod kept '"schedulerName":"none"')" >/dev/null
is "a Pod's status does not say whose it is" "$(answer '[.metadata.ownerReferences, .status.message]' \
	PATCH "$NS/default/pods/kept/status" '{"status":{"message":"m"},"metadata":{"ownerReferences":[
	{"apiVersion":"v1","kind":"ConfigMap","name":"x","uid":"y"}]}}' "$MERGE")" '[null,"m"]'

# --- what must not be lost on the way out ---
ask POST "$NS" '{"metadata":{"name":"team"}}' >/dev/null
ask POST "$NS/team/configmaps" '{"metadata":{"name":"held","finalizers":["example.com/x"]}}' >/dev/null
ask DELETE "$NS/team" >/dev/null
is "a namespace on its way out can be changed" \
	"$(answer .metadata.labels.a PATCH "$NS/team" '{"metadata":{"labels":{"a":"b"}}}' "$MERGE")" b
is "and waits for what is in it" "$(answer .status.phase GET "$NS/team")" Terminating
pods=$NS/default/pods
ask POST "$pods" "$(pod late '"schedulerName":"none"' '"finalizers":["example.com/x"]')" >/dev/null
ask DELETE "$pods/late" >/dev/null
is "a Pod on its way out gets no node" \
	"$(refused POST "$pods/late/binding" '{"target":{"kind":"Node","name":"n1"}}')" \
	'409 Operation cannot be fulfilled on pods/binding "late": pod late is being deleted, cannot be assigned to a host'
ask POST "$pods" "$(pod slow '"nodeName":"n1"')" >/dev/null
like "a grace is a number" "$(refused DELETE "$pods/slow?gracePeriodSeconds=soon")" '^400 gracePeriodSeconds: Invalid value'
is "of which there are not that many" "$(answer '.metadata | [.deletionGracePeriodSeconds, .deletionTimestamp[:2]]' \
	DELETE "$pods/slow" '{"gracePeriodSeconds":9223372036854775807}')" '[2147483647,"20"]'
is "less than none is one second" "$(answer .metadata.deletionGracePeriodSeconds DELETE "$pods/slow?gracePeriodSeconds=-5")" 1

# --- a reader that pauses ---
maps=$NS/default/configmaps
long=$(head -c 100000 /dev/zero | tr '\0' x)
revision=$(answer .metadata.resourceVersion GET "$maps?limit=1")
mkfifo "$TEST_DIR/go"
ask GET "$maps?watch=true&timeoutSeconds=10&resourceVersion=$revision" | {
	read -r _ <"$TEST_DIR/go"
	jq -r .type | grep -c ADDED
} >"$TEST_DIR/seen" &
reader=$!
for i in {1..40}; do
	ask POST "$maps" "{\"metadata\":{\"name\":\"long$i\"},\"data\":{\"k\":\"$long\"}}" >/dev/null
done
echo >"$TEST_DIR/go"
wait "$reader"
is "who reads nothing for a while misses nothing" "$(cat "$TEST_DIR/seen")" 40

kill "$control"
wait "$control"
is "it ends in peace" $? 0
is "nothing went wrong" "$(grep -cE 'ERROR|Sanitizer' "$TEST_DIR/control.log")" 0
done_testing
