// SPDX-License-Identifier: Apache-2.0
#include "user/http/target.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* '+' is a space in a query only. */
static int unescape(char *text, bool query)
{
	char *out = text;

	for (; *text; text++) {
		int high, low;

		if (*text != '%') {
			*out++ = query && *text == '+' ? ' ' : *text;
			continue;
		}
		high = hex_digit(text[1]);
		low = high < 0 ? -1 : hex_digit(text[2]);
		if (low < 0 || (high == 0 && low == 0))
			return -EINVAL;
		*out++ = (char)(high << 4 | low);
		text += 2;
	}
	*out = '\0';
	return 0;
}

static size_t count_of(const char *text, char c)
{
	size_t n = 0;

	for (; *text; text++)
		n += *text == c;
	return n;
}

/* Cuts "/a/b/" into "a", "b": a slash at the end adds nothing. */
static int target_cut_path(struct http_target *target, char *path)
{
	char *rest = path + 1, *segment;

	target->segments = calloc(count_of(path, '/') + 1, sizeof(char *));
	if (!target->segments)
		return -ENOMEM;
	while (rest && *rest) {
		segment = strsep(&rest, "/");
		if (unescape(segment, false) < 0)
			return -EINVAL;
		target->segments[target->segment_count++] = segment;
	}
	return 0;
}

static int target_cut_query(struct http_target *target, char *query)
{
	size_t most = count_of(query, '&') + 1;
	char *pair;

	target->names = calloc(most, sizeof(char *));
	target->values = calloc(most, sizeof(char *));
	if (!target->names || !target->values)
		return -ENOMEM;
	while ((pair = strsep(&query, "&"))) {
		char *value = pair + strcspn(pair, "=");

		if (!*pair)
			continue;
		if (*value)
			*value++ = '\0';
		if (unescape(pair, true) < 0 || unescape(value, true) < 0)
			return -EINVAL;
		target->names[target->query_count] = pair;
		target->values[target->query_count++] = value;
	}
	return 0;
}

static int target_cut(const char *text, struct http_target *target)
{
	size_t path_len = strcspn(text, "?");
	int r;

	target->path = strndup(text, path_len);
	target->memory = strdup(text);
	if (!target->path || !target->memory)
		return -ENOMEM;
	target->memory[path_len] = '\0';
	r = target_cut_path(target, target->memory);
	if (r < 0 || !text[path_len])
		return r;
	return target_cut_query(target, target->memory + path_len + 1);
}

int http_target_parse(const char *text, struct http_target *ret)
{
	struct http_target target = {0};
	int r = text[0] == '/' ? target_cut(text, &target) : -EINVAL;

	if (r < 0)
		http_target_clear(&target);
	else
		*ret = target;
	return r;
}

const char *http_target_query(const struct http_target *target, const char *name, size_t nth)
{
	for (size_t i = 0; i < target->query_count; i++)
		if (strcmp(target->names[i], name) == 0 && nth-- == 0)
			return target->values[i];
	return NULL;
}

void http_target_clear(struct http_target *target)
{
	free(target->path);
	free(target->memory);
	free(target->segments);
	free(target->names);
	free(target->values);
	*target = (struct http_target){0};
}

int http_unescape(char *segment)
{
	return unescape(segment, false);
}

char *http_escape(const char *text)
{
	char *escaped = malloc(strlen(text) * 3 + 1), *out = escaped;

	if (!escaped)
		return NULL;
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (isalnum(c) || strchr("-._~", c))
			*out++ = (char)c;
		else
			out += sprintf(out, "%%%02X", c);
	}
	*out = '\0';
	return escaped;
}
