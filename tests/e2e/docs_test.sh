#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# What the documentation says is so: README's and the man pages' commands work in their order, on a
# node that README installs; manifests in them are accepted; pages and --help name the same flags;
# install, uninstall and the Debian package leave nothing behind.
. "${0%/*}/lib.sh"
cd "$SOURCE_DIR" || bail "no source"

# --- every flag of --help is in the page, and the other way round ---
flags_of_help() { # PROGRAM
	"$PODNET_BIN/$1" --help | grep -oE '(^|[] ,|[])--?[A-Za-z][a-z-]*' | grep -oE -- '--?[A-Za-z][a-z-]*' | sort -u
}

flags_of_page() { # FILE
	sed -n 's/^\.It Fl/Fl/p' "$1" | sed 's/Fl Fl /--/g; s/Fl /-/g' |
		grep -oE -- '(^|[ ,])--?[A-Za-z][a-z-]*' | grep -oE -- '--?[A-Za-z][a-z-]*' | sort -u
}

for page in man/*.[18]; do
	program=${page#man/}
	program=${program%.*}
	is "$page has the flags of $program --help" "$(flags_of_page "$page")" "$(flags_of_help "$program")"
	for section in NAME SYNOPSIS DESCRIPTION "EXIT STATUS" EXAMPLES; do
		ok "$page has $section" grep -qx "\.Sh $section" "$page"
	done
done

# --- install, uninstall, package ---
# What is tested is what was built, whatever the make around us was told.
unset MAKEFLAGS MFLAGS MAKEOVERRIDES MAKELEVEL
export BUILD=$PODNET_BIN SANITIZE=1
ok "make install" make install DESTDIR="$TEST_DIR/root" PREFIX=/usr
for file in usr/sbin/podnetd usr/bin/podnetctl opt/cni/bin/podnet usr/share/man/man8/podnetd.8 \
	usr/lib/systemd/system/podnetd.service; do
	ok "installs $file" test -s "$TEST_DIR/root/$file"
done
ok "the unit starts what was installed" grep -qx 'ExecStart=/usr/sbin/podnetd' \
	"$TEST_DIR/root/usr/lib/systemd/system/podnetd.service"
ok "make uninstall" make uninstall DESTDIR="$TEST_DIR/root" PREFIX=/usr
is "uninstall leaves no file" "$(find "$TEST_DIR/root" -type f)" ""
rm -rf "$TEST_DIR/root"

package=$(make --no-print-directory deb BUILD_ROOT="$TEST_DIR" 2>"$TEST_DIR/deb.log" | tail -n 1)
ok "make deb: $(tail -n 1 "$TEST_DIR/deb.log")" test -s "$package"
like "the package depends on libraries and on a runtime" "$(dpkg-deb --field "$package" Depends)" \
	"libc6.*crun \| runc.*skopeo"
mkdir -p "$TEST_DIR/root/var/lib/dpkg/"{info,updates}
touch "$TEST_DIR/root/var/lib/dpkg/"{status,available}
package_do() { # DPKG-ARGUMENT...
	dpkg --root="$TEST_DIR/root" --force-script-chrootless --force-depends --log=/dev/null "$@"
}
for again in "" " again"; do
	ok "the package installs$again" package_do --install "$package"
done
mkdir -p "$TEST_DIR/root/var/lib/podnet/pods"
ok "the package is removed" package_do --remove podnet
ok "removing keeps the state" test -d "$TEST_DIR/root/var/lib/podnet/pods"
for again in "" " again"; do
	ok "the package is purged$again" package_do --purge podnet
done
is "purging leaves nothing" "$(find "$TEST_DIR/root" -path '*/dpkg' -prune -o -name '*podnet*' -print)" ""
rm -rf "$TEST_DIR/root" "$package"

# --- commands and manifests ---
# blocks_of FILE DIR: numbered files, whose endings say what they are.
blocks_of() {
	case "$1" in
	*.md) awk -v dir="$2" '
		/^```./ { file = sprintf("%s/%03d.%s", dir, ++count, substr($0, 4)); next }
		/^```/ { file = ""; next }
		file { print >file }' "$1" ;;
	*) awk -v dir="$2" '
		/^\.\\" [a-z]+$/ { kind = $2; next }
		/^\.Bd/ { file = sprintf("%s/%03d.%s", dir, ++count, kind ? kind : "unmarked"); kind = ""; next }
		/^\.Ed/ { file = ""; next }
		file { gsub(/\\&/, ""); gsub(/\\-/, "-"); gsub(/\\e/, "\\"); print >file }' "$1" ;;
	esac
}

