#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# podnet-pull against a real registry on loopback, with real images, good and bad.
. "${0%/*}/../netns/lib.sh"

IMAGES=$SOURCE_DIR/${BUILD_ROOT:-build}/images
REGISTRY=$TEST_DIR/registry
STORE=$TEST_DIR/store
CONF=$TEST_DIR/registries.conf

registry() {
	"$SOURCE_DIR/tools/registry" "$@"
}

# pull [FLAG...] REFERENCE: prints podnet-pull's answer
pull() {
	"$PODNET_BIN/podnet-pull" --dir "$STORE" --registries-conf "$CONF" "$@"
}

pull_reason() {
	pull "$@" | jq -r .reason
}

layers() { # REFERENCE: its layers, lowest first
	pull --policy Never "$1" | jq -r '.layers[]'
}

digest() { # LAYOUT: of the manifest
	jq -r '.manifests[0].digest' "$1/index.json"
}

blob_path() { # LAYOUT DIGEST
	echo "$1/blobs/sha256/${2#sha256:}"
}

# Stores stdin as a blob; prints digest and size.
blob_add() { # LAYOUT
	cat >"$1/blobs/sha256/new"
	set -- "$1" "$(sha256sum <"$1/blobs/sha256/new" | cut -d' ' -f1)" "$(stat -c %s "$1/blobs/sha256/new")"
	mv "$1/blobs/sha256/new" "$1/blobs/sha256/$2"
	echo "sha256:$2 $3"
}

# Rewrites a layout's configuration with a jq filter, and what points to it.
config_edit() { # LAYOUT FILTER
	local manifest config digest size
	manifest=$(blob_path "$1" "$(digest "$1")")
	config=$(blob_path "$1" "$(jq -r .config.digest "$manifest")")
	read -r digest size < <(jq -c "$2" "$config" | blob_add "$1")
	read -r digest size < <(jq -c --arg d "$digest" --argjson s "$size" \
		'.config.digest = $d | .config.size = $s' "$manifest" | blob_add "$1")
	jq -c --arg d "$digest" --argjson s "$size" \
		'.manifests[0].digest = $d | .manifests[0].size = $s' "$1/index.json" >"$1/index.new"
	mv "$1/index.new" "$1/index.json"
}

# image NAME LAYER-DIRECTORY...: makes a layout from directories and pushes it as library/NAME:latest
image() {
	local name=$1 dir tars=()
	shift
	for dir; do
		tar -C "$dir" --sparse --sort=name --numeric-owner -cf "$dir.tar" .
		tars+=("$dir.tar")
	done
	rm -rf "${TEST_DIR:?}/$name"
	"$SOURCE_DIR/tools/oci-layout" "$TEST_DIR/$name" '{"Cmd":["sh"]}' "${tars[@]}" &&
		registry push "$REGISTRY" "$TEST_DIR/$name" "library/$name:latest"
}

is_empty() { # DIRECTORY...
	[ -z "$(find "$@" -mindepth 1)" ]
}

nothing_unfinished() {
	is_empty "$STORE/tmp"
}

store_is_empty() {
	is_empty "$STORE/tmp" "$STORE/layers" "$STORE/images"
}

# Owners, modes, times, types and targets of all files below a directory.
listing() {
	(cd "$1" && find . -printf '%p %m %U:%G %T@ %y %l\n' | sort)
}

registry start "$REGISTRY" >/dev/null
at_exit registry stop "$REGISTRY"
registry conf "$REGISTRY" >"$CONF"
for name in nginx busybox; do
	ok "push $name" registry push "$REGISTRY" "$IMAGES/$name" "library/$name:latest"
done

# --- a first pull ---
is "Never, absent" "$(pull_reason --policy Never nginx)" ErrImageNeverPull
answer=$(pull nginx)
is "nginx comes from the mirror of docker.io" "$(jq -r .reference <<<"$answer")" docker.io/library/nginx:latest
is "with the registry's digest" "$(jq -r .digest <<<"$answer")" "$(digest "$IMAGES/nginx")"
is "and its command" "$(jq -c .config.cmd <<<"$answer")" '["nginx","-g","daemon off;"]'
is "and its signal" "$(jq -r .config.stopSignal <<<"$answer")" SIGQUIT
root=$(jq -r '.layers[0]' <<<"$answer")
mkdir "$TEST_DIR/tar"
tar -C "$TEST_DIR/tar" -xzpf "$(blob_path "$IMAGES/nginx" "$(jq -r '.layers[0].digest' \
	"$(blob_path "$IMAGES/nginx" "$(digest "$IMAGES/nginx")")")")"
