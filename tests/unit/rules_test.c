// SPDX-License-Identifier: Apache-2.0
#include "tests/check.h"

#include "user/auth/builtin.h"
#include "user/auth/rules.h"

static json_t *parse(const char *text)
{
	json_t *json = NULL;
	struct err err;

	if (json_parse(text, strlen(text), "a case", &json, &err) < 0)
		BAIL(err.text);
	return json;
}

/* "bob" in groups "a b". */
static void identity_of(const char *user, const char *groups, struct identity *ret)
{
	AUTO_FREE char *copy = strdup(groups);
	char *at = copy, *group;

	if (identity_make(user, "", ret) < 0)
		BAIL("memory");
	while ((group = strsep(&at, " ")) != NULL)
		if (*group)
			identity_add_group(ret, group);
}

TEST(a_rule_allows_what_it_says_and_nothing_else)
{
	static const struct {
		const char *what, *rule;
		struct access access;
		bool want;
	} cases[] = {
#define POD_RULE "{\"apiGroups\":[\"\"],\"resources\":[\"pods\"],\"verbs\":[\"get\",\"list\"]}"
#define ALL_RULE "{\"apiGroups\":[\"*\"],\"resources\":[\"*\"],\"verbs\":[\"*\"]}"
#define NAMED_RULE                                                                        \
	"{\"apiGroups\":[\"\"],\"resources\":[\"configmaps\"],\"resourceNames\":[\"c\"]," \
	"\"verbs\":[\"get\"]}"
#define LOG_RULE       "{\"apiGroups\":[\"\"],\"resources\":[\"*/log\"],\"verbs\":[\"get\"]}"
#define PATH_RULE      "{\"nonResourceURLs\":[\"/healthz\",\"/api/*\"],\"verbs\":[\"get\"]}"
#define ON(g, r, s, n) .group = g, .resource = r, .subresource = s, .name = n
		{"verb and resource", POD_RULE, {.verb = "get", ON("", "pods", "", "p")}, true},
		{"another verb", POD_RULE, {.verb = "delete", ON("", "pods", "", "p")}, false},
		{"another resource", POD_RULE, {.verb = "get", ON("", "secrets", "", "")}, false},
		{"another group", POD_RULE, {.verb = "get", ON("apps", "pods", "", "")}, false},
		{"not its subresources", POD_RULE, {.verb = "get", ON("", "pods", "log", "p")},
			false},
		{"stars", ALL_RULE, {.verb = "x", ON("g", "r", "s", "n")}, true},
		{"but no paths", ALL_RULE, {.verb = "get", .path = "/healthz"}, false},
		{"that name", NAMED_RULE, {.verb = "get", ON("", "configmaps", "", "c")}, true},
		{"another name", NAMED_RULE, {.verb = "get", ON("", "configmaps", "", "d")}, false},
		{"no name", NAMED_RULE, {.verb = "get", ON("", "configmaps", "", "")}, false},
		{"a subresource of all", LOG_RULE, {.verb = "get", ON("", "pods", "log", "p")},
			true},
		{"not the resources", LOG_RULE, {.verb = "get", ON("", "log", "", "p")}, false},
		{"another subresource", LOG_RULE, {.verb = "get", ON("", "pods", "exec", "p")},
			false},
		{"a path", PATH_RULE, {.verb = "get", .path = "/healthz"}, true},
		{"a path below", PATH_RULE, {.verb = "get", .path = "/api/v1"}, true},
		{"not beside it", PATH_RULE, {.verb = "get", .path = "/apis"}, false},
		{"not below an exact one", PATH_RULE, {.verb = "get", .path = "/healthz/x"}, false},
		{"paths are no resources", PATH_RULE, {.verb = "get", ON("", "healthz", "", "")},
			false},
		{"an empty rule", "{}", {.verb = "get", ON("", "pods", "", "")}, false},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		AUTO_JSON rule = parse(cases[i].rule);

		CHECK_EQ(cases[i].what, rule_allows(rule, &cases[i].access), cases[i].want);
	}
}

