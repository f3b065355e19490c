#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# podnet-control for longer than its certificates last: the clock jumps on, and who comes is shown new ones; who is there
# goes on.
. "${0%/*}/control.sh"

DAY=86400
export CLOCKJUMP=$TEST_DIR/clock

clock_set() { # SECONDS
	perl -e 'print pack("q", $ARGV[0])' -- "$1" >"$TEST_DIR/clock.new"
	dd if="$TEST_DIR/clock.new" of="$CLOCKJUMP" conv=notrunc status=none # in place: it is mapped
}

shown() { # what the server shows, for `openssl x509`
	openssl s_client -connect 127.0.0.1:6443 </dev/null 2>/dev/null
}

shown_until() { # DAYS: it holds for so many from now on
	shown | openssl x509 -noout -checkend $(($1 * DAY))
}

kubectl_home
[ -x "$KUBECTL" ] || skip_all "no kubectl"
clock_set 0
env LD_PRELOAD="$PODNET_PLAIN/tests/preload/clockjump.so" ASAN_OPTIONS="$ASAN_OPTIONS:verify_asan_link_order=0" \
	"$PODNET_BIN/podnet-control" --store memory --run-dir "$RUN" --pki-dir "$TEST_DIR/pki" --listen 127.0.0.1:6443 \
	--admin-kubeconfig "$KUBECONFIG" --advertise-address 192.0.2.1 2>"$TEST_DIR/control.log" &
control=$!
at_exit kill "$control"
eventually "podnet-control is there" 20 "$KUBECTL" get serviceaccount default
export before # for eval
before=$(shown | openssl x509 -noout -serial)
ok "what it shows holds for 364 days" shown_until 364
timeout 60 "$KUBECTL" get configmaps -w -o name >"$TEST_DIR/watched" &
watcher=$!
at_exit kill "$watcher"
eventually "somebody watches" 20 grep -q kube-root-ca "$TEST_DIR/watched"

clock_set $((310 * DAY))
eventually "55 days before its end it is another one" 30 eval '[ "$(shown | openssl x509 -noout -serial)" != "$before" ]'
ok "that holds for 364 days from then on" shown_until $((310 + 364))
shown | openssl x509 >"$TEST_DIR/shown.crt"
ok "by the same authority, for the same names" openssl verify -CAfile "$TEST_DIR/pki/ca.crt" \
	-attime $((EPOCHSECONDS + 310 * DAY)) -verify_hostname kubernetes.default.svc -purpose sslserver "$TEST_DIR/shown.crt"
make "$NS/default/configmaps" '{"metadata":{"name":"later"}}' >/dev/null
eventually "who has watched goes on" 20 grep -qx configmap/later "$TEST_DIR/watched"
ok "it is told once" eval '[ "$(grep -c "certificates of the API server are renewed" "$TEST_DIR/control.log")" = 1 ]'
is "nothing went wrong" "$(grep -cE 'ERROR|Sanitizer' "$TEST_DIR/control.log")" 0
done_testing
