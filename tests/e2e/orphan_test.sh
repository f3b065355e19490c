#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# What is left of a Pod whose record and manifest are lost goes, as a whole, and nothing else does: no
# other Pod, none whose manifest is only broken, nobody else's cgroup.
. "${0%/*}/lib.sh"

with_volumes() { # NAME
	pod_sleeping "$1"
	cat <<-END
		    volumeMounts: [{name: data, mountPath: /data}, {name: fast, mountPath: /fast}]
		  volumes: [{name: data, emptyDir: {}}, {name: fast, emptyDir: {medium: Memory}}]
	END
}

node_up busybox
for name in lost kept rerecorded hidden; do
	with_volumes "$name" | manifest "$name"
done
manifest service <<-END
	apiVersion: v1
	kind: Service
	metadata: {name: lost}
	spec: {clusterIP: 10.96.0.80, selector: {app: lost}, ports: [{port: 80}]}
END
eventually "the Pods are ready" "$SECONDS_READY" lab_pods_are_ready lost kept rerecorded hidden
for name in kept rerecorded hidden; do
	ctl exec "$name" -- sh -c "echo $name >/data/name"
done
lost=$(lab_pod lost .metadata.uid) hidden=$(lab_pod hidden .metadata.uid)
address=$(lab_pod lost .status.podIP)
before=$(identities | jq -c 'map(select(.[0] != "lost"))')
links=$(ip -o link show type veth | wc -l)

# Somebody else's Pod, beside ours: another runtime's, or another instance's.
hierarchy=$(findmnt --raw --noheadings --output TARGET --types cgroup,cgroup2 | head -n 1)
others=$hierarchy/kubepods/besteffort/pod12345678-1234-8234-8234-123456789abc
mkdir -p "$others"
background sleep 1000
other=$!
echo "$other" >"$others/cgroup.procs"

# Every trace of a UID, one in a line.
traces() { # UID
	pgrep -f "podnet-shim --dir $LAB_RUN/pods/$1"
	find /sys/fs/cgroup -name "pod$1"
	findmnt --raw --noheadings --output TARGET | grep "$1"
	find "$LAB/state/pods" "$LAB/state/ipam" "$LAB_RUN" "$LAB/log" -name "*$1*" -not -path '*/proc/*'
}

traces_are_gone() { # UID
	[ -z "$(traces "$1")" ]
}

record_lose() { # UID
	rm "$LAB/state/pods/$1/pod"
	rm -rf "$LAB/state/manifests"
}

like "there are traces to lose" "$(traces "$lost" | wc -l)" "^[1-9][0-9]"
lab_podnetd_kill KILL
record_lose "$lost"
manifest_remove lost
record_lose "$hidden"
echo "spec: [" | manifest hidden
record_lose "$(basename "$(dirname "$(grep -l '"rerecorded"' "$LAB"/state/pods/*/pod)")")"
log_mark
lab_podnetd_start
eventually "while a manifest cannot be read nothing is swept" 10 log_has "until every manifest can be read"
like "so that the Pod it may describe lives" "$(traces "$hidden")" "podnet-shim|pod$hidden"
like "and with it the lost one" "$(traces "$lost")" "pod$lost"

with_volumes hidden | manifest hidden
eventually "once it can, what is left of the lost Pod goes" 30 traces_are_gone "$lost"
like "its address is free" "$(find "$LAB/state/ipam" -name "$address@*")" "^$"
is "so is its interface" "$(ip -o link show type veth | wc -l)" $((links - 1))
read -ra bytes <<<"${address//./ }"
fails "and its entry in the data plane" "Not found|No such|Error" bpftool map lookup pinned \
	"$(echo /sys/fs/bpf/podnet/"$LAB_INSTANCE"/*/pods4)" key "${bytes[@]}"
eventually "the other Pods are there" 10 lab_pods_are_ready kept rerecorded hidden
is "and have not changed" "$(identities)" "$before"
for name in kept rerecorded hidden; do
	is "$name has its data" "$(ctl exec "$name" -- cat /data/name)" "$name"
done
ok "somebody else's process lives" kill -0 "$other"
is "in its cgroup" "$(cat "$others/cgroup.procs")" "$other"

# The pool gives the address again when its turn comes.
printf '%s' "${address%.*}.$((${address##*.} - 1))" >"$(dirname "$(find "$LAB/state/ipam" -name lock)")/last"
pod_sleeping heir | manifest heir
eventually "a new Pod is ready" "$SECONDS_READY" lab_pods_are_ready heir
is "with the address of the lost one" "$(lab_pod heir .status.podIP)" "$address"

stop "$other"
wait_for 5 rmdir "$others"
node_down
done_testing
