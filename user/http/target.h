/* SPDX-License-Identifier: Apache-2.0 */
/* The target of a request, "/a/b%2Fc?x=1&y=", taken apart and decoded. */
#pragma once

#include <stddef.h>

struct http_target {
	char *path; /* as sent, without the query */
	char **segments;
	size_t segment_count;
	char **names, **values; /* of the query, in order */
	size_t query_count;
	char *memory; /* holds the decoded strings */
};

/* -EINVAL: not a path, a broken escape, or an escaped NUL; -ENOMEM.  On success it must be cleared. */
int http_target_parse(const char *text, struct http_target *ret);

/* The @nth value of the query parameter @name, or NULL. */
const char *http_target_query(const struct http_target *target, const char *name, size_t nth);

/* Also for one that was never parsed, when all zero. */
void http_target_clear(struct http_target *target);

/* @text as one segment or query value: a fresh string that the caller frees; NULL when memory is out. */
char *http_escape(const char *text);

/* The other way, in place, of one segment.  -EINVAL: a broken escape, or an escaped NUL; it is half done then. */
int http_unescape(char *segment);