is "every file is as tar unpacks it" "$(listing "$root")" "$(listing "$TEST_DIR/tar")"
ok "with the same content" diff -r --no-dereference "$root" "$TEST_DIR/tar"
ok "nginx runs from it" chroot "$root" /usr/sbin/nginx -t -q -e /dev/null
ok "nothing unfinished is left" nothing_unfinished

# --- the same again, and policies ---
inode=$(stat -c %i "$root")
is "IfNotPresent: the same answer" "$(pull nginx)" "$answer"
is "Never, present" "$(pull --policy Never nginx)" "$answer"
is "Always, unchanged" "$(pull --policy Always nginx)" "$answer"
is "the layer was not touched" "$(stat -c %i "$root")" "$inode"
is "by digest" "$(pull "nginx@$(digest "$IMAGES/nginx")" | jq -c .layers)" "$(jq -c .layers <<<"$answer")"
registry push "$REGISTRY" "$IMAGES/busybox" library/nginx:latest
is "a tag that moved: IfNotPresent keeps the old" "$(pull nginx | jq -r .digest)" "$(digest "$IMAGES/nginx")"
is "Always takes the new" "$(pull --policy Always nginx | jq -r .digest)" "$(digest "$IMAGES/busybox")"
is "for good" "$(pull nginx | jq -r .digest)" "$(digest "$IMAGES/busybox")"
registry push "$REGISTRY" "$IMAGES/nginx" library/nginx:latest

# --- other forms of images ---
mkdir -p "$TEST_DIR/low/etc" "$TEST_DIR/low/opt" "$TEST_DIR/high/etc" "$TEST_DIR/high/opt"
echo 1 >"$TEST_DIR/low/etc/gone"
echo 1 >"$TEST_DIR/low/etc/kept"
echo 1 >"$TEST_DIR/low/opt/hidden"
truncate -s 32M "$TEST_DIR/low/sparse"
echo end | dd of="$TEST_DIR/low/sparse" bs=1M seek=20 conv=notrunc status=none
: >"$TEST_DIR/high/etc/.wh.gone"
: >"$TEST_DIR/high/opt/.wh..wh..opq"
echo 2 >"$TEST_DIR/high/opt/new"
ok "push an image of two layers" image two "$TEST_DIR/low" "$TEST_DIR/high"
ok "pull it" pull two
mapfile -t paths < <(layers two)
mkdir "$TEST_DIR/root"
ok "its layers mount" mount -t overlay -o "ro,lowerdir=${paths[1]}:${paths[0]}" overlay "$TEST_DIR/root"
is "whiteouts hide files and the content of directories" \
	"$(cd "$TEST_DIR/root" && find . -type f | sort | xargs)" "./etc/kept ./opt/new ./sparse"
ok "a sparse file has its content" cmp "$TEST_DIR/root/sparse" "$TEST_DIR/low/sparse"
ok "and its holes" test "$(du -k "$TEST_DIR/root/sparse" | cut -f1)" -lt 1024
umount "$TEST_DIR/root"
COMPRESS=zstd image zstd "$TEST_DIR/low"
is "zstd: the same layer is shared" "$(pull zstd | jq -r '.layers[0]')" "${paths[0]}"
mkdir "$TEST_DIR/plain-layer"
echo 3 >"$TEST_DIR/plain-layer/f"
COMPRESS=none image plain "$TEST_DIR/plain-layer"
is "no compression" "$(cat "$(pull plain | jq -r '.layers[0]')/f")" 3
address=$(cat "$REGISTRY/address")
skopeo copy -q --format v2s2 --dest-tls-verify=false "oci:$IMAGES/busybox:latest" \
	"docker://$address/library/schema2:latest"
