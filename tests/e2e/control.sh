# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# Questions to a podnet-control that listens in $RUN, as root on its machine.  Sourced.
# shellcheck disable=SC2034 # read by who sources it
declare -F test_result >/dev/null || . "${BASH_SOURCE[0]%/*}/../netns/lib.sh" || exit 1

RUN=${RUN:-$TEST_DIR/run}
MERGE='Content-Type: application/merge-patch+json'
NS=/api/v1/namespaces

# ask METHOD PATH [HEADER] [BODY]
ask() {
	curl -s --unix-socket "$RUN/podnet-control.sock" -X "$1" -H "${3:-Content-Type: application/json}" \
		${4:+--data-binary "$4"} "http://podnet$2"
}

get() { # PATH [JQ]
	ask GET "$1" | jq -cr "${2:-.}"
}

make() { # COLLECTION BODY: what the server says
	ask POST "$1" "" "$2"
}

refused() { # METHOD PATH BODY [HEADER]: its message
	ask "$1" "$2" "${4:-}" "$3" | jq -r '"\(.code) \(.message)"'
}

code() { # METHOD PATH [BODY] [HEADER]
	curl -s -o "$TEST_DIR/answer" -w '%{http_code}' --unix-socket "$RUN/podnet-control.sock" -X "$1" \
		-H "${4:-Content-Type: application/json}" ${3:+--data-binary "$3"} "http://podnet$2"
}

answers() { # WANT GET-ARGUMENTS
	[ "$(get "${@:2}")" = "$1" ]
}

missing() { # PATH
	[ "$(code GET "$1")" = 404 ]
}

# Starts it, with what else it needs, and waits until it leads to itself: ARGUMENT...
control_begin() {
	"$PODNET_BIN/podnet-control" --store memory --run-dir "$RUN" --pki-dir "$TEST_DIR/pki" \
		--advertise-address 192.0.2.1 "$@" 2>"$TEST_DIR/control.log" &
	control=$!
	at_exit kill "$control"
	eventually "podnet-control is there" 20 answers https "$NS/default/services/kubernetes" '.spec.ports[0].name'
}

# Where an unmodified kubectl finds its kubeconfig.
kubectl_home() {
	KUBECTL=${KUBECTL:-$SOURCE_DIR/build/kubectl/usr/bin/kubectl}
	export KUBECONFIG=$TEST_DIR/admin.conf HOME=$TEST_DIR/home
	mkdir -p "$HOME"
}

# For kubectl as well; nodes that the test plays may be silent.
control_begin_tls() {
	kubectl_home
	control_begin --listen 127.0.0.1:6443 --admin-kubeconfig "$KUBECONFIG" --node-grace 600
}
