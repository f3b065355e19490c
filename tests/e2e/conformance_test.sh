#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Each row of Kubernetes' conformance tests (CONFORMANCE, where it is at hand) that is about these parts is a test
# below e2e/conformance_*, or left out with a reason in conformance.tsv.
. "${0%/*}/../netns/lib.sh"

E2E=$SOURCE_DIR/tests/e2e
CONFORMANCE=${CONFORMANCE:-$SOURCE_DIR/../shared/facts/conformance.tsv}
[ -f "$CONFORMANCE" ] || skip_all "no list of conformance tests in $CONFORMANCE"

rows() {
	awk -F '\t' '$1 ~ /^sig-(api-machinery|apps|auth|cli|instrumentation)$/ { print $2 }' "$CONFORMANCE" | sort
}

cut -f 2 "$E2E/conformance.tsv" | sort >"$TEST_DIR/left-out"
sed -n 's/^row "\(.*\)"$/\1/p' "$E2E"/conformance_*_test.sh | sort >"$TEST_DIR/tested"
rows >"$TEST_DIR/rows"
note "$(wc -l <"$TEST_DIR/tested") rows are tested, $(wc -l <"$TEST_DIR/left-out") are left out"
is "no row is forgotten, or invented" "$(sort "$TEST_DIR/tested" "$TEST_DIR/left-out" | diff - "$TEST_DIR/rows")" ""
is "each that is left out has a reason" "$(awk -F '\t' 'NF != 3 || $3 == ""' "$E2E/conformance.tsv")" ""
done_testing
