// SPDX-License-Identifier: Apache-2.0
#include "user/model/validate.h"

#include <stdio.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/fs.h"
#include "user/model/causes.h"
#include "user/model/kinds.h"
#include "user/model/place.h"
#include "user/model/value.h"

#define ANNOTATIONS_MAX (256u << 10)

static void range_cause(const json_t *value, const struct schema_field *field,
	const struct place *place, struct causes *causes)
{
	char words[96];

	if (field->max >= INT32_MAX)
		snprintf(words, sizeof(words), "must be greater than or equal to %lld",
			(long long)field->min);
	else
		snprintf(words, sizeof(words), "must be between %lld and %lld, inclusive",
			(long long)field->min, (long long)field->max);
	cause_invalid(causes, place, value, words);
}

static void validate_value(const json_t *value, const struct schema_field *field,
	const struct place *place, struct causes *causes)
{
	const char *reason;

	if (field->message) {
		validate_message(value, field->message, place, causes);
		return;
	}
	switch (value_check(value, field, &reason)) {
	case VALUE_NOT_LISTED: cause_unsupported(causes, place, value, field->one_of); break;
	case VALUE_RANGE: range_cause(value, field, place, causes); break;
	case VALUE_RULE:
		cause_invalid(causes, place, value,
			validate_words(field->rule, json_string_value(value)));
		break;
	default: break;
	}
}

/* Keys of labels are told at the map, keys of data at their entry. */
static void validate_key(const char *key, const struct schema_field *field, const struct place *map,
	struct causes *causes)
{
	AUTO_JSON text = NULL;

	if (!field->key_rule || !field->key_rule(key))
		return;
	text = json_string(key);
	cause_invalid(causes, field->key_rule == name_label_key ? map : PLACE_ENTRY(map, key), text,
		validate_words(field->key_rule, key));
}

static void validate_map(json_t *map, const struct schema_field *field, const struct place *place,
	struct causes *causes)
{
	const char *key;
	json_t *item;

	json_object_foreach (map, key, item) {
		validate_key(key, field, place, causes);
		validate_value(item, field,
			field->rule == name_label_value ? place : PLACE_ENTRY(place, key), causes);
	}
}

static void validate_list(const json_t *list, const struct schema_field *field,
	const struct place *place, struct causes *causes)
{
	AUTO_JSON seen = json_object();
	json_t *item;
	size_t i;

	json_array_foreach ((json_t *)list, i, item) {
		const struct place *at = PLACE_INDEX(place, i);
		const char *key =
			field->unique ? json_string_at(item, field->merge_key, NULL) : NULL;

		validate_value(item, field, at, causes);
		if (key && json_object_get(seen, key))
			cause_duplicate(causes, PLACE_KEY(at, field->merge_key),
				json_object_get(item, field->merge_key));
		if (key && json_object_set_new(seen, key, json_true()) < 0)
			causes->no_memory = true;
	}
}

/* What is missing: a number is as if 0 were given, all else is required. */
static void missing_cause(
	const struct schema_field *field, const struct place *place, struct causes *causes)
{
	bool number = field->type == SCHEMA_INT32 || field->type == SCHEMA_INT64 ||
		      field->type == SCHEMA_INT_OR_STRING;
	AUTO_JSON zero = json_integer(0);

	if (number && field->min > 0)
		range_cause(zero, field, place, causes);
	else if (!number)
		cause_required(causes, place, NULL);
}

void validate_message(const json_t *object, const struct schema_message *message,
	const struct place *place, struct causes *causes)
{
	if (message->embedded)
		validate_message(object, message->embedded, place, causes);
	for (const struct schema_field *field = message->fields; field->name; field++) {
		json_t *value = json_object_get(object, field->name);
		const struct place *at = PLACE_KEY(place, field->name);

		if (!value || json_is_null(value)) {
			if (field->required)
				missing_cause(field, at, causes);
		} else if (field->shape == SCHEMA_LIST) {
			validate_list(value, field, at, causes);
		} else if (field->shape == SCHEMA_MAP) {
			validate_map(value, field, at, causes);
		} else {
			validate_value(value, field, at, causes);
		}
	}
	if (message->validate)
		message->validate(object, place, causes);
}

/* --- metadata ------------------------------------------------------------------------------------ */

static void validate_name(const json_t *meta, const struct kind *kind, const struct place *place,
	struct causes *causes)
{
	json_t *name = json_object_get(meta, "name");
	const char *text = json_string_value(name);

	if (!text)
		cause_required(
			causes, PLACE_KEY(place, "name"), "name or generateName is required");
	else if (kind->name_rule(text))
		cause_invalid(causes, PLACE_KEY(place, "name"), name,
			validate_words(kind->name_rule, text));
}

