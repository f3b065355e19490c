// SPDX-License-Identifier: Apache-2.0
#include "user/api/meta.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "user/api/failure.h"
#include "user/api/request.h"
#include "user/base/clock.h"

#define SUFFIX_LEN	 5
#define GENERATED_PREFIX 58 /* 63 less the suffix */

/* No vowels, and nothing that looks like another: as upstream's names. */
static const char suffix_letters[] = "bcdfghjklmnpqrstvwxz2456789";

/* Keys that belong to the server, whatever the client sends. */
static const char *const own_keys[] = {"uid", "creationTimestamp", "deletionTimestamp",
	"deletionGracePeriodSeconds", "generation", "selfLink", NULL};

bool meta_uuid(char ret[META_UUID_LEN])
{
	uint8_t b[16];

	if (getrandom(b, sizeof(b), 0) != sizeof(b))
		return false;
	b[6] = (b[6] & 0x0f) | 0x40; /* RFC 9562, version 4 */
	b[8] = (b[8] & 0x3f) | 0x80;
	snprintf(ret, META_UUID_LEN,
		"%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
		b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
		b[15]);
	return true;
}

static bool name_generate(const char *prefix, char ret[REQUEST_NAME_MAX])
{
	uint8_t random[SUFFIX_LEN];
	char suffix[SUFFIX_LEN + 1] = "";

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return false;
	for (size_t i = 0; i < SUFFIX_LEN; i++)
		suffix[i] = suffix_letters[random[i] % (sizeof(suffix_letters) - 1)];
	snprintf(ret, REQUEST_NAME_MAX, "%.*s%s", GENERATED_PREFIX, prefix, suffix);
	return true;
}

int meta_check_path(
	const struct api_request *request, const json_t *object, struct failure *failure)
{
	const json_t *meta = json_object_get(object, "metadata");
	const char *name = json_string_at(meta, "name", "");
	const char *namespace = json_string_at(meta, "namespace", "");

	if (namespace[0] && strcmp(namespace, request->namespace) != 0)
		return failure_set(failure, 400, "BadRequest",
			"the namespace of the provided object does not match the namespace sent on "
			"the request");
	if (request->has_name && name[0] && strcmp(name, request->name) != 0)
		return failure_set(failure, 400, "BadRequest",
			"the name of the object (%s) does not match the name on the URL (%s)", name,
			request->name);
	return 0;
}

static int meta_name(struct api_request *request, json_t *meta, struct failure *failure)
{
	const char *name = json_string_at(meta, "name", "");
	const char *prefix = json_string_at(meta, "generateName", "");

	if (strlen(name) >= REQUEST_NAME_MAX || strlen(prefix) >= REQUEST_NAME_MAX)
		return failure_set(failure, 422, "Invalid",
			"metadata.name: Too long: may not be more than 253 bytes");
	if (name[0])
		snprintf(request->name, sizeof(request->name), "%s", name);
	else if (!prefix[0])
		request->name[0] = '\0'; /* validation says so */
	else if (!name_generate(prefix, request->name))
		return failure_internal(failure, "no random numbers");
	if (request->name[0])
		json_object_set_new(meta, "name", json_string(request->name));
	return 0;
}

int meta_create(struct api_request *request, json_t *object, struct failure *failure)
{
	json_t *meta = json_object_get(object, "metadata");
	char uid[META_UUID_LEN], now[CLOCK_RFC3339_LEN];

	if (!meta) {
		meta = json_object();
		if (json_object_set_new(object, "metadata", meta) < 0)
			return failure_internal(failure, "out of memory");
	}
	if (json_string_at(meta, "resourceVersion", "")[0])
		return failure_set(failure, 400, "BadRequest",
			"resourceVersion should not be set on objects to be created");
	if (meta_check_path(request, object, failure) < 0 || meta_name(request, meta, failure) < 0)
		return -1;
	for (const char *const *key = own_keys; *key; key++)
		json_object_del(meta, *key);
	json_object_del(meta, "managedFields");
	if (!meta_uuid(uid))
		return failure_internal(failure, "no random numbers");
	clock_rfc3339(clock_wall(), now);
	if (request->kind->namespaced)
		json_object_set_new(meta, "namespace", json_string(request->namespace));
	else
		json_object_del(meta, "namespace");
	json_object_set_new(meta, "uid", json_string(uid));
	json_object_set_new(meta, "creationTimestamp", json_string(now));
	return 0;
}

