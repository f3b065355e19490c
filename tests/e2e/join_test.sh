#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# How a machine becomes a node: requests for certificates and who decides on them (kubectl), a token, podnetctl join,
# podnetd with what join has written, and certificates that are renewed while it works.  Tokens that are wrong, used or
# over, servers that are not there or are others.
. "${0%/*}/lib.sh"

PKI=$TEST_DIR/pki
URL=https://192.0.2.1:6443
ADMIN=$TEST_DIR/admin.conf
NODE_CONFIG=$TEST_DIR/etc/kubeconfig
KUBECTL=${KUBECTL:-$SOURCE_DIR/build/kubectl/usr/bin/kubectl}
CLIENT=kubernetes.io/kube-apiserver-client-kubelet
SERVING=kubernetes.io/kubelet-serving
LIFE=40 # seconds of a certificate
KUBELET_CA=()
export HOME=$TEST_DIR/home

[ -x "$KUBECTL" ] || skip_all "no kubectl"

control_start() {
	"$PODNET_BIN/podnet-control" --store "sqlite:$TEST_DIR/store" --run-dir "$TEST_DIR/control" \
		--listen 192.0.2.1:6443 --advertise-address 192.0.2.1 --pki-dir "$PKI" \
		--admin-kubeconfig "$ADMIN" --certificate-seconds "$LIFE" "${KUBELET_CA[@]}" 2>>"$TEST_DIR/control.log" &
	control=$!
	disown "$control"
	eventually "podnet-control is there" 20 control_is_ready
}

control_stop() {
	kill "$control"
	lab_wait 20 control_is_gone
}

control_is_gone() {
	! kill -0 "$control" 2>/dev/null
}

control_is_ready() {
	[ "$(k get namespaces -o name | wc -l)" = 4 ]
}

k() {
	timeout 60 "$KUBECTL" --kubeconfig "$ADMIN" --request-timeout=30s "$@"
}

# request NAME SUBJECT SIGNER USAGES [NAMES]: a CertificateSigningRequest, as the administrator
request() {
	openssl ecparam -name prime256v1 -genkey -noout -out "$TEST_DIR/$1.key"
	openssl req -new -key "$TEST_DIR/$1.key" -subj "$2" ${5:+-addext "subjectAltName=$5"} -out "$TEST_DIR/$1.csr"
	cat <<-END
		apiVersion: certificates.k8s.io/v1
		kind: CertificateSigningRequest
		metadata: {name: $1}
		spec: {request: $(base64 -w0 "$TEST_DIR/$1.csr"), signerName: $3, usages: [$4]}
	END
}

condition() { # REQUEST
	k get csr "$1" --no-headers | awk '{print $NF}'
}

condition_is() { # REQUEST WANT
	[ "$(condition "$1")" = "$2" ]
}

reason() { # REQUEST TYPE
	k get csr "$1" -o json | jq -r ".status.conditions[] | select(.type == \"$2\") | .message"
}

# The line that `token create` prints: sets token and pin.
token_make() { # FLAG...
	read -r _ _ token _ _ pin < <("$PODNET_BIN/podnetctl" token create --admin-kubeconfig "$ADMIN" "$@")
}

join() { # TOKEN [FLAG...]
	local token=$1
	shift
	"$PODNET_BIN/podnetctl" join "$token" "$URL" --ca-hash "$pin" --node-name test-node "$@"
}

bearer() { # TOKEN PATH: the status
	curl -s -o /dev/null -w '%{http_code}' --cacert "$PKI/ca.crt" -H "Authorization: Bearer $1" "$URL$2"
}

node_is_ready() {
	[ "$(k get node test-node -o jsonpath='{.status.conditions[?(@.type=="Ready")].status}')" = True ]
}

# The certificate in the kubeconfig of the node.
node_certificate() {
	sed -n 's/.*client-certificate-data: //p' "$NODE_CONFIG" | base64 -d
}

certificate_is_another() {
	[ "$(node_certificate | openssl x509 -noout -serial)" != "$serial" ]
}

node_up busybox
lab_podnetd_kill TERM
mkdir -p "$HOME"
control_start

# --- requests and decisions ---
request one /O=system:nodes/CN=system:node:one $CLIENT "digital signature, client auth" | k create -f - >/dev/null
is "a request waits" "$(condition one)" Pending
is "the server says who asks" "$(k get csr one -o jsonpath='{.spec.username}')" kubernetes-admin
ok "it is approved" k certificate approve one
eventually "and signed" 10 condition_is one Approved,Issued
k get csr one -o jsonpath='{.status.certificate}' | base64 -d >"$TEST_DIR/one.crt"
like "for a client" "$(openssl x509 -in "$TEST_DIR/one.crt" -noout -text)" \
	'Subject: CN = system:node:one, O = system:nodes.*TLS Web Client'
ok "by the authority" openssl verify -CAfile "$PKI/ca.crt" "$TEST_DIR/one.crt"
is "which lets it in" "$(curl -s -o /dev/null -w '%{http_code}' --cacert "$PKI/ca.crt" --cert "$TEST_DIR/one.crt" \
	--key "$TEST_DIR/one.key" "$URL/api/v1/nodes")" 200
