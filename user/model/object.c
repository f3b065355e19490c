// SPDX-License-Identifier: Apache-2.0
#include "user/model/object.h"

#include <stdlib.h>
#include <string.h>

#include "user/base/base64.h"
#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/model/place.h"
#include "user/model/schema.h"

static const struct {
	const char *name;
	const struct schema_message *message;
} kinds[] = {
	[KIND_POD] = {"Pod", &schema_pod},
	[KIND_SERVICE] = {"Service", &schema_service},
	[KIND_CONFIG_MAP] = {"ConfigMap", &schema_config_map},
	[KIND_SECRET] = {"Secret", &schema_secret},
};
_Static_assert(COUNT(kinds) == KIND_COUNT, "each kind has a row");

/* Kinds that podnet-control turns into Pods. */
static const char *const workloads[] = {
	"Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "CronJob"};

const char *object_kind_name(enum object_kind kind)
{
	return kinds[kind].name;
}

static int kind_find(
	const json_t *json, const struct place *place, enum object_kind *ret, struct err *err)
{
	const char *version = json_string_at(json, "apiVersion", "");
	const char *name = json_string_at(json, "kind", "");

	if (!*name)
		return place_refuse(PLACE_KEY(place, "kind"), err, "required");
	for (size_t i = 0; i < COUNT(workloads); i++)
		if (strcmp(name, workloads[i]) == 0)
			return place_refuse(PLACE_KEY(place, "kind"), err,
				"a %s needs podnet-control: kubectl apply -f FILE", name);
	for (size_t i = 0; i < COUNT(kinds); i++) {
		if (strcmp(name, kinds[i].name) != 0)
			continue;
		if (!*version)
			return place_refuse(PLACE_KEY(place, "apiVersion"), err, "required");
		if (strcmp(version, "v1") != 0)
			return place_refuse(PLACE_KEY(place, "apiVersion"), err,
				"a %s has v1, not \"%.60s\"", name, version);
		*ret = (enum object_kind)i;
		return 0;
	}
	return place_refuse(PLACE_KEY(place, "kind"), err, "kind %.60s is not supported", name);
}

static void meta_fill(struct object_meta *meta, const json_t *json)
{
	const json_t *source = json_object_get(json, "metadata");

	meta->name = json_string_at(source, "name", "");
	meta->namespace = json_string_at(source, "namespace", DEFAULT_NAMESPACE);
	meta->uid = json_string_at(source, "uid", "");
	meta->labels = json_object_get(source, "labels");
	meta->annotations = json_object_get(source, "annotations");
}

void object_view(json_t *json, enum object_kind kind, struct object *ret)
{
	*ret = (struct object){.kind = kind, .json = json};
	meta_fill(&ret->meta, json);
}

int object_decode(json_t *json, const struct place *place, struct object **ret, struct err *err)
{
	enum object_kind kind = KIND_COUNT;
	struct object *object;
	int r;

	if (!json_is_object(json))
		return place_refuse(place, err, "must be an object");
	r = kind_find(json, place, &kind, err);
	if (r == 0)
		r = schema_apply(json, kinds[kind].message, place, err);
	if (r < 0)
		return r;
	object = calloc(1, sizeof(*object));
	if (!object)
		return err_set(err, ENOMEM, "read an object");
	object_view(json_incref(json), kind, object);
	*ret = object;
	return 0;
}

struct object *object_free(struct object *object)
{
	if (!object)
		return NULL;
	json_decref(object->json);
	free(object);
	return NULL;
}

static int data_copy(const json_t *value, void **ret, size_t *ret_len)
{
	size_t len = json_string_length(value);
	char *copy = malloc(len + 1);

	if (!copy)
		return -ENOMEM;
	memcpy(copy, json_string_value(value), len);
	copy[len] = '\0';
	*ret = copy;
	*ret_len = len;
	return 0;
}

int object_data_get(
	const struct object *object, const char *key, void **ret, size_t *ret_len, struct err *err)
{
	bool secret = object->kind == KIND_SECRET;
	const json_t *value = json_object_get(json_object_get(object->json, "data"), key);
	int r;

	if (value && !secret) {
		r = data_copy(value, ret, ret_len);
	} else {
		if (!value)
			value = json_object_get(json_object_get(object->json, "binaryData"), key);
		if (!value)
			return err_refuse(err, ENOENT, "%s '%s/%s' has no key '%s'",
				object_kind_name(object->kind), object->meta.namespace,
				object->meta.name, key);
		r = base64_decode(json_string_value(value), ret, ret_len);
	}
	return r < 0 ? err_set(err, -r, "read key '%s' of %s '%s/%s'", key,
			       object_kind_name(object->kind), object->meta.namespace,
			       object->meta.name)
		     : 0;
}

int object_data_each(
	const struct object *object, int (*fn)(const char *key, void *userdata), void *userdata)
{
	static const char *const maps[] = {"data", "binaryData"};
	const char *key;
	json_t *value;
	int r;

	for (size_t i = 0; i < COUNT(maps); i++) {
		json_object_foreach (json_object_get(object->json, maps[i]), key, value) {
			r = fn(key, userdata);
			if (r)
				return r;
		}
	}
	return 0;
}
