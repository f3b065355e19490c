#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# An unmodified kubectl (Debian's) reaches into Pods: logs, exec, attach, port-forward; through podnet-control, which
# asks who may, and the API of the node, which serves nobody else.
. "${0%/*}/lib.sh"

PKI=$TEST_DIR/pki
PORT=6443
SOCKET=$TEST_DIR/control/podnet-control.sock
export KUBECONFIG=$TEST_DIR/admin.conf HOME=$TEST_DIR/home
KUBECTL=${KUBECTL:-$SOURCE_DIR/build/kubectl/usr/bin/kubectl}
NODE=https://192.0.2.1:10250

[ -x "$KUBECTL" ] || skip_all "no kubectl"
MINOR=$("$KUBECTL" version --client -o json | jq -r .clientVersion.minor | tr -dc 0-9)

k() {
	timeout 60 "$KUBECTL" --request-timeout=30s "$@"
}

control_is_ready() {
	[ "$(k get namespaces -o name | wc -l)" = 4 ]
}

control_start() {
	"$PODNET_BIN/podnet-control" --store "sqlite:$TEST_DIR/store" --run-dir "$TEST_DIR/control" \
		--pki-dir "$PKI" --listen "127.0.0.1:$PORT" --admin-kubeconfig "$KUBECONFIG" \
		2>>"$TEST_DIR/control.log" &
	control=$!
	disown "$control"
	eventually "podnet-control is there" 20 control_is_ready
}

control_is_gone() {
	! kill -0 "$control" 2>/dev/null
}

# A client certificate: NAME SUBJECT; leaves NAME.crt and NAME.key.
certificate() {
	openssl ecparam -name prime256v1 -genkey -noout -out "$TEST_DIR/$1.key"
	openssl req -new -key "$TEST_DIR/$1.key" -subj "$2" -out "$TEST_DIR/$1.csr"
	printf 'extendedKeyUsage=clientAuth\n' >"$TEST_DIR/client.ext"
	openssl x509 -req -in "$TEST_DIR/$1.csr" -CA "$PKI/ca.crt" -CAkey "$PKI/ca.key" \
		-set_serial "0x$RANDOM" -days 1 -extfile "$TEST_DIR/client.ext" \
		-out "$TEST_DIR/$1.crt" 2>/dev/null
}

# ask_node CERTIFICATE PATH: "CODE", the answer in $TEST_DIR/answer; CERTIFICATE "-": none.
ask_node() {
	local shown=()
	[ "$1" = - ] || shown=(--cert "$TEST_DIR/$1.crt" --key "$TEST_DIR/$1.key")
	curl -sk --max-time 10 -o "$TEST_DIR/answer" -w '%{http_code}' "${shown[@]}" "$NODE$2"
}

message() {
	jq -r .message "$TEST_DIR/answer"
}

pods_are_ready() { # NAME...
	[ "$(k get pods "$@" -o jsonpath='{.items[*].status.conditions[?(@.type=="Ready")].status}')" = "True True True" ]
}

mkdir -p "$HOME"
node_up busybox
lab_podnetd_kill TERM
control_start
cat >"$TEST_DIR/kubeconfig" <<-END
	apiVersion: v1
	kind: Config
	current-context: test
	contexts: [{name: test, context: {cluster: test}}]
	clusters: [{name: test, cluster: {server: "unix://$SOCKET", certificate-authority: "$PKI/ca.crt"}}]
END
LAB_FLAGS+=(--kubeconfig "$TEST_DIR/kubeconfig")
lab_podnetd_start || bail "podnetd does not start: $(tail -n 5 "$LAB/podnetd.log")"

eventually "the Node says where its API is" 30 eval \
	'[ "$(k get node test-node -o jsonpath="{.status.daemonEndpoints.kubeletEndpoint.Port}")" = 10250 ]'

