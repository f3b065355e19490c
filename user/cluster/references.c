// SPDX-License-Identifier: Apache-2.0
#include "user/cluster/references.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/base/fs.h"
#include "user/base/log.h"
#include "user/client/informer.h"
#include "user/model/place.h"

#define KEY_MAX (16 + 2 * (NAME_MAX_LEN + 1)) /* of an object */

struct reference {
	struct references *references;
	struct reference *next;
	char *key;
	struct token *token; /* NULL: it is an object */
	struct informer *informer;
	struct object *object; /* NULL: there is none */
	bool known;	       /* what is here was the server's answer once */
};

struct references {
	struct client *client;
	struct reference *first;
	json_t *cached; /* key -> object of those that are not followed yet */
	void (*changed)(void *userdata);
	void *userdata;
};

/* --- which a Pod names --- */

static int name_add(json_t *keys, enum object_kind kind, const char *namespace, const char *name)
{
	char key[KEY_MAX];

	if (!name[0])
		return 0;
	snprintf(key, sizeof(key), "%s/%s/%s", object_kind_name(kind), namespace, name);
	return json_object_set_new(keys, key, json_true());
}

/* @names: where ConfigMaps and Secrets stand in @holder ("configMapRef", "secretRef"), by "name". */
static int holder_add(json_t *keys, const char *namespace, const json_t *holder, const char *map,
	const char *secret)
{
	return name_add(keys, KIND_CONFIG_MAP, namespace,
		       json_string_at(json_object_get(holder, map), "name", "")) |
	       name_add(keys, KIND_SECRET, namespace,
		       json_string_at(json_object_get(holder, secret), "name", ""));
}

static int containers_add(json_t *keys, const char *namespace, const json_t *containers)
{
	json_t *container, *item;
	size_t i, k;
	int r = 0;

	json_array_foreach ((json_t *)containers, i, container) {
		json_array_foreach (json_object_get(container, "envFrom"), k, item)
			r |= holder_add(keys, namespace, item, "configMapRef", "secretRef");
		json_array_foreach (json_object_get(container, "env"), k, item)
			r |= holder_add(keys, namespace, json_object_get(item, "valueFrom"),
				"configMapKeyRef", "secretKeyRef");
	}
	return r;
}

static int token_add(json_t *keys, const json_t *pod, const json_t *source)
{
	struct token_want want = token_want_of(pod, json_string_at(source, "audience", ""),
		json_integer_at(source, "expirationSeconds", 0));
	AUTO_FREE char *key = token_key(&want);

	if (!source)
		return 0;
	return key ? json_object_set_new(keys, key, token_request(&want)) : -ENOMEM;
}

static int projections_add(
	json_t *keys, const char *namespace, const json_t *pod, const json_t *volume)
{
	json_t *source;
	int r = 0;
	size_t i;

	json_array_foreach (
		json_object_get(json_object_get(volume, "projected"), "sources"), i, source)
		r |= holder_add(keys, namespace, source, "configMap", "secret") |
		     token_add(keys, pod, json_object_get(source, "serviceAccountToken"));
	return r;
}

int references_of(const json_t *pod, json_t *keys)
{
	const char *namespace =
		json_string_at(json_object_get(pod, "metadata"), "namespace", DEFAULT_NAMESPACE);
	const json_t *spec = json_object_get(pod, "spec");
	json_t *volume;
	size_t i;
	int r = containers_add(keys, namespace, json_object_get(spec, "initContainers")) |
		containers_add(keys, namespace, json_object_get(spec, "containers")) |
		containers_add(keys, namespace, json_object_get(spec, "ephemeralContainers"));

	json_array_foreach (json_object_get(spec, "volumes"), i, volume)
		r |= holder_add(keys, namespace, volume, "configMap", "") |
		     name_add(keys, KIND_SECRET, namespace,
			     json_string_at(json_object_get(volume, "secret"), "secretName", "")) |
		     projections_add(keys, namespace, pod, volume);
	return r < 0 ? -ENOMEM : 0;
}

/* --- following one --- */

/* @json is the server's, or what we kept of it; NULL: there is none. */
static void reference_set(struct reference *reference, const json_t *json)
{
	AUTO_JSON copy = json_deep_copy(json);
	struct object *object = NULL;
	struct err err;

	if (json && object_decode(copy, PLACE_ROOT(NULL), &object, &err) < 0) {
		log_warning("%s: %s, ignoring it", reference->key, err.text);
		return;
	}
	object_free(reference->object);
	reference->object = object;
}

static void reference_changed(void *userdata, const json_t *object, const json_t *old)
{
	struct reference *reference = userdata;

	(void)old;
	reference_set(reference, object);
	if (reference->known)
		reference->references->changed(reference->references->userdata);
}

static void reference_synced(void *userdata)
{
	struct reference *reference = userdata;

	/* What was kept and is not listed has gone. */
	if (json_object_size(informer_objects(reference->informer)) == 0)
		reference_set(reference, NULL);
	reference->known = true;
	reference->references->changed(reference->references->userdata);
}

/* Who knows what it was can go on; else Pods wait for it. */
static void reference_lost(void *userdata, const char *message)
{
	const struct reference *reference = userdata;

	if (message[0] && !reference->known)
		log_warning("cannot read %s: %s, trying again", reference->key, message);
}