static int meta_check_uid(const struct api_request *request, const json_t *meta,
	const json_t *old_meta, struct failure *failure)
{
	const char *uid = json_string_at(meta, "uid", ""),
		   *old = json_string_at(old_meta, "uid", "");

	if (!uid[0] || strcmp(uid, old) == 0)
		return 0;
	failure_set(failure, 409, "Conflict",
		"Operation cannot be fulfilled on %s \"%s\": Precondition failed: UID in "
		"precondition: "
		"%s, UID in object meta: %s",
		request->kind->plural, request->name, uid, old);
	failure_about(failure, request, request->name);
	return -1;
}

int meta_update(const struct api_request *request, json_t *object, const json_t *old,
	struct failure *failure)
{
	json_t *meta = json_object_get(object, "metadata");
	const json_t *old_meta = json_object_get(old, "metadata");
	const char *revision;

	if (!json_is_object(meta)) {
		meta = json_object();
		if (json_object_set_new(object, "metadata", meta) < 0)
			return failure_internal(failure, "out of memory");
	}
	revision = json_string_at(meta, "resourceVersion", "");
	if (meta_check_path(request, object, failure) < 0 ||
		meta_check_uid(request, meta, old_meta, failure) < 0)
		return -1;
	if (revision[0] && strcmp(revision, "0") != 0 &&
		strcmp(revision, json_string_at(old_meta, "resourceVersion", "")) != 0)
		return failure_conflict(failure, request);
	for (const char *const *key = own_keys; *key; key++) {
		json_object_del(meta, *key);
		if (json_object_get(old_meta, *key))
			json_object_set(meta, *key, json_object_get(old_meta, *key));
	}
	json_object_set(meta, "name", json_object_get(old_meta, "name"));
	if (request->kind->namespaced)
		json_object_set(meta, "namespace", json_object_get(old_meta, "namespace"));
	json_object_set(meta, "resourceVersion", json_object_get(old_meta, "resourceVersion"));
	return 0;
}

bool meta_is_over(const json_t *object)
{
	const json_t *meta = json_object_get(object, "metadata");

	return json_object_get(meta, "deletionTimestamp") &&
	       json_integer_at(meta, "deletionGracePeriodSeconds", 0) == 0 &&
	       !meta_has_finalizers(object);
}

/* A namespace has finalizers of its own, in spec. */
bool meta_has_finalizers(const json_t *object)
{
	const json_t *meta = json_object_get(object, "metadata");
	const json_t *spec = json_object_get(object, "spec");

	return json_array_size(json_object_get(meta, "finalizers")) > 0 ||
	       json_array_size(json_object_get(spec, "finalizers")) > 0;
}

int meta_mark_deleted(json_t *object, long long grace)
{
	json_t *meta = json_object_get(object, "metadata");
	char when[CLOCK_RFC3339_LEN];

	clock_rfc3339(clock_wall() + (uint64_t)grace * USEC_PER_SEC, when);
	return json_object_set_new(meta, "deletionTimestamp", json_string(when)) |
	       json_object_set_new(meta, "deletionGracePeriodSeconds", json_integer(grace));
}

void meta_raise_generation(json_t *object)
{
	json_t *meta = json_object_get(object, "metadata");

	json_object_set_new(
		meta, "generation", json_integer(json_integer_at(meta, "generation", 0) + 1));
}
