// SPDX-License-Identifier: Apache-2.0
#include "user/api/authorize.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "user/api/failure.h"
#include "user/api/policy.h"
#include "user/api/request.h"
#include "user/api/state.h"
#include "user/api/stored.h"
#include "user/auth/nodes.h"
#include "user/base/cleanup.h"
#include "user/http/server.h"
#include "user/store/store.h"

/* --- nodes --- */

/* NULL: what cannot be read is on no node, and uses nothing. */
static json_t *pod_at(const struct store_entry *entry)
{
	json_t *pod = NULL;

	return json_parse(entry->value->data, entry->value->size, "a Pod", &pod, NULL) == 0 ? pod
											    : NULL;
}

static bool pod_is_on(const json_t *pod, const char *node)
{
	return strcmp(json_string_at(json_object_get(pod, "spec"), "nodeName", ""), node) == 0;
}

static int pod_is_own(struct api *api, const struct access *access, const char *node)
{
	const struct kind *kind = kind_by_resource("", "v1", "pods");
	const struct store_entry *entry;
	char key[STORED_KEY_MAX];
	AUTO_JSON pod = NULL;

	stored_key(kind, access->namespace, access->name, key);
	entry = store_get(api->store, key);
	/* Whether it is there is no secret: its name tells nothing. */
	if (!entry)
		return 1;
	pod = pod_at(entry);
	return pod_is_on(pod, node);
}

/* Most Pods do not even hold both names. */
static bool entry_may_use(
	const struct store_entry *entry, const struct access *access, const char *node)
{
	const struct blob *blob = entry->value;

	return memmem(blob->data, blob->size, node, strlen(node)) &&
	       (strcmp(access->resource, "serviceaccounts") == 0 ||
		       memmem(blob->data, blob->size, access->name, strlen(access->name)));
}

static int pods_use(struct api *api, const struct access *access, const char *node)
{
	const struct kind *kind = kind_by_resource("", "v1", "pods");
	const struct store_entry *const *entries;
	char prefix[STORED_KEY_MAX];
	size_t count;

	stored_prefix(kind, access->namespace, prefix);
	entries = store_range(api->store, prefix, NULL, &count);
	for (size_t i = 0; i < count; i++) {
		AUTO_JSON pod = NULL;

		if (!entry_may_use(entries[i], access, node))
			continue;
		pod = pod_at(entries[i]);
		if (pod_is_on(pod, node) && node_pod_uses(pod, access->resource, access->name))
			return 1;
	}
	return 0;
}

static int node_ask(struct api *api, const struct access *access, const char **ret_reason)
{
	const char *node = identity_node(access->who);

	switch (node_judge(access, ret_reason)) {
	case NODE_ALLOWS: return 1;
	case NODE_OWN_POD: return pod_is_own(api, access, node);
	case NODE_ASKS_PODS: return pods_use(api, access, node);
	default: return 0;
	}
}

/* --- any access --- */

int authorize_ask(struct api *api, const struct access *access, const char **ret_reason)
{
	int r;

	*ret_reason = "";
	if (identity_has_group(access->who, GROUP_MASTERS))
		return 1;
	r = node_ask(api, access, ret_reason);
	return r == 0 ? policy_allows(api->policy, access) : r;
}

static int refuse(const struct access *access, const char *reason, struct failure *failure)
{
	const char *node = identity_node(access->who);
	AUTO_FREE char *text = access_refusal(access, reason);
	char relation[400];

	/* As Kubernetes words it where a look at the Pods has found nothing. */
	if (text && node && !reason[0] && !access->path && access->name[0]) {
		snprintf(relation, sizeof(relation),
			"no relationship found between node '%s' and this object", node);
		cleanup_free(&text);
		text = access_refusal(access, relation);
	}
	if (!text)
		return failure_internal(failure, "out of memory");
	failure_set(failure, 403, "Forbidden", "%s", text);
	failure->details = json_object();
	if (access->path)
		return -1;
	if (access->name[0])
		json_object_set_new(failure->details, "name", json_any_text(access->name));
	if (access->group[0])
		json_object_set_new(failure->details, "group", json_string(access->group));
	json_object_set_new(failure->details, "kind", json_string(access->resource));
	return -1;
}

int authorize(struct api *api, const struct access *access, struct failure *failure)
{
	const char *reason;
	int r = authorize_ask(api, access, &reason);

	if (r > 0)
		return 0;
	return r < 0 ? failure_internal(failure, "out of memory") : refuse(access, reason, failure);
}

/* A list or watch that a field selector pins to one object is about that one. */
static const char *pinned_name(const char *fields)
{
	static const char key[] = "metadata.name=";

	if (strncmp(fields, key, strlen(key)) != 0 || strpbrk(fields, ",!\\"))
		return "";
	fields += strlen(key);
	return *fields == '=' ? fields + 1 : fields;
}

void authorize_access(const struct api_request *request, struct access *ret)
{
	bool many = request->verb == VERB_LIST || request->verb == VERB_WATCH;
	const char *fields =
		many ? http_exchange_query(request->exchange, "fieldSelector", 0) : NULL;

	*ret = (struct access){
		.who = &request->who,
		.verb = kind_verb_name(request->verb),
		.group = request->kind->group,
		.version = request->version,
		.resource = request->kind->plural,
		.subresource = request->subresource ? request->subresource->name : "",
		.namespace = request->namespace,
		.name = request->has_name || !fields ? request->name : pinned_name(fields),
		.fields = fields ? fields : "",
	};
	/* A namespace is in itself. */
	if (!request->kind->group[0] && strcmp(request->kind->plural, "namespaces") == 0)
		ret->namespace = request->name;
}

int authorize_request(const struct api_request *request, struct failure *failure)
{
	struct access access;

	authorize_access(request, &access);
	return authorize(request->api, &access, failure);
}

int authorize_path(struct api *api, const struct identity *who,
	const struct http_exchange *exchange, struct failure *failure)
{
	const char *method = http_exchange_method(exchange);
	char verb[32] = "";
	struct access access = {
		.who = who,
		.verb = verb,
		.group = "",
		.version = "",
		.resource = "",
		.subresource = "",
		.namespace = "",
		.name = "",
		.fields = "",
		.path = http_exchange_path(exchange),
	};

	for (size_t i = 0; method[i] && i + 1 < sizeof(verb); i++)
		verb[i] = (char)tolower((unsigned char)method[i]);
	return authorize(api, &access, failure);
}
