# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# What the demos share that are driven by kubectl.  Sourced after demo.sh.

KUBECTL=${KUBECTL:-$(tools/kubectl fetch)}
[ -n "$KUBECTL" ] || exit 1

# run COMMAND...: as a user types it, what it says included.
run() {
	printf '$ %s\n' "$*"
	"$@"
}

kubectl() {
	"$KUBECTL" --kubeconfig "$LAB/admin.conf" "$@"
}

# The output has these words, blanks counted as one; until_says repeats it quietly until then, and shows it.
says() { # WORDS COMMAND...
	"${@:2}" 2>&1 | tr -s ' ' | grep -qF -- "$1"
}

until_says() { # WORDS COMMAND...
	lab_wait 60 says "$@" && run "${@:2}"
}

shows() { # WORDS COMMAND...
	"${@:2}" && says "$@"
}

taints_of() { # NODE
	printf '$ kubectl describe node %s | grep Taint\n' "$1"
	kubectl describe node "$1" | grep Taint
}

ready_is() { # N/M
	[ "$(kubectl get deployment web -o jsonpath='{.status.readyReplicas}/{.spec.replicas}')" = "$1" ]
}

no_pods() {
	[ -z "$(kubectl get pods -o name)" ]
}
