#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# bench: stream.exec
#
# How fast an unmodified kubectl's `exec cat` brings 256 MB out of a container: through the shim, the API of the node and
# podnet-control, in TLS twice.  The peer brings the same bytes through one connection in TLS, from openssl to curl.
BENCH_NODE=1 . "${0%/*}/lib.sh"

KUBECTL=${KUBECTL:-$("$SOURCE_DIR/tools/kubectl" fetch trixie)}
SOCKET=$TEST_DIR/control/podnet-control.sock
PKI=$TEST_DIR/pki
MEGABYTES=256
export KUBECONFIG=$TEST_DIR/admin.conf HOME=$TEST_DIR/home

k() {
	timeout 60 "$KUBECTL" "$@"
}

control_start() {
	"$PODNET_BIN/podnet-control" --store memory --run-dir "$TEST_DIR/control" --listen 127.0.0.1:6443 \
		--pki-dir "$PKI" --admin-kubeconfig "$KUBECONFIG" --user "" 2>>"$TEST_DIR/control.log" &
	control=$!
	eventually "podnet-control is there" 20 k get serviceaccount default
}

pod_start() {
	k create -f - <<-END >/dev/null
		apiVersion: v1
		kind: Pod
		metadata: {name: source}
		spec:
		  terminationGracePeriodSeconds: 0
		  containers:
		  - {name: main, image: busybox, imagePullPolicy: IfNotPresent, args: [sh, -c, "head -c ${MEGABYTES}000000 /dev/zero >/bytes; exec sleep 1000"]}
	END
	eventually "the Pod has its bytes" 40 eval '[ "$(k exec source -- stat -c %s /bytes)" = '"${MEGABYTES}000000"' ]'
}

tls_start() {
	local port=$1
	head -c "${MEGABYTES}000000" /dev/zero >"$TEST_DIR/bytes"
	(cd "$TEST_DIR" && exec openssl s_server -accept "$port" -cert "$PKI/server.crt" -key "$PKI/server.key" -WWW -quiet) &
	at_exit stop $!
	eventually "openssl serves" 10 curl -s --cacert "$PKI/ca.crt" "https://127.0.0.1:$port/kubeconfig" -o /dev/null
}

# MB a second that COMMAND brings to its stdout.
speed() {
	local began count
	began=$(date +%s%N)
	count=$("$@" | wc -c)
	[ "$count" = "${MEGABYTES}000000" ] || return
	awk -v ns=$(($(date +%s%N) - began)) -v mb="$MEGABYTES" 'BEGIN { printf "%.3f", mb * 1000000000 / ns }'
}

mkdir -p "$HOME"
control_start
cat >"$TEST_DIR/kubeconfig" <<-END
	apiVersion: v1
	kind: Config
	current-context: bench
	contexts: [{name: bench, context: {cluster: bench}}]
	clusters: [{name: bench, cluster: {server: "unix://$SOCKET", certificate-authority: "$PKI/ca.crt"}}]
END
LAB_FLAGS+=(--kubeconfig "$TEST_DIR/kubeconfig")
node_up busybox
pod_start
tls_start 6444
for _ in $(rounds); do
	sample stream.exec ours "$(speed k exec source -- cat /bytes)"
	sample stream.exec tls "$(speed curl -s --cacert "$PKI/ca.crt" https://127.0.0.1:6444/bytes)"
done
k delete pod source --wait=false >/dev/null
eventually "the Pod is gone" 30 eval '[ -z "$(k get pods -o name)" ]'
node_down
stop "$control"
report stream.exec MB/s tls
done_testing
