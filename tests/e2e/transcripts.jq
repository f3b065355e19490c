# SPDX-License-Identifier: Apache-2.0
#
# Compares two answers: $want and $got are their bodies, $rules [{"n", "what"}] what may differ everywhere.  Prints
# lines of "differs SIGN PATH:TYPE", "rule N" for each rule that was needed, and "id OLD NEW", where the two name the
# same thing otherwise.
#
# $busy: others change things, too, so that it is not known how often something happens.
#
#	jq -nr --rawfile want FILE --rawfile got FILE --slurpfile rules FILE --argjson busy BOOL -f transcripts.jq

# One value, several of a watch, or no JSON at all.
def documents:
	sub("^\\s+"; "") |
	if . == "" then []
	else try [fromjson] catch (try [split("\n")[] | select(. != "") | fromjson] catch ["text"])
	end;

def is_watch: all(.[]; type == "object" and has("type") and has("object")) and length > 0;

# Items of lists are all of one kind; cells of Tables are not.
def path_text:
	reduce .[] as $key ({text: "", last: null};
		.text += (if ($key | type) == "string" then
				"." + ($key | gsub("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"; "UUID"))
			elif .last == "cells" then "[\($key)]"
			else "[]" end) |
		.last = $key) |
	.text;

def shape:
	. as $value |
	(paths | "\(path_text):\(. as $path | $value | getpath($path) | type)"),
	(.. | objects | .columnDefinitions? // empty | "columns \(map(.name) | join(","))"),
	(select(type == "string") | "text");

# Bookmarks come when they come.
def shapes:
	[(if is_watch then "events \(map(.type | select(. != "BOOKMARK")) | if $busy then unique else . end | join(","))", (.[].object | shape) else .[] | shape end)] | unique;

# Lists by the names of their items, so that the same ones are compared; where the server has chosen the names, by
# their order.
def by_name:
	walk(if type == "object" and (.items | type) == "array" then
		.items |= (group_by(.metadata.generateName) | map(to_entries[] |
			{key: (if .value.metadata.generateName then "\(.value.metadata.generateName)\(.key)"
				else .value.metadata.name // "" end), value: .value}) | from_entries) else . end);

def given: ["uid", "resourceVersion", "clusterIP", "continue", "token"];

def ids($other):
	by_name as $mine | ($other | by_name) as $other |
	($mine | paths(strings)) as $path |
	select($path[-1] | IN(given[]) or (. == "name" and ($mine | getpath($path[:-1]) | has("generateName")))) |
	[($mine | getpath($path)), ($other | try getpath($path) catch null)] |
	select(.[1] != null and .[0] != .[1] and .[0] != "") | "id \(.[0]) \(.[1])";

($want | documents) as $want | ($got | documents) as $got |
($want | shapes) as $w | ($got | shapes) as $g |
(($w - $g | map("- " + .)) + ($g - $w | map("+ " + .)) | .[] | . as $difference |
	first($rules[0][] | select(.what as $what | $difference | test("^(\($what))$")) | "rule \(.n)") //
	"differs \($difference)"),
(range([$want, $got | length] | min) as $i | $want[$i] | ids($got[$i]))
