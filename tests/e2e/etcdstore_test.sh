#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# podnet-control on Debian's etcd: kubectl as ever, kill -9 of either during writes, a member of three that dies,
# two podnet-controls on one etcd, TLS, and an etcd that does not answer.
. "${0%/*}/control.sh"

MAPS=$NS/default/configmaps
MEMBERS=(http://127.0.0.1:23791 http://127.0.0.1:23793 http://127.0.0.1:23795)

etcd_begin() { # NAME PORT [ARGUMENT...]
	"$SOURCE_DIR/tools/etcd" start "$TEST_DIR/$1" "${@:2}" >/dev/null
}

etcd_end() { # NAME [SIGNAL]
	"$SOURCE_DIR/tools/etcd" stop "$TEST_DIR/$1" "${@:2}"
}

for name in one m1 m2 m3 secure; do
	at_exit etcd_end "$name"
done

k() {
	timeout 60 "$KUBECTL" --request-timeout=30s "$@"
}

config() { # NAME VALUE
	printf '{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"%s"},"data":{"k":"%s"}}' "$1" "$2"
}

# Makes PREFIX-0, PREFIX-1, ... until $TEST_DIR/enough is there; notes those that were acknowledged.
write_on() { # PREFIX
	local i=0
	while [ ! -e "$TEST_DIR/enough" ]; do
		[ "$(curl -s -o /dev/null -w '%{http_code}' --unix-socket "$RUN/podnet-control.sock" \
			-H 'Content-Type: application/json' -d "$(config "$1-$i" "$i")" "http://podnet$MAPS")" != 201 ] ||
			echo "$1-$i" >>"$TEST_DIR/acknowledged"
		i=$((i + 1))
	done
}

writers_begin() {
	local i
	rm -f "$TEST_DIR/enough" "$TEST_DIR/acknowledged"
	writers=()
	for i in 1 2 3 4; do
		write_on "$1$i" &
		writers+=($!)
	done
	eventually "writes go on" 20 acknowledged_are 40
}

writers_end() {
	touch "$TEST_DIR/enough"
	wait "${writers[@]}"
}

acknowledged_are() { # COUNT
	[ "$(wc -l <"$TEST_DIR/acknowledged")" -ge "$1" ]
}

# What was acknowledged, before it is asked for, and is not there.
lost() {
	sort "$TEST_DIR/acknowledged" >"$TEST_DIR/wanted"
	get "$MAPS" '.items[].metadata.name' | sort | comm -13 - "$TEST_DIR/wanted"
}

control_end() { # [SIGNAL]
	kill -s "${1:-TERM}" "$control"
	wait "$control"
}

# --- an etcd that is not there, beside all else ---
refusal() { # NAME ARGUMENT...: what it says at its end
	"$PODNET_PLAIN/podnet-control" --run-dir "$TEST_DIR/$1.run" --pki-dir "$TEST_DIR/$1.pki" --listen "" \
		--user "" "${@:2}" >"$TEST_DIR/$1.refusal" 2>&1
	echo "exit $?" >>"$TEST_DIR/$1.refusal"
}
refusal nobody --store etcd=http://127.0.0.1:1,http://127.0.0.1:2 &
nobody=$!

# --- and one that is told to stop while it waits ---
"$PODNET_PLAIN/podnet-control" --run-dir "$TEST_DIR/stopped.run" --pki-dir "$TEST_DIR/stopped.pki" --listen "" \
	--user "" --store etcd=http://127.0.0.1:1 2>"$TEST_DIR/stopped.log" &
control=$!
eventually "who waits says for whom" 20 grep -q "etcd 'http://127.0.0.1:1': Connection refused" "$TEST_DIR/stopped.log"
kill "$control" && wait "$control"
is "and ends in peace when told to" $? 0

# --- kubectl ---
ok "etcd is there" etcd_begin one 23790
ONE=etcd=http://127.0.0.1:23790
kubectl_home
control_begin --listen 127.0.0.1:6443 --admin-kubeconfig "$KUBECONFIG" --store "$ONE"
is "kubectl creates" "$(k create configmap cm --from-literal=a=b)" "configmap/cm created"
k get configmap cm --watch --no-headers >"$TEST_DIR/watched" &
watcher=$!
at_exit kill "$watcher"
eventually "kubectl watches" 20 grep -q '^cm  *1 ' "$TEST_DIR/watched"
k patch configmap cm --type merge -p '{"data":{"c":"d"}}' >/dev/null
eventually "and sees what changes" 20 grep -q '^cm  *2 ' "$TEST_DIR/watched"
kill "$watcher" && wait "$watcher"
is "kubectl gets" "$(k get configmap cm -o 'jsonpath={.data}')" '{"a":"b","c":"d"}'
is "once" "$(k create configmap cm 2>&1 | grep -o AlreadyExists)" AlreadyExists
k create service clusterip a --tcp=80 --clusterip=10.96.0.77 >/dev/null
like "an address is given once" "$(k create service clusterip b --tcp=80 --clusterip=10.96.0.77 2>&1)" \
	'already allocated'
is "objects lie below the prefix as they are" "$(curl -s http://127.0.0.1:23790/v3/kv/range \
	-d "{\"key\":\"$(printf /podnet/objects/configmaps/default/cm | base64 -w0)\"}" |
	jq -r '.kvs[0].value' | base64 -d | jq -c .data)" '{"a":"b","c":"d"}'

# --- podnet-control is killed ---
writers_begin first
control_end KILL
control_begin --listen "" --store "$ONE"
is "killed: nothing acknowledged is lost" "$(lost)" ""
eventually "writes go on" 20 acknowledged_are $(($(wc -l <"$TEST_DIR/acknowledged") + 40))
revision=$(get "$MAPS" .metadata.resourceVersion)
make "$MAPS" "$(config before x)" >/dev/null
writers_end
control_end KILL
control_begin --listen "" --store "$ONE"
like "watches go on where they were before" \
	"$(get "$MAPS?watch=true&resourceVersion=$revision&timeoutSeconds=1" .object.metadata.name)" '(^|[[:space:]])before($|[[:space:]])'

# --- etcd is killed ---
writers_begin second
etcd_end one KILL
count=$(wc -l <"$TEST_DIR/acknowledged")
ok "etcd is there again" etcd_begin one 23790
eventually "what waited for it goes on" 30 acknowledged_are $((count + 40))
writers_end
is "nothing acknowledged is lost" "$(lost)" ""
is "nor was anything refused that was not there" "$(get "$MAPS" '[.items[].metadata.name | select(startswith("second"))] | length')" \
	"$(wc -l <"$TEST_DIR/acknowledged")"

etcd_end one KILL
is "without etcd a write that it never got is refused" "$(code POST "$MAPS" "$(config never x)")" 504
is "and says that nothing was written" "$(jq -r .reason "$TEST_DIR/answer")" Timeout
is "reads go on" "$(get "$MAPS/cm" .metadata.name)" cm
eventually "it is not ready" 20 eval '[ "$(code GET /readyz)" = 500 ]'
is "which is said, and no more" "$(tr '\n' ' ' <"$TEST_DIR/answer")" '[+]ping ok [-]store failed: reason withheld readyz check failed '
is "but for who leaves that out" "$(code GET "/readyz?exclude=store")" 200
is "it lives" "$(code GET "/livez?verbose") $(tr '\n' ' ' <"$TEST_DIR/answer")" '200 [+]ping ok livez check passed '
ok "etcd is there again" etcd_begin one 23790
eventually "it is ready" 20 eval '[ "$(code GET "/readyz?verbose")" = 200 ]'
is "which is said, too" "$(tr '\n' ' ' <"$TEST_DIR/answer")" '[+]ping ok [+]store ok readyz check passed '
eventually "and writes" 20 eval '[ "$(code POST "$MAPS" "$(config again x)")" = 201 ]'
is "what was refused was not made" "$(code GET "$MAPS/never")" 404

# --- another one on the same etcd ---
first=$RUN first_control=$control
RUN=$TEST_DIR/run2
control_begin --listen "" --store "$ONE"
make "$MAPS" "$(config from-second x)" >/dev/null
RUN=$first
eventually "what one writes comes to the other" 10 answers '"from-second"' "$MAPS/from-second" '.metadata.name | tojson'
for name in race-{0..19}; do
	for run in "$first" "$TEST_DIR/run2"; do
		curl -s -o /dev/null -w '%{http_code}\n' --unix-socket "$run/podnet-control.sock" \
			-H 'Content-Type: application/json' -d "$(config "$name" x)" "http://podnet$MAPS" &
		racers+=($!)
	done
done >"$TEST_DIR/codes"
wait "${racers[@]}"
is "of two who make the same, one does" "$(sort "$TEST_DIR/codes" | uniq -c | xargs)" "20 201 20 409"
control_end
is "the second ends in peace" $? 0
control=$first_control
control_end
is "and the first" $? 0
etcd_end one

# --- three members, of which one is killed ---
cluster=m1=http://127.0.0.1:23792,m2=http://127.0.0.1:23794,m3=http://127.0.0.1:23796
starting=()
for i in 1 2 3; do
	etcd_begin "m$i" $((23789 + 2 * i)) --name "m$i" --initial-cluster "$cluster" &
	starting+=($!)
done
wait "${starting[@]}"
is "three members are there" "$?" 0
control_begin --listen "" --store "etcd=$(IFS=, && echo "${MEMBERS[*]}")" --etcd-prefix /of/three/
writers_begin third
etcd_end m1 KILL
eventually "without one of three writes go on" 30 acknowledged_are $(($(wc -l <"$TEST_DIR/acknowledged") + 40))
writers_end
is "nothing acknowledged is lost" "$(lost)" ""
make "$MAPS" "$(config later x)" >/dev/null
is "reads are of what was written" "$(get "$MAPS/later" .metadata.name)" later
control_end
for i in 1 2 3; do
	etcd_end "m$i"
done

# --- TLS ---
key() { # NAME
	openssl ecparam -name prime256v1 -genkey -noout -out "$TEST_DIR/$1.key"
}

signed() { # NAME EXTENSION...
	key "$1"
	openssl req -new -key "$TEST_DIR/$1.key" -subj "/CN=$1" -out "$TEST_DIR/$1.csr"
	printf '%s\n' "${@:2}" >"$TEST_DIR/$1.ext"
	openssl x509 -req -in "$TEST_DIR/$1.csr" -CA "$TEST_DIR/ca.crt" -CAkey "$TEST_DIR/ca.key" -set_serial 2 \
		-days 1 -extfile "$TEST_DIR/$1.ext" -out "$TEST_DIR/$1.crt" 2>/dev/null
}
key ca
openssl req -x509 -new -key "$TEST_DIR/ca.key" -subj /CN=etcd-ca -days 1 -out "$TEST_DIR/ca.crt"
signed server subjectAltName=IP:127.0.0.1 extendedKeyUsage=serverAuth,clientAuth
signed client extendedKeyUsage=clientAuth
SECURE=https://127.0.0.1:23797
ok "etcd is there, with TLS" etcd_begin secure 23797 --listen-client-urls "$SECURE" --advertise-client-urls "$SECURE" \
	--cert-file "$TEST_DIR/server.crt" --key-file "$TEST_DIR/server.key" \
	--client-cert-auth --trusted-ca-file "$TEST_DIR/ca.crt"
refusal stranger --store "etcd=$SECURE" --etcd-cafile "$TEST_DIR/ca.crt" &
stranger=$!
refusal distrust --store "etcd=$SECURE" --etcd-certfile "$TEST_DIR/client.crt" --etcd-keyfile "$TEST_DIR/client.key" &
distrust=$!
# Its key is root's alone, and it is not root when it connects.
chmod o+x "$TEST_DIR"
"$PODNET_PLAIN/podnet-control" --user nobody --store "etcd=$SECURE" --etcd-cafile "$TEST_DIR/ca.crt" \
	--etcd-certfile "$TEST_DIR/client.crt" --etcd-keyfile "$TEST_DIR/client.key" --listen "" \
	--run-dir "$TEST_DIR/confined/run" --pki-dir "$TEST_DIR/confined/pki" 2>"$TEST_DIR/confined.log" &
control=$!
at_exit kill "$control"
RUN=$TEST_DIR/confined/run
eventually "with a certificate, as another user, it serves" 20 answers 4 "$NS" '.items | length'
like "it writes" "$(make "$MAPS" "$(config tls x)")" '"name":"tls"'
control_end
wait "$nobody" "$stranger" "$distrust"
like "an etcd that is not there is named" "$(cat "$TEST_DIR/nobody.refusal")" \
	"error: etcd 'http://127.0.0.1:[12]': Connection refused \(for 20 seconds\)"$'\n'"exit 1$"
like "once for each endpoint before" "$(grep -c warning "$TEST_DIR/nobody.refusal")" '^2$'
like "without a certificate one is refused, and says by whom" "$(cat "$TEST_DIR/stranger.refusal")" \
	"error: etcd '$SECURE': Protocol error \(for 20 seconds\)"$'\n'"exit 1$"
like "an etcd that nobody trusts is none" "$(cat "$TEST_DIR/distrust.refusal")" \
	"error: etcd '$SECURE': the server's certificate is not trusted.*"$'\n'"exit 1$"
fails "a certificate needs a key" "--etcd-certfile and --etcd-keyfile: one needs the other" \
	"$PODNET_PLAIN/podnet-control" --store "etcd=$SECURE" --etcd-certfile "$TEST_DIR/client.crt"
is "nothing went wrong" "$(grep -E 'error: |Sanitizer' "$TEST_DIR/control.log")" ""
done_testing
