#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# podnetctl logs, exec, get; the log files on disk.
. "${0%/*}/lib.sh"

node_up busybox
manifest talker <<-'END'
	apiVersion: v1
	kind: Pod
	metadata: {name: talker, labels: {app: talker}}
	spec:
	  terminationGracePeriodSeconds: 1
	  containers:
	  - name: speaker
	    image: busybox
	    imagePullPolicy: IfNotPresent
	    workingDir: /tmp
	    env: [{name: WORD, value: "hello world"}]
	    args:
	    - sh
	    - -c
	    - |
	      echo out; echo err >&2; printf partial
	      until [ -e /shared/end ]; do sleep 0.1; done
	      rm /shared/end; echo last; exit 5
	    volumeMounts: [{name: shared, mountPath: /shared}]
	  - name: other
	    image: busybox
	    imagePullPolicy: IfNotPresent
	    args: [sleep, "1000"]
	    volumeMounts: [{name: shared, mountPath: /shared}]
	  volumes: [{name: shared, emptyDir: {}}]
	---
	apiVersion: v1
	kind: Service
	metadata: {name: talker}
	spec: {selector: {app: talker}, ports: [{port: 80, name: http}, {port: 81, name: other}]}
END
eventually "the Pod is ready" "$SECONDS_READY" lab_pods_are_ready talker

# --- get ---
like "get pods has kubectl's columns" "$(ctl get pods)" \
	"^NAME +READY +STATUS +RESTARTS +AGE +IP +NODE"$'\n'"talker +2/2 +Running +0 +[0-9]+[smh][^ ]* +10\.244\.0\.[0-9]+ +test-node"
like "get services has them too" "$(ctl get services)" \
	"^NAME +TYPE +CLUSTER-IP +EXTERNAL-IP +PORT\(S\) +AGE"$'\n'"talker +ClusterIP +10\.96\.[0-9.]+ +<none> +80/TCP,81/TCP +[0-9]+[smh]"
like "get backends has ours" "$(ctl get backends)" "^SERVICE +PORT +POD +ADDRESS +STATE +REASON"
is "-o json is a List" "$(ctl get pods -o json | jq -r '.kind + .apiVersion')" Listv1

# --- files ---
uid=$(lab_pod talker .metadata.uid)
file=$LAB/log/default_talker_$uid/speaker/0.log
ok "the log is where the kubelet has it" test -f "$file"
like "its lines are CRI's" "$(head -n 1 "$file")" \
	"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{9}(Z|[+-][0-9:]{5}) stdout F out$"
like "stderr is marked" "$(cat "$file")" " stderr F err"

# --- logs ---
like "logs prints what was said" "$(ctl logs talker -c speaker)" "out.*err|err.*out"
fails "with two containers one must be named" "speaker.*other" ctl logs talker
fails "an unknown container is refused by name" "nobody" ctl logs talker -c nobody
fails "an unknown Pod is refused by name" "missing" ctl logs missing

ctl logs talker -c speaker -f >"$TEST_DIR/followed" 2>&1 &
follower=$!
at_exit kill "$follower"
lab_podnetd_kill KILL
ctl exec talker -c other -- true 2>/dev/null
is "without podnetd podnetctl fails" $? 1
like "and says whom it cannot reach" "$(ctl get pods 2>&1)" \
	"^podnetctl: cannot reach podnetd at $LAB_RUN/podnetd.sock: "
lab_podnetd_start
wait "$follower" 2>/dev/null
ctl logs talker -c speaker -f >"$TEST_DIR/followed" 2>&1 &
follower=$!
at_exit kill "$follower"
eventually "logs -f begins with what was said" 5 grep -q out "$TEST_DIR/followed"
ctl exec talker -c other -- touch /shared/end
eventually "and goes on with what is said" 5 grep -q last "$TEST_DIR/followed"
kill "$follower"
wait "$follower" 2>/dev/null

restarted() {
	[ "$(lab_pod talker '.status.containerStatuses[] | select(.name == "speaker") | .restartCount')" = 1 ]
}
eventually "the container is restarted" 10 restarted
like "logs -p prints the one before" "$(ctl logs talker -c speaker -p)" "partial.*last"
eventually "the new one has a log of its own" 5 test -f "${file%0.log}1.log"

# --- exec ---
is "exec runs in the container" "$(ctl exec talker -c speaker -- pwd)" /tmp
is "with its environment" "$(ctl exec talker -c speaker -- sh -c 'echo $WORD')" "hello world"
is "arguments arrive as they are" "$(ctl exec talker -c speaker -- echo 'a  b' '$c' "d'e")" "a  b \$c d'e"
ctl exec talker -c speaker -- sh -c 'exit 37'
is "its exit code is ours" $? 37
is "stderr stays stderr" "$(ctl exec talker -c speaker -- sh -c 'echo no >&2' 2>/dev/null)" ""
fails "a program that does not exist is named" "nonsense" ctl exec talker -c speaker -- nonsense
fails "exec needs a command" "usage|Usage" ctl exec talker -c speaker

# --- usage ---
ctl frobnicate 2>/dev/null
is "an unknown command is a usage error" $? 2
for program in podnetd podnetctl; do
	like "$program --version" "$("$PODNET_BIN/$program" --version)" "$program"
	like "$program --help" "$("$PODNET_BIN/$program" --help)" "[Uu]sage"
done

node_down
done_testing
