#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# bench: pod.start.p50
#
# From the manifest to a Pod that is ready, and from the start of `podman play kube` with the same manifest
# and image to its end, when the Pod runs.  Both have crun, and their files on the same tmpfs.
BENCH_NODE=1 . "${0%/*}/lib.sh"

PODMAN=$TEST_DIR/podman

pod_is_gone() { # NAME
	! lab_pod "$1" .metadata.name >/dev/null 2>&1
}

# podman asks for limits above those of this machine, and crun for more than it may: as podnetd does,
# the runtime keeps to what is allowed.
podman_runtime() {
	cat >"$PODMAN/runtime" <<-'END'
		#!/bin/sh
		case " $* " in
		*" create --bundle "*) sed -i 's/"rlimits":\[[^]]*\],\{0,1\}//' "$3/config.json" ;;
		esac
		exec crun "$@"
	END
	chmod 755 "$PODMAN/runtime"
}

podman_conf() {
	cat >"$PODMAN/containers.conf" <<-END
		[containers]
		log_driver = "k8s-file"
		[network]
		network_backend = "cni"
		cni_plugin_dirs = ["/usr/lib/cni"]
		network_config_dir = "$PODMAN/cni"
		[engine]
		cgroup_manager = "cgroupfs"
		events_logger = "file"
		lock_type = "file"
		runtime = "limited"
		tmp_dir = "$PODMAN/tmp"
		[engine.runtimes]
		limited = ["$PODMAN/runtime"]
	END
	cat >"$PODMAN/storage.conf" <<-END
		[storage]
		driver = "overlay"
		graphroot = "$PODMAN/storage"
		runroot = "$PODMAN/run"
	END
	export CONTAINERS_CONF=$PODMAN/containers.conf CONTAINERS_STORAGE_CONF=$PODMAN/storage.conf
	export CONTAINERS_REGISTRIES_CONF=$LAB/registries.conf
}

# A bridge and iptables of its own.  Not `ip netns exec`: /sys must stay, cgroups are there.
podman_in_netns() {
	nsenter --net=/run/netns/podman "$@"
}

# crun takes no cgroups of hybrid mode; podnetd, which runs, has cured that for both.
podman_up() {
	mkdir -p "$PODMAN"/{cni,tmp}
	podman_runtime
	podman_conf
	netns_add podman
	at_exit podman_down
	ok "podman pulls the image" podman pull --quiet docker.io/library/busybox:latest
}

# What podman itself keeps when its last Pod is gone.
podman_down() {
	local hierarchy
	podman_in_netns podman pod rm --all --force
	for hierarchy in $(findmnt --raw --noheadings --output TARGET --types cgroup,cgroup2); do
		find "$hierarchy/libpod_parent" -depth -type d -exec rmdir {} +
	done
	rm -rf /run/crun /run/libpod /run/containers /var/lib/cni
	umount "$PODMAN/storage/overlay"
}

turn_ours() { # NAME
	local ms
	pod_sleeping "$1" >"$LAB/.manifest"
	if ms=$("$BENCH_TOOLS/ready" "$LAB_RUN/podnetd.sock" "$1" "$LAB/.manifest" "$LAB/manifests/$1.yaml"); then
		sample pod.start.p50 ours "$ms"
	else
		test_result 1 "$1 is ready"
	fi
	manifest_remove "$1"
	wait_for 20 pod_is_gone "$1"
}

podman_is_running() { # NAME
	[ "$(podman inspect --format '{{.State.Status}}' "$1-main")" = running ]
}

turn_podman() { # NAME
	local ms
	pod_sleeping "$1" >"$PODMAN/pod.yaml"
	if ms=$(podman_in_netns "$BENCH_TOOLS/elapsed" podman play kube "$PODMAN/pod.yaml") &&
		podman_is_running "$1"; then
		sample pod.start.p50 podman "$ms"
	else
		test_result 1 "podman starts $1"
	fi
	podman_in_netns podman play kube --down "$PODMAN/pod.yaml" >/dev/null
}

node_up busybox
peers=()
if command -v podman >/dev/null; then
	peers=(podman)
	podman_up
	turn_podman warm-up # makes the image of its pause process, and its network
	rm "$TEST_DIR/samples.pod.start.p50.podman"
fi
for run in $(rounds); do
	turn_ours "start-$run"
	[ ${#peers[@]} -eq 0 ] || turn_podman "start-$run"
done
report pod.start.p50 ms "${peers[@]}"
[ ${#peers[@]} -gt 0 ] || unable pod.start.p50 podman "podman is not installed"
node_down
done_testing
