#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# podnet-control and an unmodified kubectl (Debian's): the administrator's kubeconfig, what people type, what
# others may and may not, and what happens to those who come without a name, with a wrong one, or with garbage.
. "${0%/*}/../netns/lib.sh"

RUN=$TEST_DIR/run
PKI=$TEST_DIR/pki
PORT=6443
URL=https://127.0.0.1:$PORT
export KUBECONFIG=$TEST_DIR/etc/admin.conf HOME=$TEST_DIR/home
KUBECTL=${KUBECTL:-$SOURCE_DIR/build/kubectl/usr/bin/kubectl}
SHAKE=10 # seconds that a handshake may take

[ -x "$KUBECTL" ] || skip_all "no kubectl"

control_start() {
	"$PODNET_BIN/podnet-control" --store "sqlite:$TEST_DIR/store" --run-dir "$RUN" --pki-dir "$PKI" \
		--listen "127.0.0.1:$PORT" --admin-kubeconfig "$KUBECONFIG" \
		--audit-log "$TEST_DIR/audit.log" 2>>"$TEST_DIR/control.log" &
	control=$!
	eventually "podnet-control is there" 20 control_is_ready
}

control_is_ready() {
	[ "$(k get namespaces -o name | wc -l)" = 4 ]
}

k() {
	timeout 60 "$KUBECTL" --request-timeout=30s "$@"
}

# Without a kubeconfig: TOKEN ARGUMENT...
with_token() {
	local token=$1
	shift
	timeout 60 "$KUBECTL" --kubeconfig=/dev/null --server="$URL" --certificate-authority="$PKI/ca.crt" \
		--token="$token" "$@"
}

# A client certificate: NAME SUBJECT [AUTHORITY [DAYS]]; leaves NAME.crt and NAME.key.
certificate() {
	local authority=${3:-$PKI/ca}
	openssl ecparam -name prime256v1 -genkey -noout -out "$TEST_DIR/$1.key"
	openssl req -new -key "$TEST_DIR/$1.key" -subj "$2" -out "$TEST_DIR/$1.csr"
	printf 'extendedKeyUsage=clientAuth\n' >"$TEST_DIR/client.ext"
	openssl x509 -req -in "$TEST_DIR/$1.csr" -CA "$authority.crt" -CAkey "$authority.key" \
		-set_serial "0x$RANDOM" -days "${4:-1}" -extfile "$TEST_DIR/client.ext" \
		-out "$TEST_DIR/$1.crt" 2>/dev/null
}

# ask CERTIFICATE METHOD PATH [TYPE BODY]: "CODE", the answer in $TEST_DIR/answer; CERTIFICATE "-": none.
AS=() # more headers: as whom it is asked
ask() {
	local shown=()
	[ "$1" = - ] || shown=(--cert "$TEST_DIR/$1.crt" --key "$TEST_DIR/$1.key")
	curl -s -o "$TEST_DIR/answer" -w '%{http_code}' --cacert "$PKI/ca.crt" "${shown[@]}" "${AS[@]}" -X "$2" \
		${4:+-H "Content-Type: $4"} ${5:+--data-binary "$5"} "$URL$3"
}

message() {
	jq -r .message "$TEST_DIR/answer"
}

pods_have_node() { # COUNT NODE
	[ "$(k get pods -o jsonpath='{range .items[*]}{.spec.nodeName}{"\n"}{end}' | grep -cx "$2")" = "$1" ]
}

manifest() { # NAME IMAGE
	cat <<-END
		apiVersion: apps/v1
		kind: Deployment
		metadata: {name: $1, labels: {app: $1}}
		spec:
		  replicas: 1
		  selector: {matchLabels: {app: $1}}
		  template:
		    metadata: {labels: {app: $1}}
		    spec:
		      containers:
		      - {name: main, image: $2, ports: [{containerPort: 80}]}
		      - {name: side, image: busybox}
	END
}

mkdir -p "$HOME"
control_start

# --- keys ---
is "the administrator's kubeconfig is his alone" "$(stat -c %a "$KUBECONFIG")" 600
is "keys are the server's alone" "$(stat -c %a "$PKI" "$PKI/ca.key" "$PKI/sa.key" | tr '\n' ' ')" "700 600 600 "

# --- what people type ---
cat >"$TEST_DIR/node.yaml" <<-END
	apiVersion: v1
	kind: Node
	metadata: {name: node1, labels: {kubernetes.io/hostname: node1}}