k create -f - <<-'END' >/dev/null
	apiVersion: v1
	kind: Pod
	metadata: {name: talker}
	spec:
	  terminationGracePeriodSeconds: 1
	  containers:
	  - name: main
	    image: busybox
	    imagePullPolicy: IfNotPresent
	    args: [sh, -c, "echo first; echo err >&2; sleep 1; echo second; until [ -e /tmp/end ]; do sleep 0.1; done; rm /tmp/end; echo last; exit 5"]
	---
	apiVersion: v1
	kind: Pod
	metadata: {name: two}
	spec:
	  terminationGracePeriodSeconds: 1
	  containers:
	  - {name: web, image: busybox, imagePullPolicy: IfNotPresent, args: [sh, -c, "mkdir /tmp/w; echo hello >/tmp/w/index.html; exec httpd -f -p 8080 -h /tmp/w"]}
	  - {name: side, image: busybox, imagePullPolicy: IfNotPresent, args: [sh, -c, "while :; do echo tick; sleep 0.2; done"]}
	---
	apiVersion: v1
	kind: Pod
	metadata: {name: reader}
	spec:
	  terminationGracePeriodSeconds: 1
	  restartPolicy: Never
	  containers:
	  - {name: main, image: busybox, imagePullPolicy: IfNotPresent, stdin: true, stdinOnce: true, args: [sh, -c, 'while read l; do echo "got $l"; done; echo bye; echo err >&2']}
END
eventually "the Pods are ready" "$SECONDS_READY" pods_are_ready talker two reader
eventually "one has spoken" 20 eval '[ "$(k logs talker --tail=1)" = second ]'

# --- logs ---
is "logs" "$(k logs talker | sort)" $'err\nfirst\nsecond'
is "--tail" "$(k logs talker --tail=1)" second
like "--timestamps" "$(k logs talker --timestamps --tail=1)" \
	'^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{9}(Z|[+-][0-9:]{5}) second$'
is "--since" "$(k logs talker --since=1h | wc -l)" 3
is "--since-time" "$(k logs talker --since-time=2099-01-01T00:00:00Z)" ""
is "--limit-bytes" "$(k logs talker --limit-bytes=4)" firs
if [ "$MINOR" -ge 24 ]; then
	ok "of two containers kubectl takes the first" k logs two
else
	fails "with two containers one must be named" \
		"a container name must be specified for pod two, choose one of: \[web side\]" k logs two
fi
fails "the server wants to hear which" \
	"a container name must be specified for pod two, choose one of: \[web side\]" \
	k get --raw /api/v1/namespaces/default/pods/two/log
fails "an unknown container is refused" "container nobody is not valid for pod talker" k logs talker -c nobody
fails "an unknown Pod, too" 'pods "missing" not found' k logs missing
fails "there is no log before the first one" 'previous terminated container "main" in pod "talker" not found' \
	k logs talker --previous
timeout 60 "$KUBECTL" logs -f talker >"$TEST_DIR/followed" 2>&1 &
export follower=$! # for eval
eventually "logs -f begins with what was said" 10 grep -q second "$TEST_DIR/followed"
is "exec without a word of its own" "$(k exec talker -- touch /tmp/end 2>&1)" ""
eventually "logs -f goes on with what is said" 10 grep -q last "$TEST_DIR/followed"
eventually "and ends with its container" 20 eval '! kill -0 $follower 2>/dev/null'
eventually "the container starts again" 20 eval \
	'[ "$(k get pod talker -o jsonpath="{.status.containerStatuses[0].restartCount}")" = 1 ]'
is "--previous" "$(k logs talker --previous --tail=1)" last

