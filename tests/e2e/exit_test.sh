#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# A container dies while podnetd is dead, too, or stopped: the kernel alone takes the Pod out of its
# Services.
. "${0%/*}/lib.sh"

VIP=10.96.0.70

# Two containers: the Pod lives by each of them.
pod_serving() { # NAME
	cat <<-END
		apiVersion: v1
		kind: Pod
		metadata: {name: $1, labels: {app: web}}
		spec:
		  terminationGracePeriodSeconds: 0
		  initContainers:
		  - name: first
		    image: busybox
		    imagePullPolicy: IfNotPresent
		    args: ["true"]
		  containers:
		  - name: main
		    image: busybox
		    imagePullPolicy: IfNotPresent
		    args: [sh, -c, "echo $1 >/tmp/index.html; exec httpd -f -p 80 -h /tmp"]
		    readinessProbe: {tcpSocket: {port: 80}, periodSeconds: 1}
		  - name: beside
		    image: busybox
		    imagePullPolicy: IfNotPresent
		    args: [sleep, "100000"]
	END
}

# What 100 connections get: the names of Pods; 000 when one of them fails.
serving() {
	curl -s --max-time 2 -w '%{http_code}\n' "http://$VIP/?[1-100]" | grep -v '^200$' | sort -u | tr '\n' ' '
}

serving_are() { # POD...
	[ "$(serving)" = "$* " ]
}

# Of the whole node: processes that endpoints live by.
registered() {
	bpftool -j map dump pinned /sys/fs/bpf/podnet/"$LAB_INSTANCE"/*/inits | jq length
}

# The end of a process, as its parent's kernel has it.
has_ended() { # PID
	local state
	state=$(sed -n 's/^State:\t\(.\).*/\1/p' "/proc/$1/status" 2>/dev/null)
	[ -z "$state" ] || [ "$state" = Z ]
}

container_kill() { # POD COMMAND
	local pid
	pid=$(lab_container_pid "$1" "$2")
	kill -KILL "$pid"
	eventually "the process $2 of $1 has ended" 5 has_ended "$pid"
}

node_up busybox
for name in web-1 web-2; do
	pod_serving $name | manifest $name
done
eventually "both Pods are ready" "$SECONDS_READY" lab_pods_are_ready web-1 web-2
is "without a Service nothing is registered" "$(registered)" 0
manifest web <<-END
	apiVersion: v1
	kind: Service
	metadata: {name: web}
	spec: {clusterIP: $VIP, selector: {app: web}, ports: [{port: 80}]}
END
eventually "both serve" 10 serving_are web-1 web-2
is "two containers of each are registered" "$(registered)" 4

# --- podnetd is dead ---
victim=$(lab_container_pid web-1 httpd) beside=$(lab_container_pid web-1 sleep)
lab_podnetd_kill KILL
is "without podnetd both serve" "$(serving)" "web-1 web-2 "
kill -KILL "$victim"
eventually "its process has ended" 5 has_ended "$victim"
is "at once only the other Pod serves, and nothing fails" "$(serving)" "web-2 "
ok "podnetd is back" lab_podnetd_start
eventually "the Pod serves again" "$SECONDS_READY" serving_are web-1 web-2
is "its new process is registered" "$(registered)" 4

# --- podnetd is stopped ---
kill -STOP "$(cat "$LAB/podnetd.pid")"
kill -KILL "$beside"
eventually "another container of it has ended" 5 has_ended "$beside"
is "at once only the other Pod serves" "$(serving)" "web-2 "
kill -CONT "$(cat "$LAB/podnetd.pid")"
eventually "the Pod serves" "$SECONDS_READY" serving_are web-1 web-2

# --- podnetd sees what the kernel has done ---
container_kill web-2 httpd
is "then only the first serves, or both again" "$(serving | sed 's/ web-2//')" "web-1 "
eventually "both serve again" "$SECONDS_READY" serving_are web-1 web-2
before=$(maps inits endpoints)
lab_podnetd_kill KILL
ok "podnetd starts" lab_podnetd_start
is "what was right is as it was" "$(maps inits endpoints)" "$before"

node_down
done_testing
