// SPDX-License-Identifier: Apache-2.0
#include "user/auth/rules.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"

#define RESOURCE_MAX 512

static bool words_have(const json_t *words, const char *word)
{
	json_t *item;
	size_t i;

	json_array_foreach (words, i, item)
		if (json_is_string(item) && strcmp(json_string_value(item), word) == 0)
			return true;
	return false;
}

static bool words_match(const json_t *words, const char *word)
{
	return words_have(words, "*") || words_have(words, word);
}

/* "pods/log" is in "*", "pods/log" and "*" "/log". */
static bool resources_match(const json_t *resources, const char *resource)
{
	const char *slash = strchr(resource, '/');
	char any[RESOURCE_MAX];

	if (words_match(resources, resource))
		return true;
	if (!slash)
		return false;
	snprintf(any, sizeof(any), "*%s", slash);
	return words_have(resources, any);
}

/* A path may end with '*', which stands for the rest. */
static bool path_matches(const char *pattern, const char *path)
{
	size_t len = strlen(pattern);

	if (strcmp(pattern, path) == 0)
		return true;
	if (len == 0 || pattern[len - 1] != '*')
		return false;
	while (len && pattern[len - 1] == '*')
		len--;
	return strncmp(pattern, path, len) == 0;
}

static bool paths_match(const json_t *patterns, const char *path)
{
	json_t *item;
	size_t i;

	json_array_foreach (patterns, i, item)
		if (json_is_string(item) && path_matches(json_string_value(item), path))
			return true;
	return false;
}

bool rule_allows(const json_t *rule, const struct access *access)
{
	const json_t *names = json_object_get(rule, "resourceNames");
	char resource[RESOURCE_MAX];

	if (!words_match(json_object_get(rule, "verbs"), access->verb))
		return false;
	if (access->path)
		return paths_match(json_object_get(rule, "nonResourceURLs"), access->path);
	if ((size_t)snprintf(resource, sizeof(resource), "%s%s%s", access->resource,
		    access->subresource[0] ? "/" : "", access->subresource) >= sizeof(resource))
		return false;
	return words_match(json_object_get(rule, "apiGroups"), access->group) &&
	       resources_match(json_object_get(rule, "resources"), resource) &&
	       (json_array_size(names) == 0 || words_have(names, access->name));
}

bool rules_allow(const json_t *rules, const struct access *access)
{
	json_t *rule;
	size_t i;

	json_array_foreach (rules, i, rule)
		if (rule_allows(rule, access))
			return true;
	return false;
}

/* --- subjects --- */

static bool account_is(const json_t *subject, const char *user, const char *namespace)
{
	const char *of = json_string_at(subject, "namespace", namespace);
	const char *name = json_string_at(subject, "name", "");
	size_t prefix = strlen(USER_ACCOUNT_PREFIX), len = strlen(of);

	return of[0] && strncmp(user, USER_ACCOUNT_PREFIX, prefix) == 0 &&
	       strncmp(user + prefix, of, len) == 0 && user[prefix + len] == ':' &&
	       strcmp(user + prefix + len + 1, name) == 0;
}

bool subject_is(const json_t *subject, const struct identity *identity, const char *namespace)
{
	const char *kind = json_string_at(subject, "kind", "");
	const char *name = json_string_at(subject, "name", "");
	const char *user = identity_user(identity);

	if (strcmp(kind, "User") == 0)
		return strcmp(name, user) == 0;
	if (strcmp(kind, "Group") == 0)
		return identity_has_group(identity, name);
	return strcmp(kind, "ServiceAccount") == 0 && account_is(subject, user, namespace);
}

bool subjects_have(const json_t *subjects, const struct identity *identity, const char *namespace)
{
	json_t *subject;
	size_t i;

	json_array_foreach (subjects, i, subject)
		if (subject_is(subject, identity, namespace))
			return true;
	return false;
}

/* --- what covers what --- */

/* One verb upon one resource (of one name) or path: such a piece is covered by one rule or not at all. */
struct piece {
	const char *verb, *group, *resource, *name, *path;
};

