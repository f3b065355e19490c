# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# Questions to a podnet-control that listens in $RUN, as root on its machine.  Sourced.
# shellcheck disable=SC2034 # read by who sources it
. "${BASH_SOURCE[0]%/*}/../netns/lib.sh" || exit 1

RUN=$TEST_DIR/run
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
