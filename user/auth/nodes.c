// SPDX-License-Identifier: Apache-2.0
#include "user/auth/nodes.h"

#include <string.h>

#include "user/base/cleanup.h"

#define LEASES "kube-node-lease"

static bool is_one_of(const char *word, const char *const *words)
{
	for (; *words; words++)
		if (strcmp(word, *words) == 0)
			return true;
	return false;
}

#define IS(word, ...) is_one_of(word, (const char *const[]){__VA_ARGS__, NULL})

/* --- requests --- */

/* "spec.nodeName=n1", alone or as one of several terms. */
static bool fields_pin_node(const char *fields, const char *node)
{
	static const char key[] = "spec.nodeName=";

	while (*fields) {
		size_t len = strcspn(fields, ","), skip = strlen(key);

		if (strncmp(fields, key, skip) == 0) {
			skip += fields[skip] == '=';
			if (len == skip + strlen(node) &&
				strncmp(fields + skip, node, len - skip) == 0)
				return true;
		}
		fields += len + (fields[len] == ',');
	}
	return false;
}

static enum node_verdict judge_used(const struct access *access, const char **ret_reason)
{
	if (!IS(access->verb, "get", "list", "watch"))
		*ret_reason = "can only read resources of this type";
	else if (access->subresource[0])
		*ret_reason = "cannot read subresource";
	else if (!access->namespace[0])
		*ret_reason = "can only read namespaced object of this type";
	else if (!access->name[0])
		*ret_reason = "No Object name found";
	else
		return NODE_ASKS_PODS;
	return NODE_SILENT;
}

static enum node_verdict judge_token(const struct access *access, const char **ret_reason)
{
	if (strcmp(access->subresource, "token") != 0)
		return strcmp(access->verb, "get") == 0 ? NODE_ASKS_PODS : NODE_SILENT;
	if (strcmp(access->verb, "create") == 0)
		return NODE_ASKS_PODS;
	*ret_reason = "can only create tokens for service accounts";
	return NODE_SILENT;
}

static enum node_verdict judge_lease(
	const struct access *access, const char *node, const char **ret_reason)
{
	if (!IS(access->verb, "get", "create", "update", "patch", "delete")) {
		*ret_reason = "can only get, create, update, patch, or delete a node lease";
	} else if (strcmp(access->namespace, LEASES) != 0) {
		*ret_reason = "can only access leases in the \"" LEASES "\" system namespace";
	} else if (strcmp(access->verb, "create") != 0 && strcmp(access->name, node) != 0) {
		*ret_reason = "can only access node lease with the same name as the requesting "
			      "node";
	} else {
		return NODE_ALLOWS;
	}
	return NODE_SILENT;
}

static enum node_verdict judge_pods(
	const struct access *access, const char *node, const char **ret_reason)
{
	if (strcmp(access->subresource, "status") == 0)
		return IS(access->verb, "update", "patch") ? NODE_OWN_POD : NODE_SILENT;
	if (strcmp(access->subresource, "eviction") == 0)
		return strcmp(access->verb, "create") == 0 ? NODE_OWN_POD : NODE_SILENT;
	if (access->subresource[0])
		return NODE_SILENT;
	if (strcmp(access->verb, "create") == 0)
		return NODE_ALLOWS; /* of mirror Pods alone: node_write_refusal */
	if (IS(access->verb, "get", "delete"))
		return NODE_OWN_POD;
	if (IS(access->verb, "list", "watch") && fields_pin_node(access->fields, node))
		return NODE_ALLOWS;
	if (IS(access->verb, "list", "watch"))
		*ret_reason = "can only list/watch pods with spec.nodeName field selector";
	return NODE_SILENT;
}

static enum node_verdict judge_nodes(
	const struct access *access, const char *node, const char **ret_reason)
{
	if (access->subresource[0] && strcmp(access->subresource, "status") != 0)
		return NODE_SILENT;
	if (IS(access->verb, "get", "list", "watch") && !access->subresource[0])
		return NODE_ALLOWS;
	if (strcmp(access->verb, "create") == 0 && !access->subresource[0])
		return NODE_ALLOWS;
	if (!IS(access->verb, "update", "patch"))
		return NODE_SILENT;
	if (strcmp(access->name, node) == 0)
		return NODE_ALLOWS;
	*ret_reason = "node is not allowed to modify other nodes";
	return NODE_SILENT;
}

/* What all nodes may do to all objects of a kind. */
static const struct {
	const char *group, *resource, *verbs[6];
} everywhere[] = {
	{"", "services", {"get", "list", "watch"}},
	{"", "endpoints", {"get", "list", "watch"}},
	{"discovery.k8s.io", "endpointslices", {"get", "list", "watch"}},
	{"", "events", {"create", "update", "patch"}},
	{"events.k8s.io", "events", {"create", "update", "patch"}},
	{"authentication.k8s.io", "tokenreviews", {"create"}},
	{"authorization.k8s.io", "subjectaccessreviews", {"create"}},
	{"authorization.k8s.io", "localsubjectaccessreviews", {"create"}},
	{"certificates.k8s.io", "certificatesigningrequests", {"create", "get", "list", "watch"}},
};

