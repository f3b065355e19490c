# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# What a real kube-apiserver was asked and has answered (TRANSCRIPTS, files of request and response): podnet-control
# answers with the same status, content type, reason, and paths with types.  transcripts.tsv says what is not compared,
# and why:
#
#	left-out	TRANSCRIPT (regex)	it is not asked: what it is about is not served
#	path		SIGN PATH:TYPE (regex)	differs everywhere: "-" only they have it, "+" only we
#	node-path	the same		with a node, where other programs write, too
#	differs		TRANSCRIPT		an exception; at most 5 in 100 of all
#
# Sourced after control.sh:
#
#	transcripts_begin '[0-3]*' path		# the files, and which paths may differ
#	while transcripts_next; do		# sets "name"
#		replay "$name"
#		check "$name"
#	done
#	transcripts_end
TRANSCRIPTS=${TRANSCRIPTS:-$SOURCE_DIR/../shared/transcripts}
[ -d "$TRANSCRIPTS" ] || skip_all "no transcripts of another server in $TRANSCRIPTS"

HERE=$SOURCE_DIR/tests/e2e
T=$TEST_DIR/transcripts
declare -A ids=() revisions=() differing=() used=()
rules=$TEST_DIR/rules names=() left_out=() next=0 count=0 differences="" busy=false

rows() { # KIND: its rows of transcripts.tsv without the kind
	awk -F '\t' -v kind="$1" '$1 == kind { print $2 "\t" $3 }' "$HERE/transcripts.tsv"
}

# --- which ---

transcripts_begin() { # PATTERN of files, PATHS
	local reason
	rule_kind=$2
	mkdir "$T"
	# shellcheck disable=SC2086 # a pattern
	awk -v to="$T" -f "$HERE/transcripts.awk" "$TRANSCRIPTS"/$1.txt
	mapfile -t names < <(cd "$T" && printf '%s\n' *.request | sed 's/\.request$//')
	mapfile -t left_out < <(rows left-out | cut -f 1)
	rows "$rule_kind" | jq -Rn '[inputs / "\t" | {what: .[0]}] | to_entries | map({n: .key, what: .value.what})' >"$rules"
	while IFS=$'\t' read -r name reason; do
		differing[$name]=$reason
	done < <(rows differs)
}

is_left_out() { # NAME
	local row
	for row in "${left_out[@]}"; do
		[[ ! $1 =~ ^($row)$ ]] || return 0
	done
	return 1
}

transcripts_next() {
	while [ "$next" -lt "${#names[@]}" ]; do
		name=${names[next]}
		next=$((next + 1))
		! is_left_out "$name" || continue
		return 0
	done
	return 1
}

transcripts_end() {
	local file all=0 unused
	for file in "$TRANSCRIPTS"/[0-9]*.txt; do
		file=${file##*/}
		is_left_out "${file%.txt}" || all=$((all + 1))
	done
	note "$count of ${#names[@]} replayed here, ${#differing[@]} exceptions of all $all"
	ok "at most 5 in 100 are exceptions" [ $((${#differing[@]} * 20)) -le "$all" ]
	mapfile -t unused < <(rows "$rule_kind" | cut -f 1 |
		awk -v used=" ${!used[*]} " 'index(used, " " NR - 1 " ") == 0')
	is "each path that may differ does" "${unused[*]}" ""
}

# --- asking ---

# What was given other names here, in TEXT; sets "here".
translate() { # TEXT
	local old newest=0
	here=$1
	for old in "${!ids[@]}"; do
		here=${here//"$old"/"${ids[$old]}"}
	done
	[[ $here =~ ^(.*resourceVersion\"?[:=]\ ?\"?)([0-9]{1,7})([^0-9].*)?$ ]] || return 0
	for old in "${!revisions[@]}"; do
		[ "$old" -gt "${BASH_REMATCH[2]}" ] || [ "$old" -lt "$newest" ] || newest=$old
	done
	[ "$newest" = 0 ] || here=${BASH_REMATCH[1]}${revisions[$newest]}${BASH_REMATCH[3]}
}

# The request of a transcript, sent: "CODE<TAB>TYPE" in $T/NAME.here, the body in $T/NAME.got.
replay() { # NAME
	local method target header who=admin arguments=() base=http://podnet
	{
		read -r method target _
		while IFS= read -r header; do
			case $header in
			"(TLS client cert: nobody)") who=nobody ;;
			"(TLS client cert: kubelet)") who="system:node:lab1" ;;
			"(TLS client cert: none"*) who="" ;;
			"(TLS"*) ;;
			Authorization:*)
				translate "$header"
				arguments+=(-H "$here")
				;;
			*) arguments+=(-H "$header") ;;
			esac
		done
	} <"$T/$1.request"
	case $who in
	"") base=https://127.0.0.1:6443 ;;
	admin) ;;
	system:node:*) arguments+=(-H "Impersonate-User: $who" -H "Impersonate-Group: system:nodes") ;;
	*) arguments+=(-H "Impersonate-User: $who") ;;
	esac
	[ -z "$who" ] || arguments+=(--unix-socket "$RUN/podnet-control.sock")
	if [ -s "$T/$1.sent" ]; then
		translate "$(<"$T/$1.sent")"
		arguments+=(--data-binary "$here")
	fi
	translate "$target"
	here=${here/timeoutSeconds=3/timeoutSeconds=1} here=${here/timeoutSeconds=75/timeoutSeconds=1} # nothing comes later
	: >"$T/$1.got"
	curl -skN --max-time 20 --globoff --path-as-is -X "$method" -o "$T/$1.got" -w '%{http_code}\t%{content_type}' "${arguments[@]}" \
		"$base$here" | sed 's/\t$/\t-/' >"$T/$1.here"
}

# --- comparing ---

reason_of() { # FILE: of a Status
	jq -rn 'first(inputs) | select(.kind == "Status").reason // "-"' "$1" 2>/dev/null
}

# Sets "differences", and what is known by other names.
compare() { # NAME
	local kind a b
	differences=
	[ "$(<"$T/$1.answer")" = "$(<"$T/$1.here")" ] ||
		differences="got $(<"$T/$1.here"), want $(<"$T/$1.answer"): $(head -c 400 "$T/$1.got" | tr -d "\0")"$'\n'
	grep -q '"kind":"Status"' "$T/$1.want" && a=$(reason_of "$T/$1.want") b=$(reason_of "$T/$1.got") &&
		[ "$a" != "$b" ] && differences+="got reason $b, want $a"$'\n'
	grep -q 'bytes, not kept)$' "$T/$1.want" && return
	case $(<"$T/$1.answer") in *protobuf) return ;; esac
	while read -r kind a b; do
		case $kind in
		differs) differences+="$a $b"$'\n' ;;
		rule) used[$a]=yes ;;
		id) [[ $a =~ ^[0-9]+$ ]] && revisions[$a]=$b || ids[$a]=$b ;;
		esac
	done < <(jq -nr --rawfile want "$T/$1.want" --rawfile got "$T/$1.got" --slurpfile rules "$rules" --argjson busy "$busy" \
		-f "$HERE/transcripts.jq" || echo "differs cannot be compared")
}

check() { # NAME
	compare "$1"
	if [ -z "${differing[$1]:-}" ]; then
		is "$1" "$differences" ""
	else
		ok "$1 is an exception still" [ -n "$differences" ]
	fi
	count=$((count + 1))
}

