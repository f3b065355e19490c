#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Kubernetes' conformance tests, sig-instrumentation: see conformance.sh.
. "${0%/*}/control.sh"
. "${0%/*}/conformance.sh"

EVENTS=/apis/events.k8s.io/v1/namespaces/default/events
ALL=/apis/events.k8s.io/v1/events
control_begin_tls

event() { # NAME
	echo "{\"kind\":\"Event\",\"apiVersion\":\"events.k8s.io/v1\",\"metadata\":{\"name\":\"$1\",\"labels\":{\"set\":\"$1\"}},
		\"regarding\":{\"namespace\":\"default\"},\"eventTime\":\"2026-01-01T00:00:00.000001Z\",\"note\":\"note of $1\",\"type\":\"Normal\",
		\"reason\":\"Test\",\"action\":\"Do\",\"reportingController\":\"test\",\"reportingInstance\":\"test-node\"}"
}

row "Events API should delete a collection of events"
for i in 1 2 3; do make "$EVENTS" "$(event "event-$i" | sed 's/"set":"[^"]*"/"set":"many"/')" >/dev/null; done
row_is "they are there" "$(get "$EVENTS?labelSelector=set%3Dmany" '[.items[].metadata.name]')" '["event-1","event-2","event-3"]'
row_is "deleted at once" "$(code DELETE "$EVENTS?labelSelector=set%3Dmany")" 200
row_is "they are gone" "$(get "$EVENTS?labelSelector=set%3Dmany" .items)" '[]'

row "Events API should ensure that an event can be fetched, patched, deleted, and listed"
row_is "made" "$(make "$EVENTS" "$(event one)" | jq -r .note)" "note of one"
row_is "it is listed in all namespaces" "$(get "$ALL?labelSelector=set%3Done" '[.items[] | [.metadata.name, .eventTime, .action]]')" \
	'[["one","2026-01-01T00:00:00.000001Z","Do"]]'
row_is "and by who reports it" "$(get "$ALL?fieldSelector=reportingController%3Dtest" '[.items[].metadata.name]')" '["one"]'
ask PATCH "$EVENTS/one" "$STRATEGIC" '{"note":"patched"}' >/dev/null
row_is "patched, it says so" "$(get "$EVENTS/one" .note)" patched
row_is "updated with a series" "$(code PUT "$EVENTS/one" "$(get "$EVENTS/one" '.series = {count: 100, lastObservedTime: "2026-01-01T00:01:00.000000Z"}')")" 200
row_is "it has the series" "$(get "$EVENTS/one" .series.count)" 100
row_is "deleted" "$(code DELETE "$EVENTS/one")" 200
row_is "it is not listed" "$(get "$ALL?labelSelector=set%3Done" .items)" '[]'

is "nothing went wrong" "$(grep -cE 'ERROR|Sanitizer' "$TEST_DIR/control.log")" 0
done_testing