END
ok "a node is made from a file" k create -f "$TEST_DIR/node.yaml"
certificate node1 /O=system:nodes/CN=system:node:node1
is "it says itself that it is ready" "$(ask node1 PATCH /api/v1/nodes/node1/status \
	application/merge-patch+json '{"status":{"allocatable":{"cpu":"4","memory":"8Gi","pods":"110"},
	"conditions":[{"type":"Ready","status":"True"}]}}')" 200
ok "create deployment" k create deployment web --image=nginx
ok "scale" k scale deployment web --replicas=3
eventually "all have a node" 20 pods_have_node 3 node1
like "get pods -o wide" "$(k get pods -o wide)" 'NAME .*READY .*IP .*NODE .*web-[a-z0-9]+-[a-z0-9]+ .*node1'
ok "label" k label node node1 env_role=prod
ok "taint" k taint node node1 env_role=yes:NoSchedule
like "describe node" "$(k describe node node1)" 'env_role=prod.*Taints: +env_role=yes:NoSchedule'
ok "the taint goes" k taint node node1 env_role:NoSchedule-
like "and has gone" "$(k describe node node1)" 'Taints: +<none>'
like "api-resources" "$(k api-resources)" 'deployments +deploy +apps/v1 +true +Deployment'
like "explain" "$(k explain deployment.spec.template.spec.containers)" 'image	<string>'
like "and what it is for" "$(k explain pod.spec.containers.image)" 'What runs, as registry, repository, and tag or digest'
like "with its parts" "$(k explain deployment.spec.strategy)" 'rollingUpdate	<'
is "auth can-i" "$(k auth can-i create deployments)" yes
manifest app nginx:1 >"$TEST_DIR/app.yaml"
is "apply makes" "$(k apply -f "$TEST_DIR/app.yaml")" "deployment.apps/app created"
manifest app nginx:2 >"$TEST_DIR/app.yaml"
is "apply changes" "$(k apply -f "$TEST_DIR/app.yaml")" "deployment.apps/app configured"
is "one container of two" \
	"$(k get deployment app -o jsonpath='{.spec.template.spec.containers[*].image}')" "nginx:2 busybox"
is "apply leaves what is the same" "$(k apply -f "$TEST_DIR/app.yaml")" "deployment.apps/app unchanged"
manifest app nginx:2 | sed s/image:/imag:/ >"$TEST_DIR/wrong.yaml"
fails "apply finds mistakes" 'unknown field ".*imag"' k apply -f "$TEST_DIR/wrong.yaml"
ok "patch" k patch deployment app -p '{"spec":{"template":{"metadata":{"annotations":{"a":"b"}}}}}'
EDITOR="sed -i s/nginx:2/nginx:3/" ok "edit" k edit deployment app
is "is what it says" \
	"$(k get deployment app -o jsonpath='{.spec.template.spec.containers[0].image}')" nginx:3
like "rollout history" "$(k rollout history deployment app)" $'\n4 '
timeout 30 "$KUBECTL" get pods -l app=watched -w -o name >"$TEST_DIR/watched" &
watch=$!
ok "run" k run watched --image=busybox --labels=app=watched
eventually "get -w tells of it" 20 grep -qx pod/watched "$TEST_DIR/watched"
kill "$watch"
wait "$watch"
ok "delete deployment" k delete deployment web
fails "which has gone" 'deployments.apps "web" not found' k get deployment web

# --- others ---
is "without a name" "$(ask - GET /api/v1/pods)" 401
is "one is told so" "$(message)" Unauthorized
is "discovery is not for everybody" "$(ask - GET /apis)" 401
is "health is" "$(ask - GET /healthz) $(ask - GET /livez) $(ask - GET /readyz) $(ask - GET /version)" \
	"200 200 200 200"
certificate jane /O=dev/CN=jane
is "with a name, but no rights" "$(ask jane GET /api/v1/namespaces/default/pods)" 403
is "one is told which" "$(message)" \
	'pods is forbidden: User "jane" cannot list resource "pods" in API group "" in the namespace "default"'
is "discovery is for all who have one" "$(ask jane GET /apis)" 200
ok "a group may be let in" k create rolebinding dev --clusterrole=view --group=dev
is "then it may look" "$(ask jane GET /api/v1/namespaces/default/pods)" 200
is "not elsewhere" "$(ask jane GET /api/v1/namespaces/kube-system/pods)" 403
is "nor change" "$(ask jane DELETE /api/v1/namespaces/default/pods/watched)" 403
ok "an administrator of a namespace" k create rolebinding boss --clusterrole=admin --user=jane
is "gives what he has" "$(ask jane POST \
	/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings application/json \
	'{"metadata":{"name":"x"},"roleRef":{"kind":"ClusterRole","name":"edit"},
	"subjects":[{"kind":"User","name":"joe"}]}')" 201
