// SPDX-License-Identifier: Apache-2.0
#include "user/model/place.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "user/base/err.h"
#include "user/model/yaml.h"

static bool key_is_plain(const char *key)
{
	return *key && key[strspn(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				       "0123456789_-")] == '\0';
}

static size_t place_append(const struct place *place, char *ret, size_t size)
{
	size_t len;
	int n;

	if (!place->parent)
		return 0;
	len = place_append(place->parent, ret, size);
	if (!place->key)
		n = snprintf(ret + len, size - len, "[%zu]", place->index);
	else if (key_is_plain(place->key))
		n = snprintf(ret + len, size - len, "%s%s", len ? "." : "", place->key);
	else
		n = snprintf(ret + len, size - len, "[\"%s\"]", place->key);
	return (size_t)n < size - len ? len + (size_t)n : size - 1;
}

void place_text(const struct place *place, char *ret, size_t size)
{
	ret[0] = '\0';
	place_append(place, ret, size);
	for (char *p = ret; *p; p++)
		if ((unsigned char)*p < ' ' || *p == '\x7f')
			*p = '?';
}

static size_t path_append(const struct place *place, char *ret, size_t size)
{
	size_t len;
	int n;

	if (!place->parent)
		return 0;
	len = path_append(place->parent, ret, size);
	if (!place->key)
		n = snprintf(ret + len, size - len, "[%zu]", place->index);
	else if (place->in_map)
		n = snprintf(ret + len, size - len, "[%s]", place->key);
	else
		n = snprintf(ret + len, size - len, "%s%s", len ? "." : "", place->key);
	return (size_t)n < size - len ? len + (size_t)n : size - 1;
}

void place_path(const struct place *place, char *ret, size_t size)
{
	ret[0] = '\0';
	path_append(place, ret, size);
}

/* Follows the path from the root; *@line is that of the last step that the text has. */
static const struct yaml_node *place_follow(const struct place *place, unsigned *line)
{
	const struct yaml_child *child;
	const struct yaml_node *above;

	if (!place->parent) {
		*line = place->yaml ? place->yaml->line : 0;
		return place->yaml;
	}
	above = place_follow(place->parent, line);
	child = place->key ? yaml_key(above, place->key) : yaml_index(above, place->index);
	if (!child)
		return NULL;
	*line = child->line;
	return child->node;
}

unsigned place_line(const struct place *place)
{
	unsigned line;

	place_follow(place, &line);
	return line;
}

int place_refuse(const struct place *place, struct err *err, const char *fmt, ...)
{
	char path[160], reason[sizeof(err->text)];
	unsigned line = place_line(place);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(reason, sizeof(reason), fmt, ap);
	va_end(ap);
	for (char *p = reason; *p; p++)
		if ((unsigned char)*p < ' ' || *p == '\x7f')
			*p = '?';
	place_text(place, path, sizeof(path));
	if (!line)
		return err_refuse(err, EINVAL, "%s%s%s", path, *path ? ": " : "", reason);
	return err_refuse(err, EINVAL, "line %u: %s%s%s", line, path, *path ? ": " : "", reason);
}
