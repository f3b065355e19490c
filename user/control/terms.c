// SPDX-License-Identifier: Apache-2.0
#include "user/control/terms.h"

#include <stdio.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/control/snapshot.h"
#include "user/model/selector.h"

void term_selector_cleanup(struct label_selector **selector)
{
	label_selector_free(*selector);
}

int term_selector(const json_t *term, struct label_selector **ret)
{
	return label_selector_read(json_object_get(term, "labelSelector"), ret, NULL);
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