static const struct informer_events reference_events = {
	.changed = reference_changed,
	.synced = reference_synced,
	.lost = reference_lost,
};

static void reference_token_changed(void *userdata)
{
	struct reference *reference = userdata;

	reference->known = true;
	reference->references->changed(reference->references->userdata);
}

static void reference_free(struct reference *reference)
{
	informer_free(reference->informer);
	token_free(reference->token);
	free(reference->key);
	object_free(reference->object);
	free(reference);
}

/* "ConfigMap/default/web" -> the path of its collection, and what selects it. */
static int reference_open(struct references *references, struct reference *reference)
{
	const char *namespace = strchr(reference->key, '/') + 1;
	const char *name = strchr(namespace, '/') + 1;
	bool secret = strncmp(reference->key, "Secret/", 7) == 0;
	AUTO_FREE char *path = fs_format("/api/v1/namespaces/%.*s/%s", (int)(name - namespace - 1),
		namespace, secret ? "secrets" : "configmaps");
	AUTO_FREE char *query = fs_format("fieldSelector=metadata.name%%3D%s", name);

	if (!path || !query)
		return -ENOMEM;
	return informer_new(references->client, path, query, &reference_events, reference,
		&reference->informer);
}

/* @request: of a token; anything else: it is an object. */
static int reference_new(struct references *references, const char *key, const json_t *request)
{
	struct reference *reference = calloc(1, sizeof(*reference));
	const json_t *cached = json_object_get(references->cached, key);
	int r;

	if (!reference)
		return -ENOMEM;
	reference->references = references;
	reference->key = strdup(key);
	if (!reference->key)
		r = -ENOMEM;
	else if (json_is_object(request))
		r = token_new(references->client, request, cached, reference_token_changed,
			reference, &reference->token);
	else
		r = reference_open(references, reference);
	if (r < 0) {
		reference_free(reference);
		return -ENOMEM;
	}
	if (cached) {
		if (!reference->token)
			reference_set(reference, json_is_object(cached) ? cached : NULL);
		reference->known = true;
		json_object_del(references->cached, key);
	}
	reference->next = references->first;
	references->first = reference;
	return 0;
}

/* --- all --- */

static struct reference *references_find(const struct references *references, const char *key)
{
	struct reference *reference = references->first;

	while (reference && strcmp(reference->key, key) != 0)
		reference = reference->next;
	return reference;
}

void references_follow(struct references *references, const json_t *keys)
{
	struct reference **at = &references->first;
	const char *key;
	json_t *value;

	while (*at) {
		struct reference *reference = *at;

		if (json_object_get(keys, reference->key)) {
			at = &reference->next;
			continue;
		}
		*at = reference->next;
		reference_free(reference);
	}
	json_object_foreach ((json_t *)keys, key, value)
		if (!references_find(references, key) && reference_new(references, key, value) < 0)
			log_warning("%s: no memory to follow it, trying again", key);
}

bool references_are_known(const struct references *references, const json_t *keys)
{
	const struct reference *reference;
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)keys, key, value) {
		reference = references_find(references, key);
		if (!reference || !reference->known)
			return false;
	}
	return true;
}

const struct object *references_get(const struct references *references, enum object_kind kind,
	const char *namespace, const char *name)
{
	const struct reference *reference;
	char key[KEY_MAX];

	snprintf(key, sizeof(key), "%s/%s/%s", object_kind_name(kind), namespace, name);
	reference = references_find(references, key);
	return reference ? reference->object : NULL;
}

const char *references_token(
	const struct references *references, const struct token_want *want, struct err *err)
{
	AUTO_FREE char *key = token_key(want);
	const struct reference *reference = key ? references_find(references, key) : NULL;

	if (reference && reference->token)
		return token_text(reference->token, err);
	err_refuse(err, ENOENT, "the service account's token was not asked for yet");
	return NULL;
}

static json_t *reference_record(const struct reference *reference)
{
	if (reference->token)
		return token_record(reference->token);
	return reference->object ? json_incref(reference->object->json) : json_false();
}

json_t *references_record(const struct references *references)
{
	json_t *record = json_copy(references->cached);
	int r = record ? 0 : -1;

	for (const struct reference *at = references->first; r == 0 && at; at = at->next)
		if (at->known)
			r = json_object_set_new(record, at->key, reference_record(at));
	if (r == 0)
		return record;
	json_decref(record);
	return NULL;
}

int references_new(struct client *client, const json_t *cached, void (*changed)(void *userdata),
	void *userdata, struct references **ret)
{
	struct references *references = calloc(1, sizeof(*references));

	if (references) {
		references->client = client;
		references->changed = changed;
		references->userdata = userdata;
		references->cached = cached ? json_copy((json_t *)cached) : json_object();
	}
	if (!references || !references->cached) {
		free(references);
		return -ENOMEM;
	}
	*ret = references;
	return 0;
}

struct references *references_free(struct references *references)
{
	if (!references)
		return NULL;
	while (references->first) {
		struct reference *reference = references->first;

		references->first = reference->next;
		reference_free(reference);
	}
	json_decref(references->cached);
	free(references);
	return NULL;
}
