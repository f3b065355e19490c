// SPDX-License-Identifier: Apache-2.0
#include "user/auth/builtin.h"

#include <stdbool.h>
#include <string.h>

#include "user/auth/bootstrap.h"
#include "user/base/cleanup.h"

#define RULES_MOST 24

#define READ  "get,list,watch"
#define WRITE "create,delete,deletecollection,patch,update"
#define BOTH  "create,delete,deletecollection,get,list,patch,update,watch"

/* Words are separated by commas; groups NULL: resources are paths. */
struct rule_row {
	const char *groups, *resources, *verbs;
};

struct role_row {
	const char *name;
	const char *joins; /* adds its rules to this role; NULL: to none */
	const char
		*subject_group; /* a binding of the same name gives it to them; NULL: to nobody */
	struct rule_row rules[RULES_MOST];
};

static const struct role_row roles[] = {
	{"cluster-admin", NULL, GROUP_MASTERS, {{"*", "*", "*"}, {NULL, "*", "*"}}},
	{"system:discovery", NULL, GROUP_AUTHENTICATED,
		{{NULL,
			"/api,/api/*,/apis,/apis/*,/healthz,/livez,/openapi,/openapi/*,/readyz,"
			"/version,/version/",
			"get"}}},
	{"system:public-info-viewer", NULL, GROUP_AUTHENTICATED,
		{{NULL, "/healthz,/livez,/readyz,/version,/version/", "get"}}},
	{"system:basic-user", NULL, GROUP_AUTHENTICATED,
		{{"authorization.k8s.io", "selfsubjectaccessreviews,selfsubjectrulesreviews",
			 "create"},
			{"authentication.k8s.io", "selfsubjectreviews", "create"}}},
	{"system:aggregate-to-view", "view", NULL,
		{{"",
			 "bindings,configmaps,endpoints,events,limitranges,namespaces,namespaces/"
			 "status,"
			 "persistentvolumeclaims,persistentvolumeclaims/status,pods,pods/log,pods/"
			 "status,replicationcontrollers,replicationcontrollers/scale,"
			 "replicationcontrollers/status,resourcequotas,resourcequotas/status,"
			 "serviceaccounts,services,services/status",
			 READ},
			{"discovery.k8s.io", "endpointslices", READ},
			{"apps",
				"controllerrevisions,daemonsets,daemonsets/status,deployments,"
				"deployments/scale,deployments/status,replicasets,replicasets/"
				"scale,"
				"replicasets/status,statefulsets,statefulsets/scale,statefulsets/"
				"status",
				READ},
			{"autoscaling", "horizontalpodautoscalers,horizontalpodautoscalers/status",
				READ},
			{"batch", "cronjobs,cronjobs/status,jobs,jobs/status", READ},
			{"policy", "poddisruptionbudgets,poddisruptionbudgets/status", READ},
			{"networking.k8s.io", "ingresses,ingresses/status,networkpolicies", READ}}},
	{"system:aggregate-to-edit", "edit", NULL,
		{{"", "pods/attach,pods/exec,pods/portforward,pods/proxy,secrets,services/proxy",
			 READ},
			{"", "serviceaccounts", "impersonate"},
			{"",
				"pods,pods/attach,pods/exec,pods/portforward,pods/proxy,configmaps,"
				"events,persistentvolumeclaims,replicationcontrollers,"
				"replicationcontrollers/scale,secrets,serviceaccounts,services,"
				"services/proxy",
				WRITE},
			{"", "pods/eviction,serviceaccounts/token", "create"},
			{"apps",
				"daemonsets,deployments,deployments/rollback,deployments/scale,"
				"replicasets,replicasets/scale,statefulsets,statefulsets/scale",
				WRITE},
			{"autoscaling", "horizontalpodautoscalers", WRITE},
			{"batch", "cronjobs,jobs", WRITE},
			{"policy", "poddisruptionbudgets", WRITE},
			{"networking.k8s.io", "ingresses,networkpolicies", WRITE},
			{"coordination.k8s.io", "leases", BOTH}}},
	{"system:aggregate-to-admin", "admin", NULL,
		{{"authorization.k8s.io", "localsubjectaccessreviews", "create"},
			{"rbac.authorization.k8s.io", "rolebindings,roles", BOTH}}},
	{"system:node", NULL, NULL,
		{{"authentication.k8s.io", "tokenreviews", "create"},
			{"authorization.k8s.io", "localsubjectaccessreviews,subjectaccessreviews",
				"create"},
			{"", "services", READ}, {"", "nodes", "create,get,list,watch"},
			{"", "nodes/status", "patch,update"}, {"", "nodes", "patch,update"},
			{"", "events", "create,patch,update"}, {"", "pods", READ},
			{"", "pods", "create,delete"}, {"", "pods/status", "patch,update"},
			{"", "pods/eviction", "create"}, {"", "configmaps,secrets", READ},
			{"", "persistentvolumeclaims,persistentvolumes", "get"},
			{"", "endpoints", "get"},
			{"certificates.k8s.io", "certificatesigningrequests",
				"create,get,list,watch"},
			{"coordination.k8s.io", "leases", "create,delete,get,patch,update"},
			{"", "serviceaccounts/token", "create"}, {"", "serviceaccounts", "get"},
			{"discovery.k8s.io", "endpointslices", READ}}},
	{"system:node-proxier", NULL, NULL,
		{{"", "endpoints,services", "list,watch"}, {"", "nodes", READ},
			{",events.k8s.io", "events", "create,patch,update"},
			{"discovery.k8s.io", "endpointslices", "list,watch"}}},
	{"system:kube-dns", NULL, NULL,
		{{"", "endpoints,services", "list,watch"},
			{"discovery.k8s.io", "endpointslices", "list,watch"}}},
	{"system:node-bootstrapper", NULL, BOOTSTRAP_GROUP,
		{{"certificates.k8s.io", "certificatesigningrequests", "create,get,list,watch"}}},
	{"system:auth-delegator", NULL, NULL,
		{{"authentication.k8s.io", "tokenreviews", "create"},
			{"authorization.k8s.io", "subjectaccessreviews", "create"}}},
};

