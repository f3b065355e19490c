#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Bundles of a Pod, really mounted and really run:
#
#	manifest -> cgroup + volumes + overlay of two layers -> config.json -> crun / runc
#
# The Pod's pause is a sleeping process with network, ipc and uts namespaces of its own.
# shellcheck source-path=SCRIPTDIR disable=SC2016 # $ is for the shell inside the container
. "${0%/*}/lib.sh"

pod=$TEST_DIR/pod manifest=$TEST_DIR/pod.yaml host=$TEST_DIR/host
lower=$TEST_DIR/layers/lower upper=$TEST_DIR/layers/upper
bundle=$TEST_TOOLS/bundle

busybox=$(command -v busybox) || skip_all "busybox is not installed"

cat >"$manifest" <<END
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {color: red, nginx.conf: "server {}"}
---
apiVersion: v1
kind: Secret
metadata: {name: key}
stringData: {token: "t0p"}
---
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: shop}}
spec:
  volumes:
  - {name: work, emptyDir: {}}
  - {name: fast, emptyDir: {medium: Memory, sizeLimit: 1Mi}}
  - {name: conf, configMap: {name: settings}}
  - {name: key, secret: {secretName: key, defaultMode: 256}}
  - {name: host, hostPath: {path: $host, type: DirectoryOrCreate}}
  containers:
  - name: app
    image: busybox
    command: ["/bin/sleep"]
    args: ["1000"]
    env:
    - {name: WHO, valueFrom: {fieldRef: {fieldPath: "metadata.labels['app']"}}}
    - {name: COLOR, valueFrom: {configMapKeyRef: {name: settings, key: color}}}
    - {name: BOTH, value: "\$(WHO)-\$(COLOR)"}
    resources: {requests: {cpu: 250m, memory: 16Mi}, limits: {cpu: 500m, memory: 64Mi}}
    securityContext: {runAsUser: 1000, runAsGroup: 1001}
    volumeMounts:
    - {name: work, mountPath: /data}
    - {name: fast, mountPath: /fast}
    - {name: conf, mountPath: /conf}
    - {name: key, mountPath: /key}
    - {name: host, mountPath: /host, readOnly: true}
    - {name: work, mountPath: /data/part, subPath: a/b}
    - {name: work, mountPath: /new/path/work}
    - {name: conf, mountPath: /etc/nginx.conf, subPath: nginx.conf}
  - name: side
    image: busybox
    command: ["/bin/sh", "-c", "sleep 1000"]
    securityContext: {readOnlyRootFilesystem: true, allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
    volumeMounts:
    - {name: work, mountPath: /data}
  - name: escape
    image: busybox
    volumeMounts:
    - {name: work, mountPath: /x, subPath: out/passwd}
END

layers_make() {
	local name
	mkdir -p "$lower"/{bin,etc,proc,sys,dev,tmp} "$upper/etc"
	cp "$busybox" "$lower/bin/busybox"
	for name in sh sleep cat id hostname env stat mount grep touch ls head; do
		ln -s busybox "$lower/bin/$name"
	done
	echo lower >"$lower/etc/which"
	echo upper >"$upper/etc/which"
	printf 'root:x:0:0::/root:/bin/sh\napp:x:1000:1001::/home/app:/bin/sh\n' >"$upper/etc/passwd"
	printf 'app:x:1001:\nextra:x:1007:app\n' >"$upper/etc/group"
}

pod_make() {
	"$bundle" cgroup "$manifest" "$pod" && "$bundle" volumes "$manifest" "$pod"
}

pod_erase() {
	local name
	for name in app side escape; do
		"$bundle" remove "$manifest" "$pod" "$name" 0
	done
	wait_for 10 "$bundle" erase "$manifest" "$pod" && rm -rf --one-file-system "$pod"
}

# make CONTAINER: its bundle; layers as an image has them, one of them twice.
make() {
	"$bundle" make "$manifest" "$pod" "$pause" "$1" 0 "$lower" "$upper" "$lower" "$upper"
}

mounts_below() { # DIR
	findmnt --raw --noheadings --output TARGET | grep -c "^$1" || :
}

attribute() { # CONTROLLER FILE [CONTAINER]: of the Pod's cgroup on v1
	cat "/sys/fs/cgroup/$1/kubepods/burstable/podweb${3:+/$3}/$2"
}

# --- the parts without a runtime ---

layers_make
unshare --net --ipc --uts sh -c 'hostname web; exec sleep 1000' &
pause=$!
at_exit kill "$pause"
at_exit pod_erase
wait_for 5 sh -c "[ \"\$(nsenter -t $pause -u hostname)\" = web ]"

ok "cgroups and volumes are made" pod_make
ok "and once more" pod_make
is "a fresh emptyDir is everybody's" "$(stat -c %a "$pod/state/volumes/work")" 777
is "a memory volume has its size" "$(findmnt -nro SIZE "$pod/state/volumes/fast")" 1M
is "a secret is in memory" "$(findmnt -nro FSTYPE "$pod/state/volumes/key")" tmpfs
is "with its mode" "$(stat -Lc %a "$pod/state/volumes/key/token")" 400
is "a hostPath is created when asked for" "$(stat -c %F "$host")" directory

ln -s /etc "$pod/state/volumes/work/out"
fails "a subPath that leads out of its volume is refused" "leads out of its volume" make escape
is "nothing of it is left" "$(find "$pod/run/bundles" "$pod/state/rootfs" -mindepth 1)" ""
is "nor mounted" "$(mounts_below "$pod/run")" 0
rm "$pod/state/volumes/work/out"

dir=$(make app)
is "the bundle is where it belongs" "$dir" "$pod/run/bundles/app.0"
is "its configuration is nobody else's" "$(stat -c %a "$dir/config.json")" 600
is "the upper layer hides the lower" "$(cat "$dir/rootfs/etc/which")" upper
touch "$dir/rootfs/mine"
is "it is made anew over what a crash left" "$(make app; ls "$dir/rootfs/mine" 2>&1)" "$dir
ls: cannot access '$dir/rootfs/mine': No such file or directory"
is "with no mount twice" "$(mounts_below "$dir")" 3
for i in $(seq 5 5 100); do
	timeout -s KILL "0.$(printf %03d "$i")" "$bundle" make "$manifest" "$pod" "$pause" app 0 "$lower" "$upper"
done >/dev/null 2>&1
is "killed at any moment and called again, it is whole" "$(make app)" "$dir"
is "and has no mount twice" "$(mounts_below "$dir")" 3
ok "a missing bundle is removed" "$bundle" remove "$manifest" "$pod" app 77

many=()
for i in $(seq 150); do
	mkdir -p "$TEST_DIR/layers/a-name-as-long-as-a-digest-0123456789abcdef0123456789abcdef-$i"
	many+=("$TEST_DIR/layers/a-name-as-long-as-a-digest-0123456789abcdef0123456789abcdef-$i")
done
ok "150 layers with long names" "$bundle" make "$manifest" "$pod" "$pause" side 0 "$lower" "${many[@]}"
fails "more than can be mounted" "more than 200 layers" "$bundle" make "$manifest" "$pod" "$pause" side 0 \
	"${many[@]}" "${many[@]/%/\/.}"
fails "a missing layer" "a part of the image, is missing" "$bundle" make "$manifest" "$pod" "$pause" side 0 \
	"$TEST_DIR/layers/gone"
fails "a user that the image has not" "no user 'nobody' in the image" \
	env IMAGE_USER=nobody "$bundle" make "$manifest" "$pod" "$pause" side 0 "$lower"

if [ -d /sys/fs/cgroup/memory ]; then
	is "the Pod's shares are the sum of requests" "$(attribute cpu cpu.shares)" 256
	is "and its class's" "$(cat /sys/fs/cgroup/cpu/kubepods/burstable/cpu.shares)" 256
	is "not all containers have limits: no quota" "$(attribute cpu cpu.cfs_quota_us)" -1
	like "cpusets are filled" "$(attribute cpuset cpuset.cpus)" '[0-9]'
fi

# --- under each runtime ---

in_app() { # COMMAND...
	"$runtime" --root "$TEST_DIR/runtime" exec --user 1000:1001 app.0 "$@"
}

in_side() {
	"$runtime" --root "$TEST_DIR/runtime" exec side.0 "$@"
}

runtime_start() { # CONTAINER
	local dir
	dir=$(make "$1") && "$runtime" --root "$TEST_DIR/runtime" create --bundle "$dir" "$1.0" </dev/null >"$TEST_DIR/$1.log" 2>&1 &&
		"$runtime" --root "$TEST_DIR/runtime" start "$1.0"
}

runtime_test() {
	pod_make
	ok "$runtime: starts the first container" runtime_start app || note "$(cat "$TEST_DIR/app.log")"
	ok "$runtime: starts the second" runtime_start side || note "$(cat "$TEST_DIR/side.log")"

	pid=$("$bundle" pids "$manifest" "$pod" | sed -n 's/ app\.0$//p')
	is "$runtime: user, group and memberships" \
		"$(sed -nE 's/^(Uid|Gid|Groups):[[:space:]]*([0-9]+)[[:space:]]?([0-9]*).*/\1 \2 \3/p' "/proc/$pid/status")" \
		"Uid 1000 1000
Gid 1001 1001
Groups 1001 1007"
	is "$runtime: environment" "$(tr '\0' '\n' <"/proc/$pid/environ")" \
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
HOSTNAME=web
FROM_IMAGE=yes
WHO=shop
COLOR=red
BOTH=shop-red
HOME=/home/app"
	is "$runtime: the host name is pause's" "$(in_app hostname)" web
	is "$runtime: so is the network" "$(in_app stat -Lc %i /proc/self/ns/net)" "$(stat -Lc %i "/proc/$pause/ns/net")"
	like "$runtime: /etc/hosts is the Pod's" "$(in_app cat /etc/hosts)" '10.244.0.7[[:space:]]web$'
	is "$runtime: a ConfigMap's key" "$(in_app cat /conf/color)" red
	is "$runtime: by subPath" "$(in_app cat /etc/nginx.conf)" "server {}"
	is "$runtime: a secret that root alone may read" "$(in_app cat /key/token 2>&1)" \
		"cat: can't open '/key/token': Permission denied"
	fails "$runtime: a ConfigMap is read-only" "Read-only" in_app touch /conf/x
	fails "$runtime: so is what says so" "Read-only" in_app touch /host/x
	ok "$runtime: a subPath of an emptyDir" in_app touch /data/part/seen
	ok "$runtime: is in the other container's volume" in_side ls /data/a/b/seen
	ok "$runtime: /dev/shm is the Pod's" in_app touch /dev/shm/seen
	ok "$runtime: and shared" in_side ls /dev/shm/seen
	ok "$runtime: missing parents of a mount are open to all" in_app ls /new/path/work
	is "$runtime: umask" "$(grep Umask "/proc/$pid/status")" "Umask:	0022"
	fails "$runtime: a memory volume is limited" "(No space|error)" in_app sh -c 'head -c 2000000 /dev/zero >/fast/x'
	fails "$runtime: a read-only root" "Read-only" in_side touch /x
	ok "$runtime: the other one is writable where root may" test -w "$pod/run/bundles/app.0/rootfs"
	is "$runtime: all capabilities dropped" "$(in_side grep CapBnd /proc/1/status)" "CapBnd:	0000000000000000"
	is "$runtime: no new privileges" "$(in_side grep NoNewPrivs /proc/1/status)" "NoNewPrivs:	1"
	is "$runtime: default capabilities" "$(in_app grep CapBnd /proc/1/status)" "CapBnd:	00000000a80425fb"
	like "$runtime: processes are found by their cgroup" "$("$bundle" pids "$manifest" "$pod")" 'app\.0.*side\.0'
	if [ -d /sys/fs/cgroup/memory ]; then
		is "$runtime: memory limit" "$(attribute memory memory.limit_in_bytes app.0)" 67108864
		is "$runtime: cpu shares" "$(attribute cpu cpu.shares app.0)" 256
		is "$runtime: cpu quota" "$(attribute cpu cpu.cfs_quota_us app.0)" 50000
		is "$runtime: best effort has the least shares" "$(attribute cpu cpu.shares side.0)" 2
	fi
	like "$runtime: OOM score of burstable" "$(in_app cat /proc/1/oom_score_adj)" '^99[0-9]$'

	sed -i 's/color: red/color: blue/; s/server {}/server { }/' "$manifest"
	ok "$runtime: volumes are brought up to date" "$bundle" volumes "$manifest" "$pod"
	is "$runtime: a ConfigMap volume changes" "$(in_app cat /conf/color)" blue
	is "$runtime: a subPath does not" "$(in_app cat /etc/nginx.conf)" "server {}"
	sed -i 's/color: blue/color: red/; s/server { }/server {}/' "$manifest"

	eventually "$runtime: what runs is killed and the cgroups are removed" 10 "$bundle" reap "$manifest" "$pod"
	is "$runtime: no process is left" "$("$bundle" pids "$manifest" "$pod")" ""
	is "$runtime: no cgroup is left" "$(find /sys/fs/cgroup -name 'kubepods*' -o -name podnet-shims)" ""
	ok "$runtime: forgets the first" "$runtime" --root "$TEST_DIR/runtime" delete --force app.0
	ok "$runtime: and the second" "$runtime" --root "$TEST_DIR/runtime" delete --force side.0
	ok "$runtime: all is removed" pod_erase
	is "$runtime: no mount is left" "$(mounts_below "$pod")" 0
	ok "$runtime: a hostPath stays" test -d "$host"
}

for runtime in runc crun; do
	if ! command -v "$runtime" >/dev/null; then
		note "$runtime is not installed"
		continue
	fi
	# crun works on a hybrid host once no controller is left on cgroup2.
	if [ "$runtime" = crun ] && grep -qs hugetlb /sys/fs/cgroup/unified/cgroup.controllers; then
		mkdir -p "$TEST_DIR/claim/hugetlb"
		mount -t cgroup -o hugetlb cgroup "$TEST_DIR/claim/hugetlb"
		at_exit umount "$TEST_DIR/claim/hugetlb"
	fi
	runtime_test
done
done_testing
