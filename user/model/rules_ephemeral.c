// SPDX-License-Identifier: Apache-2.0
/* Rules for containers that are added to a Pod to look into it. */
#include <stdio.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/model/causes.h"
#include "user/model/place.h"
#include "user/model/validate.h"
#include "user/model/value.h"

#define MIRROR	 "kubernetes.io/config.mirror" /* on what stands for a manifest's Pod */
#define NOT_HERE "cannot be set for an Ephemeral Container"

/* What a Pod relies on has no place in what may be added at any time. */
void ephemeral_container_validate(
	const json_t *container, const struct place *place, struct causes *causes)
{
	static const char *const fields[] = {"ports", "resources", "resizePolicy", "restartPolicy",
		"restartPolicyRules", "livenessProbe", "readinessProbe", "startupProbe",
		"lifecycle"};
	json_t *mount;
	size_t i;

	for (size_t f = 0; f < COUNT(fields); f++) {
		const json_t *value = json_object_get(container, fields[f]);

		/* Empty resources are a default. */
		if (value && (!json_is_object(value) || json_object_size(value)))
			cause_forbidden(causes, PLACE_KEY(place, fields[f]), NOT_HERE);
	}
	place = PLACE_KEY(place, "volumeMounts");
	json_array_foreach (json_object_get(container, "volumeMounts"), i, mount) {
		const struct place *at = PLACE_INDEX(place, i);

		if (json_string_at(mount, "subPath", "")[0])
			cause_forbidden(causes, PLACE_KEY(at, "subPath"), NOT_HERE);
		if (json_string_at(mount, "subPathExpr", "")[0])
			cause_forbidden(causes, PLACE_KEY(at, "subPathExpr"), NOT_HERE);
	}
}

void ephemeral_names_validate(const json_t *spec, const struct place *place, struct causes *causes)
{
	AUTO_JSON containers = value_names(json_object_get(spec, "containers"));
	AUTO_JSON first = value_names(json_object_get(spec, "initContainers"));
	json_t *container;
	size_t i;

	causes->no_memory |= !containers || !first;
	place = PLACE_KEY(place, "ephemeralContainers");
	json_array_foreach (json_object_get(spec, "ephemeralContainers"), i, container) {
		const struct place *at = PLACE_INDEX(place, i);
		json_t *name = json_object_get(container, "name");
		json_t *target = json_object_get(container, "targetContainerName");
		const char *text = json_string_value(name), *wanted = json_string_value(target);

		if (text && (json_object_get(containers, text) || json_object_get(first, text)))
			cause_duplicate(causes, PLACE_KEY(at, "name"), name);
		if (wanted && wanted[0] && !json_object_get(containers, wanted) &&
			!json_object_get(first, wanted))
			cause_not_found(causes, PLACE_KEY(at, "targetContainerName"), target);
	}
}

static const json_t *named_in(const json_t *list, const char *name)
{
	json_t *item;
	size_t i;

	json_array_foreach ((json_t *)list, i, item)
		if (strcmp(json_string_at(item, "name", ""), name) == 0)
			return item;
	return NULL;
}

void validate_ephemeral_update(const json_t *old, const json_t *object, struct causes *causes)
{
	static const char key[] = "ephemeralContainers";
	const struct place *root = PLACE_ROOT(NULL), *spec = PLACE_KEY(root, "spec");
	const json_t *meta = json_object_get(old, "metadata");
	const json_t *now = json_object_get(json_object_get(object, "spec"), key);
	json_t *had;
	size_t i;

	if (json_object_get(json_object_get(meta, "annotations"), MIRROR))
		cause_forbidden(causes, root, "static pods do not support ephemeral containers");
	json_array_foreach (json_object_get(json_object_get(old, "spec"), key), i, had) {
		const char *name = json_string_at(had, "name", "");
		const json_t *is = named_in(now, name);
		char words[200];

		if (is && json_equal(had, is))
			continue;
		snprintf(words, sizeof(words),
			"existing ephemeral containers \"%.100s\" may not be %s\n", name,
			is ? "changed" : "removed");
		cause_forbidden(causes, PLACE_KEY(spec, key), words);
	}
}
