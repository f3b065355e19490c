// SPDX-License-Identifier: Apache-2.0
#include "tests/check.h"

#include "user/auth/nodes.h"

static json_t *parse(const char *text)
{
	json_t *json = NULL;
	struct err err;

	if (json_parse(text, strlen(text), "a case", &json, &err) < 0)
		BAIL(err.text);
	return json;
}

static void node_identity(const char *user, struct identity *ret)
{
	if (identity_make(user, "", ret) < 0 || identity_add_group(ret, GROUP_NODES) < 0)
		BAIL("memory");
}

#define ON(g, r, s, ns, n) .group = g, .resource = r, .subresource = s, .namespace = ns, .name = n

static const struct {
	const char *what;
	struct access access;
	enum node_verdict want;
	const char *reason;
} requests[] = {
	{"a Secret of a Pod", {.verb = "get", ON("", "secrets", "", "n", "s")}, NODE_ASKS_PODS, ""},
	{"all Secrets", {.verb = "list", ON("", "secrets", "", "n", "")}, NODE_SILENT,
		"No Object name found"},
	{"Secrets of all namespaces", {.verb = "list", ON("", "secrets", "", "", "")}, NODE_SILENT,
		"can only read namespaced object of this type"},
	{"changing a ConfigMap", {.verb = "update", ON("", "configmaps", "", "n", "c")},
		NODE_SILENT, "can only read resources of this type"},
	{"a token", {.verb = "create", ON("", "serviceaccounts", "token", "n", "a")},
		NODE_ASKS_PODS, ""},
	{"its lease",
		{.verb = "update",
			ON("coordination.k8s.io", "leases", "", "kube-node-lease", "n1")},
		NODE_ALLOWS, ""},
	{"a new lease",
		{.verb = "create", ON("coordination.k8s.io", "leases", "", "kube-node-lease", "")},
		NODE_ALLOWS, ""},
	{"another's lease",
		{.verb = "get", ON("coordination.k8s.io", "leases", "", "kube-node-lease", "n2")},
		NODE_SILENT,
		"can only access node lease with the same name as the requesting node"},
	{"a lease elsewhere",
		{.verb = "get", ON("coordination.k8s.io", "leases", "", "default", "n1")},
		NODE_SILENT, "can only access leases in the \"kube-node-lease\" system namespace"},
	{"its Pods", {.verb = "list", ON("", "pods", "", "", ""), .fields = "spec.nodeName=n1"},
		NODE_ALLOWS, ""},
	{"its Pods, and more terms",
		{.verb = "watch",
			ON("", "pods", "", "", ""),
			.fields = "status.phase!=Failed,spec.nodeName==n1"},
		NODE_ALLOWS, ""},
	{"another's Pods",
		{.verb = "list", ON("", "pods", "", "", ""), .fields = "spec.nodeName=n11"},
		NODE_SILENT, "can only list/watch pods with spec.nodeName field selector"},
	{"all Pods but its own",
		{.verb = "list", ON("", "pods", "", "", ""), .fields = "spec.nodeName!=n1"},
		NODE_SILENT, "can only list/watch pods with spec.nodeName field selector"},
	{"all Pods", {.verb = "list", ON("", "pods", "", "", ""), .fields = ""}, NODE_SILENT,
		"can only list/watch pods with spec.nodeName field selector"},
	{"a Pod's status", {.verb = "patch", ON("", "pods", "status", "n", "p")}, NODE_OWN_POD, ""},
	{"a Pod's spec", {.verb = "update", ON("", "pods", "", "n", "p")}, NODE_SILENT, ""},
	{"exec", {.verb = "create", ON("", "pods", "exec", "n", "p")}, NODE_SILENT, ""},
	{"its status", {.verb = "patch", ON("", "nodes", "status", "", "n1")}, NODE_ALLOWS, ""},
	{"another's status", {.verb = "patch", ON("", "nodes", "status", "", "n2")}, NODE_SILENT,
		"node is not allowed to modify other nodes"},
	{"deleting itself", {.verb = "delete", ON("", "nodes", "", "", "n1")}, NODE_SILENT, ""},
	{"Services", {.verb = "watch", ON("", "services", "", "", "")}, NODE_ALLOWS, ""},
	{"changing Services", {.verb = "create", ON("", "services", "", "n", "")}, NODE_SILENT, ""},
	{"an event", {.verb = "create", ON("", "events", "", "n", "")}, NODE_ALLOWS, ""},
	{"roles", {.verb = "create", ON("rbac.authorization.k8s.io", "clusterroles", "", "", "")},
		NODE_SILENT, ""},
	{"a Secret in another group", {.verb = "get", ON("x", "secrets", "", "n", "s")},
		NODE_SILENT, ""},
};

