// SPDX-License-Identifier: Apache-2.0
#include "user/api/admit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/api/authorize.h"
#include "user/api/failure.h"
#include "user/api/policy.h"
#include "user/api/request.h"
#include "user/api/state.h"
#include "user/auth/nodes.h"
#include "user/auth/rules.h"
#include "user/base/cleanup.h"

/* --- rights --- */

static int no_memory(struct failure *failure)
{
	return failure_internal(failure, "out of memory");
}

/* Upstream's words: `user "u" (groups=["a" "b"]) is attempting to grant ...`. */
static char *groups_text(const struct identity *who)
{
	const json_t *groups = json_object_get(who->info, "groups");
	json_t *group;
	size_t i, size;
	char *text = NULL;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	json_array_foreach (groups, i, group)
		fprintf(out, "%s\"%s\"", i ? " " : "", json_string_value(group));
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

static int refuse_grant(
	const struct api_request *request, const json_t *missing, struct failure *failure)
{
	AUTO_FREE char *groups = groups_text(&request->who);
	AUTO_FREE char *rule = rule_text(missing);

	if (!groups || !rule)
		return no_memory(failure);
	failure_set(failure, 403, "Forbidden",
		"%s.%s \"%s\" is forbidden: user \"%s\" (groups=[%s]) is attempting to grant RBAC "
		"permissions not currently held:\n%s",
		request->kind->plural, request->kind->group, request->name,
		identity_user(&request->who), groups, rule);
	failure_about(failure, request, request->name);
	return -1;
}

#define QUESTIONS_MOST (16u << 20) /* a second; rules that people write ask some thousands */

static int refuse_too_many(const struct api_request *request, struct failure *failure)
{
	failure_set(failure, 403, "Forbidden",
		"%s.%s \"%s\" is forbidden: its rules are too many to be compared with those "
		"currently held",
		request->kind->plural, request->kind->group, request->name);
	failure_about(failure, request, request->name);
	return -1;
}

/* @rules would be given in @namespace ("": everywhere). */
static int check_held(const struct api_request *request, const json_t *rules, const char *namespace,
	struct failure *failure)
{
	AUTO_JSON held = NULL;
	const json_t *missing;

	if (policy_rules(request->api->policy, &request->who, namespace, &held) < 0)
		return no_memory(failure);
	if (rules_questions(held, rules) > QUESTIONS_MOST)
		return refuse_too_many(request, failure);
	missing = rules_first_uncovered(held, rules);
	return missing ? refuse_grant(request, missing, failure) : 0;
}

static int may(const struct api_request *request, const char *verb, const char *resource,
	const char *namespace, const char *name)
{
	struct access access = {
		.who = &request->who,
		.verb = verb,
		.group = "rbac.authorization.k8s.io",
		.version = "v1",
		.resource = resource,
		.subresource = "",
		.namespace = namespace,
		.name = name,
		.fields = "",
	};
	const char *reason;

	return authorize_ask(request->api, &access, &reason);
}

static bool is_same(const json_t *object, const json_t *old, const char *key)
{
	const json_t *a = json_object_get(object, key), *b = json_object_get(old, key);

	return a == b || (a && b && json_equal(a, b));
}

static int admit_role(const struct api_request *request, const json_t *object, const json_t *old,
	struct failure *failure)
{
	AUTO_JSON all = NULL;
	int r;

	if (old && is_same(object, old, "rules") && is_same(object, old, "aggregationRule"))
		return 0;
	r = may(request, "escalate", request->kind->plural, request->namespace, request->name);
	if (r != 0)
		return r < 0 ? no_memory(failure) : 0;
	/* What a role gathers may become anything. */
	if (json_object_get(object, "aggregationRule")) {
		all = json_pack("[{s:[s], s:[s], s:[s]}, {s:[s], s:[s]}]", "verbs", "*",
			"apiGroups", "*", "resources", "*", "verbs", "*", "nonResourceURLs", "*");
		if (!all)
			return no_memory(failure);
		return check_held(request, all, "", failure);
	}
	return check_held(request, json_object_get(object, "rules"), request->namespace, failure);
}

static int admit_binding(const struct api_request *request, const json_t *object, const json_t *old,
	struct failure *failure)
{
	const json_t *role_ref = json_object_get(object, "roleRef");
	const char *name = json_string_at(role_ref, "name", "");
	bool cluster = strcmp(json_string_at(role_ref, "kind", ""), "ClusterRole") == 0;
	const char *namespace = request->namespace;
	const json_t *rules;
	int r;

	if (old && is_same(object, old, "roleRef") && is_same(object, old, "subjects"))
		return 0;
	r = may(request, "bind", cluster ? "clusterroles" : "roles", namespace, name);
	if (r != 0)
		return r < 0 ? no_memory(failure) : 0;
	rules = policy_role_rules(request->api->policy, role_ref, namespace);
	if (rules)
		return check_held(request, rules, namespace, failure);
	failure_set(failure, 404, "NotFound", "%s.rbac.authorization.k8s.io \"%s\" not found",
		cluster ? "clusterroles" : "roles", name);
	return -1;
}

static int admit_rights(const struct api_request *request, const json_t *object, const json_t *old,
	struct failure *failure)
{
	const char *plural = request->kind->plural;

	if (strcmp(plural, "roles") == 0 || strcmp(plural, "clusterroles") == 0)
		return admit_role(request, object, old, failure);
	return admit_binding(request, object, old, failure);
}

/* --- nodes --- */

static int admit_node(const struct api_request *request, const char *node, const json_t *object,
	const json_t *old, struct failure *failure)
{
	struct access access;
	const char *why;

	authorize_access(request, &access);
	why = node_write_refusal(node, &access, object, old);
	if (!why)
		return 0;
	failure_set(failure, 403, "Forbidden", "%s \"%s\" is forbidden: node \"%s\" %s",
		request->kind->plural, request->name, node, why);
	failure_about(failure, request, request->name);
	return -1;
}

int admit_write(const struct api_request *request, const json_t *object, const json_t *old,
	bool deletes, struct failure *failure)
{
	const char *node;

	if (identity_has_group(&request->who, GROUP_MASTERS))
		return 0;
	node = identity_node(&request->who);
	if (node && admit_node(request, node, object, old, failure) < 0)
		return -1;
	if (deletes || strcmp(request->kind->group, "rbac.authorization.k8s.io") != 0)
		return 0;
	return admit_rights(request, object, old, failure);
}
