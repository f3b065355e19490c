// SPDX-License-Identifier: Apache-2.0
#include "user/model/kinds.h"

#include <stdio.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/model/schema.h"

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define NONE	   ((const char *const[]){NULL})
#define V1	   WORDS("v1")

#define ALL_VERBS                                                                                 \
	(VERB_CREATE | VERB_DELETE | VERB_DELETE_COLLECTION | VERB_GET | VERB_LIST | VERB_PATCH | \
		VERB_UPDATE | VERB_WATCH)
#define CHANGE	    (VERB_GET | VERB_PATCH | VERB_UPDATE)
#define STREAM	    (VERB_CREATE | VERB_GET)
#define PROXY_VERBS (VERB_CREATE | VERB_DELETE | VERB_GET | VERB_PATCH | VERB_UPDATE)

#define STATUS(group, kind, message)                          \
	{                                                     \
		"status", group, "v1", kind, &message, CHANGE \
	}
#define SCALE                                                                \
	{                                                                    \
		"scale", "autoscaling", "v1", "Scale", &schema_scale, CHANGE \
	}
#define END_OF_SUBRESOURCES  \
	{                    \
		.name = NULL \
	}

static const struct kind_subresource none[] = {END_OF_SUBRESOURCES};

static const struct kind_subresource of_namespaces[] = {
	{"finalize", "", "v1", "Namespace", &schema_namespace, VERB_UPDATE},
	STATUS("", "Namespace", schema_namespace),
	END_OF_SUBRESOURCES,
};

static const struct kind_subresource of_nodes[] = {
	{"proxy", "", "v1", "NodeProxyOptions", NULL, PROXY_VERBS},
	STATUS("", "Node", schema_node),
	END_OF_SUBRESOURCES,
};

static const struct kind_subresource of_pods[] = {
	{"attach", "", "v1", "PodAttachOptions", NULL, STREAM},
	{"binding", "", "v1", "Binding", &schema_binding, VERB_CREATE},
	{"ephemeralcontainers", "", "v1", "Pod", &schema_pod, CHANGE},
	{"eviction", "policy", "v1", "Eviction", &schema_eviction, VERB_CREATE},
	{"exec", "", "v1", "PodExecOptions", NULL, STREAM},
	{"log", "", "v1", "Pod", NULL, VERB_GET},
	{"portforward", "", "v1", "PodPortForwardOptions", NULL, STREAM},
	{"proxy", "", "v1", "PodProxyOptions", NULL, PROXY_VERBS},
	STATUS("", "Pod", schema_pod),
	END_OF_SUBRESOURCES,
};

static const struct kind_subresource of_services[] = {
	{"proxy", "", "v1", "ServiceProxyOptions", NULL, PROXY_VERBS},
	STATUS("", "Service", schema_service),
	END_OF_SUBRESOURCES,
};

static const struct kind_subresource of_service_accounts[] = {
	{"token", "authentication.k8s.io", "v1", "TokenRequest", &schema_token_request,
		VERB_CREATE},
	END_OF_SUBRESOURCES,
};

static const struct kind_subresource of_deployments[] = {
	SCALE,
	STATUS("apps", "Deployment", schema_deployment),
	END_OF_SUBRESOURCES,
};

static const struct kind_subresource of_replica_sets[] = {
	SCALE,
	STATUS("apps", "ReplicaSet", schema_replica_set),
	END_OF_SUBRESOURCES,
};

static const struct kind_subresource of_budgets[] = {
	STATUS("policy", "PodDisruptionBudget", schema_pod_disruption_budget),
	END_OF_SUBRESOURCES,
};

static const struct kind_subresource of_requests[] = {
	{"approval", "certificates.k8s.io", "v1", "CertificateSigningRequest",
		&schema_certificate_signing_request, CHANGE},
	STATUS("certificates.k8s.io", "CertificateSigningRequest",
		schema_certificate_signing_request),
	END_OF_SUBRESOURCES,
};

/* A row: group, kind, plural, singular, message, rule for names. */
#define KIND(g, k, p, s, m, rule, ...)                                                           \
	{                                                                                        \
		.group = (g), .versions = V1, .kind = (k), .list_kind = k "List", .plural = (p), \
		.singular = (s), .short_names = NONE, .verbs = ALL_VERBS, .message = &(m),       \
		.subresources = none, .name_rule = (rule), .selectable = NONE, .stored_as = (p), \
		##__VA_ARGS__                                                                    \
	}
