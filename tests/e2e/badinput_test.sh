#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# What cannot work is refused with one clear message that names object and field; nothing else is
# disturbed, nothing leaks.
. "${0%/*}/lib.sh"

LAB_FLAGS+=(--pod-cidr 10.244.0.0/29 --max-manifest 100000)
node_up busybox
pod_sleeping neighbour | manifest neighbour
eventually "a neighbour runs" "$SECONDS_READY" lab_pods_are_ready neighbour
neighbour=$(identities)

# refused WHAT REGEX < YAML: the log names it; no Pod appears.
refused() {
	log_mark
	manifest bad
	eventually "$1 is refused" 10 log_has "$2"
	like "$1: the message names the file" "$(log_since | grep -E "$2" | head -n 1)" "bad\.yaml"
	is "$1: once" "$(log_since | grep -cE "$2")" 1
	is "$1: nothing else is disturbed" "$(identities)" "$neighbour"
}

bad() { # SED-EXPRESSION: a valid Pod spoiled
	pod_sleeping bad | sed "$1"
}

bad 's/terminationGracePeriodSeconds/terminationGraceSeconds/' |
	refused "an unknown field" 'spec\.terminationGraceSeconds.*unknown'
bad 's/imagePullPolicy/imagepullPolicy/' |
	refused "a misspelt field" 'spec\.containers\[0\]\.imagepullPolicy.*unknown'
bad 's/    image: busybox/    image: busybox\n    image: nginx/' |
	refused "a duplicate field" 'line 9: .*duplicate.*image|image.*duplicate'
bad 's/args: .*/args: sleep/' | refused "a wrong type" 'spec\.containers\[0\]\.args'
bad 's/terminationGracePeriodSeconds: 2/terminationGracePeriodSeconds: soon/' |
	refused "a number that is none" 'spec\.terminationGracePeriodSeconds'
bad 's/    image: busybox/    image: busybox\n    ports: [{containerPort: 70000}]/' |
	refused "an impossible port" 'spec\.containers\[0\]\.ports\[0\]\.containerPort.*65535'
bad 's/  - name: main/  - {name: main, image: busybox}\n  - name: main/' |
	refused "a duplicate container name" 'spec\.containers\[1\]\.name.*(twice|[Dd]uplicate)'
bad 's/name: bad/name: Bad_Name/' | refused "an impossible name" 'metadata\.name.*Bad_Name'
bad 's/name: bad/name: neighbour/' | refused "a name that another file has" 'neighbour'
bad 's/imagePullPolicy: IfNotPresent/imagePullPolicy: Sometimes/' |
	refused "a value that is no choice" 'spec\.containers\[0\]\.imagePullPolicy.*Sometimes'
printf 'kind: Pod\n\tapiVersion: v1\n' | refused "what is not YAML" 'line 2'
printf 'a: &a [*a, *a]\n' | refused "a cyclic YAML" '(alias|anchor|cycl)'
{
	echo 'a0: &a0 [x, x, x, x, x, x, x, x, x, x]'
	for i in 1 2 3 4 5 6 7 8 9; do
		echo "a$i: &a$i [*a$((i - 1)), *a$((i - 1)), *a$((i - 1)), *a$((i - 1)), *a$((i - 1)), *a$((i - 1))]"
	done
} | refused "a YAML that explodes" 'more than [0-9]+ values'
head -c 200000 /dev/zero | tr '\0' '#' | refused "an oversized file" '(100000|large|limit)'
manifest_remove bad

# --- images and registry ---
waiting() { # POD REASON...
	local reason
	reason=$(lab_pod "$1" '.status.containerStatuses[0].state.waiting.reason') && [[ "$reason" =~ ^($2)$ ]]
}
bad 's/image: busybox/image: missing/' | manifest bad
eventually "an image that does not exist: the Pod says so" 30 waiting bad "ErrImagePull|ImagePullBackOff"
like "and names it" "$(lab_pod bad '.status.containerStatuses[0].state.waiting.message')" missing
manifest_remove bad
bad 's|image: busybox|image: Upper/Case|' | manifest bad
eventually "an impossible reference: the Pod says so" 30 waiting bad InvalidImageName
manifest_remove bad
bad 's/image: busybox/image: absent/; s/IfNotPresent/Never/' | manifest bad
eventually "Never and absent: the Pod says so" 30 waiting bad ErrImageNeverPull
manifest_remove bad
lab_registry_stop
bad 's/IfNotPresent/Always/' | manifest bad
eventually "a registry that is down: the Pod says so" 40 waiting bad "ErrImagePull|ImagePullBackOff"
manifest_remove bad
lab_registry_start busybox
is "the neighbour did not notice" "$(lab_pod neighbour .metadata.uid)" "$(jq -r '.[] | select(.[0] == "neighbour") | .[1]' <<<"$neighbour")"

