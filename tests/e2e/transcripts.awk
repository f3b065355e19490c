# SPDX-License-Identifier: Apache-2.0
#
# Takes transcripts apart: NAME.request (method, target, headers), NAME.sent, NAME.answer (status, type) and NAME.want
# below directory "to".

FNR == 1 {
	name = FILENAME
	sub(/.*\//, "", name)
	sub(/\.txt$/, "", name)
	base = to "/" name
	part = "request"
	printf "" >(base ".sent")
	printf "" >(base ".want")
	code = type = "-"
}
part == "request" && /^> / { print substr($0, 3) >(base ".request"); next }
part == "request" && /^$/ { part = "sent"; next }
part == "sent" && /^< HTTP/ { part = "answer" }
part == "sent" { if ($0 != "") print >(base ".sent"); next }
part == "answer" && /^< HTTP/ { code = $3; next }
part == "answer" && /^< Content-Type: / { type = substr($0, 17); sub(/\r$/, "", type); next }
part == "answer" && /^< / { next }
part == "answer" { part = "want"; print code "\t" type >(base ".answer"); close(base ".answer"); next }
part == "want" { print >(base ".want") }
ENDFILE { close(base ".request"); close(base ".sent"); close(base ".want") }
