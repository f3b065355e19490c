// SPDX-License-Identifier: Apache-2.0
#include "user/model/affinity.h"

#include <errno.h>

#include "user/base/cleanup.h"

int selector_add_keys(
	json_t *selector, const json_t *keys, const char *operator, const json_t * labels)
{
	json_t *expressions = json_object_get(selector, "matchExpressions"), *key;
	size_t i;

	json_array_foreach ((json_t *)keys, i, key) {
		const char *name = json_string_value(key);
		const char *value = name ? json_string_at(labels, name, NULL) : NULL;

		if (!value)
			continue;
		if (!expressions) {
			expressions = json_array();
			if (json_object_set_new(selector, "matchExpressions", expressions) < 0)
				return -ENOMEM;
		}
		if (json_array_append_new(
			    expressions, json_pack("{s:s, s:s, s:[s]}", "key", name,
						 "operator", operator, "values", value)) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* Without a selector a term means no Pod, and keys do not change that. */
static int term_merge_keys(json_t *term, const json_t *labels)
{
	json_t *selector = json_object_get(term, "labelSelector");
	int r;

	if (!selector)
		return 0;
	r = selector_add_keys(selector, json_object_get(term, "matchLabelKeys"), "In", labels);
	return r < 0 ? r
		     : selector_add_keys(selector, json_object_get(term, "mismatchLabelKeys"),
			       "NotIn", labels);
}

int affinity_merge_keys(json_t *pod)
{
	static const char *const sorts[] = {"podAffinity", "podAntiAffinity"};
	const json_t *labels = json_object_get(json_object_get(pod, "metadata"), "labels");
	const json_t *affinity = json_object_get(json_object_get(pod, "spec"), "affinity");
	json_t *item;
	size_t i;
	int r = 0;

	for (size_t sort = 0; sort < COUNT(sorts); sort++) {
		const json_t *terms = json_object_get(affinity, sorts[sort]);

		json_array_foreach (json_object_get(terms, "requiredDuringSchedulingIgnoredDuring"
							   "Execution"),
			i, item)
			r |= term_merge_keys(item, labels);
		json_array_foreach (json_object_get(terms, "preferredDuringSchedulingIgnoredDuring"
							   "Execution"),
			i, item)
			r |= term_merge_keys(json_object_get(item, "podAffinityTerm"), labels);
	}
	return r < 0 ? -ENOMEM : 0;
}