# --- the pool: 10.244.0.2 to 10.244.0.6, one is taken ---
log_mark
for i in 1 2 3 4 5; do
	pod_sleeping "pool-$i"
	echo ---
done | manifest pool
eventually "an exhausted pool is named" "$SECONDS_READY" log_has "no free address"
ready_count() {
	[ "$(ctl get pods -o json | jq '[.items[] | select(.metadata.name | startswith("pool-")) |
		select(any(.status.conditions[]?; .type == "Ready" and .status == "True"))] | length')" = "$1" ]
}
eventually "all others have got an address" "$SECONDS_READY" ready_count 4
manifest_remove pool

only_neighbour() {
	[ "$(ctl get pods -o json | jq -r '.items[].metadata.name')" = neighbour ]
}
eventually "the rejected Pods are gone" 40 only_neighbour

# --- a damaged record ---
lab_podnetd_kill KILL
uid=$(jq -r '.[] | select(.[0] == "neighbour") | .[1]' <<<"$neighbour")
log_mark
for record in "$LAB/state/pods/$uid/pod" "$LAB_RUN/pods/$uid/observed"; do
	ok "there is a record ${record##*/}" test -s "$record"
	printf '\0\1\2{"damaged' >"$record"
done
lab_podnetd_start
for record in "$LAB/state/pods/$uid/pod" "$LAB_RUN/pods/$uid/observed"; do
	eventually "the damaged ${record##*/} is set aside and named" 10 log_has "$record"
done
eventually "its Pod is rebuilt" "$SECONDS_READY" lab_pods_are_ready neighbour

# --- podnetd that cannot start says why ---
lab_podnetd_kill TERM
podnetd_with() { # FLAG...
	podnetd env -- "$@"
}

podnetd() { # COMMAND... -- FLAG...
	local wrapper=()
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		wrapper+=("$1")
		shift
	done
	shift
	timeout 20 "${wrapper[@]}" "$LAB_BIN/podnetd" --state-dir "$LAB/state" --run-dir "$LAB_RUN" \
		--instance "$LAB_INSTANCE" --manifests "$LAB/manifests" --log-dir "$LAB/log" \
		--cni-conf-dir "$LAB/cni/conf" --cni-bin-dir "$LAB/cni/bin" "${LAB_FLAGS[@]}" "$@"
}
fails "without bpf(2) it says so" "[Bb][Pp][Ff]" podnetd "$TEST_TOOLS/nobpf" --
mkdir "$TEST_DIR/empty"
fails "without crun and runc it says so" "crun.*runc" podnetd env PATH="$TEST_DIR/empty" --
fails "an unknown flag is a usage error" "nonsense" podnetd_with --nonsense
fails "an impossible range is named" "10.244.0.0/33" podnetd_with --pod-cidr 10.244.0.0/33

ok "podnetd starts again where it was" lab_podnetd_start
ok "the neighbour is ready" lab_pods_are_ready neighbour

# --- a state directory that is full or read-only: what runs goes on, and the next Pod works when it
# can be written again ---
manifest_remove neighbour
eventually "the neighbour is gone" 20 lab_pods_are_gone
lab_podnetd_kill TERM
mount -t tmpfs -o size=40m tmpfs "$LAB/state"
lab_podnetd_start
pod_sleeping before | manifest before
eventually "a Pod runs" "$SECONDS_READY" lab_pods_are_ready before
before=$(lab_pod before .status.containerStatuses[0].containerID)

cat /dev/zero >"$LAB/state/filler" 2>/dev/null
log_mark
pod_sleeping full | manifest full
eventually "a full state directory is named" 20 log_has "$LAB/state.*No space left"
is "the Pod that runs is left alone" "$(lab_pod before .status.containerStatuses[0].containerID)" "$before"
rm "$LAB/state/filler"
eventually "with room again the next Pod runs" 60 lab_pods_are_ready before full

mount -o remount,ro "$LAB/state"
log_mark
pod_sleeping readonly | manifest readonly
eventually "a read-only state directory is named" 20 log_has "$LAB/state.*Read-only"
is "the Pod that runs is left alone" "$(lab_pod before .status.containerStatuses[0].containerID)" "$before"
mount -o remount,rw "$LAB/state"
eventually "when it can be written again the next Pod runs" 60 lab_pods_are_ready before full readonly
rm -f "$LAB"/manifests/*
eventually "they are gone" 60 lab_pods_are_gone
lab_podnetd_kill TERM
umount "$LAB/state"
lab_podnetd_start
node_down
done_testing
