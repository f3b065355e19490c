#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# An unmodified kubectl (Debian's) reaches into Pods: logs, exec, attach, port-forward; through podnet-control, which
# asks who may, and the API of the node, which serves nobody else.
. "${0%/*}/lib.sh"

PKI=$TEST_DIR/pki
PORT=6443
SOCKET=$TEST_DIR/control/podnet-control.sock
export KUBECONFIG=$TEST_DIR/admin.conf HOME=$TEST_DIR/home
KUBECTL=$SOURCE_DIR/build/kubectl/usr/bin/kubectl
NODE=https://192.0.2.1:10250

[ -x "$KUBECTL" ] || skip_all "no kubectl"

k() {
	timeout 60 "$KUBECTL" --request-timeout=30s "$@"
}

control_is_ready() {
	[ "$(k get namespaces -o name | wc -l)" = 4 ]
}

control_start() {
	"$PODNET_BIN/podnet-control" --store "sqlite:$TEST_DIR/store" --run-dir "$TEST_DIR/control" \
		--pki-dir "$PKI" --listen "127.0.0.1:$PORT" --admin-kubeconfig "$KUBECONFIG" \
		2>>"$TEST_DIR/control.log" &
	control=$!
	disown "$control"
	eventually "podnet-control is there" 20 control_is_ready
}

control_is_gone() {
	! kill -0 "$control" 2>/dev/null
}

# A client certificate: NAME SUBJECT; leaves NAME.crt and NAME.key.
certificate() {
	openssl ecparam -name prime256v1 -genkey -noout -out "$TEST_DIR/$1.key"
	openssl req -new -key "$TEST_DIR/$1.key" -subj "$2" -out "$TEST_DIR/$1.csr"
	printf 'extendedKeyUsage=clientAuth\n' >"$TEST_DIR/client.ext"
	openssl x509 -req -in "$TEST_DIR/$1.csr" -CA "$PKI/ca.crt" -CAkey "$PKI/ca.key" \
		-set_serial "0x$RANDOM" -days 1 -extfile "$TEST_DIR/client.ext" \
		-out "$TEST_DIR/$1.crt" 2>/dev/null
}

# ask_node CERTIFICATE PATH: "CODE", the answer in $TEST_DIR/answer; CERTIFICATE "-": none.
ask_node() {
	local shown=()
	[ "$1" = - ] || shown=(--cert "$TEST_DIR/$1.crt" --key "$TEST_DIR/$1.key")
	curl -sk --max-time 10 -o "$TEST_DIR/answer" -w '%{http_code}' "${shown[@]}" "$NODE$2"
}

message() {
	jq -r .message "$TEST_DIR/answer"
}

pods_are_ready() { # NAME...
	[ "$(k get pods "$@" -o jsonpath='{.items[*].status.conditions[?(@.type=="Ready")].status}')" = "True True" ]
}

mkdir -p "$HOME"
node_up busybox
lab_podnetd_kill TERM
control_start
cat >"$TEST_DIR/kubeconfig" <<-END
	apiVersion: v1
	kind: Config
	current-context: test
	contexts: [{name: test, context: {cluster: test}}]
	clusters: [{name: test, cluster: {server: "unix://$SOCKET", certificate-authority: "$PKI/ca.crt"}}]
END
LAB_FLAGS+=(--kubeconfig "$TEST_DIR/kubeconfig")
lab_podnetd_start || bail "podnetd does not start: $(tail -n 5 "$LAB/podnetd.log")"

eventually "the Node says where its API is" 30 eval \
	'[ "$(k get node test-node -o jsonpath="{.status.daemonEndpoints.kubeletEndpoint.Port}")" = 10250 ]'

k create -f - <<-'END' >/dev/null
	apiVersion: v1
	kind: Pod
	metadata: {name: talker}
	spec:
	  terminationGracePeriodSeconds: 1
	  containers:
	  - name: main
	    image: busybox
	    imagePullPolicy: IfNotPresent
	    args: [sh, -c, "echo first; echo err >&2; echo second; until [ -e /tmp/end ]; do sleep 0.1; done; rm /tmp/end; echo last; exit 5"]
	---
	apiVersion: v1
	kind: Pod
	metadata: {name: two}
	spec:
	  terminationGracePeriodSeconds: 1
	  containers:
	  - {name: web, image: busybox, imagePullPolicy: IfNotPresent, args: [sh, -c, "mkdir /tmp/w; echo hello >/tmp/w/index.html; exec httpd -f -p 8080 -h /tmp/w"]}
	  - {name: side, image: busybox, imagePullPolicy: IfNotPresent, args: [sleep, "1000"]}
END
eventually "the Pods are ready" "$SECONDS_READY" pods_are_ready talker two

# --- logs ---
is "logs" "$(k logs talker | sort)" $'err\nfirst\nsecond'
note "$(cat "$LAB/podnetd.log" "$TEST_DIR/control.log" | tail -20)"
k delete pod talker two --wait=false
kill "$control"
node_down
done_testing
