#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Evictions and the budgets that allow them: what a budget counts, what it refuses, and an unmodified kubectl's drain.
# Nodes and what runs on them are played by this test.
. "${0%/*}/control.sh"

STRATEGIC='Content-Type: application/strategic-merge-patch+json'
PODS=$NS/default/pods
BUDGETS=/apis/policy/v1/namespaces/default/poddisruptionbudgets

control_begin_tls

for node in n1 n2; do
	make /api/v1/nodes "{\"kind\":\"Node\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"$node\"},
		\"status\":{\"allocatable\":{\"cpu\":\"8\",\"memory\":\"8Gi\",\"pods\":\"110\"},
		\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\"}]}}" >/dev/null
done

# --- what the kubelet would do ---
pod_runs() { # NAME READY
	ask PATCH "$PODS/$1/status" "$STRATEGIC" "{\"status\":{\"phase\":\"Running\",\"conditions\":[
		{\"type\":\"Ready\",\"status\":\"$2\",\"lastTransitionTime\":\"2026-01-01T00:00:00Z\"}]}}" >/dev/null
}

names() { # JQ-FILTER: of Pods, oldest first
	get "$PODS" "[.items[] | select($1) | .metadata.name] | join(\" \")"
}

# Runs what is scheduled, and lets go what is being deleted.
play() {
	local name
	for name in $(names '.spec.nodeName and (.status.phase == "Pending") and (.metadata.deletionTimestamp | not)'); do
		pod_runs "$name" True
	done
	for name in $(names .metadata.deletionTimestamp); do
		ask DELETE "$PODS/$name" "" '{"gracePeriodSeconds":0}' >/dev/null
	done
}

budget_is() { # NAME "ALLOWED HEALTHY DESIRED EXPECTED REASON"
	play
	[ "$(get "$BUDGETS/$1" '.status | "\(.disruptionsAllowed) \(.currentHealthy) \(.desiredHealthy) \(.expectedPods) " +
		.conditions[0].reason')" = "$2" ]
}

evict() { # POD [OPTIONS]: code and cause
	local body="{\"kind\":\"Eviction\",\"apiVersion\":\"policy/v1\",\"metadata\":{\"name\":\"$1\"}${2:+,\"deleteOptions\":$2}}"
	code POST "$PODS/$1/eviction" "$body"
	jq -r '" \(.reason // .status) \(.details.causes[0].message // "")"' "$TEST_DIR/answer"
}

budget() { # NAME LIMIT
	echo "{\"kind\":\"PodDisruptionBudget\",\"apiVersion\":\"policy/v1\",\"metadata\":{\"name\":\"$1\"},
		\"spec\":{$2,\"selector\":{\"matchLabels\":{\"app\":\"web\"}}}}"
}

limit() { # LIMIT: the only one
	ask PATCH "$BUDGETS/web" "$MERGE" "$(jq -nc "{spec: ({minAvailable: null, maxUnavailable: null} + {$1})}")" >/dev/null
}

make /apis/apps/v1/namespaces/default/deployments '{"kind":"Deployment","apiVersion":"apps/v1","metadata":{"name":"web"},
	"spec":{"replicas":4,"selector":{"matchLabels":{"app":"web"}},"template":{"metadata":{"labels":{"app":"web"}},
	"spec":{"containers":[{"name":"c","image":"nginx"}]}}}}' >/dev/null
make "$BUDGETS" "$(budget web '"minAvailable":3')" >/dev/null
eventually "one of four may go" 20 budget_is web "1 4 3 4 SufficientPods"

# --- evictions ---
read -r first second _ < <(names true)
is "dry, nothing is taken" "$(evict "$first" '{"dryRun":["All"]}')" "201 Success "
is "nor does it go" "$(get "$PODS/$first" .metadata.deletionTimestamp)" null
is "it is evicted" "$(evict "$first")" "201 Success "
is "and says why" "$(get "$PODS/$first" '.status.conditions[] | select(.type == "DisruptionTarget").reason')" \
	EvictionByEvictionAPI
is "another is not, at once" "$(evict "$second" | sed 's/ has .*//')" \
	"429 TooManyRequests The disruption budget web needs 3 healthy pods and"
is "with upstream's message" "$(jq -r .message "$TEST_DIR/answer")" \
	"Cannot evict pod as it would violate the pod's disruption budget."
is "it stays" "$(get "$PODS/$second" .metadata.deletionTimestamp)" null
eventually "once there is a new one, another may go" 20 budget_is web "1 4 3 4 SufficientPods"
is "nobody is waited for any more" "$(get "$BUDGETS/web" .status.disruptedPods)" null

# --- many at a time ---
evictions=()
for name in $(names true); do
	evictions+=(--next -s -o /dev/null -w '%{http_code}\n' --unix-socket "$RUN/podnet-control.sock"
		-H 'Content-Type: application/json' --data-binary
		"{\"kind\":\"Eviction\",\"apiVersion\":\"policy/v1\",\"metadata\":{\"name\":\"$name\"}}"
		"http://podnet$PODS/$name/eviction")
done
is "of four at a time one goes" "$(curl -s --parallel --parallel-immediate "${evictions[@]:1}" | sort | uniq -c | xargs)" \
	"1 201 3 429"
eventually "and one more after it" 20 budget_is web "1 4 3 4 SufficientPods"

# --- limits of all forms ---
limit '"minAvailable":"50%"'
eventually "of a half, two" 20 budget_is web "2 4 2 4 SufficientPods"
limit '"maxUnavailable":1'
eventually "of all but one, one" 20 budget_is web "1 4 3 4 SufficientPods"
limit '"maxUnavailable":"30%"'
eventually "parts are rounded up" 20 budget_is web "2 4 2 4 SufficientPods"
limit '"minAvailable":4'
eventually "of all, none" 20 budget_is web "0 4 4 4 InsufficientPods"

# --- who is not missed ---
read -r first second _ < <(names true)
pod_runs "$first" False
eventually "one is not ready" 20 budget_is web "0 3 4 4 InsufficientPods"
is "while others are missing it stays, too" "$(evict "$first")" \
	"429 TooManyRequests The disruption budget web needs 4 healthy pods and has 3 currently"
limit '"minAvailable":3'
eventually "when enough are ready" 20 budget_is web "0 3 3 4 InsufficientPods"
is "it goes, for it serves nobody" "$(evict "$first")" "201 Success "
is "but none that is ready" "$(evict "$second" | cut -d' ' -f1)" 429
eventually "all are there again" 20 budget_is web "1 4 3 4 SufficientPods"

# --- bad input ---
is "another name" "$(code POST "$PODS/$second/eviction" '{"metadata":{"name":"x"}}') $(jq -r .message "$TEST_DIR/answer")" \
	"400 name in URL does not match name in Eviction object"
is "no Pod" "$(evict missing)" "404 NotFound "
is "another uid" "$(evict "$second" '{"preconditions":{"uid":"x"}}' | cut -d' ' -f1,2)" "409 Conflict"
is "leaves the budget as it was" "$(get "$BUDGETS/web" .status.disruptionsAllowed)" 1
make "$BUDGETS" "$(budget two '"minAvailable":1')" >/dev/null
is "two budgets" "$(evict "$second" | cut -d' ' -f1,2)" "500 InternalError"
ask DELETE "$BUDGETS/two" >/dev/null

# --- drain, as people type it ---
if [ -x "$KUBECTL" ]; then
	before=$(names '.spec.nodeName == "n1"' | wc -w)
	timeout 60 "$KUBECTL" drain n1 >"$TEST_DIR/drain" 2>&1 &
	export drain=$! # for eval
	eventually "kubectl drain ends" 60 eval 'play; ! kill -0 $drain 2>/dev/null'
	wait "$drain"
	is "well" $? 0
	is "having evicted one after the other" "$(grep -c '^pod/web-.* evicted\|^pod/web-.* condition met' "$TEST_DIR/drain")" "$before"
	is "nothing is left there" "$(names '.spec.nodeName == "n1"')" ""
	ok "uncordon" "$KUBECTL" uncordon n1
fi
done_testing