/* An answer to a question: created, never stored. */
#define REVIEW(g, k, p, s, m, ...) \
	KIND(g, k, p, s, m, NULL, .verbs = VERB_CREATE, .stored_as = NULL, ##__VA_ARGS__)
#define NAMESPACED .namespaced = true
#define IN_ALL	   .in_all = true

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
const struct kind kinds[] = {
	REVIEW("", "Binding", "bindings", "binding", schema_binding, NAMESPACED),
	KIND("", "ConfigMap", "configmaps", "configmap", schema_config_map, name_dns_subdomain,
		NAMESPACED, .short_names = WORDS("cm")),
	KIND("", "Endpoints", "endpoints", "endpoints", schema_endpoints, name_dns_subdomain,
		NAMESPACED, .short_names = WORDS("ep")),
	KIND("", "Event", "events", "event", schema_core_event, name_dns_subdomain, NAMESPACED,
		.short_names = WORDS("ev"),
		.selectable = WORDS("involvedObject.kind", "involvedObject.namespace",
			"involvedObject.name", "involvedObject.uid", "involvedObject.apiVersion",
			"involvedObject.resourceVersion", "involvedObject.fieldPath", "reason",
			"reportingComponent", "source", "type")),
	KIND("", "Namespace", "namespaces", "namespace", schema_namespace, name_dns_label,
		.short_names = WORDS("ns"), .verbs = ALL_VERBS & ~VERB_DELETE_COLLECTION,
		.subresources = of_namespaces, .selectable = WORDS("status.phase")),
	KIND("", "Node", "nodes", "node", schema_node, name_dns_subdomain,
		.short_names = WORDS("no"), .subresources = of_nodes,
		.selectable = WORDS("spec.unschedulable")),
	KIND("", "Pod", "pods", "pod", schema_pod, name_dns_subdomain, NAMESPACED, IN_ALL,
		.short_names = WORDS("po"), .subresources = of_pods,
		.selectable = WORDS("spec.nodeName", "spec.restartPolicy", "spec.schedulerName",
			"spec.serviceAccountName", "spec.hostNetwork", "status.phase",
			"status.podIP", "status.nominatedNodeName")),
	KIND("", "Secret", "secrets", "secret", schema_secret, name_dns_subdomain, NAMESPACED,
		.selectable = WORDS("type")),
	KIND("", "ServiceAccount", "serviceaccounts", "serviceaccount", schema_service_account,
		name_dns_subdomain, NAMESPACED, .short_names = WORDS("sa"),
		.subresources = of_service_accounts),
	KIND("", "Service", "services", "service", schema_service, name_service, NAMESPACED, IN_ALL,
		.short_names = WORDS("svc"), .subresources = of_services,
		.selectable = WORDS("spec.clusterIP", "spec.type")),
	KIND("apps", "Deployment", "deployments", "deployment", schema_deployment,
		name_dns_subdomain, NAMESPACED, IN_ALL, .short_names = WORDS("deploy"),
		.subresources = of_deployments),
	KIND("apps", "ReplicaSet", "replicasets", "replicaset", schema_replica_set,
		name_dns_subdomain, NAMESPACED, IN_ALL, .short_names = WORDS("rs"),
		.subresources = of_replica_sets, .selectable = WORDS("status.replicas")),
	REVIEW("authentication.k8s.io", "SelfSubjectReview", "selfsubjectreviews",
		"selfsubjectreview", schema_self_subject_review),
	REVIEW("authentication.k8s.io", "TokenReview", "tokenreviews", "tokenreview",
		schema_token_review),
	REVIEW("authorization.k8s.io", "LocalSubjectAccessReview", "localsubjectaccessreviews",
		"localsubjectaccessreview", schema_local_subject_access_review, NAMESPACED),
	REVIEW("authorization.k8s.io", "SelfSubjectAccessReview", "selfsubjectaccessreviews",
		"selfsubjectaccessreview", schema_self_subject_access_review),
	REVIEW("authorization.k8s.io", "SelfSubjectRulesReview", "selfsubjectrulesreviews",
		"selfsubjectrulesreview", schema_self_subject_rules_review),
	REVIEW("authorization.k8s.io", "SubjectAccessReview", "subjectaccessreviews",
		"subjectaccessreview", schema_subject_access_review),
	KIND("certificates.k8s.io", "CertificateSigningRequest", "certificatesigningrequests",
		"certificatesigningrequest", schema_certificate_signing_request, name_dns_subdomain,
		.short_names = WORDS("csr"), .subresources = of_requests,
		.selectable = WORDS("spec.signerName")),
	KIND("coordination.k8s.io", "Lease", "leases", "lease", schema_lease, name_dns_subdomain,
		NAMESPACED),
	KIND("discovery.k8s.io", "EndpointSlice", "endpointslices", "endpointslice",
		schema_endpoint_slice, name_dns_subdomain, NAMESPACED,
		.versions = WORDS("v1", "v1beta1")),
	KIND("events.k8s.io", "Event", "events", "event", schema_event, name_dns_subdomain,
		NAMESPACED, .short_names = WORDS("ev"),
		.selectable = WORDS("regarding.kind", "regarding.namespace", "regarding.name",
			"regarding.uid", "regarding.apiVersion", "regarding.resourceVersion",
			"regarding.fieldPath", "reason", "reportingController", "type")),
	KIND("policy", "PodDisruptionBudget", "poddisruptionbudgets", "poddisruptionbudget",
		schema_pod_disruption_budget, name_dns_subdomain, NAMESPACED,
		.versions = WORDS("v1", "v1beta1"), .short_names = WORDS("pdb"),
		.subresources = of_budgets),
	KIND("rbac.authorization.k8s.io", "ClusterRoleBinding", "clusterrolebindings",
		"clusterrolebinding", schema_cluster_role_binding, name_path_segment),
	KIND("rbac.authorization.k8s.io", "ClusterRole", "clusterroles", "clusterrole",
		schema_cluster_role, name_path_segment),
	KIND("rbac.authorization.k8s.io", "RoleBinding", "rolebindings", "rolebinding",
		schema_role_binding, name_path_segment, NAMESPACED),
	KIND("rbac.authorization.k8s.io", "Role", "roles", "role", schema_role, name_path_segment,
		NAMESPACED),
	KIND("scheduling.k8s.io", "PriorityClass", "priorityclasses", "priorityclass",
		schema_priority_class, name_dns_subdomain, .short_names = WORDS("pc")),
};
#pragma GCC diagnostic pop

const size_t kinds_count = COUNT(kinds);

const char *kind_verb_name(enum kind_verb verb)
{
	switch (verb) {
	case VERB_CREATE: return "create";
	case VERB_DELETE: return "delete";
	case VERB_DELETE_COLLECTION: return "deletecollection";
	case VERB_GET: return "get";
	case VERB_LIST: return "list";
	case VERB_PATCH: return "patch";
	case VERB_UPDATE: return "update";
	case VERB_WATCH: return "watch";
	}
	return "";
}

static bool is_word(const char *const *words, const char *text)
{
	for (; *words; words++)
		if (strcmp(*words, text) == 0)
			return true;
	return false;
}

const struct kind *kind_by_resource(const char *group, const char *version, const char *plural)
{
	for (size_t i = 0; i < COUNT(kinds); i++)
		if (strcmp(kinds[i].plural, plural) == 0 && strcmp(kinds[i].group, group) == 0 &&
			is_word(kinds[i].versions, version))
			return &kinds[i];
	return NULL;
}

const struct kind *kind_by_type(const char *api_version, const char *kind)
{
	const char *slash = strchr(api_version, '/');
	size_t group_len = slash ? (size_t)(slash - api_version) : 0;
	const char *version = slash ? slash + 1 : api_version;

	for (size_t i = 0; i < COUNT(kinds); i++)
		if (strcmp(kinds[i].kind, kind) == 0 && strlen(kinds[i].group) == group_len &&
			memcmp(kinds[i].group, api_version, group_len) == 0 &&
			is_word(kinds[i].versions, version))
			return &kinds[i];
	return NULL;
}

const struct kind_subresource *kind_subresource(const struct kind *kind, const char *name)
{
	for (const struct kind_subresource *sub = kind->subresources; sub->name; sub++)
		if (strcmp(sub->name, name) == 0)
			return sub;
	return NULL;
}

bool kind_is_selectable(const struct kind *kind, const char *path)
{
	if (strcmp(path, "metadata.name") == 0)
		return true;
	if (strcmp(path, "metadata.namespace") == 0)
		return kind->namespaced;
	return is_word(kind->selectable, path);
}

void kind_api_version(const char *group, const char *version, char ret[API_VERSION_LEN])
{
	snprintf(ret, API_VERSION_LEN, "%s%s%s", group, *group ? "/" : "", version);
}