TEST(a_subject_is_who_it_names)
{
	static const struct {
		const char *what, *subject, *namespace, *user, *groups;
		bool want;
	} cases[] = {
		{"a user", "{\"kind\":\"User\",\"name\":\"bob\"}", "", "bob", "", true},
		{"another user", "{\"kind\":\"User\",\"name\":\"bob\"}", "", "bo", "bob", false},
		{"a group", "{\"kind\":\"Group\",\"name\":\"dev\"}", "", "bob", "ops dev", true},
		{"a group is no user", "{\"kind\":\"Group\",\"name\":\"bob\"}", "", "bob", "",
			false},
		{"an account", "{\"kind\":\"ServiceAccount\",\"namespace\":\"n\",\"name\":\"a\"}",
			"", "system:serviceaccount:n:a", "", true},
		{"of the binding's namespace", "{\"kind\":\"ServiceAccount\",\"name\":\"a\"}", "n",
			"system:serviceaccount:n:a", "", true},
		{"of no namespace", "{\"kind\":\"ServiceAccount\",\"name\":\"a\"}", "",
			"system:serviceaccount::a", "", false},
		{"of another namespace",
			"{\"kind\":\"ServiceAccount\",\"namespace\":\"n\",\"name\":\"a\"}", "m",
			"system:serviceaccount:m:a", "", false},
		{"a longer name",
			"{\"kind\":\"ServiceAccount\",\"namespace\":\"n\",\"name\":\"a\"}", "",
			"system:serviceaccount:n:ab", "", false},
		{"nobody", "{\"kind\":\"User\",\"name\":\"\"}", "", "bob", "", false},
		{"an unknown kind", "{\"kind\":\"Robot\",\"name\":\"bob\"}", "", "bob", "", false},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		AUTO_JSON subject = parse(cases[i].subject);
		AUTO_IDENTITY who = {0};

		identity_of(cases[i].user, cases[i].groups, &who);
		CHECK_EQ(cases[i].what, subject_is(subject, &who, cases[i].namespace),
			cases[i].want);
	}
}

TEST(nobody_gives_what_he_has_not)
{
	static const struct {
		const char *what, *held, *given;
		bool want; /* it is covered */
	} cases[] = {
		{"the same", "[" POD_RULE "]", "[" POD_RULE "]", true},
		{"nothing", "[]", "[]", true},
		{"from nothing", "[]", "[" POD_RULE "]", false},
		{"from everything", "[" ALL_RULE "]", "[" POD_RULE "," LOG_RULE "]", true},
		{"everything from a part", "[" POD_RULE "]", "[" ALL_RULE "]", false},
		{"one verb of two", "[" POD_RULE "]",
			"[{\"apiGroups\":[\"\"],\"resources\":[\"pods\"],\"verbs\":[\"get\"]}]",
			true},
		{"one verb more", "[" POD_RULE "]",
			"[{\"apiGroups\":[\"\"],\"resources\":[\"pods\"],\"verbs\":[\"get\","
			"\"watch\"]}]",
			false},
		{"two rules together",
			"[" POD_RULE ",{\"apiGroups\":[\"\"],\"resources\":[\"secrets\"],"
			"\"verbs\":[\"get\"]}]",
			"[{\"apiGroups\":[\"\"],\"resources\":[\"pods\",\"secrets\"],\"verbs\":["
			"\"get\"]}]",
			true},
		{"all names from one", "[" NAMED_RULE "]",
			"[{\"apiGroups\":[\"\"],\"resources\":[\"configmaps\"],\"verbs\":[\"get\"]}"
			"]",
			false},
		{"one name from all",
			"[{\"apiGroups\":[\"\"],\"resources\":[\"configmaps\"],\"verbs\":[\"get\"]}"
			"]",
			"[" NAMED_RULE "]", true},
		{"another name", "[" NAMED_RULE "]",
			"[{\"apiGroups\":[\"\"],\"resources\":[\"configmaps\"],\"resourceNames\":["
			"\"c\",\"d\"],\"verbs\":[\"get\"]}]",
			false},
		{"a subresource from all of them", "[" LOG_RULE "]",
			"[{\"apiGroups\":[\"\"],\"resources\":[\"pods/log\"],\"verbs\":[\"get\"]}]",
			true},
		{"a path below", "[" PATH_RULE "]",
			"[{\"nonResourceURLs\":[\"/api/v1\"],\"verbs\":[\"get\"]}]", true},
		{"all paths", "[" PATH_RULE "]",
			"[{\"nonResourceURLs\":[\"*\"],\"verbs\":[\"get\"]}]", false},
		{"paths from resources", "[" ALL_RULE "]",
			"[{\"nonResourceURLs\":[\"/x\"],\"verbs\":[\"get\"]}]", false},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		AUTO_JSON held = parse(cases[i].held);
		AUTO_JSON given = parse(cases[i].given);

		CHECK_EQ(cases[i].what, !rules_first_uncovered(held, given), cases[i].want);
	}
}