static enum node_verdict judge_others(const struct access *access)
{
	for (size_t i = 0; i < COUNT(everywhere); i++)
		if (strcmp(everywhere[i].group, access->group) == 0 &&
			strcmp(everywhere[i].resource, access->resource) == 0)
			return !access->subresource[0] &&
					       is_one_of(access->verb, everywhere[i].verbs)
				       ? NODE_ALLOWS
				       : NODE_SILENT;
	return NODE_SILENT;
}

enum node_verdict node_judge(const struct access *access, const char **ret_reason)
{
	const char *node = identity_node(access->who);

	*ret_reason = "";
	if (!node || access->path)
		return NODE_SILENT;
	if (strcmp(access->group, "coordination.k8s.io") == 0 &&
		strcmp(access->resource, "leases") == 0)
		return judge_lease(access, node, ret_reason);
	if (access->group[0])
		return judge_others(access);
	if (IS(access->resource, "secrets", "configmaps"))
		return judge_used(access, ret_reason);
	if (strcmp(access->resource, "serviceaccounts") == 0)
		return judge_token(access, ret_reason);
	if (strcmp(access->resource, "pods") == 0)
		return judge_pods(access, node, ret_reason);
	if (strcmp(access->resource, "nodes") == 0)
		return judge_nodes(access, node, ret_reason);
	return judge_others(access);
}

/* --- what Pods use --- */

/* @name NULL: any. */
static bool name_at(const json_t *object, const char *outer, const char *key, const char *name)
{
	const json_t *inner = outer ? json_object_get(object, outer) : object;
	const char *text = json_string_at(inner, key, "");

	return inner && (name ? strcmp(text, name) == 0 : text[0] != '\0');
}

static bool volume_uses(const json_t *volume, bool secret, const char *name)
{
	const json_t *sources = json_object_get(json_object_get(volume, "projected"), "sources");
	json_t *source;
	size_t i;

	if (secret ? name_at(volume, "secret", "secretName", name)
		   : name_at(volume, "configMap", "name", name))
		return true;
	json_array_foreach (sources, i, source)
		if (name_at(source, secret ? "secret" : "configMap", "name", name))
			return true;
	return false;
}

static bool container_uses(const json_t *container, bool secret, const char *name)
{
	json_t *item;
	size_t i;

	json_array_foreach (json_object_get(container, "env"), i, item)
		if (name_at(json_object_get(item, "valueFrom"),
			    secret ? "secretKeyRef" : "configMapKeyRef", "name", name))
			return true;
	json_array_foreach (json_object_get(container, "envFrom"), i, item)
		if (name_at(item, secret ? "secretRef" : "configMapRef", "name", name))
			return true;
	return false;
}

static bool pod_uses(const json_t *spec, bool secret, const char *name)
{
	static const char *const lists[] = {"containers", "initContainers", "ephemeralContainers"};
	json_t *item;
	size_t i;

	json_array_foreach (json_object_get(spec, "volumes"), i, item)
		if (volume_uses(item, secret, name))
			return true;
	for (size_t list = 0; list < COUNT(lists); list++)
		json_array_foreach (json_object_get(spec, lists[list]), i, item)
			if (container_uses(item, secret, name))
				return true;
	json_array_foreach (json_object_get(spec, "imagePullSecrets"), i, item)
		if (secret && name_at(item, NULL, "name", name))
			return true;
	return false;
}

bool node_pod_uses(const json_t *pod, const char *resource, const char *name)
{
	const json_t *spec = json_object_get(pod, "spec");

	if (strcmp(resource, "serviceaccounts") == 0)
		return name_at(spec, NULL, "serviceAccountName", name);
	return pod_uses(spec, strcmp(resource, "secrets") == 0, name);
}

/* --- writes --- */

