// SPDX-License-Identifier: Apache-2.0
/* A volume of a Pod, out of checked JSON. */
#include <errno.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/model/decode.h"
#include "user/model/quantity.h"

#define TOKEN_SECONDS 3600

static struct volume_item item_decode(const json_t *json)
{
	const json_t *resource = json_object_get(json, "resourceFieldRef");
	struct volume_item item = {
		.key = json_string_at(json, "key", ""),
		.path = json_string_at(json, "path", ""),
		.mode = json_integer_at(json, "mode", -1),
	};

	if (resource) {
		item.key = json_string_at(resource, "resource", "");
		item.container = json_string_at(resource, "containerName", "");
		item.divisor = quantity_decode(resource, "divisor", quantity_milli, 0);
	} else if (json_object_get(json, "fieldRef")) {
		item.key = json_string_at(json_object_get(json, "fieldRef"), "fieldPath", "");
	}
	return item;
}

static int items_decode(struct pod *pod, const json_t *list, struct projection *ret)
{
	json_t *item;
	size_t i;

	if (json_array_size(list) == 0)
		return 0;
	ret->items = pod_alloc(pod, json_array_size(list), sizeof(*ret->items));
	if (!ret->items)
		return -ENOMEM;
	json_array_foreach ((json_t *)list, i, item)
		ret->items[i] = item_decode(item);
	ret->item_count = i;
	return 0;
}

static void token_decode(const json_t *json, struct projection *ret)
{
	ret->path = json_string_at(json, "path", "");
	ret->audience = json_string_at(json, "audience", "");
	ret->seconds = json_integer_at(json, "expirationSeconds", TOKEN_SECONDS);
}

/* @json: a volume or one of the sources of a projected one.  -ENOENT: it is no such thing. */
static int projection_decode(struct pod *pod, const json_t *json, struct projection *ret)
{
	static const char *const keys[] = {
		[PROJECTION_CONFIG_MAP] = "configMap",
		[PROJECTION_SECRET] = "secret",
		[PROJECTION_DOWNWARD] = "downwardAPI",
		[PROJECTION_TOKEN] = "serviceAccountToken",
	};
	const json_t *source = NULL;
	size_t kind = 0;

	while (kind < COUNT(keys) && !(source = json_object_get(json, keys[kind])))
		kind++;
	if (!source)
		return -ENOENT;
	ret->kind = (enum projection_kind)kind;
	if (ret->kind == PROJECTION_TOKEN) {
		token_decode(source, ret);
		return 0;
	}
	ret->object = json_string_at(source, "secretName", json_string_at(source, "name", ""));
	ret->optional = json_is_true(json_object_get(source, "optional"));
	return items_decode(pod, json_object_get(source, "items"), ret);
}

static bool projection_is_secret(const struct projection *projection)
{
	return projection->kind == PROJECTION_SECRET || projection->kind == PROJECTION_TOKEN;
}

static int projected_decode(struct pod *pod, const json_t *json, struct volume *ret)
{
	const json_t *list = json_object_get(json, "sources");
	json_t *source;
	int r = 0;
	size_t i;

	ret->projections = pod_alloc(pod, json_array_size(list) + 1, sizeof(*ret->projections));
	if (!ret->projections)
		return -ENOMEM;
	json_array_foreach ((json_t *)list, i, source) {
		r = projection_decode(pod, source, &ret->projections[ret->projection_count]);
		if (r == -ENOMEM)
			return r;
		if (r == 0)
			ret->memory |=
				projection_is_secret(&ret->projections[ret->projection_count++]);
	}
	return 0;
}

/* The volume is its only source. */
static int single_decode(struct pod *pod, const json_t *json, struct volume *ret)
{
	static const char *const keys[] = {"configMap", "secret", "downwardAPI"};
	const json_t *source = NULL;

	ret->projections = pod_alloc(pod, 1, sizeof(*ret->projections));
	if (!ret->projections || projection_decode(pod, json, ret->projections) < 0)
		return -ENOMEM;
	ret->projection_count = 1;
	ret->memory = projection_is_secret(ret->projections);
	for (size_t i = 0; i < COUNT(keys) && !source; i++)
		source = json_object_get(json, keys[i]);
	ret->mode = (uint32_t)json_integer_at(source, "defaultMode", 0644);
	return 0;
}

static void empty_dir_decode(const json_t *json, struct volume *ret)
{
	ret->kind = VOLUME_EMPTY_DIR;
	ret->memory = strcmp(json_string_at(json, "medium", ""), "Memory") == 0;
	ret->size_limit = quantity_decode(json, "sizeLimit", quantity_units, RESOURCE_UNSET);
}

int volume_decode(struct pod *pod, const json_t *json, struct volume *ret)
{
	const json_t *host = json_object_get(json, "hostPath");
	const json_t *empty = json_object_get(json, "emptyDir");
	const json_t *projected = json_object_get(json, "projected");

	ret->name = json_string_at(json, "name", "");
	ret->kind = VOLUME_PROJECTED;
	if (host) {
		ret->kind = VOLUME_HOST_PATH;
		ret->path = json_string_at(host, "path", "");
		ret->type = json_string_at(host, "type", "");
	} else if (empty) {
		empty_dir_decode(empty, ret);
	} else if (projected) {
		ret->mode = (uint32_t)json_integer_at(projected, "defaultMode", 0644);
		return projected_decode(pod, projected, ret);
	} else {
		return single_decode(pod, json, ret);
	}
	return 0;
}