is "Docker's schema 2" "$(pull schema2 | jq -c .config.cmd)" '["sh"]'

# An index, pushed as it is: skopeo would want the images for all machines to have layers of their own.
registry push "$REGISTRY" "$TEST_DIR/two" library/index:ours
registry push "$REGISTRY" "$IMAGES/nginx" library/index:theirs
jq -c --arg arch "$(dpkg --print-architecture)" --slurpfile other "$IMAGES/nginx/index.json" '
	.manifests = [($other[0].manifests[0] | .platform = {os: "linux", architecture: "s390x"}),
		(.manifests[0] | .platform = {os: "linux", architecture: $arch})]
	| .mediaType = "application/vnd.oci.image.index.v1+json"' \
	"$TEST_DIR/two/index.json" >"$TEST_DIR/list.json"
ok "push an index" curl -sf -X PUT -H "Content-Type: application/vnd.oci.image.index.v1+json" \
	--data-binary "@$TEST_DIR/list.json" "http://$address/v2/library/index/manifests/latest"
is "an index gives this machine's image" "$(pull index | jq -r .digest)" "$(digest "$TEST_DIR/two")"

# --- several at once ---
rm -rf "$STORE"
pids=()
for name in nginx nginx busybox two; do
	pull "$name" >"$TEST_DIR/answer.${#pids[@]}" &
	pids+=($!)
done
for pid in "${pids[@]}"; do
	wait "$pid"
	is "one of four pulls at once" $? 0
done
is "two of one image agree" "$(cat "$TEST_DIR/answer.0")" "$(cat "$TEST_DIR/answer.1")"
is "and say what the first pull said" "$(cat "$TEST_DIR/answer.0")" "$answer"
ok "nothing unfinished is left" nothing_unfinished

# --- kill -9 in the middle ---
rm -rf "$STORE"
mkdir "$TEST_DIR/big"
head -c 67108864 /dev/urandom >"$TEST_DIR/big/data"
COMPRESS=none image big "$TEST_DIR/big"
rm -r "$TEST_DIR/big" "$TEST_DIR/big.tar"
"$PODNET_BIN/podnet-pull" --dir "$STORE" --registries-conf "$CONF" big >/dev/null 2>&1 &
killed=$!
layer_has_begun() {
	compgen -G "$STORE/tmp/*/fs/data"
}
eventually "a layer is being unpacked" 20 layer_has_begun
kill -STOP "$(cat "$REGISTRY/pid")"
proxy=$(pgrep -P "$killed" skopeo)
like "skopeo fetches it" "$proxy" '^[0-9]+$'
kill -9 "$killed"
wait "$killed" 2>/dev/null
eventually "its skopeo ends with it" 5 test ! -e "/proc/$proxy/fd/0"
kill -CONT "$(cat "$REGISTRY/pid")"
ok "no layer and no image" is_empty "$STORE/layers" "$STORE/images"
ok "the next pull succeeds" pull big
ok "and has cleaned up" nothing_unfinished
is "the data is whole" "$(stat -c %s "$(layers big)/data")" 67108864