# --- exec ---
is "exec has a command's output" "$(k exec two -c web -- cat /tmp/w/index.html)" hello
is "and its stderr" "$(k exec two -c web -- sh -c 'echo no >&2' 2>&1 >/dev/null)" no
k exec two -c web -- sh -c 'exit 7' 2>"$TEST_DIR/err"
is "its exit code" $? 7
is "and what kubectl says of that" "$(cat "$TEST_DIR/err")" "command terminated with exit code 7"
is "stdin reaches it, and its end" "$(printf 'a\nb' | k exec -i two -c web -- sh -c 'cat; echo c')" $'a\nbc'
head -c 20000000 /dev/urandom >"$TEST_DIR/big"
is "so do 20 MB, both ways" "$(k exec -i two -c web -- cat <"$TEST_DIR/big" | sha256sum)" \
	"$(sha256sum <"$TEST_DIR/big")"
fails "a program that is not there" "nonsense" k exec two -c web -- nonsense
fails "exec in an unknown container" "container nobody is not valid for pod two" k exec two -c nobody -- true

# --- a terminal ---
in_terminal() { # COMMAND...: with its output, whose lines end as a terminal's
	script -qec "stty rows 33 cols 101; exec $(printf '%q ' timeout --foreground 60 "$KUBECTL" "$@")" /dev/null </dev/null |
		tr -d '\r'
}
like "exec -t has a terminal among the container's" "$(in_terminal exec -it two -c web -- tty)" '/dev/pts/[0-9]+'
like "of the size of ours" "$(in_terminal exec -it two -c web -- sh -c 'sleep 1; stty size')" '33 101'

# --- attach ---
like "attach hears what is said from now on" "$(timeout 5 "$KUBECTL" attach two -c side </dev/null 2>&1)" $'tick\ntick\ntick'
is "attach -i speaks to the container, until it ends" "$(printf 'a\nb\n' | k attach -i reader 2>"$TEST_DIR/err")" $'got a\ngot b\nbye'
is "with its stderr" "$(grep -c '^err$' "$TEST_DIR/err")" 1
eventually "its stdin has ended with that" 10 eval '[ "$(k get pod reader -o jsonpath="{.status.phase}")" = Succeeded ]'
is "the log has it all" "$(k logs reader | sort | xargs)" "bye err got a got b"
fails "nobody attaches to what has ended" "cannot attach a container in a completed pod" k attach reader

# --- a container's own terminal ---
debug() { # POD NAME ARGUMENTS...: an ephemeral container
	k debug "$1" -c "$2" --image=busybox --image-pull-policy=IfNotPresent "${@:3}" >/dev/null 2>&1
}
state_of() { # POD NAME FILTER of its state
	k get pod "$1" -o json | jq -r --arg name "$2" \
		".status.ephemeralContainerStatuses[]? | select(.name == \$name) | .state[] | $3"
}
is_in_state() { # POD NAME STATE
	k get pod "$1" -o json | jq -e --arg name "$2" --arg state "$3" \
		'.status.ephemeralContainerStatuses[]? | select(.name == $name) | .state[$state]' >/dev/null
}
k create -f - <<-'END' >/dev/null
	apiVersion: v1
	kind: Pod
	metadata: {name: shell}
	spec:
	  terminationGracePeriodSeconds: 1
	  restartPolicy: Never
	  containers:
	  - {name: main, image: busybox, imagePullPolicy: IfNotPresent, stdin: true, tty: true, args: [sh]}
END
eventually "a Pod with a terminal is ready" "$SECONDS_READY" eval '[ "$(k get pod shell -o jsonpath="{.status.containerStatuses[0].ready}")" = true ]'
if [ "$MINOR" -ge 25 ]; then # its debug speaks v1
	debug shell late -- sleep 1000
	eventually "what is added to a Pod runs" 20 is_in_state shell late running
fi
{ sleep 2; printf 'stty size; tty\r'; sleep 1; printf 'exit 3\r'; sleep 1; } |
	script -qec "stty rows 33 cols 101; exec timeout --foreground 60 $KUBECTL attach -it shell" /dev/null >"$TEST_DIR/shell" 2>&1