TEST(a_node_may_what_its_pods_need)
{
	AUTO_IDENTITY who = {0};

	node_identity("system:node:n1", &who);
	for (size_t i = 0; i < COUNT(requests); i++) {
		struct access access = requests[i].access;
		const char *reason;

		access.who = &who;
		CHECK_EQ(requests[i].what, node_judge(&access, &reason), requests[i].want);
		CHECK_STR(requests[i].what, reason, requests[i].reason);
	}
}

TEST(who_is_no_node_is_not_judged_as_one)
{
	struct access access = {.verb = "get", ON("", "nodes", "", "", "n1")};
	AUTO_IDENTITY other = {0};
	AUTO_IDENTITY nameless = {0};
	AUTO_IDENTITY outside = {0};
	const char *reason;

	node_identity("kubelet", &other);
	node_identity("system:node:", &nameless);
	if (identity_make("system:node:n1", "", &outside) < 0)
		BAIL("memory");
	access.who = &other;
	CHECK_EQ("another user of the group", node_judge(&access, &reason), NODE_SILENT);
	access.who = &nameless;
	CHECK_EQ("a node without a name", node_judge(&access, &reason), NODE_SILENT);
	access.who = &outside;
	CHECK_EQ("outside the group", node_judge(&access, &reason), NODE_SILENT);
}

TEST(pods_use_what_they_name)
{
	static const struct {
		const char *what, *pod, *resource, *name;
		bool want;
	} cases[] = {
		{"a volume", "{\"spec\":{\"volumes\":[{\"secret\":{\"secretName\":\"s\"}}]}}",
			"secrets", "s", true},
		{"another", "{\"spec\":{\"volumes\":[{\"secret\":{\"secretName\":\"s\"}}]}}",
			"secrets", "t", false},
		{"another kind", "{\"spec\":{\"volumes\":[{\"secret\":{\"secretName\":\"s\"}}]}}",
			"configmaps", "s", false},
		{"projected",
			"{\"spec\":{\"volumes\":[{\"projected\":{\"sources\":[{\"configMap\":{"
			"\"name\":"
			"\"c\"}}]}}]}}",
			"configmaps", "c", true},
		{"a variable",
			"{\"spec\":{\"initContainers\":[{\"env\":[{\"valueFrom\":{\"secretKeyRef\":"
			"{"
			"\"name\":\"s\"}}}]}]}}",
			"secrets", "s", true},
		{"all variables",
			"{\"spec\":{\"containers\":[{\"envFrom\":[{\"configMapRef\":{\"name\":"
			"\"c\"}}]}]"
			"}}",
			"configmaps", "c", true},
		{"for images", "{\"spec\":{\"imagePullSecrets\":[{\"name\":\"s\"}]}}", "secrets",
			"s", true},
		{"its account", "{\"spec\":{\"serviceAccountName\":\"a\"}}", "serviceaccounts", "a",
			true},
		{"a mirror Pod has no account", "{\"spec\":{}}", "serviceaccounts", "default",
			false},
		{"nothing", "{}", "secrets", "s", false},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		AUTO_JSON pod = parse(cases[i].pod);

		CHECK_EQ(cases[i].what, node_pod_uses(pod, cases[i].resource, cases[i].name),
			cases[i].want);
	}
}

#define NODE(name, rest) "{\"metadata\":{\"name\":\"" name "\"" rest "}}"
#define LABELS(text)	 ",\"labels\":{" text "}"
#define OWNER(kind, name)                                                                          \
	",\"ownerReferences\":[{\"apiVersion\":\"v1\",\"kind\":\"" kind "\",\"name\":\"" name "\"" \
	"}]"
#define MIRROR(kind, name)                                                              \
	"{\"metadata\":{\"annotations\":{\"kubernetes.io/config.mirror\":\"x\"}" OWNER( \
		kind, name) "},\"spec\":{\"nodeName\":\"n1\"}}"
