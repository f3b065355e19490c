#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Who reaches whom: a Pod and the host reach Services and Pods, a Pod reaches itself through its
# Service and the outside, which knows no way back; nobody ready means refused at once.
. "${0%/*}/lib.sh"

node_up nginx busybox
cp "$SOURCE_DIR"/examples/demo/*.yaml "$LAB/manifests/"
eventually "the Pods are ready" "$SECONDS_READY" lab_pods_are_ready web-1 web-2 web-3 pair

web_1=$(lab_pod web-1 .status.podIP) web_2=$(lab_pod web-2 .status.podIP)
like "a container reaches a Service" \
	"$(ctl exec pair -c server -- sh -c 'printf "GET / HTTP/1.0\r\n\r\n" | nc -w 3 10.96.0.80 80')" \
	"200 OK.*web-[123]"
like "a Pod reaches a Service" "$(curl_in pair http://10.96.0.80/)" "^web-[123]$"
is "a Pod reaches a Pod" "$(curl_in pair "http://$web_2/")" web-2
is "a Pod reaches itself" "$(curl_in web-1 "http://$web_1/")" web-1
like "the host reaches a Service" "$(curl -s --max-time 3 http://10.96.0.80/)" "^web-[123]$"
is "the host reaches a Pod" "$(curl -s --max-time 3 "http://$web_1/")" web-1

mkdir "$TEST_DIR/www"
echo outside >"$TEST_DIR/www/index.html"
background in_netns outside busybox httpd -f -p 80 -h "$TEST_DIR/www"
wait_for 5 curl -sf http://192.0.2.2/index.html
is "a Pod reaches the outside, which has no route back" \
	"$(curl_in pair http://192.0.2.2/index.html)" outside

# Only one Pod is left to answer: itself.
ctl exec web-2 -- rm /state/ready
ctl exec web-3 -- rm /state/ready
eventually "the other two are unready" 10 lab_backend_is web-2 UNREADY
eventually "both of them" 10 lab_backend_is web-3 UNREADY
is "a Pod reaches itself through its Service" "$(curl_in web-1 http://10.96.0.80/)" web-1
like "unready Pods are left out" "$(for _ in {1..50}; do curl -s http://10.96.0.80/; done | sort | uniq -c)" \
	"^ +50 web-1$"

# A connection that exists outlives the readiness of its backend.
exec 5<>"/dev/tcp/$web_1/80"
exec 6<>/dev/tcp/10.96.0.80/80
ctl exec web-1 -- rm /state/ready
eventually "nobody is ready" 10 lab_backend_is web-1 UNREADY
fails "nobody ready: the host is refused at once" "after [0-9]{1,3} ms: Couldn't connect" \
	curl -sS --max-time 3 http://10.96.0.80/
fails "nobody ready: a Pod is, too" "after [0-9]{1,3} ms: Couldn't connect" curl_in pair http://10.96.0.80/
printf 'GET / HTTP/1.0\r\n\r\n' >&6
like "the connection through the Service is kept" "$(timeout 3 cat <&6)" "200 OK.*web-1"
printf 'GET / HTTP/1.0\r\n\r\n' >&5
like "the connection to the Pod is kept" "$(timeout 3 cat <&5)" "200 OK.*web-1"
exec 5>&- 6>&-

# Who is on the way out serves while there is nobody else.
manifest last <<-END
	apiVersion: v1
	kind: Pod
	metadata: {name: last, labels: {app: last}}
	spec:
	  terminationGracePeriodSeconds: 30
	  containers:
	  - name: main
	    image: busybox
	    imagePullPolicy: IfNotPresent
	    args: [sh, -c, "mkdir /www; echo last >/www/index.html; httpd -p 80 -h /www;
	      trap 'until [ -e /go ]; do sleep 0.1; done; exit 0' TERM; while :; do sleep 0.1; done"]
	    readinessProbe: {tcpSocket: {port: 80}, periodSeconds: 1}
	---
	apiVersion: v1
	kind: Service
	metadata: {name: last}
	spec: {clusterIP: 10.96.0.81, selector: {app: last}, ports: [{port: 80}]}
END
eventually "a Pod is alone in its Service" 20 lab_pods_are_ready last
pid=$(lab_container_pid last sh)
ctl delete pod last >/dev/null
eventually "it is on its way out" 10 lab_backend_is last TERMINATING
is "and serves Pods" "$(curl_in pair http://10.96.0.81/)" last
is "and the host" "$(curl -s --max-time 3 http://10.96.0.81/)" last
rm "$LAB/manifests/last.yaml"
touch "/proc/$pid/root/go"
eventually "until it is gone" 20 eval '! lab_pod last .metadata.name'
fails "then nobody does" "Couldn't connect" curl_in pair http://10.96.0.81/

# What is no Service has no way out: not by the default route to be lost there.
fails "an unknown Service address: the host is refused at once" "after [0-9]{1,3} ms: Couldn't connect" \
	curl -sS --max-time 3 http://10.96.0.99/
fails "a Pod is, too" "after [0-9]{1,3} ms: Couldn't connect" curl_in pair http://10.96.0.99/
service_routes() {
	ip -o route show table main root 10.96.0.0/12 | awk '$1 == "unreachable" || $3 == "uplink" { print $1, $2 }'
}
is "by one route" "$(service_routes)" "unreachable 10.96.0.0/16"
lab_podnetd_kill KILL
lab_podnetd_start
is "which a start finds again" "$(service_routes)" "unreachable 10.96.0.0/16"
lab_podnetd_kill KILL
ip route del unreachable 10.96.0.0/16
ip route add 10.96.7.0/24 dev uplink
log_mark
lab_podnetd_start
is "a real network there is left alone" "$(service_routes)" "10.96.7.0/24 dev"
is "and told once" "$(log_since | grep -c 'part of a network that has a route')" 1
ip route del 10.96.7.0/24

ctl exec web-1 -- touch /state/ready
eventually "the Service answers again" 10 curl -sf --max-time 1 http://10.96.0.80/
node_down
done_testing