like "who attaches types into it, and its size is ours" "$(tr -d '\r' <"$TEST_DIR/shell")" $'\n33 101\n/dev/(pts/0|console)\n'
eventually "until it ends" 10 eval '[ "$(k get pod shell -o jsonpath="{.status.containerStatuses[0].state.terminated.exitCode}")" = 3 ]'
like "the log has it all" "$(k logs shell | tr -d '\r')" $'\n33 101\n'
if [ "$MINOR" -ge 25 ]; then
	eventually "what was added ends with the Pod" 20 is_in_state shell late terminated
	is "which has succeeded or failed by its own" "$(k get pod shell -o jsonpath='{.status.phase}')" Failed
fi
k delete pod shell --wait=false >/dev/null

# --- ephemeral containers ---
if [ "$MINOR" -ge 25 ]; then
	debug two peek --target=web -- sh -c 'echo the first is $(cat /proc/1/comm); exec sleep 1000'
	debug two alone -- sh -c 'echo the first is $(cat /proc/1/comm); exit 4'
	eventually "debug adds a container" 20 is_in_state two peek running
	is "which sees its target's processes" "$(k logs two -c peek)" "the first is httpd"
	is "and its address" "$(k exec two -c peek -- wget -qO- http://127.0.0.1:8080/)" hello
	eventually "one without a target has ended" 20 is_in_state two alone terminated
	is "it saw its own" "$(k logs two -c alone)" "the first is sh"
	is "it is not started again" "$(state_of two alone .exitCode) $(k get pod two -o json |
		jq '.status.ephemeralContainerStatuses[] | select(.name == "alone") | .restartCount')" "4 0"
	is "the Pod stays ready" "$(k get pod two -o jsonpath='{.status.conditions[?(@.type=="Ready")].status}')" True
	{ sleep 3; printf 'echo $((6*7)) of $(cat /proc/1/comm)\r'; sleep 1; printf 'exit 3\r'; sleep 1; } |
		script -qec "timeout --foreground 60 $KUBECTL debug -it two --image=busybox --image-pull-policy=IfNotPresent --target=web -c shell" \
			/dev/null >"$TEST_DIR/shell" 2>&1
	like "debug -it" "$(tr -d '\r' <"$TEST_DIR/shell")" $'\n42 of httpd\n'
	eventually "ends with its shell" 20 eval '[ "$(state_of two shell .exitCode)" = 3 ]'
	fails "a target that is not there" 'targetContainerName: Not found: "nobody"' \
		k debug two --image=busybox --target=nobody
	fails "what was added stays" 'existing ephemeral containers "alone" may not be removed' \
		k patch pod two --subresource=ephemeralcontainers --type=merge -p '{"spec":{"ephemeralContainers":[]}}'
	fails "an update of the Pod adds none" 'pod updates may not change fields other than' \
		k patch pod two -p '{"spec":{"ephemeralContainers":[{"name":"sly","image":"busybox"}]}}'
	peek=$(state_of two peek .startedAt)
fi

# --- port-forward ---
timeout 60 "$KUBECTL" port-forward two 18080:8080 18081:81 >"$TEST_DIR/forward" 2>&1 &
export forward=$! # for eval
at_exit kill "$forward"
eventually "port-forward listens" 10 grep -q 'from 127.0.0.1:18080 -> 8080' "$TEST_DIR/forward"
is "and leads to the Pod" "$(curl -s --max-time 5 http://127.0.0.1:18080/index.html)" hello
is "again and again" "$(for _ in {1..50}; do curl -s --max-time 5 http://127.0.0.1:18080/index.html; done | sort | uniq -c | xargs)" \
	"50 hello"
curl -s --max-time 5 http://127.0.0.1:18081/ >/dev/null
eventually "a port where nobody listens is told" 5 grep -q 'an error occurred forwarding 18081 -> 81: .*connection refused' "$TEST_DIR/forward"
if [ "$MINOR" -ge 23 ]; then # gives up itself
	eventually "and ends kubectl" 10 eval '! kill -0 $forward 2>/dev/null'
