#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Probes of a server that only the Pod's own network namespace can reach:
#
#	sandbox (no route)          netns "pod"
#	  prober ---- sockets ---->  lo, 10.9.0.5/32: busybox httpd and odd servers
#
# shellcheck source-path=SCRIPTDIR
. "${0%/*}/lib.sh"

busybox=$(command -v busybox) || skip_all "busybox is not installed"
www=$TEST_DIR/www address=10.9.0.5

probe() { # PORT http|tcp PATH LINES
	timeout 20 "$TEST_TOOLS/probe" /run/netns/pod "$address" "$@" 2>&1
}

cgi() { # NAME, the script on stdin
	{
		echo '#!/bin/sh'
		cat
	} >"$www/cgi-bin/$1"
	chmod 755 "$www/cgi-bin/$1"
}

listens() { # PORT
	in_netns pod ss -Hltn "sport = :$1" | grep -q .
}

# Answers each connection to PORT with what COMMAND prints.
odd_server() { # PORT COMMAND...
	local port=$1
	shift
	background in_netns pod "$busybox" nc -ll -p "$port" -e "$@"
	wait_for 5 listens "$port"
}

netns_add pod
ip -n pod address add "$address/32" dev lo
mkdir -p "$www/cgi-bin"
echo fine >"$www/healthz"
cgi slow <<<'sleep 3; printf "Content-Type: text/plain\n\nlate\n"'
cgi broken <<<'printf "Status: 503 no\nContent-Type: text/plain\n\nsecret\n"'
cgi away <<<'printf "Status: 302 x\nLocation: http://192.0.2.1/\n\n"'
cgi here <<<'printf "Status: 302 x\nLocation: /healthz\n\n"'
cgi loop <<<'printf "Status: 302 x\nLocation: http://10.9.0.5/cgi-bin/loop\n\n"'
cgi endless <<<'printf "Content-Type: text/plain\n\n"; exec cat /dev/zero'
background in_netns pod "$busybox" httpd -f -p 80 -h "$www"
server=$!
ok "the server listens" wait_for 5 listens 80

is "the prober's own namespace has no way to it" "$(ip route get "$address" 2>&1 | grep -c unreachable)" 1
is "200 is ready" "$(probe 80 http /healthz 1)" ready
is "a path may hold a query" "$(probe 80 http '/healthz?x=1' 1)" ready
is "a connection is enough for tcp" "$(probe 80 tcp / 1)" ready
like "404 fails" "$(probe 80 http /nothing 1)" \
	'^Readiness probe failed: HTTP probe failed with statuscode: 404$'
out=$(probe 80 http /cgi-bin/broken 1)
like "503 fails" "$out" 'statuscode: 503$'
unlike "without the body in the message" "$out" secret
is "a redirect on the same host is followed" "$(probe 80 http /cgi-bin/here 1)" ready
out=$(probe 80 http /cgi-bin/away 2)
like "a redirect to another host is not, and is a success" "$out" '^ready'
like "with a warning" "$out" 'Readiness probe warning: Probe terminated redirects'
# Ten answers within the deadline of one second, if processes start as fast as they should.
[ "$TEST_SLOW" -gt 1 ] ||
	like "a redirect without end fails" "$(probe 80 http /cgi-bin/loop 1)" 'stopped after 10 redirects'
is "a body without end is enough after 10 KiB" "$(probe 80 http /cgi-bin/endless 1)" ready
like "a slow answer fails at the deadline" "$(probe 80 http /cgi-bin/slow 1)" \
	"^Readiness probe failed: Get \"http://$address:80/cgi-bin/slow\": context deadline exceeded \\(Client.Timeout exceeded while awaiting headers\\)$"
is "no connection is left in TIME_WAIT at our end" \
	"$(in_netns pod ss -Htan state time-wait "dport = :80" | wc -l)" 0
is "and none outside of the Pod" "$(ss -Htan | wc -l)" 0

odd_server 81 "$busybox" echo "what is this"
like "garbage fails" "$(probe 81 http / 1)" 'malformed HTTP'
odd_server 82 "$busybox" true
like "a server that hangs up fails" "$(probe 82 http / 1)" 'Get .*: (EOF|read: connection reset by peer)$'
is "which is health for tcp" "$(probe 82 tcp / 1)" ready
odd_server 83 "$busybox" sleep 3
like "a silent server fails at the deadline" "$(probe 83 http / 1)" 'context deadline exceeded'

# Nobody accepts, and the queue of two is full: the kernel drops further SYNs.
background in_netns pod "$TEST_TOOLS/deaf" "$address" 84
ok "the deaf server's queue is full" wait_for 5 listens 84
like "a half-open connection fails at the deadline (tcp)" "$(probe 84 tcp / 1)" \
	"^Readiness probe failed: dial tcp $address:84: i/o timeout$"
like "a half-open connection fails at the deadline (http)" "$(probe 84 http / 1)" \
	"^Readiness probe failed: Get \"http://$address:84/\": dial tcp $address:84: i/o timeout$"

ready_times() { # COUNT
	[ "$(grep -cx ready "$TEST_DIR/out")" = "$1" ]
}
background "$TEST_TOOLS/probe" /run/netns/pod "$address" 80 http /healthz 100 >"$TEST_DIR/out"
eventually "ready while the server runs" 5 ready_times 1
stop "$server"
eventually "two refusals make it unready" 10 \
	grep -q "^unready: .*connect: connection refused$" "$TEST_DIR/out"
background in_netns pod "$busybox" httpd -f -p 80 -h "$www"
eventually "one success makes it ready again" 10 ready_times 2
is "the first refusal did not" "$(sed 's/: .*//' "$TEST_DIR/out" | head -3 | paste -sd,)" \
	"ready,Readiness probe failed,unready"
fails "a namespace that is gone is refused" "No such file" \
	"$TEST_TOOLS/probe" /run/netns/none "$address" 80 http / 1

done_testing
