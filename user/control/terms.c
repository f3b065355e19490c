// SPDX-License-Identifier: Apache-2.0
#include "user/control/terms.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/control/snapshot.h"
#include "user/model/selector.h"

void term_selector_cleanup(struct label_selector **selector)
{
	label_selector_free(*selector);
}

/* Adds "key in (the Pod's own value)", or "notin": keys that the Pod does not have say nothing. */
static int keys_add(
	json_t *selector, const json_t *keys, const char *operator, const json_t * labels)
{
	json_t *expressions = json_object_get(selector, "matchExpressions"), *key;
	size_t i;

	if (!expressions) {
		expressions = json_array();
		if (json_object_set_new(selector, "matchExpressions", expressions) < 0)
			return -ENOMEM;
	}
	json_array_foreach (keys, i, key) {
		const char *name = json_string_value(key);
		const char *value = name ? json_string_at(labels, name, NULL) : NULL;

		if (value && json_array_append_new(expressions,
				     json_pack("{s:s, s:s, s:[s]}", "key", name,
					     "operator", operator, "values", value)) < 0)
			return -ENOMEM;
	}
	return 0;
}

int term_selector(const json_t *term, const json_t *labels, struct label_selector **ret)
{
	const json_t *selector = json_object_get(term, "labelSelector");
	const json_t *same = json_object_get(term, "matchLabelKeys");
	const json_t *other = json_object_get(term, "mismatchLabelKeys");
	AUTO_JSON whole = NULL;

	if (!selector || (json_array_size(same) == 0 && json_array_size(other) == 0))
		return label_selector_read(selector, ret, NULL);
	whole = json_deep_copy(selector);
	if (!whole || keys_add(whole, same, "In", labels) < 0 ||
		keys_add(whole, other, "NotIn", labels) < 0)
		return -ENOMEM;
	return label_selector_read(whole, ret, NULL);
}

static bool namespace_is_selected(
	const struct snapshot *snapshot, const json_t *selector_json, const char *namespace)
{
	AUTO_CLEANUP(term_selector_cleanup) struct label_selector *selector = NULL;
	char key[300];

	snprintf(key, sizeof(key), "/%s", namespace);
	return label_selector_read(selector_json, &selector, NULL) == 0 &&
	       label_selector_matches(
		       selector, meta_labels(json_object_get(snapshot->namespaces, key)));
}

/* Without any word on namespaces, that of the Pod whose term it is. */
bool term_means_namespace(const struct snapshot *snapshot, const json_t *term, const char *owner,
	const char *namespace)
{
	const json_t *list = json_object_get(term, "namespaces");
	const json_t *selector = json_object_get(term, "namespaceSelector");

	if (json_array_size(list) == 0 && !selector)
		return strcmp(owner, namespace) == 0;
	return json_array_has(list, namespace) ||
	       (selector && namespace_is_selected(snapshot, selector, namespace));
}

json_t *terms_of(const json_t *affinity, const char *which, const char *how)
{
	return json_object_get(json_object_get(affinity, which), how);
}
