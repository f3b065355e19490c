#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Kubernetes' conformance tests, sig-cli, with an unmodified kubectl: see conformance.sh.
. "${0%/*}/control.sh"
. "${0%/*}/conformance.sh"

control_begin_tls
[ -x "$KUBECTL" ] || skip_all "no kubectl"
nodes_add n1

k() {
	timeout 60 "$KUBECTL" "$@"
}

row "Kubectl client Kubectl cluster-info should check if Kubernetes master services is included in cluster-info"
row_like "it is told where that is" "$(k cluster-info | sed 's/\x1b\[[0-9;]*m//g')" 'Kubernetes (master|control plane) is running at https://127.0.0.1:6443'

row "Kubectl client Kubectl diff should check if kubectl diff finds a difference for Deployments"
workload Deployment diff 1 '' httpd:1 >"$TEST_DIR/diff.json"
k create -f "$TEST_DIR/diff.json" >/dev/null
row_ok "none in the same" k diff -f "$TEST_DIR/diff.json"
sed 's/httpd:1/busybox:1/' "$TEST_DIR/diff.json" >"$TEST_DIR/other.json"
k diff -f "$TEST_DIR/other.json" >"$TEST_DIR/difference"
row_is "one in another" "$? $(grep -E '^[-+] +- image:' "$TEST_DIR/difference" | tr -s ' ' | tr '\n' ' ')" "1 - - image: httpd:1 + - image: busybox:1 "
row_is "which it only looks at" "$(get "$DEPLOYMENTS/diff" '.spec.template.spec.containers[0].image')" httpd:1

row "Kubectl client Kubectl label should update the label on a resource"
k create -f - <<<"$(pod labelled)" >/dev/null
row_is "labelled" "$(k label pod labelled testing-label=testing-label-value)" "pod/labelled labeled"
row_is "it is shown" "$(k get pod labelled -L testing-label --no-headers | awk '{print $NF}')" testing-label-value
row_is "and found by it" "$(k get pods -l testing-label=testing-label-value -o name)" pod/labelled
k label pod labelled testing-label- >/dev/null
row_is "taken away, it is not" "$(k get pods -l testing-label=testing-label-value -o name)" ""

row "Kubectl client Kubectl replace should update a single-container pod's image"
row_is "a Pod" "$(k run replaced --image=httpd:1 --labels=run=replaced)" "pod/replaced created"
row_comes "runs" plays Running "$PODS/replaced" .status.phase
k get pod replaced -o json | sed 's/httpd:1/busybox:1/' >"$TEST_DIR/pod.json"
row_is "replaced by one of another image" "$(k replace -f "$TEST_DIR/pod.json")" "pod/replaced replaced"
row_is "it has that" "$(get "$PODS/replaced" '.spec.containers[0].image')" busybox:1

row "Kubectl client Kubectl run pod should create a pod from an image when restart is Never"
row_is "made" "$(k run never --restart=Never --image=httpd:1)" "pod/never created"
row_is "as it was asked for" "$(get "$PODS/never" '[.spec.restartPolicy, .spec.containers[0].image, (.spec.containers | length)]')" '["Never","httpd:1",1]'

row "Kubectl client Kubectl server-side dry-run should check if kubectl can dry-run update Pods"
k run dry --image=httpd:1 --labels=run=dry >/dev/null
k get pod dry -o json | sed 's/httpd:1/busybox:1/' >"$TEST_DIR/dry.json"
row_is "replaced, dry" "$(k replace -f "$TEST_DIR/dry.json" --dry-run=server)" "pod/dry replaced (server dry run)"
row_is "it has the image that it had" "$(get "$PODS/dry" '.spec.containers[0].image')" httpd:1

row "Kubectl client Proxy server should support proxy with --port 0"
timeout 60 "$KUBECTL" proxy --port=0 --disable-filter >"$TEST_DIR/proxy" &
proxy=$!
row_comes "it says where it is" grep -q 127.0.0.1 "$TEST_DIR/proxy"
row_is "and leads to the API" "$(curl -s "http://$(grep -o '127.0.0.1:[0-9]*' "$TEST_DIR/proxy")/api/" | jq -c .versions)" '["v1"]'
stop "$proxy"

row "Kubectl client Proxy server should support --unix-socket=/path"
timeout 60 "$KUBECTL" proxy --unix-socket="$TEST_DIR/proxy.sock" >/dev/null &
proxy=$!
row_comes "it is there" test -S "$TEST_DIR/proxy.sock"
row_is "and leads to the API" "$(curl -s --unix-socket "$TEST_DIR/proxy.sock" http://localhost/api/ | jq -c .versions)" '["v1"]'
stop "$proxy"

is "nothing went wrong" "$(grep -cE 'ERROR|Sanitizer' "$TEST_DIR/control.log")" 0
done_testing