/* Each is what joins it, and what joins those that stand before it. */
static const char *const joined[] = {"view", "edit", "admin"};

static json_t *words_json(const char *words)
{
	json_t *list = json_array();

	for (;;) {
		size_t len = strcspn(words, ",");

		json_array_append_new(list, json_stringn(words, len));
		if (!words[len])
			return list;
		words += len + 1;
	}
}

static json_t *rule_json(const struct rule_row *row)
{
	if (!row->groups)
		return json_pack("{s:o, s:o}", "nonResourceURLs", words_json(row->resources),
			"verbs", words_json(row->verbs));
	return json_pack("{s:o, s:o, s:o}", "apiGroups", words_json(row->groups), "resources",
		words_json(row->resources), "verbs", words_json(row->verbs));
}

static json_t *object_json(const char *kind, const char *name)
{
	return json_pack("{s:{s:s, s:{s:s}, s:{s:s}}, s:s}", "metadata", "name", name, "labels",
		"kubernetes.io/bootstrapping", "rbac-defaults", "annotations",
		"rbac.authorization.kubernetes.io/autoupdate", "true", "kind", kind);
}

/* "rbac.authorization.k8s.io/aggregate-to-view" */
static json_t *label_of(const char *role)
{
	return json_sprintf("rbac.authorization.k8s.io/aggregate-to-%s", role);
}

static void object_label(json_t *object, const char *role)
{
	json_t *labels = json_object_get(json_object_get(object, "metadata"), "labels");
	json_t *name = label_of(role);

	json_object_set_new(labels, json_string_value(name), json_string("true"));
	json_decref(name);
}

static json_t *role_json(const struct role_row *row)
{
	json_t *object = object_json("ClusterRole", row->name), *rules = json_array();

	for (const struct rule_row *rule = row->rules; rule->verbs; rule++)
		json_array_append_new(rules, rule_json(rule));
	json_object_set_new(object, "rules", rules);
	if (row->joins)
		object_label(object, row->joins);
	return object;
}

static json_t *binding_json(const struct role_row *row)
{
	json_t *object = object_json("ClusterRoleBinding", row->name);

	json_object_set_new(object, "subjects",
		json_pack("[{s:s, s:s, s:s}]", "kind", "Group", "apiGroup",
			"rbac.authorization.k8s.io", "name", row->subject_group));
	json_object_set_new(object, "roleRef",
		json_pack("{s:s, s:s, s:s}", "apiGroup", "rbac.authorization.k8s.io", "kind",
			"ClusterRole", "name", row->name));
	return object;
}

/* The rules of all roles that join @upto or one before it. */
static json_t *joined_rules(size_t upto)
{
	json_t *rules = json_array();

	for (size_t i = 0; i < COUNT(roles); i++)
		for (size_t j = 0; roles[i].joins && j <= upto; j++)
			for (const struct rule_row *rule = roles[i].rules;
				rule->verbs && strcmp(roles[i].joins, joined[j]) == 0; rule++)
				json_array_append_new(rules, rule_json(rule));
	return rules;
}

/* view joins edit, and edit joins admin, as roles that others make may. */
static json_t *joined_json(size_t index)
{
	json_t *object = object_json("ClusterRole", joined[index]);
	json_t *name = label_of(joined[index]);

	if (index + 1 < COUNT(joined))
		object_label(object, joined[index + 1]);
	json_object_set_new(object, "rules", joined_rules(index));
	json_object_set_new(object, "aggregationRule",
		json_pack("{s:[{s:{s:s}}]}", "clusterRoleSelectors", "matchLabels",
			json_string_value(name), "true"));
	json_decref(name);
	return object;
}

static bool list_is_complete(const json_t *list, size_t want)
{
	return list && json_array_size(list) == want;
}

json_t *builtin_objects(void)
{
	json_t *list = json_array();
	size_t want = COUNT(joined);

	for (size_t i = 0; i < COUNT(joined); i++)
		json_array_append_new(list, joined_json(i));
	for (size_t i = 0; i < COUNT(roles); i++) {
		json_array_append_new(list, role_json(&roles[i]));
		want++;
		if (!roles[i].subject_group)
			continue;
		json_array_append_new(list, binding_json(&roles[i]));
		want++;
	}
	if (list_is_complete(list, want))
		return list;
	json_decref(list);
	return NULL;
}