# --- limits, and images that are not what they say ---
rm -rf "$STORE"
fails "too large" "larger than the limit" pull --max-bytes 1000 nginx
ok "nothing is left" store_is_empty
fails "too many files" "more files than the limit" pull --max-files 10 nginx
ok "nothing is left" store_is_empty
registry push "$REGISTRY" "$TEST_DIR/two" library/diffid:latest
cp -r "$TEST_DIR/two" "$TEST_DIR/diffid"
config_edit "$TEST_DIR/diffid" '.rootfs.diff_ids |= reverse'
registry push "$REGISTRY" "$TEST_DIR/diffid" library/diffid:latest
fails "a wrong diff id" "its diff id is sha256:[0-9a-f]+ instead of" pull diffid
ok "nothing is left" store_is_empty
mkdir "$TEST_DIR/corrupt-layer"
head -c 100000 /dev/urandom >"$TEST_DIR/corrupt-layer/data"
image corrupt "$TEST_DIR/corrupt-layer"
hex=$(jq -r '.layers[0].digest' "$(blob_path "$TEST_DIR/corrupt" "$(digest "$TEST_DIR/corrupt")")")
stored=$REGISTRY/data/docker/registry/v2/blobs/sha256/${hex:7:2}/${hex:7}/data
printf '\xff\xff\xff\xff' | dd of="$stored" bs=1 seek=50000 conv=notrunc status=none
fails "a corrupt blob" "corrupted blob|layer" pull corrupt
ok "nothing is left" store_is_empty
truncate -s 60000 "$stored"
fails "a blob that is cut short" "corrupted blob|bytes in blob" pull corrupt
ok "nothing is left" store_is_empty
# The time in a gzip header: the same size, the same content, the same diff id.
mkdir "$TEST_DIR/other-layer"
head -c 100000 /dev/urandom >"$TEST_DIR/other-layer/data"
image other "$TEST_DIR/other-layer"
hex=$(jq -r '.layers[0].digest' "$(blob_path "$TEST_DIR/other" "$(digest "$TEST_DIR/other")")")
stored=$REGISTRY/data/docker/registry/v2/blobs/sha256/${hex:7:2}/${hex:7}/data
content=$(zcat <"$stored" | sha256sum)
printf '\x01\x02\x03\x04' | dd of="$stored" bs=1 seek=4 conv=notrunc status=none
is "the registry has another blob that unpacks the same" "$(zcat <"$stored" | sha256sum)" "$content"
fails "it is refused by its digest" "corrupted blob|digest" pull other
ok "nothing is left" store_is_empty
mkdir -p "$TEST_DIR/evil/a"
tar -C "$TEST_DIR/evil" --transform 's,^a$,../../../../../../etc/evil,' -P -cf "$TEST_DIR/evil.tar" a
"$SOURCE_DIR/tools/oci-layout" "$TEST_DIR/evil-image" '{}' "$TEST_DIR/evil.tar"
registry push "$REGISTRY" "$TEST_DIR/evil-image" library/evil:latest
fails "a name that climbs out" "leads out of the image" pull evil
ok "nothing is left" store_is_empty
ok "nothing got out" test ! -e /etc/evil
fails "an image that does not exist" "ErrImagePull.*nosuch.*manifest unknown" pull nosuch
fails "a name that is none" "InvalidImageName.*must be lowercase" pull NGINX
fails "skopeo is missing" "cannot run '/no/skopeo': is it installed" pull --skopeo /no/skopeo nginx

# --- collection ---
pull nginx >/dev/null
pull busybox >/dev/null
kept=$(layers nginx)
collect() {
	echo nginx | "$PODNET_BIN/podnet-pull" --dir "$STORE" --collect --min-age 0
}
ok "collect all but nginx" collect
ok "nginx is still there" pull --policy Never nginx
ok "with its layer" test -d "$kept"
is "busybox is gone" "$(pull_reason --policy Never busybox)" ErrImageNeverPull
is "one layer is left" "$(find "$STORE/layers" -mindepth 1 -maxdepth 1 | wc -l)" 1

# --- a registry that is down ---
registry stop "$REGISTRY"
fails "the registry is named, and the cause" "ErrImagePull.*$address.*connection refused" pull busybox
fails "Always needs it although the image is stored" "connection refused" pull --policy Always nginx
ok "IfNotPresent does not" pull nginx

# --- a state directory that cannot be used ---
mkdir "$TEST_DIR/readonly"
mount -t tmpfs -o ro tmpfs "$TEST_DIR/readonly"
fails "read-only" "Read-only file system" "$PODNET_BIN/podnet-pull" --dir "$TEST_DIR/readonly/images" nginx
umount "$TEST_DIR/readonly"
mkdir "$TEST_DIR/full"
mount -t tmpfs -o size=2m tmpfs "$TEST_DIR/full"
registry start "$REGISTRY" "${address##*:}" >/dev/null
fails "full" "No space left on device" "$PODNET_BIN/podnet-pull" --dir "$TEST_DIR/full/images" \
	--registries-conf "$CONF" nginx
ok "nothing is left" is_empty "$TEST_DIR/full/images/tmp" "$TEST_DIR/full/images/layers"
umount "$TEST_DIR/full"
registry stop "$REGISTRY"
done_testing
