#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# A Service with TCP and UDP at one port, from its manifest on.  The servers of its Pods are ours, in
# their network namespaces.
. "${0%/*}/lib.sh"

udpend=$TEST_TOOLS/udpend

in_pod() { # POD COMMAND...
	nsenter --net="/proc/$(lab_container_pid "$1" sh)/ns/net" "${@:2}"
}

serving() { # POD: whatever becomes of its container
	nsenter --net="/proc/$(lab_container_pid "$1" sh)/ns/net" "$udpend" serve 5353 "$1" &
	at_exit stop $!
}

answers() { # COUNT NAME...: as many questions are answered by these, and by no others
	[ "$("$udpend" many unconnected 10.96.0.53 53 "$1" | cut -d' ' -f1 | sort | tr '\n' ' ')" = "${*:2} " ]
}

refused() { # POD
	[ "$(in_pod "$1" "$udpend" ask connected 10.96.0.53 53)" = ECONNREFUSED ]
}

node_up busybox
for name in dns-1 dns-2; do
	pod_sleeping $name dns | manifest $name
done
pod_sleeping client | manifest client
manifest dns <<-END
	apiVersion: v1
	kind: Service
	metadata: {name: dns}
	spec:
	  clusterIP: 10.96.0.53
	  selector: {app: dns}
	  ports:
	  - {name: tcp, port: 53, targetPort: 5353}
	  - {name: udp, port: 53, targetPort: 5353, protocol: UDP}
END
eventually "the Pods are ready" "$SECONDS_READY" lab_pods_are_ready dns-1 dns-2 client
serving dns-1
serving dns-2
like "podnetctl shows both protocols" "$(ctl get services)" "53/TCP,53/UDP"
eventually "the host reaches both" 10 answers 50 dns-1 dns-2
like "a Pod, too" "$(in_pod client "$udpend" ask connected 10.96.0.53 53)" \
	"^dns-[12] from 10.96.0.53:53 of 10.96.0.53:53$"

watching() { # sets backend: whom a client has connected to, and waits for; then read from 7
	rm -f "$TEST_DIR/watch"
	mkfifo "$TEST_DIR/watch"
	in_pod client "$udpend" watch 10.96.0.53 53 >"$TEST_DIR/watch" &
	exec 7<"$TEST_DIR/watch"
	read -rt 5 -u 7 backend _
	like "a client has connected" "$backend" "^dns-[12]$"
}

# --- a client that has connected and waits, while its backend leaves the Service ---
watching
before=$(date +%s%N)
pod_sleeping "$backend" other | manifest "$backend"
read -rt 20 -u 7 error _
note "$((($(date +%s%N) - before) / 1000)) us after its labels were written"
is "it is told when the backend has left" "$error" ECONNABORTED
ok "though that Pod lives" lab_pods_are_ready "$backend"
pod_sleeping "$backend" dns | manifest "$backend"
eventually "it is back" 10 answers 50 dns-1 dns-2

# --- while its backend dies ---
watching
killed=$(lab_container_pid "$backend" sh)
before=$(date +%s%N)
kill -KILL "$killed"
read -rt 20 -u 7 error _
took=$((($(date +%s%N) - before) / 1000))
is "it is told when the backend is gone" "$error" ECONNABORTED
note "$took us after the kill"
ok "soon" [ "$took" -lt 500000 ]
eventually "the backend is back" "$SECONDS_READY" answers 50 dns-1 dns-2

# --- Pods that are deleted ---
manifest_remove dns-1
eventually "only the other one is left" 30 answers 50 dns-2
manifest_remove dns-2
eventually "nobody is" 30 refused client
pod_sleeping dns-3 dns | manifest dns-3
eventually "a new one" "$SECONDS_READY" lab_pods_are_ready dns-3
serving dns-3
eventually "answers" 10 answers 10 dns-3
node_down
done_testing
