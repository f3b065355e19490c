// SPDX-License-Identifier: Apache-2.0
#include "user/control/placement.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/control/owned.h"

/* --- taints --- */

bool toleration_matches(const json_t *toleration, const json_t *taint)
{
	const char *effect = json_string_at(toleration, "effect", "");
	const char *key = json_string_at(toleration, "key", "");
	const char *operator= json_string_at(toleration, "operator", "Equal");

	if (effect[0] && strcmp(effect, json_string_at(taint, "effect", "")) != 0)
		return false;
	if (key[0] && strcmp(key, json_string_at(taint, "key", "")) != 0)
		return false;
	if (strcmp(operator, "Exists") == 0)
		return true;
	return key[0] && strcmp(json_string_at(toleration, "value", ""),
				 json_string_at(taint, "value", "")) == 0;
}

bool taint_is_tolerated(const json_t *taint, const json_t *pod)
{
	const json_t *toleration;
	size_t i;

	json_array_foreach (
		json_object_get(json_object_get(pod, "spec"), "tolerations"), i, toleration)
		if (toleration_matches(toleration, taint))
			return true;
	return false;
}

static bool effect_is_one_of(const json_t *taint, const char *const *effects)
{
	for (; *effects; effects++)
		if (strcmp(json_string_at(taint, "effect", ""), *effects) == 0)
			return true;
	return false;
}

const json_t *taint_untolerated(const json_t *node, const json_t *pod, const char *const *effects)
{
	const json_t *taint;
	size_t i;

	json_array_foreach (json_object_get(json_object_get(node, "spec"), "taints"), i, taint)
		if (effect_is_one_of(taint, effects) && !taint_is_tolerated(taint, pod))
			return taint;
	return NULL;
}

/* --- selectors of nodes --- */

static bool values_have(const json_t *values, const char *text)
{
	const json_t *value;
	size_t i;

	json_array_foreach (values, i, value)
		if (json_is_string(value) && strcmp(json_string_value(value), text) == 0)
			return true;
	return false;
}

static bool parse_number(const char *text, long long *ret)
{
	char *end;

	if (!text)
		return false;
	errno = 0;
	*ret = strtoll(text, &end, 10);
	return end != text && !*end && errno == 0;
}

/* A label that is no number, or is missing, is neither greater nor less. */
static bool number_compares(const json_t *values, const char *text, bool greater)
{
	long long have, want;

	if (!parse_number(text, &have) ||
		!parse_number(json_string_value(json_array_get(values, 0)), &want))
		return false;
	return greater ? have > want : have < want;
}

static bool requirement_matches(const json_t *requirement, const char *text)
{
	const char *operator= json_string_at(requirement, "operator", "");
	const json_t *values = json_object_get(requirement, "values");

	if (strcmp(operator, "In") == 0)
		return text && values_have(values, text);
	if (strcmp(operator, "NotIn") == 0)
		return !text || !values_have(values, text);
	if (strcmp(operator, "Exists") == 0)
		return text != NULL;
	if (strcmp(operator, "DoesNotExist") == 0)
		return text == NULL;
	if (strcmp(operator, "Gt") == 0)
		return number_compares(values, text, true);
	return strcmp(operator, "Lt") == 0 && number_compares(values, text, false);
}

static bool term_matches(const json_t *term, const json_t *node)
{
	const json_t *labels = json_object_get(json_object_get(node, "metadata"), "labels");
	const json_t *expressions = json_object_get(term, "matchExpressions");
	const json_t *fields = json_object_get(term, "matchFields");
	const json_t *requirement;
	size_t i;

	if (json_array_size(expressions) == 0 && json_array_size(fields) == 0)
		return false;
	json_array_foreach (expressions, i, requirement) {
		const char *key = json_string_at(requirement, "key", "");

		if (!requirement_matches(
			    requirement, json_string_value(json_object_get(labels, key))))
			return false;
	}
	json_array_foreach (fields, i, requirement) /* metadata.name is the only one there is */
		if (!requirement_matches(requirement, meta_text(node, "name")))
			return false;
	return true;
}

/* What @pod says of nodes. */
static const json_t *node_affinity(const json_t *pod, const char *which)
{
	const json_t *affinity = json_object_get(json_object_get(pod, "spec"), "affinity");

	return json_object_get(json_object_get(affinity, "nodeAffinity"), which);
}

bool placement_any(const json_t *pod)
{
	const json_t *spec = json_object_get(pod, "spec");

	return json_object_get(spec, "nodeSelector") ||
	       json_object_get(json_object_get(spec, "affinity"), "nodeAffinity");
}

double placement_preference(const json_t *pod, const json_t *node)
{
	const json_t *terms = node_affinity(pod, "preferredDuringSchedulingIgnoredDuringExecution");
	const json_t *term;
	double weight = 0;
	size_t i;

	json_array_foreach (terms, i, term)
		if (term_matches(json_object_get(term, "preference"), node))
			weight += (double)json_integer_at(term, "weight", 0);
	return weight;
}

static bool affinity_selects(const json_t *pod, const json_t *node)
{
	const json_t *required =
		node_affinity(pod, "requiredDuringSchedulingIgnoredDuringExecution");
	const json_t *term;
	size_t i;

	if (!required)
		return true;
	json_array_foreach (json_object_get(required, "nodeSelectorTerms"), i, term)
		if (term_matches(term, node))
			return true;
	return false;
}

/* Adds the nodes that a term names; false: it names none. */
static bool term_names(const json_t *term, json_t *names)
{
	const json_t *requirement, *value;
	bool any = false;
	size_t i, j;

	json_array_foreach (json_object_get(term, "matchFields"), i, requirement) {
		if (strcmp(json_string_at(requirement, "operator", ""), "In") != 0)
			continue;
		any = true;
		json_array_foreach (json_object_get(requirement, "values"), j, value)
			if (json_is_string(value))
				json_object_set_new(names, json_string_value(value), json_true());
	}
	return any;
}

json_t *placement_names(const json_t *pod)
{
	const json_t *required =
		node_affinity(pod, "requiredDuringSchedulingIgnoredDuringExecution");
	const json_t *terms = json_object_get(required, "nodeSelectorTerms"), *term;
	json_t *names = json_array_size(terms) ? json_object() : NULL;
	size_t i;

	json_array_foreach (terms, i, term)
		if (names && !term_names(term, names)) {
			json_decref(names);
			return NULL;
		}
	return names;
}

bool placement_selects(const json_t *pod, const json_t *node)
{
	json_t *selector = json_object_get(json_object_get(pod, "spec"), "nodeSelector"), *value;
	const json_t *labels = json_object_get(json_object_get(node, "metadata"), "labels");
	const char *key;

	json_object_foreach (selector, key, value) {
		const json_t *have = json_object_get(labels, key);

		if (!have || !json_equal(have, value))
			return false;
	}
	return affinity_selects(pod, node);
}
