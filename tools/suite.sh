# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# Packages of another Debian suite than this machine's.  Sourced; suite_use SUITE DIR comes first.
#
# Mirror and trust are those that this machine's apt is configured with; the sources list of the suite has its own
# lists and cache below DIR.

# The address of the Debian archive, from the lists that apt has or gets now.
suite_mirror() {
	# shellcheck disable=SC2016 # expanded by apt
	apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' |
		head -n 1
}

suite_use() { # SUITE DIR
	local uri
	suite_apt_dir=$2
	mkdir -p "$suite_apt_dir"/{lists/partial,archives/partial}
	uri=$(suite_mirror)
	if [ -z "$uri" ]; then
		apt-get -q -o DPkg::Lock::Timeout=120 update >&2
		uri=$(suite_mirror)
	fi
	[ -n "$uri" ] || {
		echo "${0##*/}: apt knows no Debian mirror" >&2
		return 1
	}
	echo "deb $uri $1 main" >"$suite_apt_dir/sources.list"
}

suite_apt() { # apt-get|apt-cache ARG...: of that suite alone, as if nothing were installed
	local program=$1
	shift
	"$program" -q -o Dir::Etc::SourceList="$suite_apt_dir/sources.list" -o Dir::Etc::SourceParts=/dev/null \
		-o Dir::State::Lists="$suite_apt_dir/lists" -o Dir::State::Status=/dev/null -o Dir::Cache="$suite_apt_dir" \
		-o APT::Sandbox::User=root -o Acquire::Retries=0 -o Acquire::Languages=none \
		-o Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled=false "$@"
}

retry() { # COMMAND...
	local try
	for try in 1 2 3; do
		"$@" && return
		echo "${0##*/}: try $try of '$*' failed" >&2
		sleep $((try * 2))
	done
	return 1
}