/* Labels of Kubernetes' own domains that a node may give itself. */
static bool label_is_free(const char *label)
{
	static const char *const own[] = {"kubernetes.io/hostname", "kubernetes.io/os",
		"kubernetes.io/arch", "node.kubernetes.io/instance-type",
		"topology.kubernetes.io/region", "topology.kubernetes.io/zone",
		"beta.kubernetes.io/os", "beta.kubernetes.io/arch",
		"beta.kubernetes.io/instance-type", "failure-domain.beta.kubernetes.io/region",
		"failure-domain.beta.kubernetes.io/zone", NULL};
	static const char *const domains[] = {"kubelet.kubernetes.io", "node.kubernetes.io", NULL};
	const char *slash = strchr(label, '/');
	size_t len = slash ? (size_t)(slash - label) : 0;

	if (!len || is_one_of(label, own))
		return true;
	for (const char *const *domain = domains; *domain; domain++) {
		size_t want = strlen(*domain);

		if (len >= want && strncmp(slash - want, *domain, want) == 0 &&
			(len == want || slash[-(long)want - 1] == '.'))
			return true;
	}
	/* kubernetes.io, k8s.io, and what is below them */
	for (const char *at = label; at < slash; at++)
		if ((at == label || at[-1] == '.') &&
			((slash - at == 13 && strncmp(at, "kubernetes.io", 13) == 0) ||
				(slash - at == 6 && strncmp(at, "k8s.io", 6) == 0)))
			return false;
	return true;
}

static bool labels_are_free(const json_t *labels, const json_t *old)
{
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)labels, key, value) {
		const json_t *before = json_object_get(old, key);

		if ((!before || !json_equal(before, value)) && !label_is_free(key))
			return false;
	}
	json_object_foreach ((json_t *)old, key, value)
		if (!json_object_get(labels, key) && !label_is_free(key))
			return false;
	return true;
}

static const json_t *at(const json_t *object, const char *outer, const char *inner)
{
	return json_object_get(json_object_get(object, outer), inner);
}

static bool is_same(const json_t *a, const json_t *b)
{
	return a == b || (a && b && json_equal(a, b));
}

static const char *refuse_node(const char *node, const json_t *object, const json_t *old)
{
	const json_t *taints = at(object, "spec", "taints"), *before = at(old, "spec", "taints");

	if (!name_at(object, "metadata", "name", node))
		return "is not allowed to modify other nodes";
	if (!labels_are_free(at(object, "metadata", "labels"), at(old, "metadata", "labels")))
		return "is not allowed to modify labels of Kubernetes' own domains";
	if (old && !is_same(taints, before))
		return "is not allowed to modify taints";
	/* With its owner it would be deleted, and then register anew with other taints and labels. */
	if (!is_same(at(object, "metadata", "ownerReferences"),
		    at(old, "metadata", "ownerReferences")))
		return "is not allowed to modify ownerReferences";
	return NULL;
}

/* Somebody else's Pod would be counted among his, and go when he says so. */
static bool owners_are_node(const json_t *owners, const char *node)
{
	const json_t *owner = json_array_get(owners, 0);

	return json_array_size(owners) == 0 ||
	       (json_array_size(owners) == 1 && name_at(owner, NULL, "apiVersion", "v1") &&
		       name_at(owner, NULL, "kind", "Node") && name_at(owner, NULL, "name", node) &&
		       !json_is_true(json_object_get(owner, "blockOwnerDeletion")));
}

/* A node that chose what its Pods use would choose what it may read. */
static const char *refuse_mirror(const char *node, const json_t *pod)
{
	const json_t *spec = json_object_get(pod, "spec");

	if (!json_object_get(at(pod, "metadata", "annotations"), "kubernetes.io/config.mirror"))
		return "can only create mirror pods";
	if (!owners_are_node(at(pod, "metadata", "ownerReferences"), node))
		return "can only create pods with an owner reference set to itself";
	if (json_string_at(spec, "serviceAccountName", "")[0])
		return "can not create pods that reference a service account";
	if (pod_uses(spec, true, NULL))
		return "can not create pods that reference secrets";
	return pod_uses(spec, false, NULL) ? "can not create pods that reference configmaps" : NULL;
}

/* Labels select Pods for Services and budgets: they are not the node's to choose. */
static bool same_labels(const json_t *object, const json_t *old)
{
	const json_t *now = at(object, "metadata", "labels"), *then = at(old, "metadata", "labels");

	return json_object_size(now) == json_object_size(then) &&
	       (json_object_size(now) == 0 || json_equal(now, then));
}

static const char *refuse_pod(
	const char *node, const struct access *access, const json_t *object, const json_t *old)
{
	const json_t *bound = old ? old : object;

	if (!name_at(bound, "spec", "nodeName", node))
		return old ? "can only change pods with spec.nodeName set to itself"
			   : "can only create pods with spec.nodeName set to itself";
	if (strcmp(access->subresource, "status") == 0)
		return same_labels(object, old) ? NULL : "can not update labels through pod status";
	return old ? NULL : refuse_mirror(node, object);
}

const char *node_write_refusal(
	const char *node, const struct access *access, const json_t *object, const json_t *old)
{
	if (strcmp(access->resource, "nodes") == 0)
		return refuse_node(node, object, old);
	if (strcmp(access->resource, "pods") == 0)
		return refuse_pod(node, access, object, old);
	if (strcmp(access->resource, "leases") == 0 && !name_at(object, "metadata", "name", node))
		return "can only access node lease with the same name as the requesting node";
	return NULL;
}