is "and no more" "$(ask jane POST \
	/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings application/json \
	'{"metadata":{"name":"y"},"roleRef":{"kind":"ClusterRole","name":"cluster-admin"},
	"subjects":[{"kind":"User","name":"jane"}]}')" 403
like "which is said" "$(message)" 'attempting to grant RBAC permissions not currently held'
is "one may look through another's eyes" "$(k auth can-i delete nodes --as=jane)" no
is "and see what he may" "$(k auth can-i create pods --as=joe)" yes
fails "who may" 'cannot impersonate resource "users"' \
	k --client-certificate="$TEST_DIR/jane.crt" --client-key="$TEST_DIR/jane.key" \
	--kubeconfig=/dev/null --server="$URL" --certificate-authority="$PKI/ca.crt" \
	get pods --as=root
ok "some users may be acted as" k create clusterrole act --verb=impersonate --resource=users --resource-name=joe
ok "by this one" k create clusterrolebinding act --clusterrole=act --user=jane
AS=(-H "Impersonate-User: joe")
is "which lets him act" "$(ask jane GET /apis)" 200
AS=(-H "Impersonate-User: joe" -H "Impersonate-Uid: 7")
is "but not with a uid" "$(ask jane GET /apis)" 403
is "of which it is said" "$(message)" \
	'uids.authentication.k8s.io "7" is forbidden: User "jane" cannot impersonate resource "uids" in API group "authentication.k8s.io" at the cluster scope'
AS=(-H "Impersonate-User: joe" -H "Impersonate-Extra-Scopes: all")
is "nor with words" "$(ask jane GET /apis)" 403
is "of which it is said, too" "$(message)" \
	'userextras.authentication.k8s.io "all" is forbidden: User "jane" cannot impersonate resource "userextras/scopes" in API group "authentication.k8s.io" at the cluster scope'
ok "unless these are allowed" k create clusterrole words --verb=impersonate --resource=userextras.authentication.k8s.io/scopes
ok "to him" k create clusterrolebinding words --clusterrole=words --user=jane
is "then he has them" "$(ask jane GET /apis)" 200
AS=()

# --- tokens ---
ok "a service account" k create serviceaccount robot
token=$(ask jane POST /api/v1/namespaces/default/serviceaccounts/robot/token application/json \
	'{"kind":"TokenRequest","apiVersion":"authentication.k8s.io/v1","spec":{}}' >/dev/null &&
	jq -r .status.token "$TEST_DIR/answer")
fails "its token is its name" \
	'User "system:serviceaccount:default:robot" cannot list resource "pods"' with_token "$token" get pods
ok "it is let in like others" k create rolebinding robot --clusterrole=view --serviceaccount=default:robot
like "then it may look" "$(with_token "$token" get pods)" watched
fails "a changed token is none" "must be logged in" with_token "${token}x" get pods
fails "nor is a word" "must be logged in" with_token nothing get pods
robot() { # BODY-OF-SPEC: its token
	ask jane POST /api/v1/namespaces/default/serviceaccounts/robot/token application/json \
		"{\"kind\":\"TokenRequest\",\"apiVersion\":\"authentication.k8s.io/v1\",\"spec\":$1}" >/dev/null
	jq -r .status.token "$TEST_DIR/answer"
}
fails "a token for others is none for us" "must be logged in" \
	with_token "$(robot '{"audiences":["vault"]}')" get pods
ok "a Pod of it" k run bound --image=busybox --overrides='{"spec":{"serviceAccountName":"robot"}}'
bound=$(robot '{"boundObjectRef":{"kind":"Pod","apiVersion":"v1","name":"bound"}}')
like "a token of the Pod" "$(with_token "$bound" get pods)" bound
k delete pod bound --grace-period=0 --force >/dev/null 2>&1
wait_for 20 eval '! k get pod bound'
[ -z "$(k get pod bound --ignore-not-found -o name)" ] ||
	ask node1 DELETE /api/v1/namespaces/default/pods/bound application/json '{"gracePeriodSeconds":0}' >/dev/null
fails "ends with it" "must be logged in" with_token "$bound" get pods
ok "the account goes" k delete serviceaccount robot
fails "and its tokens with it" "must be logged in" with_token "$token" get pods

# --- nodes ---
k create secret generic used --from-literal=a=b >/dev/null
k create secret generic other --from-literal=a=b >/dev/null
k run user --image=busybox --overrides='{"spec":{"containers":[{"name":"user","image":"busybox",
	"envFrom":[{"secretRef":{"name":"used"}}]}]}}' >/dev/null
