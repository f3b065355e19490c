// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "user/api/apply.h"
#include "user/api/body.h"
#include "user/api/change.h"
#include "user/api/meta.h"
#include "user/api/state.h"
#include "user/api/strategy.h"
#include "user/api/stored.h"
#include "user/api/write.h"
#include "user/base/cleanup.h"
#include "user/store/store.h"

static int namespace_refuse(const struct api_request *request, struct failure *failure)
{
	char words[REQUEST_NAME_MAX + 32];

	failure_set(failure, 403, "Forbidden",
		"%s%s%s \"%s\" is forbidden: unable to create new content in namespace %s because "
		"it is being terminated",
		request->kind->plural, request->kind->group[0] ? "." : "", request->kind->group,
		request->name, request->namespace);
	failure_about(failure, request, request->name);
	snprintf(words, sizeof(words), "namespace %s is being terminated", request->namespace);
	json_object_set_new(failure->details, "causes",
		json_pack("[{s:s, s:s, s:s}]", "reason", "NamespaceTerminating", "message", words,
			"field", "metadata.namespace"));
	return -1;
}

int create_check_namespace(struct write *write, struct failure *failure)
{
	const struct api_request *request = &write->request;
	const struct kind *kind = kind_by_resource("", "v1", "namespaces");
	const struct store_entry *entry;
	AUTO_JSON namespace = NULL;
	char key[STORED_KEY_MAX];

	if (!request->kind->namespaced)
		return 0;
	stored_key(kind, NULL, request->namespace, key);
	entry = store_get(request->api->store, key);
	if (!entry) {
		failure_set(failure, 404, "NotFound", "namespaces \"%s\" not found",
			request->namespace);
		failure->details =
			json_pack("{s:s, s:s}", "name", request->namespace, "kind", "namespaces");
		return -1;
	}
	if (stored_decode(entry->value, entry->modified, kind, "v1", &namespace) < 0 ||
		claims_add(&write->claims, CLAIM_GUARD, key, entry->modified) < 0)
		return failure_internal(failure, "out of memory");
	return json_object_get(json_object_get(namespace, "metadata"), "deletionTimestamp")
		       ? namespace_refuse(request, failure)
		       : 0;
}

/* What the client has sent and its defaults are the client's; what else the server adds is nobody's. */
static int create_manage(const struct write *write)
{
	const struct kind *kind = write->request.kind;
	struct manager room;
	struct managed_by by = manager_of(&write->request, write->manager, &room);

	return managed_create(write->object, &by, kind->message, strategy_of(kind)->has_status);
}

/* write->data: the object as the client sent it. */
static int create_step(struct write *write, json_t *old, struct failure *failure)
{
	const json_t *sent = write->data;
	bool generated = !json_string_at(json_object_get(sent, "metadata"), "name", "")[0];
	json_t *object;

	if (create_check_namespace(write, failure) < 0)
		return -1;
	if (old && (!generated || write->tries == 0)) {
		failure_set(failure, 409, "AlreadyExists", "%s%s%s \"%s\" already exists",
			write->request.kind->plural, write->request.kind->group[0] ? "." : "",
			write->request.kind->group, write->request.name);
		failure_about(failure, &write->request, write->request.name);
		return -1;
	}
	object = json_deep_copy(sent);
	if (!object)
		return failure_internal(failure, "out of memory");
	write->object = object;
	write->effect = WRITE_PUT;
	if (meta_create(&write->request, object, failure) < 0 ||
		strategy_prepare(&write->request, object, failure) < 0)
		return -1;
	if (create_manage(write) < 0)
		return failure_internal(failure, "out of memory");
	return strategy_create(&write->request, object, failure);
}

/* Somebody else has made it: the next step says so, or chooses another name. */
static bool create_retries(struct write *write)
{
	(void)write;
	return true;
}

static void create_release(struct write *write)
{
	json_decref(write->data);
}

static const struct write_steps create_steps = {
	.step = create_step,
	.retries = create_retries,
	.release = create_release,
};

int change_create(struct api_request *request, struct failure *failure)
{
	json_t *object;

	if (body_named_object(request, &object, failure) < 0)
		return -1;
	snprintf(request->name, sizeof(request->name), "%s",
		json_string_at(json_object_get(object, "metadata"), "name", ""));
	write_begin(request, &create_steps, object, 201);
	return 0;
}