TEST(a_rule_is_shown_as_kubernetes_shows_it)
{
	AUTO_JSON rule = parse("{\"verbs\":[\"get\",\"list\"],\"apiGroups\":[\"\",\"apps\"],"
			       "\"resources\":[\"pods\"],\"resourceNames\":[]}");
	AUTO_FREE char *text = rule_text(rule);

	CHECK_STR("text", text,
		"{APIGroups:[\"\" \"apps\"], Resources:[\"pods\"], Verbs:[\"get\" \"list\"]}");
}

TEST(refusals_are_worded_as_kubernetes_words_them)
{
	static const struct {
		const char *what;
		struct access access;
		const char *reason, *want;
	} cases[] = {
		{"a collection", {.verb = "list", ON("", "pods", "", ""), .namespace = "default"},
			"",
			"pods is forbidden: User \"bob\" cannot list resource \"pods\" in API "
			"group "
			"\"\" in the namespace \"default\""},
		{"an object of a group",
			{.verb = "get", ON("apps", "deployments", "", "web"), .namespace = "n"}, "",
			"deployments.apps \"web\" is forbidden: User \"bob\" cannot get resource "
			"\"deployments\" in API group \"apps\" in the namespace \"n\""},
		{"a subresource at the cluster",
			{.verb = "update", ON("", "nodes", "status", "a"), .namespace = ""}, "",
			"nodes \"a\" is forbidden: User \"bob\" cannot update resource "
			"\"nodes/status\" in API group \"\" at the cluster scope"},
		{"with a reason",
			{.verb = "get", ON("", "secrets", "", "s"), .namespace = "default"},
			"no relationship found between node 'lab1' and this object",
			"secrets \"s\" is forbidden: User \"bob\" cannot get resource \"secrets\" "
			"in "
			"API group \"\" in the namespace \"default\": no relationship found "
			"between "
			"node 'lab1' and this object"},
		{"a path", {.verb = "get", .path = "/metrics"}, "",
			"forbidden: User \"bob\" cannot get path \"/metrics\""},
	};
	AUTO_IDENTITY who = {0};

	identity_of("bob", "", &who);
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct access access = cases[i].access;
		AUTO_FREE char *text = NULL;

		access.who = &who;
		text = access_refusal(&access, cases[i].reason);
		CHECK_STR(cases[i].what, text, cases[i].want);
	}
}

/* --- built-in roles --- */

static const json_t *role_find(const json_t *objects, const char *kind, const char *name)
{
	json_t *object;
	size_t i;

	json_array_foreach (objects, i, object)
		if (strcmp(json_string_at(object, "kind", ""), kind) == 0 &&
			strcmp(json_string_at(json_object_get(object, "metadata"), "name", ""),
				name) == 0)
			return object;
	return NULL;
}

