// SPDX-License-Identifier: Apache-2.0
#include "user/control/followed.h"

#include <string.h>

#include "user/control/owned.h"

/* Keeps metadata, and who it is. */
static void trim_to_metadata(json_t *item)
{
	static const char *const kept[] = {"kind", "apiVersion", "metadata", NULL};
	const char *key;
	json_t *value;
	void *next;

	json_object_foreach_safe (item, next, key, value) {
		const char *const *at = kept;

		while (*at && strcmp(*at, key) != 0)
			at++;
		if (!*at)
			json_object_del(item, key);
	}
}

static void forget(json_t *object, const char *const *keys)
{
	for (; *keys; keys++)
		json_object_del(object, *keys);
}

static void forget_in_each(json_t *list, const char *const *keys)
{
	json_t *item;
	size_t i;

	json_array_foreach (list, i, item)
		forget(item, keys);
}

static void trim_annotations(json_t *meta)
{
	json_t *annotations = json_object_get(meta, "annotations");
	json_t *value = json_incref(json_object_get(annotations, POD_DELETION_COST));

	if (annotations)
		json_object_clear(annotations);
	if (value)
		json_object_set_new(annotations, POD_DELETION_COST, value);
}

/* Most of a Pod tells its node what to run: of that controllers know the ports and what it takes. */
static void trim_pod(json_t *pod)
{
	static const char *const of_meta[] = {"managedFields", NULL};
	static const char *const of_spec[] = {
		"volumes", "securityContext", "dnsConfig", "hostAliases", "imagePullSecrets", NULL};
	static const char *const of_containers[] = {"args", "command", "env", "envFrom",
		"lifecycle", "livenessProbe", "readinessProbe", "securityContext", "startupProbe",
		"terminationMessagePath", "terminationMessagePolicy", "volumeDevices",
		"volumeMounts", "workingDir", NULL};
	static const char *const of_statuses[] = {
		"containerID", "image", "imageID", "lastState", "state", "volumeMounts", NULL};
	static const char *const lists[] = {
		"containers", "initContainers", "ephemeralContainers", NULL};
	static const char *const status_lists[] = {
		"containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses", NULL};
	json_t *meta = json_object_get(pod, "metadata"), *spec = json_object_get(pod, "spec");

	trim_annotations(meta);
	forget(meta, of_meta);
	forget(spec, of_spec);
	for (const char *const *list = lists; *list; list++)
		forget_in_each(json_object_get(spec, *list), of_containers);
	for (const char *const *list = status_lists; *list; list++)
		forget_in_each(json_object_get(json_object_get(pod, "status"), *list), of_statuses);
}

/* Its age is all that counts. */
static void trim_event(json_t *item)
{
	json_t *last = json_incref(json_object_get(item, "lastTimestamp"));

	trim_to_metadata(item);
	if (last)
		json_object_set_new(item, "lastTimestamp", last);
}

#define KIND(g, k, p, ...)                                                              \
	{                                                                               \
		.group = (g), .version = "v1", .kind = (k), .plural = (p), .query = "", \
		##__VA_ARGS__                                                           \
	}
#define RBAC(k, p) KIND("rbac.authorization.k8s.io", k, p, .trim = trim_to_metadata)

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
const struct followed_kind followed_kinds[] = {
	[FOLLOWED_NAMESPACES] = KIND("", "Namespace", "namespaces"),
	[FOLLOWED_NODES] = KIND("", "Node", "nodes"),
	[FOLLOWED_PODS] = KIND("", "Pod", "pods", .trim = trim_pod),
	[FOLLOWED_REPLICA_SETS] = KIND("apps", "ReplicaSet", "replicasets"),
	[FOLLOWED_DEPLOYMENTS] = KIND("apps", "Deployment", "deployments"),
	[FOLLOWED_SERVICES] = KIND("", "Service", "services"),
	[FOLLOWED_ENDPOINTS] = KIND("", "Endpoints", "endpoints"),
	[FOLLOWED_SLICES] = KIND("discovery.k8s.io", "EndpointSlice", "endpointslices"),
	[FOLLOWED_SERVICE_ACCOUNTS] =
		KIND("", "ServiceAccount", "serviceaccounts", .trim = trim_to_metadata),
	[FOLLOWED_LEASES] = KIND("coordination.k8s.io", "Lease", "leases"),
	[FOLLOWED_CONFIG_MAPS] = KIND("", "ConfigMap", "configmaps", .trim = trim_to_metadata),
	[FOLLOWED_SECRETS] = KIND("", "Secret", "secrets", .trim = trim_to_metadata),
	[FOLLOWED_BUDGETS] = KIND("policy", "PodDisruptionBudget", "poddisruptionbudgets"),
	[FOLLOWED_CERTIFICATE_REQUESTS] = KIND(
		"certificates.k8s.io", "CertificateSigningRequest", "certificatesigningrequests"),
	[FOLLOWED_PRIORITY_CLASSES] = KIND(
		"scheduling.k8s.io", "PriorityClass", "priorityclasses", .trim = trim_to_metadata),
	[FOLLOWED_ROLES] = RBAC("Role", "roles"),
	[FOLLOWED_ROLE_BINDINGS] = RBAC("RoleBinding", "rolebindings"),
	[FOLLOWED_CLUSTER_ROLES] = RBAC("ClusterRole", "clusterroles"),
	[FOLLOWED_CLUSTER_ROLE_BINDINGS] = RBAC("ClusterRoleBinding", "clusterrolebindings"),
	[FOLLOWED_EVENTS] = KIND("", "Event", "events", .trim = trim_event, .uncollected = true),
	[FOLLOWED_ROOT_CERTIFICATES] = KIND("", "ConfigMap", "configmaps",
		.query = "fieldSelector=metadata.name%3Dkube-root-ca.crt", .uncollected = true),
	[FOLLOWED_BOOTSTRAP_TOKENS] = KIND("", "Secret", "secrets",
		.query = "fieldSelector=type%3Dbootstrap.kubernetes.io%2Ftoken",
		.uncollected = true),
};
#pragma GCC diagnostic pop

enum followed followed_find(const char *api_version, const char *kind)
{
	const char *slash = strchr(api_version, '/');
	size_t len = slash ? (size_t)(slash - api_version) : 0;

	for (int i = 0; i < FOLLOWED_COUNT; i++) {
		const struct followed_kind *row = &followed_kinds[i];

		if (strcmp(row->kind, kind) == 0 && !row->uncollected &&
			strlen(row->group) == len && memcmp(row->group, api_version, len) == 0)
			return (enum followed)i;
	}
	return FOLLOWED_COUNT;
}