settled() { # all Pods that shall run are ready
	podnetctl get pods -o json | jq -e '.items | length > 0 and all(
		.status.phase == "Succeeded" or
		any(.status.conditions[]?; .type == "Ready" and .status == "True"))'
}

# What they leave in the background must not hold our pipe open.
commands_run() { # FILE
	sh -eu "$1" >"$1.out" 2>&1 || { cat "$1.out" && false; }
}

block_run() { # NAME FILE
	case "$2" in
	*.sh)
		ok "$1: the commands work" commands_run "$2"
		;;
	*.yaml)
		cp "$2" "/etc/podnet/manifests/${1//[^a-z0-9]/-}.yaml"
		eventually "$1: its objects run" "$SECONDS_READY" has_all_of "$2"
		;;
	*.json) ok "$1: is JSON" jq empty "$2" ;;
	*.conf | *.text) ;; # another machine's
	*) test_result 1 "$1: says what it is" "$2" ;;
	esac
}

has_all_of() { # FILE: each Pod and Service of it
	local kind name
	while read -r kind name; do
		case "$kind" in
		Pod | Service) podnetctl get "${kind,,}" "$name" || return ;;
		esac
	done < <(awk '$1 == "kind:" { kind = $2 }
		$1 == "metadata:" && match($0, /name: [a-z0-9-]+/) { print kind, substr($0, RSTART + 6, RLENGTH - 6) }
		meta && $1 == "name:" { print kind, $2 }
		{ meta = $0 == "metadata:" }' "$1")
}

lab_prepare
veth - uplink 192.0.2.1/24 outside eth0 192.0.2.2/24
ip route add default via 192.0.2.2
sysctls_before=$(sysctl_values)
lab_registry_start nginx busybox || bail "the registry does not start"
# /usr is the host's, and a container's root needs another file system than an overlay below it.
made=()
for dir in /etc/cni /etc/podnet /opt/cni /run/podnet /var/lib/podnet /var/log/pods /var/log/containers; do
	[ -e "$dir" ] || made+=("$dir")
done
mkdir -p /var/lib/podnet
[ ! -d /etc/cni ] || mount -t tmpfs tmpfs /etc/cni # podman's configuration would be used
mount -t tmpfs tmpfs /usr/local
mount -t tmpfs tmpfs /var/lib/podnet
mount --bind "$LAB/registries.conf" /etc/containers/registries.conf
export PATH=/usr/local/sbin:/usr/local/bin:$PATH

for file in README.md man/*.[178]; do
	blocks=$TEST_DIR/blocks/${file##*/}
	mkdir -p "$blocks"
	blocks_of "$file" "$blocks"
	for block in "$blocks"/*; do
		[ -f "$block" ] || continue
		block_run "$file, block $((10#$(basename "${block%.*}")))" "$block"
		[[ "$block" != *.@(sh|yaml) ]] ||
			eventually "then all Pods are ready" "$SECONDS_READY" settled
	done
done
unlike "no manifest was refused" "$(cat /var/log/podnetd.log)" "\.yaml: line [0-9]+:"

# --- the way out that podnetd(8) describes ---
is_empty() {
	[ "$(podnetctl get pods -A -o json | jq '.items | length')" = 0 ]
}
rm -f /etc/podnet/manifests/*
eventually "emptying the directory ends all Pods" 60 is_empty
pkill -TERM -x podnetd # of this sandbox's pid namespace
is_gone() {
	! pgrep -x podnetd
}
eventually "podnetd ends on SIGTERM" 30 is_gone
unlike "no sanitizer has complained" "$(cat /var/log/podnetd.log)" "Sanitizer|runtime error:"
lab_registry_stop
umount /usr/local /var/lib/podnet /etc/containers/registries.conf
! mountpoint -q /etc/cni || umount /etc/cni
rm -rf /sys/fs/bpf/podnet "${made[@]}"
nft delete table ip podnet-default 2>/dev/null
ip route del unreachable 10.96.0.0/16 2>/dev/null
ip route del default
ip link del uplink
sysctl -qw net.ipv4.ip_forward="$sysctls_before"
done_testing