eventually "a Pod is on the node" 20 eval '[ "$(k get pod user -o jsonpath={.spec.nodeName})" = node1 ]'
is "a node reads what its Pods use" "$(ask node1 GET /api/v1/namespaces/default/secrets/used)" 200
is "and nothing else" "$(ask node1 GET /api/v1/namespaces/default/secrets/other)" 403
like "which is said" "$(message)" "no relationship found between node 'node1' and this object"
is "its own Pods" "$(ask node1 GET "/api/v1/pods?fieldSelector=spec.nodeName%3Dnode1")" 200
is "not all" "$(ask node1 GET /api/v1/pods)" 403
is "it changes itself" "$(ask node1 PATCH /api/v1/nodes/node1 application/merge-patch+json \
	'{"metadata":{"labels":{"disk":"fast"}}}')" 200
is "but not its role" "$(ask node1 PATCH /api/v1/nodes/node1 application/merge-patch+json \
	'{"metadata":{"labels":{"node-role.kubernetes.io/control-plane":""}}}')" 403
is "nor another node" "$(ask node1 PATCH /api/v1/nodes/node2 application/merge-patch+json '{}')" 403

# --- wrong ones ---
certificate stale /O=system:masters/CN=root "$PKI/ca" 0
eventually "an expired certificate is none" 10 eval '[ "$(ask stale GET /api/v1/pods)" = 401 ]'
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$TEST_DIR/else.key" \
	-out "$TEST_DIR/else.crt" -subj /CN=podnet -days 1 2>/dev/null
certificate forged /O=system:masters/CN=root "$TEST_DIR/else"
is "a foreign authority's" "$(ask forged GET /api/v1/pods)" 401
is "a server's, shown by a client" "$(
	cp "$PKI/server.crt" "$PKI/server.key" "$TEST_DIR"
	ask server GET /api/v1/pods
)" 401
like "plain HTTP" "$(curl -s "http://127.0.0.1:$PORT/api")" 'HTTP request to an HTTPS server'
garbage() {
	local answer
	exec 5<>"/dev/tcp/127.0.0.1/$PORT" || return
	head -c 4096 /dev/urandom >&5
	timeout 5 cat <&5 >/dev/null
	answer=$?
	exec 5>&-
	return "$answer"
}
(garbage) 2>/dev/null
unlike "garbage is hung up on" "$?" 124
begun=$EPOCHSECONDS
exec 6<>"/dev/tcp/127.0.0.1/$PORT"
printf '\x16\x03\x01' >&6
timeout 30 cat <&6 >/dev/null
exec 6>&-
took=$((EPOCHSECONDS - begun))
ok "who does not go on is hung up on in time" [ "$took" -ge $((SHAKE - 1)) -a "$took" -le $((SHAKE + 8)) ]
head -c $((4 << 20)) /dev/zero | tr '\0' x >"$TEST_DIR/large"
cp "$PKI/admin.crt" "$PKI/admin.key" "$TEST_DIR"
is "a body that is too large" \
	"$(ask admin POST /api/v1/namespaces/default/configmaps application/json "@$TEST_DIR/large")" 413
head -c 100000 /dev/zero | tr '\0' x >"$TEST_DIR/large"
is "is smaller when a stranger sends it" \
	"$(ask - POST /api/v1/namespaces/default/configmaps application/json "@$TEST_DIR/large")" 413

# --- recorded ---
is "changes are recorded" "$(jq -c 'select(.objectRef.resource == "deployments" and .verb == "delete") |
	[.user.username, .objectRef.name, .responseStatus.code]' "$TEST_DIR/audit.log" | tail -n 1)" \
	'["kubernetes-admin","web",200]'
ok "refusals too" jq -se 'map(select(.user.username == "jane" and .responseStatus.code == 403)) | length > 2' \
	"$TEST_DIR/audit.log"
is "not those who only look" "$(jq -c 'select(.verb == "list" and .responseStatus.code == 200)' \
	"$TEST_DIR/audit.log")" ""
unlike "no token stands there" "$(cat "$TEST_DIR/audit.log")" 'eyJ'

# --- again ---
before=$(sha256sum "$PKI"/* "$KUBECONFIG")
kill "$control"
wait "$control"
is "it ends in peace" $? 0
control_start
is "the next start has the same keys" "$(sha256sum "$PKI"/* "$KUBECONFIG")" "$before"
is "rights are what they were" "$(ask jane GET /api/v1/namespaces/default/pods)" 200
kill "$control"
wait "$control"
is "nothing went wrong" "$(grep -cE 'ERROR|Sanitizer' "$TEST_DIR/control.log")" 0
done_testing
