#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# What commands_test.sh shows, with the kubectl of Debian's next suite.
cd "${0%/*}/../.." || exit
export KUBECTL=$PWD/build/kubectl-trixie/usr/bin/kubectl
exec tests/e2e/commands_test.sh
