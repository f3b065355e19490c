#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# A cluster of one node as a real kube-apiserver and kubelet show it: see transcripts.sh.
. "${0%/*}/lib.sh"
export RUN=$TEST_DIR/control
. "${0%/*}/control.sh"
. "${0%/*}/transcripts.sh"

busy=true
ids["docker.io/library/nginx:1.14-alpine"]=docker.io/library/nginx:latest
ids["docker.io/library/busybox:1.29"]=docker.io/library/busybox:latest
PODS=$NS/default/pods

node_begin() {
	LAB_FLAGS=(--node-name lab1)
	node_up nginx busybox
	lab_podnetd_kill TERM
	control_begin_tls
	printf '%s\n' 'apiVersion: v1' 'kind: Config' 'current-context: test' \
		'contexts: [{name: test, context: {cluster: test}}]' \
		"clusters: [{name: test, cluster: {server: 'unix://$RUN/podnet-control.sock', certificate-authority: $TEST_DIR/pki/ca.crt}}]" \
		>"$TEST_DIR/kubeconfig"
	LAB_FLAGS+=(--kubeconfig "$TEST_DIR/kubeconfig")
	lab_podnetd_start || bail "podnetd does not start: $(tail -n 5 "$LAB/podnetd.log")"
	eventually "the node is ready" 30 answers True /api/v1/nodes/lab1 \
		'.status.conditions[] | select(.type == "Ready").status'
}

# How the Pods are that have no owner: NAME STATE...
states() {
	get "$PODS" '[.items[] | select(.metadata.ownerReferences == null) | .metadata.name + " " +
		([.status.containerStatuses[]?.state.waiting.reason, .status.conditions[]?.reason, .status.phase] | map(select(.)) | .[0])] |
		sort | join(", ")'
}

states_are() { # REGEX
	[[ $(states) =~ ^$1$ ]]
}

# Until what the next one is about has come.
await() { # NAME
	case $1 in
	405-*) wait_for "$SECONDS_READY" answers 2 /apis/apps/v1/namespaces/default/deployments/web .status.readyReplicas ;;
	437-*) ids[web-7f9c7f557d-md2l8]=$(get "$PODS" '[.items[] | select(.metadata.deletionTimestamp == null)][0].metadata.name') ;;
	436-*) wait_for "$SECONDS_READY" answers 1 /apis/apps/v1/namespaces/default/deployments/web .status.replicas ;;
	443-*) wait_for "$SECONDS_READY" states_are "badimg (ErrImagePull|ImagePullBackOff), crash CrashLoopBackOff, done PodCompleted, unsched Unschedulable" ;;
	453-*) wait_for 20 missing "$NS/del1" ;;
	esac
}

transcripts_begin '4*' node-path
node_begin
while transcripts_next; do
	await "$name" || note "not yet: $name"
	replay "$name"
	check "$name"
done
transcripts_end
ask DELETE "$PODS" >/dev/null
eventually "the Pods are gone" 60 answers 0 "$PODS" '.items | length'
node_down
is "nothing went wrong" "$(grep -cE 'ERROR|Sanitizer' "$TEST_DIR/control.log")" 0
done_testing
