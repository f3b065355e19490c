// SPDX-License-Identifier: Apache-2.0
/* What may still be said about the node of a Pod that waits behind gates: less nodes, never others. */
#include <string.h>

#include "user/base/cleanup.h"
#include "user/model/causes.h"
#include "user/model/place.h"
#include "user/model/validate.h"

#define REQUIRED "requiredDuringSchedulingIgnoredDuringExecution"

static bool is_same(const json_t *a, const json_t *b)
{
	return a == b || (a && b && json_equal(a, b));
}

static void selector_validate_additions(
	const json_t *old, const json_t *new, const struct place *place, struct causes *causes)
{
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)old, key, value)
		if (!is_same(value, json_object_get(new, key))) {
			cause_invalid(causes, place, new,
				"only additions to spec.nodeSelector are allowed (no mutations or "
				"deletions)");
			return;
		}
}

/* What one term asks for grows at its end.  An empty term matches nothing, and goes on to. */
static bool only_adds(const json_t *old, const json_t *new)
{
	const json_t *had = json_object_get(old, "matchExpressions");
	const json_t *has = json_object_get(new, "matchExpressions");
	const json_t *fields = json_object_get(old, "matchFields");
	const json_t *requirement;
	size_t i;

	if (json_array_size(had) == 0 && json_array_size(fields) == 0 && json_array_size(has))
		return false;
	json_array_foreach (had, i, requirement)
		if (!is_same(requirement, json_array_get(has, i)))
			return false;
	return json_array_size(fields) == 0
		       ? json_array_size(json_object_get(new, "matchFields")) == 0
		       : is_same(fields, json_object_get(new, "matchFields"));
}

static void affinity_validate_additions(
	const json_t *old, const json_t *new, const struct place *place, struct causes *causes)
{
	const struct place *required = PLACE_KEY(place, REQUIRED);
	const struct place *at = PLACE_KEY(required, "nodeSelectorTerms");
	const json_t *had = json_object_get(json_object_get(old, REQUIRED), "nodeSelectorTerms");
	const json_t *has = json_object_get(json_object_get(new, REQUIRED), "nodeSelectorTerms");
	const json_t *term;
	size_t i;

	/* Where nothing was required, anything may be. */
	if (json_array_size(had) == 0)
		return;
	if (json_array_size(had) != json_array_size(has)) {
		cause_invalid(causes, at, has,
			"no additions/deletions to non-empty NodeSelectorTerms list are allowed");
		return;
	}
	json_array_foreach (had, i, term)
		if (!only_adds(term, json_array_get(has, i)))
			cause_invalid(causes, PLACE_INDEX(at, i), json_array_get(has, i),
				"only additions are allowed (no mutations or deletions)");
}

/* @to[@key] becomes what it is in @from. */
static int member_take(json_t *to, const json_t *from, const char *key)
{
	json_t *value = json_object_get(from, key);

	if (value)
		return json_object_set(to, key, value);
	json_object_del(to, key);
	return 0;
}

static int node_affinity_take(json_t *spec, const json_t *from)
{
	const json_t *old = json_object_get(from, "affinity");
	json_t *affinity = json_object_get(spec, "affinity");
	int r = 0;

	if (!affinity && !json_object_get(old, "nodeAffinity"))
		return 0;
	if (!affinity) {
		affinity = json_object();
		r = json_object_set_new(spec, "affinity", affinity);
	}
	if (r == 0)
		r = member_take(affinity, old, "nodeAffinity");
	if (r == 0 && !old && json_object_size(affinity) == 0)
		json_object_del(spec, "affinity");
	return r;
}

void gated_validate(const json_t *before, json_t *after, struct causes *causes)
{
	const struct place *root = PLACE_ROOT(NULL), *spec = PLACE_KEY(root, "spec");
	const struct place *affinity = PLACE_KEY(spec, "affinity");
	const json_t *old = json_object_get(before, "affinity");
	const json_t *new = json_object_get(after, "affinity");

	if (json_array_size(json_object_get(before, "schedulingGates")) == 0)
		return;
	selector_validate_additions(json_object_get(before, "nodeSelector"),
		json_object_get(after, "nodeSelector"), PLACE_KEY(spec, "nodeSelector"), causes);
	affinity_validate_additions(json_object_get(old, "nodeAffinity"),
		json_object_get(new, "nodeAffinity"), PLACE_KEY(affinity, "nodeAffinity"), causes);
	if (member_take(after, before, "nodeSelector") < 0 || node_affinity_take(after, before) < 0)
		causes->no_memory = true;
}