static void validate_annotations(
	const json_t *meta, const struct place *place, struct causes *causes)
{
	const char *key;
	json_t *value;
	size_t sum = 0;

	json_object_foreach (json_object_get(meta, "annotations"), key, value)
		sum += strlen(key) + json_string_length(value);
	if (sum > ANNOTATIONS_MAX)
		cause_too_long(causes, PLACE_KEY(place, "annotations"), ANNOTATIONS_MAX);
}

static void validate_namespace(const json_t *meta, const struct kind *kind,
	const struct place *place, struct causes *causes)
{
	bool given = json_object_get(meta, "namespace") != NULL;

	if (kind->namespaced && !given)
		cause_required(causes, PLACE_KEY(place, "namespace"), NULL);
	if (!kind->namespaced && given)
		cause_forbidden(causes, PLACE_KEY(place, "namespace"), "not allowed on this type");
}

void validate_object(const json_t *object, const struct kind *kind, struct causes *causes)
{
	const json_t *meta = json_object_get(object, "metadata");
	const struct place *root = PLACE_ROOT(NULL), *place = PLACE_KEY(root, "metadata");

	if (kind->name_rule) {
		validate_name(meta, kind, place, causes);
		validate_namespace(meta, kind, place, causes);
		validate_annotations(meta, place, causes);
	}
	validate_message(object, kind->message, root, causes);
}

/* --- updates ------------------------------------------------------------------------------------- */

static void validate_same(const json_t *old, const json_t *new, const char *key,
	const struct place *place, struct causes *causes)
{
	const json_t *value = json_object_get(new, key), *before = json_object_get(old, key);

	if (before && (!value || !json_equal(before, value)))
		cause_invalid(causes, PLACE_KEY(place, key), value, "field is immutable");
}

static void validate_fixed(const json_t *old, const json_t *new,
	const struct schema_message *message, const struct place *place, struct causes *causes)
{
	if (!json_is_object(old) || !json_is_object(new))
		return;
	for (const struct schema_field *field = message->fields; field->name; field++) {
		const json_t *value = json_object_get(new, field->name);
		const json_t *before = json_object_get(old, field->name);
		const struct place *at = PLACE_KEY(place, field->name);

		if (field->immutable && (value || before) &&
			!(value && before && json_equal(value, before)))
			cause_invalid(causes, at, value, "field is immutable");
		else if (field->message && field->shape == SCHEMA_ONE)
			validate_fixed(before, value, field->message, at, causes);
	}
}

/* The spec without what an update may change; the caller owns it. */
static json_t *pod_frozen(const json_t *pod)
{
	static const char *const lists[] = {"containers", "initContainers"};
	json_t *spec = json_deep_copy(json_object_get(pod, "spec")), *container;
	size_t i;

	for (size_t list = 0; list < COUNT(lists); list++)
		json_array_foreach (json_object_get(spec, lists[list]), i, container)
			json_object_del(container, "image");
	json_object_del(spec, "activeDeadlineSeconds");
	json_object_del(spec, "schedulingGates");
	json_object_del(spec, "tolerations");
	json_object_del(spec, "terminationGracePeriodSeconds");
	return spec;
}

/* The items of @list as text, as keys; the caller owns it.  NULL: no memory. */
static json_t *items_as_keys(const json_t *list)
{
	AUTO_JSON keys = json_object();
	json_t *item;
	size_t i;

	json_array_foreach ((json_t *)list, i, item) {
		AUTO_FREE char *text = json_dumps(item, JSON_ENCODE_ANY | JSON_SORT_KEYS);

		if (!text || json_object_set_new(keys, text, json_true()) < 0)
			return NULL;
	}
	return json_incref(keys);
}

static bool has_all(const json_t *list, const json_t *wanted)
{
	AUTO_JSON have = items_as_keys(list);
	AUTO_JSON want = items_as_keys(wanted);
	const char *key;
	json_t *value;

	json_object_foreach (want, key, value)
		if (!json_object_get(have, key))
			return false;
	return have && want;
}

/* A negative time means 1 second, and may be made that. */
static bool grace_may_change(const json_t *before, const json_t *after)
{
	static const char key[] = "terminationGracePeriodSeconds";
	long long old = json_integer_at(before, key, 0), new = json_integer_at(after, key, 0);

	return old == new || (old < 0 && new == 1);
}

