#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Kubernetes' conformance tests, sig-auth: see conformance.sh.
. "${0%/*}/control.sh"
. "${0%/*}/conformance.sh"

ACCOUNTS=$NS/default/serviceaccounts
control_begin_tls

row "ServiceAccounts should run through the lifecycle of a ServiceAccount"
before=$(revision "$ACCOUNTS")
make "$ACCOUNTS" '{"kind":"ServiceAccount","apiVersion":"v1","metadata":{"name":"testing","labels":{"static":"true"}}}' >/dev/null
row_is "a watch sees it, with its label" "$(ask GET "$ACCOUNTS?watch=1&resourceVersion=$before&timeoutSeconds=1&labelSelector=static%3Dtrue" |
	jq -r '"\(.type) \(.object.metadata.labels.static)"' | head -n 1)" "ADDED true"
row_is "patched, it has what is new" "$(ask PATCH "$ACCOUNTS/testing" "$STRATEGIC" '{"automountServiceAccountToken":false}' |
	jq .automountServiceAccountToken)" false
row_is "it is listed so" "$(get "/api/v1/serviceaccounts?labelSelector=static%3Dtrue" '[.items[] | [.metadata.name, .automountServiceAccountToken]]')" \
	'[["testing",false]]'
before=$(revision "$ACCOUNTS")
row_is "deleted by its label" "$(code DELETE "$ACCOUNTS?labelSelector=static%3Dtrue")" 200
row_like "a watch sees that, too" "$(watch "$ACCOUNTS" "$before" 1)" '^DELETED testing [0-9]+$'

is "nothing went wrong" "$(grep -cE 'ERROR|Sanitizer' "$TEST_DIR/control.log")" 0
done_testing