static const struct {
	const char *what, *resource, *subresource, *verb;
	const char *object, *old; /* old NULL: it is new */
	const char *why;	  /* NULL: it may */
} writes[] = {
	{"itself", "nodes", "", "create", NODE("n1", ""), NULL, NULL},
	{"another", "nodes", "", "create", NODE("n2", ""), NULL,
		"is not allowed to modify other nodes"},
	{"its host name", "nodes", "", "create",
		NODE("n1", LABELS("\"kubernetes.io/hostname\":\"n1\"")), NULL, NULL},
	{"a label of its own", "nodes", "", "patch", NODE("n1", LABELS("\"disk\":\"fast\"")),
		NODE("n1", ""), NULL},
	{"a role", "nodes", "", "patch",
		NODE("n1", LABELS("\"node-role.kubernetes.io/master\":\"\"")), NODE("n1", ""),
		"labels of Kubernetes' own domains"},
	{"a label of the kubelet's", "nodes", "", "patch",
		NODE("n1", LABELS("\"x.kubelet.kubernetes.io/a\":\"b\"")), NODE("n1", ""), NULL},
	{"one that only looks so", "nodes", "", "patch",
		NODE("n1", LABELS("\"notk8s.io/a\":\"b\"")), NODE("n1", ""), NULL},
	{"a restriction that holds Pods off", "nodes", "", "patch",
		NODE("n1", LABELS("\"node-restriction.kubernetes.io/a\":\"b\"")), NODE("n1", ""),
		"labels of Kubernetes' own domains"},
	{"taking such a label away", "nodes", "", "patch", NODE("n1", ""),
		NODE("n1", LABELS("\"x.k8s.io/a\":\"b\"")), "labels of Kubernetes' own domains"},
	{"its taints", "nodes", "", "patch",
		"{\"metadata\":{\"name\":\"n1\"},\"spec\":{\"taints\":[]}}",
		"{\"metadata\":{\"name\":\"n1\"},\"spec\":{\"taints\":[{\"key\":\"a\"}]}}",
		"modify taints"},
	{"whom it goes with", "nodes", "", "patch", NODE("n1", OWNER("ConfigMap", "x")),
		NODE("n1", ""), "modify ownerReferences"},
	{"a new one goes with nobody", "nodes", "", "create", NODE("n1", OWNER("ConfigMap", "x")),
		NULL, "modify ownerReferences"},
	{"what others have set stays", "nodes", "", "patch", NODE("n1", OWNER("ConfigMap", "x")),
		NODE("n1", OWNER("ConfigMap", "x")), NULL},
	{"a mirror Pod goes with it", "pods", "", "create", MIRROR("Node", "n1"), NULL, NULL},
	{"not with another", "pods", "", "create", MIRROR("Node", "n2"), NULL,
		"owner reference set to itself"},
	{"nor with a ReplicaSet", "pods", "", "create", MIRROR("ReplicaSet", "n1"), NULL,
		"owner reference set to itself"},
	{"its Pod's status", "pods", "status", "patch", "{\"spec\":{\"nodeName\":\"n1\"}}",
		"{\"spec\":{\"nodeName\":\"n1\"}}", NULL},
	{"another's", "pods", "status", "patch", "{\"spec\":{\"nodeName\":\"n1\"}}",
		"{\"spec\":{\"nodeName\":\"n2\"}}", "spec.nodeName set to itself"},
	{"its mirror Pod", "pods", "", "create",
		"{\"metadata\":{\"annotations\":{\"kubernetes.io/config.mirror\":\"x\"}},"
		"\"spec\":{\"nodeName\":\"n1\"}}",
		NULL, NULL},
	{"its status gives it no role", "nodes", "status", "patch",
		NODE("n1", LABELS("\"node-role.kubernetes.io/master\":\"\"")), NODE("n1", ""),
		"labels of Kubernetes' own domains"},
	{"a Pod's status no labels", "pods", "status", "patch",
		"{\"metadata\":{\"labels\":{\"a\":\"b\"}},\"spec\":{\"nodeName\":\"n1\"}}",
		"{\"spec\":{\"nodeName\":\"n1\"}}", "labels through pod status"},
	{"no mirror Pod to read a Secret by", "pods", "", "create",
		"{\"metadata\":{\"annotations\":{\"kubernetes.io/config.mirror\":\"x\"}},"
		"\"spec\":{\"nodeName\":\"n1\",\"volumes\":[{\"secret\":{\"secretName\":"
		"\"s\"}}]}}",
		NULL, "reference secrets"},
	{"nor a ConfigMap", "pods", "", "create",
		"{\"metadata\":{\"annotations\":{\"kubernetes.io/config.mirror\":\"x\"}},"
		"\"spec\":{\"nodeName\":\"n1\",\"containers\":[{\"envFrom\":[{"
		"\"configMapRef\":{\"name\":\"c\"}}]}]}}",
		NULL, "reference configmaps"},
	{"any other Pod", "pods", "", "create", "{\"spec\":{\"nodeName\":\"n1\"}}", NULL,
		"can only create mirror pods"},
	{"a Pod with an account", "pods", "", "create",
		"{\"metadata\":{\"annotations\":{\"kubernetes.io/config.mirror\":\"x\"}},"
		"\"spec\":{\"nodeName\":\"n1\",\"serviceAccountName\":\"a\"}}",
		NULL, "reference a service account"},
	{"a new lease of another's name", "leases", "", "create", NODE("n2", ""), NULL,
		"same name as the requesting node"},
	{"events are nobody's", "events", "", "create", NODE("x", ""), NULL, NULL},
};

TEST(a_node_changes_what_is_its_own)
{
	for (size_t i = 0; i < COUNT(writes); i++) {
		struct access access = {.verb = writes[i].verb,
			ON("", writes[i].resource, writes[i].subresource, "", "")};
		AUTO_JSON object = parse(writes[i].object);
		AUTO_JSON old = writes[i].old ? parse(writes[i].old) : NULL;
		const char *why = node_write_refusal("n1", &access, object, old);

		if (writes[i].why)
			CHECK_HAS(writes[i].what, why ? why : "it may", writes[i].why);
		else
			CHECK_STR(writes[i].what, why ? why : "", "");
	}
}