fails "a decision stands" "already Approved" k certificate deny one
request two /O=system:nodes/CN=system:node:two $CLIENT "digital signature, client auth" | k create -f - >/dev/null
ok "one is denied" k certificate deny two
is "and not signed" "$(condition two)" Denied
request three /O=system:nodes/CN=system:node:three $CLIENT "digital signature, client auth" | k create -f - >/dev/null
may() { # VERBS RESOURCES
	cat <<-END
		apiVersion: rbac.authorization.k8s.io/v1
		kind: ClusterRole
		metadata: {name: jane}
		rules:
		- {apiGroups: [certificates.k8s.io], resources: [$2], verbs: [$1]}
	END
}
may "get, update" "certificatesigningrequests, certificatesigningrequests/approval" | k create -f - >/dev/null
k create clusterrolebinding jane --clusterrole=jane --user=jane >/dev/null
fails "who may write decisions" 'not permitted to approve requests with signerName' \
	k --as jane certificate approve three
may "get, update, approve" "certificatesigningrequests, certificatesigningrequests/approval, signers" |
	k apply -f - >/dev/null 2>&1
ok "must also be one who decides for the signer" k --as jane certificate approve three
wrong() { # NAME SUBJECT SIGNER USAGES NAMES MESSAGE
	request "$1" "$2" "$3" "$4" "$5" | k create -f - >/dev/null
	k certificate approve "$1" >/dev/null
	eventually "not signed: $6" 10 condition_is "$1" Approved,Failed
	like "which is said" "$(reason "$1" Failed)" "$6"
}
wrong usages /O=system:nodes/CN=system:node:x $CLIENT "digital signature, server auth" "" "usages did not match"
wrong masters /O=system:masters/CN=system:node:x $CLIENT "digital signature, client auth" "" "organization"
wrong name /O=system:nodes/CN=jane $CLIENT "digital signature, client auth" "" "common name"
wrong names /O=system:nodes/CN=system:node:x $CLIENT "digital signature, client auth" DNS:x "subjectAltNames"
wrong other /O=system:nodes/CN=system:node:x $SERVING "digital signature, server auth" DNS:x "requesting user"
request foreign /CN=x example.com/signer "client auth" | k create -f - >/dev/null
k certificate approve foreign >/dev/null
is "what others sign is left to them" "$(condition foreign)" Approved
fails "garbage is no request" 'spec.request: Invalid value' k create -f - <<-END
	apiVersion: certificates.k8s.io/v1
	kind: CertificateSigningRequest
	metadata: {name: garbage}
	spec: {request: $(echo nothing | base64), signerName: $CLIENT, usages: [client auth]}
END

# --- tokens ---
token_make
like "a token" "$token" '^[a-z0-9]{6}\.[a-z0-9]{16}$'
is "its hash is the authority's" "$pin" "sha256:$(openssl x509 -in "$PKI/ca.crt" -noout -pubkey |
	openssl pkey -pubin -outform der | sha256sum | cut -d' ' -f1)"
is "it may ask for certificates" "$(bearer "$token" /apis/certificates.k8s.io/v1/certificatesigningrequests)" 200
is "and nothing else" "$(bearer "$token" /api/v1/secrets)" 403
is "another secret is none" "$(bearer "${token%?}$(tr 'a-z0-9' 'b-z0-9a' <<<"${token: -1}")" /apis)" 401
is "everybody may read cluster-info" "$(curl -s --cacert "$PKI/ca.crt" \
	"$URL/api/v1/namespaces/kube-public/configmaps/cluster-info" | jq -r .metadata.name)" cluster-info
is "and nothing beside it" "$(curl -s -o /dev/null -w '%{http_code}' --cacert "$PKI/ca.crt" \
	"$URL/api/v1/namespaces/kube-public/configmaps")" 401

is "nor change it" "$(curl -s -o /dev/null -w '%{http_code}' --cacert "$PKI/ca.crt" -X DELETE \
	"$URL/api/v1/namespaces/kube-public/configmaps/cluster-info")" 403
ok "who has rights may" k -n kube-public label configmap cluster-info a=b

# --- what keeps a machine out ---
export token pin renewed
fails "a wrong token" "it is wrong, was used, or has expired" join abcdef.0123456789abcdef --kubeconfig "$NODE_CONFIG"
good=$pin pin=sha256:$(sha256sum </dev/null | cut -d' ' -f1)
fails "another authority" "the authority of $URL has $good, not the --ca-hash" join "$token" --kubeconfig "$NODE_CONFIG"
pin=$good
URL=https://192.0.2.1:6444 fails "nobody there" "cannot reach https://192.0.2.1:6444: Connection refused" \
	join "$token" --kubeconfig "$NODE_CONFIG"
fails "no token at all" "a token is 6 and 16 letters" join word --kubeconfig "$NODE_CONFIG"
good=$token
token_make --ttl 1
sleep=$token
eventually "a token that is over" 10 eval '[ "$(bearer "$sleep" /apis)" = 401 ]'
fails "lets nobody in" "it is wrong, was used, or has expired" join "$sleep" --kubeconfig "$NODE_CONFIG"
eventually "and is forgotten" 10 eval '! k -n kube-system get secret "bootstrap-token-${sleep%.*}" 2>/dev/null'
ok "nothing was written" eval '[ ! -e "$NODE_CONFIG" ]'

