# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# What must hold when a disturbance is over: one function each, which prints what it finds against it, in pods_now and
# backends_now: what podnetd has told of these.  The last one is asked when no client is left.
# shellcheck disable=SC2154,SC2034,SC2009 # a round sets and reads these; names, not processes, are counted
INVARIANTS=(podnetd_alive all_ready untouched_unchanged endings_known maps_as_planned) INVARIANTS_IDLE=(nothing_more)

hit_json() {
	[ ${#hits[@]} -eq 0 ] && echo '[]' && return
	printf '%s\n' "${hits[@]}" | jq -R . | jq -cs .
}

# What a Pod is by: UID, address, container, restarts, readiness and since when.
untouched() { # < PODS
	jq -r --argjson hits "$(hit_json)" '.items[] | select(.metadata.name as $name |
		$hits | index([$name]) | not) | [.metadata.name, .metadata.uid, .status.podIP,
		(.status.conditions[]? | select(.type == "Ready") | .status, .lastTransitionTime),
		(.status.containerStatuses[]? | .containerID, .restartCount, .ready)] | join(" ")'
}

all_ready() {
	jq -r --argjson want $((${#names[@]} + 1)) '
		(select((.items | length) != $want) | "\(.items | length) Pods instead of \($want)"),
		(.items[] | select(any(.status.conditions[]?; .type == "Ready" and .status == "True") | not) |
		"\(.metadata.name) is not ready: \([.status.containerStatuses[]?.state, .status.message] | tostring)"),
		(.items[] | select(.metadata.deletionTimestamp) | "\(.metadata.name) is being deleted")' <<<"$pods_now"
}

untouched_unchanged() {
	diff <(untouched <<<"$pods_before") <(untouched <<<"$pods_now") | grep '^[<>]'
}

endings_known() {
	local ending pod code reason got
	for ending in "${endings[@]}"; do
		read -r pod code reason <<<"$ending"
		got=$(jq -r --arg pod "$pod" '.items[] | select(.metadata.name == $pod) |
			.status.containerStatuses[0].lastState.terminated | "\(.exitCode) \(.reason)"' <<<"$pods_now")
		[ "$got" = "$code $reason" ] || echo "$pod ended with '$got' instead of '$code $reason'"
	done
}

# The kernel's endpoints are those of `get backends`, and all that is READY there is so here.
maps_as_planned() {
	diff <(jq -r '.items[] | "\(.address | sub(":.*"; "")) \(.state)"' <<<"$backends_now" | sort -u) \
		<("$PODNET_PLAIN/tests/tools/dataplane" /sys/fs/bpf "$LAB_INSTANCE" - endpoints | sort -u) |
		sed -n 's/^</planned: /p; s/^>/in the kernel: /p'
}

podnetd_alive() {
	lab_podnetd_is_alive || echo "podnetd has ended: $(tail -n 3 "$LAB/podnetd.log")"
	grep -E 'Sanitizer|runtime error:' "$LAB/podnetd.log"
}

# Names of Pods, containers and attachments become one; what a restart leaves is no more than what was there.
names_alike() {
	sed -E 's/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/UID/g; s/[0-9a-f]{12,}/HEX/g
		s/10\.244\.[0-9.]+/ADDRESS/g; s/pod-[0-9]+/POD/g; s/[0-9]+/N/g'
}

# All of what a Pod costs, with numbers: "COUNT KIND NAME" lines.
census() {
	local hierarchy
	{
		ps -eo comm= | grep -E '^(podnet|crun|runc|pause|skopeo|conmon|sh|nginx)' | sed 's/^/process /'
		lsns --type net --noheadings --raw --output TYPE
		ip -o link show | awk '{ print "link", $2 }'
		ip route show | sed 's/^/route /'
		awk '{ print "mount", $5 }' /proc/self/mountinfo
		for hierarchy in $(findmnt --raw --noheadings --output TARGET --types cgroup,cgroup2); do
			find "$hierarchy" -ignore_readdir_race -mindepth 1 -type d -printf "cgroup %p\n"
		done
		find "$LAB/state/ipam" -type f -printf "address %f\n"
		bpftool -j map dump pinned /sys/fs/bpf/podnet/"$LAB_INSTANCE"/*/pods4 | jq -r '.[] | "pods4"'
		"$PODNET_PLAIN/tests/tools/dataplane" /sys/fs/bpf "$LAB_INSTANCE" - endpoints | sed 's/.*/endpoint/'
		find "$LAB_RUN" "$DISK/state" -ignore_readdir_race -maxdepth 3 -not -path '*/exits/*' -printf "file %p\n"
		find "/proc/$(podnetd_pid)/fd" -type l -printf "descriptor %l\n" | sed -E 's/[a-z]*:\[?[0-9]+\]?/N/'
	} 2>/dev/null | names_alike | sort | uniq -c
}

# Only more than before is a leak.
nothing_more() {
	census | awk 'NR == FNR { count = $1; $1 = ""; before[$0] = count; next }
		{ count = $1; $1 = "" } count > before[$0] { print "now " count ", before " before[$0] + 0 ":" $0 }' \
		<(echo "$census_before") -
}

# Connections may fail that were opened before the state of a Pod that was hit was stored as DOWN, and those that lasted
# longer than a Pod that is deleted waits for them: 2 s.
requests_judge() {
	local down=0 patience=2000
	[ ${#replaced[@]} -gt 0 ] || patience=3600000
	if [ ${#endings[@]} -gt 0 ]; then
		down=$(ctl get backends -o json | jq --argjson hits "$(hit_json)" '[.items[] |
			select(.pod as $pod | $hits | index([$pod])) | .down] | max // 0')
	fi
	[ "$load_requests" -gt 0 ] || echo "no request was made"
	awk -v down="$down" -v patience="$patience" '$1 == "failed" && $3 > down && $(NF - 1) < patience' \
		"$TEST_DIR/load.out" | head -n 5
}

findings() { # INVARIANT...
	local invariant found pods_now backends_now
	pods_now=$(ctl get pods -o json)
	backends_now=$(ctl get backends -o json)
	for invariant in "$@"; do
		found=$("$invariant" 2>&1)
		[ -z "$found" ] || printf '%s\n' "$invariant: ${found//$'\n'/$'\n'$invariant: }"
	done
}

# Sets found, for who waits: a look of its own afterwards might meet a server that forks for a request.
none_found() { # INVARIANT...
	found=$(findings "$@")
	[ -z "$found" ]
}
