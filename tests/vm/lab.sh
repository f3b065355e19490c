# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# A node of podnet in a VM, its directories on the disk, as tests/e2e/lib.sh has it.  Sourced.
. "${BASH_SOURCE[0]%/*}/../e2e/lib.sh"

LAB=/mnt/lab
SECONDS_READY=100

# The disk has the images as podnet-pull has stored them: nobody asks for more.
registry_none() {
	lab_registry_start() {
		: >"$LAB/registries.conf"
	}
	lab_registry_stop() {
		:
	}
}

# The host has pushed the images before: the registry serves a copy of what it stored.
registry_copy() {
	mkdir -p "$LAB/registry"
	cp -r "${vm_registry:?}/data" "$LAB/registry/"
}

# Without jq, which keeps an emulated CPU busy for half a second.
lab_pods_are_ready() { # NAME...
	local name table
	table=$(ctl get pods) || return
	for name; do
		[[ "$table" =~ $'\n'"$name "\ *1/1\ +Running ]] || return
	done
}

lab_pods_are_gone() {
	local table
	table=$(ctl get pods -A 2>&1) && [[ ! "$table" =~ Running|Pending|Terminating|Failed|OOMKilled ]]
}

# What `get pods` says now, for several questions to jq.
pods_read() {
	ctl get pods -o json >"$TEST_DIR/pods.json"
}

pods_ask() { # FILTER
	jq -r "$1" "$TEST_DIR/pods.json"
}

# Ends the test with everything up.
leave_up() {
	trap - EXIT
	echo "1..$test_count"
	[ "$test_failed" -eq 0 ]
	exit
}