else
	is "the others go on" "$(curl -s --max-time 5 http://127.0.0.1:18080/index.html)" hello
	kill "$forward"
fi

# --- who may ---
certificate viewer /CN=viewer
certificate node /O=system:nodes/CN=system:node:test-node
certificate admin /O=system:masters/CN=boss
as_viewer() {
	timeout 60 "$KUBECTL" --kubeconfig=/dev/null --server="https://127.0.0.1:$PORT" \
		--certificate-authority="$PKI/ca.crt" --client-certificate="$TEST_DIR/viewer.crt" \
		--client-key="$TEST_DIR/viewer.key" "$@"
}
fails "who may nothing has no logs" 'User "viewer" cannot get resource "pods".* in API group' as_viewer logs two -c side
ok "a role is given" k create clusterrolebinding viewers --clusterrole=view --user=viewer
like "who may look has them" "$(as_viewer logs two -c side --tail=1)" tick
fails "but runs nothing" 'User "viewer" cannot create resource "pods/exec"' as_viewer exec two -c web -- true
fails "nor attaches" 'User "viewer" cannot create resource "pods/attach"' as_viewer attach two -c side
[ "$MINOR" -lt 25 ] || fails "nor adds a container" 'cannot patch resource "pods/ephemeralcontainers"' \
	as_viewer debug two --image=busybox
fails "nor forwards" 'User "viewer" cannot create resource "pods/portforward"' as_viewer port-forward two 18090:8080
is "the node asks for a name" "$(ask_node - /pods)" 401
is "not everybody is answered" "$(ask_node viewer /containerLogs/default/two/side)" 403
like "and told why" "$(message)" "user=viewer.*for the API server and system:masters alone"
is "not even another node" "$(ask_node node /healthz)" 403
is "the administrator is" "$(ask_node admin /healthz)" 200
is "the API server's own certificate is" "$(cp "$PKI"/node-client.* "$TEST_DIR"; ask_node node-client /healthz)" 200
is "which is nobody for the API" "$(curl -s --cacert "$PKI/ca.crt" --cert "$PKI/node-client.crt" \
	--key "$PKI/node-client.key" -o /dev/null -w '%{http_code}' "https://127.0.0.1:$PORT/api/v1/pods")" 403

# --- the node's own words ---
ask_node admin /pods >/dev/null
is "/pods" "$(jq -r '[.items[].metadata.name] | sort | join(" ")' "$TEST_DIR/answer")" "reader talker two"
ask_node admin /stats/summary >/dev/null
is "/stats/summary" "$(jq -r '.node.nodeName, (.pods[] | select(.podRef.name == "two") | .containers[] |
	select(.name == "web") | (.memory.workingSetBytes > 0), (.cpu.usageCoreNanoSeconds > 0))' "$TEST_DIR/answer" | xargs)" \
	"test-node true true"
ask_node admin /metrics/resource >/dev/null
like "/metrics/resource" "$(grep '^container_cpu' "$TEST_DIR/answer")" \
	'container_cpu_usage_seconds_total\{container="web",namespace="default",pod="two"\} [0-9]+\.[0-9]{6}'
like "of the node, too" "$(cat "$TEST_DIR/answer")" $'\nnode_memory_working_set_bytes [1-9]'
is "what is nowhere" "$(ask_node admin /nothing)" 404
is "what must be upgraded" "$(ask_node admin '/exec/default/two/web?command=ls&output=1')" 400
uid=$(k get pod two -o jsonpath='{.metadata.uid}')
is "a Pod by its UID" "$(ask_node admin "/exec/default/two/$uid/web?command=ls")" 400
is "and by another's" "$(ask_node admin "/exec/default/two/0$uid/web?command=ls")" 404

