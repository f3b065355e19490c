# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# The node that chaos comes over: PODS Pods behind one Service, state and logs on a disk that can be filled, a plugin
# and a clock that can be made to fail.  The programs are as they were built; what is between them is ours.
# shellcheck disable=SC2034 # read by its neighbours
. "${BASH_SOURCE[0]%/*}/../e2e/lib.sh" || exit 1 # outside of its sandbox all this would do harm

PROGRAMS=$PODNET_BIN
LAB_BIN=${TEST_DIR:?}/bin
DISK=${LAB:?}/disk
VIP=10.96.0.90
names=()

chaos_prepare() {
	mkdir -p "$LAB_BIN" "$DISK" "$LAB/state" "$LAB/log"
	mount -t tmpfs -o size=192m disk "$DISK"
	at_exit umount -l "$DISK"
	mkdir "$DISK/state" "$DISK/log"
	mount --bind "$DISK/state" "$LAB/state"
	at_exit umount -l "$LAB/state"
	mount --bind "$DISK/log" "$LAB/log"
	at_exit umount -l "$LAB/log"
	ln -s "$PROGRAMS"/podnet-{shim,pause,pull} "$PODNET_PLAIN/podnetctl" "$LAB_BIN"
	clock_set 0
	cat >"$LAB_BIN/podnetd" <<-END
		#!/bin/sh
		export CLOCKJUMP=$TEST_DIR/clock LD_PRELOAD=$PODNET_PLAIN/tests/preload/clockjump.so
		export ASAN_OPTIONS="\$ASAN_OPTIONS:verify_asan_link_order=0"
		exec $PROGRAMS/podnetd "\$@"
	END
	# The first call after a fault was ordered meets it; where it did stands in "faulted".
	cat >"$LAB_BIN/podnet" <<-END
		#!/bin/bash
		unset LD_PRELOAD
		mv $TEST_DIR/fault $TEST_DIR/fault.\$\$ 2>/dev/null || exec $PROGRAMS/podnet "\$@"
		exec 3>>$TEST_DIR/faulted
		exec $PODNET_PLAIN/tests/tools/faults \$(cat $TEST_DIR/fault.\$\$) -- $PODNET_PLAIN/podnet "\$@"
	END
	chmod +x "$LAB_BIN"/podnet{d,}
}

clock_set() { # SECONDS
	perl -e 'print pack("q", $ARGV[0])' -- "$1" >"$TEST_DIR/clock.new"
	# In place: it is mapped.
	dd if="$TEST_DIR/clock.new" of="$TEST_DIR/clock" conv=notrunc status=none
}

# Patient probes: on a machine that is full of work a flip shall mean that podnet made it.
# Ends with 41 on USR1, with 0 on its image's signal, QUIT, and serves its name - as soon as the disk has room for it.
serving_pod() { # NAME
	cat <<-END
		---
		apiVersion: v1
		kind: Pod
		metadata: {name: $1, labels: {app: chaos}}
		spec:
		  terminationGracePeriodSeconds: 5
		  containers:
		  - name: main
		    image: nginx # one that forked for each connection would take most of the machine
		    imagePullPolicy: IfNotPresent
		    resources: {requests: {cpu: 100m}} # a share of a machine that others use too
		    command:
		    - sh
		    - -c
		    - |
		      trap 'exit 41' USR1
		      trap 'exit 0' QUIT
		      while :; do
		        { echo $1 >/var/www/html/index.html && exec nginx -g 'daemon off;'; } &
		        wait
		        sleep 0.1
		      done
		    readinessProbe: {httpGet: {path: /, port: 80}, periodSeconds: 1, timeoutSeconds: 20}
		    livenessProbe: {tcpSocket: {port: 80}, periodSeconds: 2, timeoutSeconds: 20}
		    volumeMounts: [{name: www, mountPath: /var/www/html}]
		  volumes: [{name: www, emptyDir: {}}]
	END
}

chaos_up() { # PODS
	local i
	chaos_prepare
	node_up busybox nginx
	for ((i = 1; i <= $1; i++)); do
		names+=("pod-$i")
	done
	{
		cat <<-END
			apiVersion: v1
			kind: Service
			metadata: {name: chaos}
			spec: {clusterIP: $VIP, selector: {app: chaos}, ports: [{port: 80}]}
		END
		for i in "${names[@]}"; do
			serving_pod "$i"
		done
		echo ---
		pod_sleeping client
	} | manifest chaos
	eventually "$1 Pods are ready" 240 pods_are_ready
	client_netns=/proc/$(lab_pod_processes client | awk 'NR == 1 { print $1 }')/ns/net
	# What the first deletion leaves is no leak.
	i=$(uid_of "${names[0]}")
	ctl delete pod "${names[0]}" >/dev/null
	eventually "one of them is replaced" 60 replaced_is_ready "${names[0]}" "$i"
	eventually "the Service answers" 10 curl -sf --max-time 2 "http://$VIP/"
}

pods_are_ready() {
	[ "$(ctl get pods -o json | jq '[.items[] | select(any(.status.conditions[]?;
		.type == "Ready" and .status == "True"))] | length')" = $((${#names[@]} + 1)) ]
}

replaced_is_ready() { # POD UID-BEFORE
	[ "$(uid_of "$1")" != "$2" ] && pods_are_ready
}

uid_of() { # POD
	lab_pod "$1" .metadata.uid
}

shim_of() { # POD
	pgrep -f "podnet-shim --dir $LAB_RUN/pods/$(uid_of "$1") "
}

podnetd_pid() {
	cat "$LAB/podnetd.pid"
}