static bool rule_covers(const json_t *rule, const struct piece *piece)
{
	const json_t *names = json_object_get(rule, "resourceNames");

	if (!words_match(json_object_get(rule, "verbs"), piece->verb))
		return false;
	if (piece->path)
		return paths_match(json_object_get(rule, "nonResourceURLs"), piece->path);
	if (json_array_size(names) && !(piece->name && words_have(names, piece->name)))
		return false;
	return words_match(json_object_get(rule, "apiGroups"), piece->group) &&
	       resources_match(json_object_get(rule, "resources"), piece->resource);
}

static bool piece_is_covered(const json_t *held, const struct piece *piece)
{
	json_t *rule;
	size_t i;

	json_array_foreach (held, i, rule)
		if (rule_covers(rule, piece))
			return true;
	return false;
}

static bool names_are_covered(const json_t *held, const json_t *names, struct piece *piece)
{
	json_t *name;
	size_t i;

	if (json_array_size(names) == 0)
		return piece_is_covered(held, piece);
	json_array_foreach (names, i, name) {
		piece->name = json_string_value(name);
		if (!piece_is_covered(held, piece))
			return false;
	}
	piece->name = NULL;
	return true;
}

static bool verb_is_covered(const json_t *held, const json_t *rule, const char *verb)
{
	struct piece piece = {.verb = verb};
	json_t *group, *resource, *path;
	size_t i, j;

	json_array_foreach (json_object_get(rule, "apiGroups"), i, group)
		json_array_foreach (json_object_get(rule, "resources"), j, resource) {
			piece.group = json_string_value(group);
			piece.resource = json_string_value(resource);
			if (!names_are_covered(
				    held, json_object_get(rule, "resourceNames"), &piece))
				return false;
		}
	json_array_foreach (json_object_get(rule, "nonResourceURLs"), i, path) {
		piece.path = json_string_value(path);
		if (!piece_is_covered(held, &piece))
			return false;
	}
	return true;
}

static size_t multiply(size_t a, size_t b)
{
	return __builtin_mul_overflow(a, b, &a) ? SIZE_MAX : a;
}

static size_t add(size_t a, size_t b)
{
	return __builtin_add_overflow(a, b, &a) ? SIZE_MAX : a;
}

size_t rules_questions(const json_t *held, const json_t *rules)
{
	size_t pieces = 0, i;
	json_t *rule;

	json_array_foreach (rules, i, rule) {
		size_t names = json_array_size(json_object_get(rule, "resourceNames"));
		size_t of_rule = multiply(json_array_size(json_object_get(rule, "apiGroups")),
			json_array_size(json_object_get(rule, "resources")));

		of_rule = multiply(of_rule, names ? names : 1);
		of_rule = add(of_rule, json_array_size(json_object_get(rule, "nonResourceURLs")));
		of_rule = multiply(of_rule, json_array_size(json_object_get(rule, "verbs")));
		pieces = add(pieces, of_rule);
	}
	return multiply(pieces, json_array_size(held));
}

const json_t *rules_first_uncovered(const json_t *held, const json_t *rules)
{
	json_t *rule, *verb;
	size_t i, j;

	json_array_foreach (rules, i, rule)
		json_array_foreach (json_object_get(rule, "verbs"), j, verb)
			if (!verb_is_covered(held, rule, json_string_value(verb)))
				return rule;
	return NULL;
}

char *rule_text(const json_t *rule)
{
	static const struct {
		const char *key, *shown;
	} parts[] = {
		{"apiGroups", "APIGroups"},
		{"resources", "Resources"},
		{"nonResourceURLs", "NonResourceURLs"},
		{"resourceNames", "ResourceNames"},
		{"verbs", "Verbs"},
	};
	char *text = NULL;
	size_t size, shown = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	fputc('{', out);
	for (size_t i = 0; i < COUNT(parts); i++) {
		const json_t *words = json_object_get(rule, parts[i].key);
		json_t *word;
		size_t j;

		if (json_array_size(words) == 0)
			continue;
		fprintf(out, "%s%s:[", shown++ ? ", " : "", parts[i].shown);
		json_array_foreach (words, j, word)
			fprintf(out, "%s\"%s\"", j ? " " : "", json_string_value(word));
		fputc(']', out);
	}
	fputc('}', out);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}
