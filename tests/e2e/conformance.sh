# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# Rows of Kubernetes' conformance tests: a line of "row" names one as upstream does, and what is checked until the
# next line belongs to it.  Nodes are played.  Sourced after control.sh; conformance.tsv has the rows that are left
# out, and why.
# shellcheck disable=SC2034 # read by who sources it
STRATEGIC='Content-Type: application/strategic-merge-patch+json'
PODS=$NS/default/pods
# shellcheck disable=SC2034
DEPLOYMENTS=/apis/apps/v1/namespaces/default/deployments
# shellcheck disable=SC2034
SETS=/apis/apps/v1/namespaces/default/replicasets
row_name=

row() { # NAME
	row_name=$1
}

row_is() { # WHAT GOT WANT
	is "$row_name: $1" "$2" "$3"
}

row_like() { # WHAT GOT REGEX
	like "$row_name: $1" "$2" "$3"
}

row_ok() { # WHAT COMMAND...
	ok "$row_name: $1" "${@:2}"
}

row_comes() { # WHAT COMMAND...: within 30 s
	eventually "$row_name: $1" 30 "${@:2}"
}

nodes_add() { # NAME...
	local node
	for node in "$@"; do
		make /api/v1/nodes "{\"kind\":\"Node\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"$node\"},
			\"status\":{\"allocatable\":{\"cpu\":\"8\",\"memory\":\"8Gi\",\"pods\":\"110\"},
			\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\"}]}}" >/dev/null
	done
}

# What the kubelets would do: Pods that are scheduled run, unless their image is "never"; those that go have gone.
play() {
	local name
	for name in $(get "$PODS" '.items[] | select(.spec.nodeName and .status.phase == "Pending" and
			.spec.containers[0].image != "never" and (.metadata.deletionTimestamp | not)) | .metadata.name'); do
		ask PATCH "$PODS/$name/status" "$STRATEGIC" '{"status":{"phase":"Running","conditions":[
			{"type":"Ready","status":"True","lastTransitionTime":"2026-01-01T00:00:00Z"}]}}' >/dev/null
	done
	for name in $(get "$PODS" '.items[].metadata | select(.deletionTimestamp) | .name'); do
		ask DELETE "$PODS/$name" "" '{"gracePeriodSeconds":0}' >/dev/null
	done
}

plays() { # WANT PATH JQ: so it becomes
	play
	answers "$@"
}

pod() { # NAME [META-KEYS]
	echo "{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"$1\"${2:+,$2}},
		\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i:1\"}]}}"
}

workload() { # KIND NAME REPLICAS [SPEC-KEYS] [IMAGE]: of its own label
	echo "{\"kind\":\"$1\",\"apiVersion\":\"apps/v1\",\"metadata\":{\"name\":\"$2\",\"labels\":{\"app\":\"$2\"}},\"spec\":{\"replicas\":$3${4:+,$4},
		\"selector\":{\"matchLabels\":{\"app\":\"$2\"}},\"template\":{\"metadata\":{\"labels\":{\"app\":\"$2\"}},
		\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"${5:-i:1}\"}]}}}}"
}

owned() { # COLLECTION APP [JQ]: how many, or what of them
	get "$1?labelSelector=app%3D$2" "${3:-.items | length}"
}

# A watch of PATH from REVISION for SECONDS: "TYPE NAME REVISION" of each event.
watch() { # PATH REVISION SECONDS
	ask GET "$1?watch=1&resourceVersion=$2&timeoutSeconds=$3" |
		jq -r '"\(.type) \(.object.metadata.name) \(.object.metadata.resourceVersion)"'
}

revision() { # COLLECTION
	get "$1" .metadata.resourceVersion
}