# --- proxies ---
raw() { # PATH
	k get --raw "$1" 2>&1
}
pods=/api/v1/namespaces/default/pods
is "pods/proxy" "$(raw "$pods/two:8080/proxy/index.html")" hello
is "with a scheme, and a query" "$(raw "$pods/http:two:8080/proxy/index.html?a=%2Fb")" hello
k create -f - <<-'END' >/dev/null
	apiVersion: v1
	kind: Service
	metadata: {name: web}
	spec: {selector: {app: two}, ports: [{name: http, port: 80, targetPort: 8080}]}
END
like "a Service without endpoints" "$(raw /api/v1/namespaces/default/services/web/proxy/)" 'no endpoints available for service "web"'
k label pod two app=two >/dev/null
eventually "services/proxy" 20 eval '[ "$(raw /api/v1/namespaces/default/services/web:http/proxy/index.html)" = hello ]'
is "by its number" "$(raw /api/v1/namespaces/default/services/web:80/proxy/index.html)" hello
like "a port it has not" "$(raw /api/v1/namespaces/default/services/web:81/proxy/)" 'no service port "81" found for service "web"'
is "nodes/proxy" "$(raw /api/v1/nodes/test-node/proxy/healthz)" ok
like "as kubectl asks for the node's Pods" "$(raw /api/v1/nodes/test-node/proxy/pods | jq -r .kind)" PodList
like "a scheme that is not spoken" "$(raw "$pods/https:two:8080/proxy/")" 'want NAME, NAME:PORT or http:NAME:PORT'
fails "who may look sees no further" 'cannot get resource "pods/proxy"' as_viewer get --raw "$pods/two:8080/proxy/index.html"
fails "nor at the node" 'cannot get resource "nodes/proxy"' as_viewer get --raw /api/v1/nodes/test-node/proxy/pods
k delete service web >/dev/null

# --- bad input ---
api() { # PATH: "CODE", the answer in $TEST_DIR/answer
	curl -s --max-time 10 --unix-socket "$SOCKET" -o "$TEST_DIR/answer" -w '%{http_code}' "http://podnet/api/v1/namespaces/default/pods$1"
}
is "exec wants an upgrade" "$(api '/two/exec?command=ls&stdout=1') $(message)" "400 Upgrade request required"
is "tailLines" "$(api '/talker/log?tailLines=-1') $(jq -r .reason "$TEST_DIR/answer")" "422 Invalid"
is "sinceTime" "$(api '/talker/log?sinceTime=yesterday') $(message)" \
	"400 sinceTime: 'yesterday' is no time as in RFC 3339"
k create -f - <<-'END' >/dev/null
	apiVersion: v1
	kind: Pod
	metadata: {name: nowhere}
	spec: {nodeSelector: {never: there}, containers: [{name: main, image: busybox}]}
END
is "a Pod without a node has said nothing" "$(k logs nowhere)" ""
fails "nor does it run anything" "pod nowhere does not have a host assigned" k exec nowhere -- true
k delete pod nowhere --wait=false >/dev/null
lab_podnetd_kill TERM
fails "a node that is away" "error dialing backend: dial tcp 192.0.2.1:10250: connect: connection refused" k logs two -c side
lab_podnetd_start
eventually "and back" 20 eval '[ "$(k logs two -c side --tail=1)" = tick ]'
is "a Pod that went on meanwhile is heard" "$(k exec two -c web -- echo hello)" hello
if [ "$MINOR" -ge 25 ]; then
	is "so is what was added to it" "$(k exec two -c peek -- cat /proc/1/comm)" httpd
	is "as it was" "$(state_of two peek .startedAt)" "$peek"
fi
like "attached to, too" "$(timeout 5 "$KUBECTL" attach two -c side </dev/null 2>&1)" $'tick\ntick'
unlike "nothing went wrong at the server" "$(cat "$TEST_DIR/control.log")" 'ERROR|Sanitizer'

k delete pod talker two reader --wait=false >/dev/null
eventually "the Pods are gone" 30 eval '[ -z "$(k get pods -o name)" ]'
node_down
kill "$control"
lab_wait 20 control_is_gone
done_testing
