#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# bench: store.creates
#
# Objects of 2 KB that are made a second, durably, by 16 clients over kept connections: ConfigMaps through the API
# server on SQLite, and keys through the gateway of Debian's etcd.  Both on the same disk, in turns, each on a store
# that begins empty.
. "${0%/*}/lib.sh"

CLIENTS=16 OBJECTS=4000 SIZE=2048 PORT=23790
wanted store.creates || exit 0

DISK=$(mktemp -d "${BENCH_DISK:-/tmp}/bench.XXXXXX")
at_exit rm -rf "$DISK"
if [ "$(stat -f -c %T "$DISK")" = tmpfs ]; then
	unable store.creates - "$DISK is no disk: set BENCH_DISK to a directory on one"
	done_testing
	exit 0
fi

control_answers() {
	curl -sf --unix-socket "$DISK/run/podnet-control.sock" \
		http://podnet/api/v1/namespaces/default/serviceaccounts/default >/dev/null
}

ours() {
	local control
	"$PODNET_BIN/podnet-control" --store "sqlite:$DISK/store/objects" --run-dir "$DISK/run" --listen "" \
		--pki-dir "$DISK/pki" --user "" 2>>"$TEST_DIR/control.log" &
	control=$!
	wait_for 20 control_answers
	"$BENCH_TOOLS/creates" api "$DISK/run/podnet-control.sock" "$CLIENTS" "$OBJECTS" "$SIZE"
	kill "$control" && wait "$control"
	rm -rf "$DISK/store"
}

etcd() {
	"$SOURCE_DIR/tools/etcd" start "$DISK/etcd" "$PORT" >/dev/null
	"$BENCH_TOOLS/creates" etcd "127.0.0.1:$PORT" "$CLIENTS" "$OBJECTS" "$SIZE"
	"$SOURCE_DIR/tools/etcd" stop "$DISK/etcd"
	rm -rf "$DISK/etcd"
}

at_exit "$SOURCE_DIR/tools/etcd" stop "$DISK/etcd"
for _ in $(rounds); do
	sample store.creates ours "$(ours)"
	sample store.creates etcd "$(etcd)"
done
report store.creates 1/s etcd
done_testing
