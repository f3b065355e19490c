#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# What conformance_cli_test.sh shows, with the kubectl of Debian's next suite.
cd "${0%/*}/../.." || exit
export KUBECTL=$PWD/build/kubectl-trixie/usr/bin/kubectl
exec tests/e2e/conformance_cli_test.sh
