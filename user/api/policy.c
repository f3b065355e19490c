// SPDX-License-Identifier: Apache-2.0
#include "user/api/policy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/auth/rules.h"
#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/model/selector.h"
#include "user/store/store.h"

enum { CLUSTER_ROLES, ROLES, CLUSTER_BINDINGS, BINDINGS, TABLES };

static const char *const prefixes[TABLES] = {
	[CLUSTER_ROLES] = "/clusterroles/",
	[ROLES] = "/roles/",
	[CLUSTER_BINDINGS] = "/clusterrolebindings/",
	[BINDINGS] = "/rolebindings/",
};

struct policy {
	struct store *store;
	struct store_watch *watches[TABLES];
	json_t *tables[TABLES]; /* namespace ("": none) -> name -> object */
	json_t *joined; /* ClusterRoles with an aggregationRule -> rules; NULL: to be made */
};

/* --- following the store --- */

/* "/roles/ns/name" or "/clusterroles/name": *@ret_name stands in @key, the namespace is copied. */
static void key_split(const char *key, const char *prefix, char *ret_namespace, size_t size,
	const char **ret_name)
{
	const char *rest = key + strlen(prefix), *slash = strchr(rest, '/');

	snprintf(ret_namespace, size, "%.*s", slash ? (int)(slash - rest) : 0, rest);
	*ret_name = slash ? slash + 1 : rest;
}

static int policy_put(
	struct policy *policy, unsigned table, const char *key, const struct blob *value)
{
	char namespace[256];
	const char *name;
	json_t *objects, *object = NULL;

	if (table == CLUSTER_ROLES) {
		json_decref(policy->joined);
		policy->joined = NULL;
	}
	key_split(key, prefixes[table], namespace, sizeof(namespace), &name);
	objects = json_object_get(policy->tables[table], namespace);
	if (!value) {
		json_object_del(objects, name);
		return 0;
	}
	/* What cannot be read grants nothing. */
	if (json_parse(value->data, value->size, "a role", &object, NULL) == -ENOMEM)
		return -ENOMEM;
	if (!objects) {
		objects = json_object();
		if (json_object_set_new(policy->tables[table], namespace, objects) < 0) {
			json_decref(object);
			return -ENOMEM;
		}
	}
	return json_object_set_new(objects, name, object ? object : json_object()) < 0 ? -ENOMEM
										       : 0;
}

static void policy_wake(void *userdata)
{
	(void)userdata; /* read when somebody asks */
}

static int policy_load(struct policy *policy, unsigned table)
{
	const struct store_entry *const *entries;
	size_t count;
	int r;

	policy->watches[table] = store_watch_free(policy->watches[table]);
	json_decref(policy->tables[table]);
	policy->tables[table] = json_object();
	if (!policy->tables[table])
		return -ENOMEM;
	r = store_watch_new(policy->store, prefixes[table], store_revision(policy->store),
		policy_wake, policy, &policy->watches[table]);
	entries = store_range(policy->store, prefixes[table], NULL, &count);
	for (size_t i = 0; r == 0 && i < count; i++)
		r = policy_put(policy, table, entries[i]->key, entries[i]->value);
	return r;
}

static int policy_catch_up(struct policy *policy, unsigned table)
{
	const struct store_event *event;
	bool stale = false;
	int r = 0;

	if (!policy->watches[table])
		return policy_load(policy, table); /* memory was out */
	while (r == 0 && (event = store_watch_next(policy->watches[table], &stale)) != NULL)
		r = policy_put(policy, table, event->key, event->value);
	if (r < 0) {
		policy->watches[table] = store_watch_free(policy->watches[table]);
		return r;
	}
	return stale ? policy_load(policy, table) : 0;
}

static int policy_follow(struct policy *policy)
{
	int r = 0;

	for (unsigned table = 0; r == 0 && table < TABLES; table++)
		r = policy_catch_up(policy, table);
	return r;
}

int policy_new(struct store *store, struct policy **ret, struct err *err)
{
	struct policy *policy = calloc(1, sizeof(*policy));
	int r = policy ? 0 : -ENOMEM;

	if (r == 0)
		policy->store = store;
	for (unsigned table = 0; r == 0 && table < TABLES; table++)
		r = policy_load(policy, table);
	if (r < 0) {
		policy_free(policy);
		return err_set(err, -r, "read the roles");
	}
	*ret = policy;
	return 0;
}

struct policy *policy_free(struct policy *policy)
{
	if (!policy)
		return NULL;
	for (unsigned table = 0; table < TABLES; table++) {
		store_watch_free(policy->watches[table]);
		json_decref(policy->tables[table]);
	}
	json_decref(policy->joined);
	free(policy);
	return NULL;
}

/* --- roles --- */

static int rules_append(json_t *list, const json_t *rules)
{
	json_t *rule;
	size_t i;

	json_array_foreach (rules, i, rule)
		if (json_array_append(list, rule) < 0)
			return -ENOMEM;
	return 0;
}

