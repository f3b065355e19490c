#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The manifest directory is what runs: new, changed, broken, mended and removed documents.
. "${0%/*}/lib.sh"

node_up busybox

uid() {
	lab_pod "$1" .metadata.uid
}

pod_is_gone() {
	! lab_pod "$1" .metadata.name
}

# --- YAML with several documents, and JSON ---
{
	pod_sleeping one
	echo ---
	pod_sleeping two
} | manifest several
pod_sleeping three >"$LAB/three.yaml"
cat >"$LAB/manifests/four.json" <<-'END'
	{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "four"}, "spec": {"containers": [
	  {"name": "main", "image": "busybox", "imagePullPolicy": "IfNotPresent", "args": ["sleep", "1000"]}],
	  "terminationGracePeriodSeconds": 0}}
END
eventually "all documents of a file, and a JSON file, become Pods" "$SECONDS_READY" \
	lab_pods_are_ready one two four

# --- changed, removed ---
one=$(uid one)
log_mark
{
	pod_sleeping one
	echo ---
	pod_sleeping two other
} | manifest several
changed() {
	[ "$(lab_pod two .metadata.labels.app)" = other ] && lab_pods_are_ready two
}
eventually "a changed document is applied" "$SECONDS_READY" changed
is "its neighbour runs on unchanged" "$(uid one)" "$one"
rm "$LAB/manifests/four.json"
eventually "a removed file is a deleted Pod" 20 pod_is_gone four

# --- a changed spec replaces the Pod ---
pod_sleeping one | sed 's/name: main/name: renamed/' | manifest several
replaced() {
	[ "$(uid one)" != "$one" ] && lab_pods_are_ready one
}
eventually "a changed spec is a new Pod" "$SECONDS_READY" replaced
eventually "a removed document is a deleted Pod" 20 pod_is_gone two

# --- broken, across a restart of podnetd, and mended ---
one=$(uid one)
log_mark
{
	pod_sleeping one | sed 's/image:/imagge:/; s/name: main/name: renamed/'
	echo ---
	pod_sleeping two
} | manifest several
eventually "the neighbour of a broken document is applied" "$SECONDS_READY" lab_pods_are_ready two
like "the refusal names file, line, field and reason" "$(log_since)" \
	"several.yaml: line [0-9]+: .*imagge.*unknown"
is "what the document last described runs on" "$(uid one)" "$one"
lab_podnetd_kill KILL
lab_podnetd_start
is "also across a restart of podnetd" "$(uid one)" "$one"
ok "and it is ready" lab_pods_are_ready one
pod_sleeping one | sed 's/name: main/name: renamed/' | manifest several
eventually "the neighbour is removed again" 20 pod_is_gone two
is "a mended document that says the same changes nothing" "$(uid one)" "$one"

# --- YAML 1.1 ---
cat >"$LAB/.yaml" <<-'END'
	apiVersion: v1
	kind: Pod
	metadata: {name: scalars}
	spec:
	  terminationGracePeriodSeconds: 0x0
	  automountServiceAccountToken: no
	  containers:
	  - name: main
	    image: busybox
	    imagePullPolicy: IfNotPresent
	    args: [sleep, "1000"]
	    env: [{name: ANSWER, value: "yes"}, {name: LATER, value: "$(ANSWER)!"}]
END
manifest scalars <"$LAB/.yaml"
eventually "scalars are read as YAML 1.1 has them" "$SECONDS_READY" lab_pods_are_ready scalars
is "a variable may use an earlier one" "$(ctl exec scalars -- sh -c 'echo $LATER')" "yes!"

# --- kinds that are not ours ---
log_mark
manifest deployment <<-'END'
	apiVersion: apps/v1
	kind: Deployment
	metadata: {name: web}
	spec: {}
END
eventually "a Deployment is refused with the hint what to do" 10 log_has \
	"deployment.yaml.*Deployment.*kubectl apply -f"

# --- podnetctl delete pod ---
one=$(uid one)
ok "a deletion is accepted" ctl delete pod one
eventually "the manifest creates the Pod anew" "$SECONDS_READY" replaced
rm "$LAB/manifests/several.yaml"
eventually "removing the file removes it for good" 20 pod_is_gone one

node_down
done_testing
