// SPDX-License-Identifier: Apache-2.0
#include "user/api/stored.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/http/buffer.h"
#include "user/model/kinds.h"
#include "user/store/blob.h"
#include "user/store/store.h"

/* Every stored object begins with this, and its metadata are never empty. */
#define HEAD "{\"metadata\":{"

void stored_key(
	const struct kind *kind, const char *namespace, const char *name, char ret[STORED_KEY_MAX])
{
	stored_prefix(kind, namespace, ret);
	snprintf(ret + strlen(ret), STORED_KEY_MAX - strlen(ret), "%s", name);
}

void stored_prefix(const struct kind *kind, const char *namespace, char ret[STORED_KEY_MAX])
{
	snprintf(ret, STORED_KEY_MAX, "/%s/%s%s", kind->stored_as, namespace ? namespace : "",
		namespace ? "/" : "");
}

/* --- one stored form for both Events --- */

/* As core/v1 names them, which is how they are stored; as events.k8s.io/v1 does. */
static const struct {
	const char *stored, *served;
} event_fields[] = {
	{"involvedObject", "regarding"},
	{"message", "note"},
	{"source", "deprecatedSource"},
	{"firstTimestamp", "deprecatedFirstTimestamp"},
	{"lastTimestamp", "deprecatedLastTimestamp"},
	{"count", "deprecatedCount"},
	{"reportingComponent", "reportingController"},
};

#define EVENTS_GROUP "events.k8s.io"

static bool is_renamed(const struct kind *kind)
{
	return strcmp(kind->group, EVENTS_GROUP) == 0;
}

static int field_rename(json_t *object, const char *from, const char *to)
{
	json_t *value = json_object_get(object, from);

	if (value && json_object_set(object, to, value) < 0)
		return -ENOMEM;
	json_object_del(object, from);
	return 0;
}

/* The one group writes them always, the other leaves out what is empty. */
static int event_reporter(json_t *event, bool store)
{
	static const char *const stored[] = {"reportingComponent", "reportingInstance"};
	static const char *const served[] = {"reportingController", "reportingInstance"};
	int r = 0;

	for (size_t i = 0; i < COUNT(stored); i++)
		if (store && !json_object_get(event, stored[i]))
			r |= json_object_set_new(event, stored[i], json_string(""));
		else if (!store && !json_string_at(event, served[i], "")[0])
			json_object_del(event, served[i]);
	return r < 0 ? -ENOMEM : 0;
}

static int event_rename(json_t *event, bool store)
{
	int r = 0;

	for (size_t i = 0; i < COUNT(event_fields) && r == 0; i++)
		r = store ? field_rename(event, event_fields[i].served, event_fields[i].stored)
			  : field_rename(event, event_fields[i].stored, event_fields[i].served);
	return r < 0 ? r : event_reporter(event, store);
}

int stored_encode(const json_t *object, struct blob **ret)
{
	AUTO_JSON copy = json_object();
	AUTO_JSON meta = json_copy(json_object_get(object, "metadata"));
	AUTO_FREE char *text = NULL;

	if (!copy || !meta)
		return -ENOMEM;
	json_object_del(meta, "resourceVersion");
	if (json_object_set(copy, "metadata", meta) < 0 ||
		json_object_update_missing(copy, (json_t *)object) < 0)
		return -ENOMEM;
	if (strncmp(json_string_at(object, "apiVersion", ""), EVENTS_GROUP "/",
		    strlen(EVENTS_GROUP "/")) == 0 &&
		event_rename(copy, true) < 0)
		return -ENOMEM;
	json_object_del(copy, "kind");
	json_object_del(copy, "apiVersion");
	text = json_text(copy);
	*ret = text ? blob_new(text, strlen(text)) : NULL;
	return *ret ? 0 : -ENOMEM;
}

int stored_decode(const struct blob *blob, uint64_t revision, const struct kind *kind,
	const char *version, json_t **ret)
{
	char api_version[API_VERSION_LEN], number[24];
	AUTO_JSON object = json_pack("{s:s}", "kind", kind->kind);
	AUTO_JSON stored = NULL;
	json_t *meta;
	int r = json_parse(blob->data, blob->size, "a stored object", &stored, NULL);

	if (r < 0)
		return r == -ENOMEM ? r : -EUCLEAN;
	meta = json_object_get(stored, "metadata");
	if (!json_is_object(meta))
		return -EUCLEAN;
	if (is_renamed(kind) && event_rename(stored, false) < 0)
		return -ENOMEM;
	kind_api_version(kind->group, version, api_version);
	snprintf(number, sizeof(number), "%" PRIu64, revision);
	if (!object || json_object_set_new(object, "apiVersion", json_string(api_version)) < 0 ||
		json_object_update(object, stored) < 0 ||
		json_object_set_new(meta, "resourceVersion", json_string(number)) < 0)
		return -ENOMEM;
	*ret = take_ptr(object);
	return 0;
}

/* Nothing can be spliced: it is read, and written anew. */
static int renamed_write(const struct blob *blob, uint64_t revision, const struct kind *kind,
	const char *version, struct buffer *out)
{
	AUTO_JSON object = NULL;
	AUTO_FREE char *text = NULL;
	int r = stored_decode(blob, revision, kind, version ? version : kind->versions[0], &object);

	if (r < 0)
		return -ENOMEM;
	if (!version) {
		json_object_del(object, "kind");
		json_object_del(object, "apiVersion");
	}
	text = json_text(object);
	return text ? buffer_append(out, text, strlen(text)) : -ENOMEM;
}

int stored_write(const struct blob *blob, uint64_t revision, const struct kind *kind,
	const char *version, struct buffer *out)
{
	char api_version[API_VERSION_LEN];
	int r;

	if (is_renamed(kind))
		return renamed_write(blob, revision, kind, version, out);
	if (version) {
		kind_api_version(kind->group, version, api_version);
		r = buffer_printf(out, "{\"kind\":\"%s\",\"apiVersion\":\"%s\",\"metadata\":{",
			kind->kind, api_version);
	} else {
		r = buffer_append(out, HEAD, strlen(HEAD));
	}
	if (r == 0)
		r = buffer_printf(out, "\"resourceVersion\":\"%" PRIu64 "\",", revision);
	if (r == 0)
		r = buffer_append(out, blob->data + strlen(HEAD), blob->size - strlen(HEAD));
	return r;
}

json_t *stored_find(
	struct store *store, const char *plural, const char *namespace, const char *name)
{
	const struct kind *kind = kind_by_resource("", "v1", plural);
	const struct store_entry *entry;
	char key[STORED_KEY_MAX];
	json_t *object = NULL;

	if (!name[0] || strchr(name, '/') || (namespace && strchr(namespace, '/')))
		return NULL;
	stored_key(kind, namespace, name, key);
	entry = store_get(store, key);
	if (entry)
		stored_decode(entry->value, entry->modified, kind, "v1", &object);
	return object;
}
