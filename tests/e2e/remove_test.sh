#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# podnetd --remove: Pods end gracefully, nothing of podnet stays in the kernel, and what was wanted comes back with
# the next podnetd.
. "${0%/*}/lib.sh"

service() {
	cat <<-END
		apiVersion: v1
		kind: Service
		metadata: {name: web}
		spec: {clusterIP: 10.96.0.77, selector: {app: web}, ports: [{port: 80}]}
	END
}

# Ends with a word in its log, and 1 s later than it is told to.
pod_that_says_farewell() {
	cat <<-END
		apiVersion: v1
		kind: Pod
		metadata: {name: web-1, labels: {app: web}}
		spec:
		  terminationGracePeriodSeconds: 20
		  containers:
		  - name: main
		    image: busybox
		    imagePullPolicy: IfNotPresent
		    args: [sh, -c, "trap 'sleep 1; echo farewell >/said/it; exit 0' TERM; while :; do sleep 1 & wait \$!; done"]
		    volumeMounts: [{name: said, mountPath: /said}]
		  volumes: [{name: said, hostPath: {path: $TEST_DIR/said}}]
	END
}

in_kernel() {
	nft list tables | grep podnet
	ip route show type unreachable
	find /sys/fs/bpf/podnet -type f 2>/dev/null
	ip -o link show | grep -o 'pn[0-9a-f]\{12\}'
	pgrep -f "podnet-shim --dir $LAB_RUN/"
}

node_up busybox
mkdir "$TEST_DIR/said"
service | manifest service
pod_that_says_farewell | manifest web-1
pod_sleeping web-2 web | manifest web-2
eventually "two Pods are ready" "$SECONDS_READY" lab_pods_are_ready web-1 web-2
unlike "they are in the kernel" "$(in_kernel)" "^$"
before=$(lab_pod web-2 .metadata.uid)
eventually "the network of one can be reached" 5 ping -qc1 -W1 "$(lab_pod web-2 .status.podIP)"

lab_podnetd_kill KILL
ok "podnetd --remove ends them, though the one before was killed" eval '(lab_podnetd --remove)'
is "they ended as they wished" "$(cat "$TEST_DIR/said/it")" farewell
is "nothing stays in the kernel" "$(in_kernel)" ""
is "no attachment, no address" "$(find "$LAB/state/ipam" -type f -name '10.*')" ""
ok "once more has nothing to do" eval '(lab_podnetd --remove)'

lab_podnetd_start
eventually "the next podnetd begins anew" "$SECONDS_READY" lab_pods_are_ready web-1 web-2
is "with what its manifests make" "$(lab_pod web-2 .metadata.uid)" "$before"
fails "it is not done beside another" "another podnetd" \
	timeout 20 "$PODNET_BIN/podnetd" --run-dir "$LAB_RUN" --state-dir "$LAB/state" --remove
node_down
done_testing
