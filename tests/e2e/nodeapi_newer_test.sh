#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# What nodeapi_test.sh shows, with the kubectl of Debian's next suite: protobuf bodies, OpenAPI v3, WebSockets.
cd "${0%/*}/../.." || exit
export KUBECTL=$PWD/build/kubectl-trixie/usr/bin/kubectl
exec tests/e2e/nodeapi_test.sh