static bool role_is_selected(const json_t *role, const json_t *selectors)
{
	const json_t *labels = json_object_get(json_object_get(role, "metadata"), "labels");
	json_t *item;
	size_t i;

	json_array_foreach (selectors, i, item) {
		struct label_selector *selector = NULL;
		bool matches = label_selector_read(item, &selector, NULL) == 0 &&
			       label_selector_matches(selector, labels);

		label_selector_free(selector);
		if (matches)
			return true;
	}
	return false;
}

/* The rules of those that @role gathers, and of those that they gather.  @met: all that were looked at, each once. */
static int role_join(const json_t *roles, const json_t *role, json_t *met, json_t *list)
{
	const json_t *gather = json_object_get(role, "aggregationRule");
	const char *name;
	json_t *other;
	int r = 0;

	if (!gather)
		return rules_append(list, json_object_get(role, "rules"));
	json_object_foreach ((json_t *)roles, name, other) {
		if (r < 0 || json_object_get(met, name) ||
			!role_is_selected(other, json_object_get(gather, "clusterRoleSelectors")))
			continue;
		r = json_object_set_new(met, name, json_true()) < 0
			    ? -ENOMEM
			    : role_join(roles, other, met, list);
	}
	return r;
}

static int policy_join(struct policy *policy)
{
	const json_t *roles = json_object_get(policy->tables[CLUSTER_ROLES], "");
	AUTO_JSON joined = json_object();
	const char *name;
	json_t *role;

	if (policy->joined)
		return 0;
	if (!joined)
		return -ENOMEM;
	json_object_foreach ((json_t *)roles, name, role) {
		AUTO_JSON met = NULL;
		json_t *list;

		if (!json_object_get(role, "aggregationRule"))
			continue;
		met = json_pack("{s:b}", name, 1);
		list = json_array();
		if (!met || json_object_set_new(joined, name, list) < 0 ||
			role_join(roles, role, met, list) < 0)
			return -ENOMEM;
	}
	policy->joined = take_ptr(joined);
	return 0;
}

static const json_t *role_rules(
	const struct policy *policy, const json_t *role_ref, const char *namespace)
{
	bool cluster = strcmp(json_string_at(role_ref, "kind", ""), "ClusterRole") == 0;
	const char *name = json_string_at(role_ref, "name", "");
	const json_t *objects = json_object_get(
		policy->tables[cluster ? CLUSTER_ROLES : ROLES], cluster ? "" : namespace);
	const json_t *joined = cluster ? json_object_get(policy->joined, name) : NULL;

	if (!cluster && !namespace[0])
		return NULL;
	return joined ? joined : json_object_get(json_object_get(objects, name), "rules");
}

const json_t *policy_role_rules(
	struct policy *policy, const json_t *role_ref, const char *namespace)
{
	if (policy_follow(policy) < 0 || policy_join(policy) < 0)
		return NULL;
	return role_rules(policy, role_ref, namespace);
}

/* --- who may what --- */

/* Calls @look with the rules of each binding that is @who's, until it answers something else than 0. */
static int bindings_visit(const struct policy *policy, unsigned table, const char *namespace,
	const struct identity *who, int (*look)(void *userdata, const json_t *rules),
	void *userdata)
{
	const json_t *objects = json_object_get(policy->tables[table], namespace);
	const char *name;
	json_t *binding;
	int r = 0;

	json_object_foreach ((json_t *)objects, name, binding) {
		const json_t *rules;

		if (!subjects_have(json_object_get(binding, "subjects"), who, namespace))
			continue;
		rules = role_rules(policy, json_object_get(binding, "roleRef"), namespace);
		r = rules ? look(userdata, rules) : 0;
		if (r != 0)
			break;
	}
	return r;
}

static int policy_visit(struct policy *policy, const char *namespace, const struct identity *who,
	int (*look)(void *userdata, const json_t *rules), void *userdata)
{
	int r = policy_follow(policy);

	if (r == 0)
		r = policy_join(policy);
	if (r == 0)
		r = bindings_visit(policy, CLUSTER_BINDINGS, "", who, look, userdata);
	if (r == 0 && namespace[0])
		r = bindings_visit(policy, BINDINGS, namespace, who, look, userdata);
	return r;
}

static int look_allows(void *userdata, const json_t *rules)
{
	return rules_allow(rules, userdata);
}

int policy_allows(struct policy *policy, const struct access *access)
{
	return policy_visit(policy, access->path ? "" : access->namespace, access->who, look_allows,
		(void *)access);
}

static int look_collect(void *userdata, const json_t *rules)
{
	return rules_append(userdata, rules);
}

int policy_rules(
	struct policy *policy, const struct identity *who, const char *namespace, json_t **ret)
{
	AUTO_JSON list = json_array();
	int r = list ? policy_visit(policy, namespace, who, look_collect, list) : -ENOMEM;

	if (r == 0)
		*ret = take_ptr(list);
	return r;
}