TEST(the_built_in_roles_let_in_whom_they_should)
{
	static const struct {
		const char *what, *role;
		struct access access;
		bool want;
	} cases[] = {
		{"view reads Pods", "view", {.verb = "list", ON("", "pods", "", "")}, true},
		{"view reads no Secrets", "view", {.verb = "get", ON("", "secrets", "", "")},
			false},
		{"view changes nothing", "view", {.verb = "create", ON("", "pods", "", "")}, false},
		{"view runs nothing", "view", {.verb = "create", ON("", "pods", "exec", "")},
			false},
		{"edit reads what view reads", "edit", {.verb = "list", ON("", "pods", "", "")},
			true},
		{"edit makes Deployments", "edit",
			{.verb = "create", ON("apps", "deployments", "", "")}, true},
		{"edit gives no rights", "edit",
			{.verb = "create", ON("rbac.authorization.k8s.io", "rolebindings", "", "")},
			false},
		{"edit changes no nodes", "edit", {.verb = "update", ON("", "nodes", "", "")},
			false},
		{"admin gives rights", "admin",
			{.verb = "create", ON("rbac.authorization.k8s.io", "rolebindings", "", "")},
			true},
		{"admin edits", "admin", {.verb = "delete", ON("", "secrets", "", "")}, true},
		{"admin has no nodes", "admin", {.verb = "get", ON("", "nodes", "", "")}, false},
		{"cluster-admin has all", "cluster-admin", {.verb = "x", ON("a", "b", "c", "d")},
			true},
		{"paths, too", "cluster-admin", {.verb = "get", .path = "/metrics"}, true},
		{"discovery", "system:discovery", {.verb = "get", .path = "/apis/apps/v1"}, true},
		{"which is no metrics", "system:discovery", {.verb = "get", .path = "/metrics"},
			false},
	};
	AUTO_JSON objects = builtin_objects();

	for (size_t i = 0; i < COUNT(cases); i++) {
		const json_t *role = role_find(objects, "ClusterRole", cases[i].role);

		CHECK_EQ(cases[i].what,
			rules_allow(json_object_get(role, "rules"), &cases[i].access),
			cases[i].want);
	}
}

TEST(masters_are_bound_and_strangers_are_not)
{
	AUTO_JSON objects = builtin_objects();
	const json_t *binding = role_find(objects, "ClusterRoleBinding", "cluster-admin");
	AUTO_IDENTITY master = {0};
	AUTO_IDENTITY stranger = {0};
	json_t *object;
	size_t i;

	identity_of("a", GROUP_MASTERS, &master);
	identity_of("system:anonymous", GROUP_UNAUTHENTICATED, &stranger);
	CHECK("a master is an administrator",
		subjects_have(json_object_get(binding, "subjects"), &master, ""));
	json_array_foreach (objects, i, object)
		CHECK("nothing is a stranger's",
			!subjects_have(json_object_get(object, "subjects"), &stranger, ""));
}

TEST(what_a_comparison_costs_is_known_before)
{
	static const struct {
		const char *what, *rules;
		size_t want;
	} rows[] = {
		{"nothing", "[]", 0},
		{"each verb upon each resource of each group",
			"[{\"verbs\":[\"a\",\"b\"],\"apiGroups\":[\"\",\"c\",\"d\"],"
			"\"resources\":[\"e\",\"f\"]}]",
			2 * 3 * 2 * 2},
		{"each name",
			"[{\"verbs\":[\"a\"],\"apiGroups\":[\"\"],\"resources\":[\"e\"],"
			"\"resourceNames\":[\"x\",\"y\",\"z\"]}]",
			3 * 2},
		{"paths",
			"[{\"verbs\":[\"a\",\"b\"],\"nonResourceURLs\":[\"/x\",\"/y\"]},"
			"{\"verbs\":[\"a\"],\"nonResourceURLs\":[\"/x\"]}]",
			(2 * 2 + 1) * 2},
	};
	AUTO_JSON held = parse("[{},{}]");

	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO_JSON rules = parse(rows[i].rules);

		CHECK_EQ(rows[i].what, rules_questions(held, rules), rows[i].want);
	}
}
