#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The demo of three machines, each step of it a check.
. "${0%/*}/../netns/lib.sh"

while IFS=$'\t' read -r _ name elapsed _ _ verdict; do
	[ -n "$verdict" ] || continue
	note "$name: $elapsed ms"
	is "$name" "$verdict" ok
	steps=$((${steps:-0} + 1))
done < <(SANITIZE=1 BUILD=$PODNET_BIN "$SOURCE_DIR/tools/run-demo-cluster" 2>"$TEST_DIR/err")
is "all steps came" "${steps:-0}" 15
unlike "no sanitizer has complained" "$(cat "$TEST_DIR/err")" "Sanitizer|runtime error:"
[ "$test_failed" = 0 ] || tail -n 60 "$TEST_DIR/err" >&2
done_testing