# --- joining ---
like "the machine joins" "$(join "$good" --kubeconfig "$NODE_CONFIG")" "^test-node has joined $URL"
is "its key is its own" "$(stat -c %a "$NODE_CONFIG")" 600
fails "once" "this machine has joined" join "$good" --kubeconfig "$NODE_CONFIG"
fails "a used token" "was denied: the bootstrap token was used by node-csr-" join "$good" --kubeconfig "$TEST_DIR/second"
serial=$(node_certificate | openssl x509 -noout -serial)
LAB_FLAGS+=(--kubeconfig "$NODE_CONFIG" --rotate-server-certificates)
lab_podnetd_start || bail "podnetd does not start: $(tail -n 5 "$LAB/podnetd.log")"
eventually "podnetd is a node with it" 30 node_is_ready
k create deployment web --image=busybox -- sleep 1000 >/dev/null
eventually "that runs Pods" "$SECONDS_READY" eval \
	'[ "$(k get pods -l app=web -o jsonpath="{.items[*].status.phase}")" = Running ]'

# --- what the node shows ---
# The certificate of its API: LINE of `openssl x509`.
node_shows() {
	openssl s_client -connect 192.0.2.1:10250 </dev/null 2>/dev/null | openssl x509 -noout "-$1"
}
serving_requests() { # CONDITION: their names
	k get csr --field-selector "spec.signerName=$SERVING" --no-headers | awk -v wanted="$1" '$NF == wanted { print $1 }'
}
pods_logs() {
	k logs deployment/web
}
is "of its own" "$(node_shows issuer)" "issuer=CN = nodeapi"
control_stop
KUBELET_CA=(--kubelet-certificate-authority "$PKI/ca.crt")
control_start
fails "an API server that wants more does not go there" "certificate is not trusted" pods_logs
eventually "it has asked for one that is signed" 30 eval '[ -n "$(serving_requests Pending)" ]'
is "which nobody approves by himself" "$(node_shows issuer)" "issuer=CN = nodeapi"
serving_requests Pending | xargs "$KUBECTL" --kubeconfig "$ADMIN" certificate approve >/dev/null
eventually "approved, it is shown" 30 eval '[ "$(node_shows issuer)" = "issuer=CN = podnet" ]'
like "for its name and address" "$(node_shows ext=subjectAltName)" 'DNS:test-node, IP Address:192.0.2.1'
ok "and the API server goes there" pods_logs
export first_shown # for eval
first_shown=$(node_shows serial)
eventually "it asks for the next one in time" "$LIFE" eval '[ -n "$(serving_requests Pending)" ]'
serving_requests Pending | xargs "$KUBECTL" --kubeconfig "$ADMIN" certificate approve >/dev/null
eventually "and shows that" 30 eval '[ "$(node_shows serial)" != "$first_shown" ]'
ok "it has kept it" eval '[ "serial=$(openssl x509 -noout -serial -in "$LAB/state/pki/serving.crt" | cut -d= -f2)" = "$(node_shows serial)" ]'

log_mark
serial=$(node_certificate | openssl x509 -noout -serial)
eventually "its certificate is renewed in time" "$LIFE" certificate_is_another
is "in a file as before" "$(stat -c %a "$NODE_CONFIG")" 600
ok "by the node itself" eval 'k get csr -o json | jq -e "[.items[] | select(.spec.username == \"system:node:test-node\")
	| .status.conditions[0].reason] | index(\"AutoApproved\") != null"'
renewed=$(k -n kube-node-lease get lease test-node -o jsonpath='{.spec.renewTime}')
ends=$(date -d "$(openssl x509 -noout -enddate <<<"$(node_certificate)" | cut -d= -f2)" +%s)
eventually "when the first one is over" $((LIFE + 10)) eval '[ "$EPOCHSECONDS" -gt '"$((ends - LIFE / 2))"' ]'
eventually "the node goes on" 20 eval \
	'[ "$(k -n kube-node-lease get lease test-node -o jsonpath={.spec.renewTime})" != "$renewed" ]'
ok "nothing was dropped" eval '! log_has "cannot follow|cannot renew"'
eventually "a used token is forgotten" 90 eval '[ "$(bearer "$good" /apis)" = 401 ]'
fails "and lets nobody in" "it is wrong, was used, or has expired" join "$good" --kubeconfig "$TEST_DIR/second"
token_make --reusable
ok "a token for many" join "$token" --kubeconfig "$TEST_DIR/a"
ok "is for many" join "$token" --kubeconfig "$TEST_DIR/b"

k delete deployment web >/dev/null
eventually "the Pod goes" 40 eval '[ "$(k get pods -o name)" = "" ]'
unlike "nothing went wrong at the server" "$(cat "$TEST_DIR/control.log")" 'ERROR|Sanitizer'
node_down
control_stop
done_testing