/* Gates open, and do not close again. */
static void validate_gates(const json_t *before, const json_t *after, struct causes *causes)
{
	static const char key[] = "schedulingGates";
	AUTO_JSON had = items_as_keys(json_object_get(before, key));
	const json_t *gate;
	size_t i;

	json_array_foreach (json_object_get(after, key), i, gate) {
		AUTO_FREE char *text = json_dumps(gate, JSON_SORT_KEYS);
		char words[400];

		if (text && json_object_get(had, text))
			continue;
		snprintf(words, sizeof(words),
			"only deletion is allowed, but found new scheduling gate '%.250s'",
			json_string_at(gate, "name", ""));
		cause_forbidden(causes, PLACE_KEY(PLACE_KEY(PLACE_ROOT(NULL), "spec"), key), words);
	}
}

static void validate_pod_update(const json_t *old, const json_t *new, struct causes *causes)
{
	const json_t *before = json_object_get(old, "spec"), *after = json_object_get(new, "spec");
	AUTO_JSON frozen = pod_frozen(old);
	AUTO_JSON given = pod_frozen(new);

	validate_gates(before, after, causes);
	gated_validate(before, given, causes);
	if (json_equal(frozen, given) && grace_may_change(before, after) &&
		has_all(json_object_get(after, "tolerations"),
			json_object_get(before, "tolerations")))
		return;
	cause_forbidden(causes, PLACE_KEY(PLACE_ROOT(NULL), "spec"),
		"pod updates may not change fields other than `spec.containers[*].image`,"
		"`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` "
		"(only additions to existing tolerations),`spec.terminationGracePeriodSeconds` "
		"(allow it to be set to 1 if it was previously negative)");
}

static void validate_service_update(const json_t *old, const json_t *new, struct causes *causes)
{
	const json_t *before = json_object_get(old, "spec"), *after = json_object_get(new, "spec");

	if (strcmp(json_string_at(before, "type", ""), "ExternalName") != 0 &&
		strcmp(json_string_at(after, "type", ""), "ExternalName") != 0)
		validate_same(
			before, after, "clusterIP", PLACE_KEY(PLACE_ROOT(NULL), "spec"), causes);
}

/* A ConfigMap or Secret that says it is immutable. */
static void validate_data_update(const json_t *old, const json_t *new, struct causes *causes)
{
	static const char *const keys[] = {"data", "binaryData", "immutable"};

	if (!json_is_true(json_object_get(old, "immutable")))
		return;
	for (size_t i = 0; i < COUNT(keys); i++) {
		const json_t *before = json_object_get(old, keys[i]);
		const json_t *after = json_object_get(new, keys[i]);

		if (before != after && !(before && after && json_equal(before, after)))
			cause_forbidden(causes, PLACE_KEY(PLACE_ROOT(NULL), keys[i]),
				"field is immutable when `immutable` is set");
	}
}

/* Who deletes waits for those that there were, not for what comes behind. */
static void validate_finalizers(
	const json_t *old, const json_t *new, const struct place *place, struct causes *causes)
{
	AUTO_JSON before = items_as_keys(json_object_get(old, "finalizers"));
	AUTO_JSON more = json_array();
	AUTO_FREE char *list = NULL;
	AUTO_FREE char *words = NULL;
	json_t *item;
	size_t i;

	if (!json_object_get(old, "deletionTimestamp"))
		return;
	json_array_foreach (json_object_get(new, "finalizers"), i, item) {
		AUTO_FREE char *text = json_dumps(item, JSON_ENCODE_ANY);

		if (text && !json_object_get(before, text))
			json_array_append(more, item);
	}
	if (json_array_size(more) == 0)
		return;
	list = json_dumps(more, 0); /* in brackets, where Go has braces */
	words = list ? fs_format("no new finalizers can be added if the object is being deleted, "
				 "found new finalizers []string{%.*s}",
			       (int)strlen(list) - 2, list + 1)
		     : NULL;
	if (words)
		cause_forbidden(causes, PLACE_KEY(place, "finalizers"), words);
	else
		causes->no_memory = true;
}

void validate_update(
	const json_t *old, const json_t *object, const struct kind *kind, struct causes *causes)
{
	static const char *const keys[] = {"name", "namespace", "uid", "creationTimestamp"};
	const struct place *root = PLACE_ROOT(NULL);

	for (size_t i = 0; i < COUNT(keys); i++)
		validate_same(json_object_get(old, "metadata"), json_object_get(object, "metadata"),
			keys[i], PLACE_KEY(root, "metadata"), causes);
	validate_finalizers(json_object_get(old, "metadata"), json_object_get(object, "metadata"),
		PLACE_KEY(root, "metadata"), causes);
	validate_fixed(old, object, kind->message, root, causes);
	if (kind->message == &schema_pod)
		validate_pod_update(old, object, causes);
	else if (kind->message == &schema_service)
		validate_service_update(old, object, causes);
	else if (kind->message == &schema_config_map || kind->message == &schema_secret)
		validate_data_update(old, object, causes);
}
