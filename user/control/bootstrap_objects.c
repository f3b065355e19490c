// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "user/base/base64.h"
#include "user/base/cleanup.h"
#include "user/base/fs.h"
#include "user/client/client.h"
#include "user/control/bootstrap.h"
#include "user/control/requests.h"

#define INFO_ROLE "system:cluster-info"

static const char *const namespaces[] = {
	"default", "kube-system", "kube-public", "kube-node-lease"};

static const struct {
	const char *name, *description;
	int value;
} classes[] = {
	{"system-cluster-critical",
		"Used for system critical pods that must run in the cluster, but can be moved to "
		"another node if necessary.",
		2000000000},
	{"system-node-critical",
		"Used for system critical pods that must not be moved from their current node.",
		2000001000},
};

static void namespace_add(const char *name, struct requests *plan)
{
	requests_create(plan, request_target("", "v1", NULL, "namespaces", NULL, NULL),
		json_pack("{s:s, s:s, s:{s:s}}", "kind", "Namespace", "apiVersion", "v1",
			"metadata", "name", name));
	requests_create(plan, request_target("", "v1", name, "serviceaccounts", NULL, NULL),
		json_pack("{s:s, s:s, s:{s:s, s:s}}", "kind", "ServiceAccount", "apiVersion", "v1",
			"metadata", "name", "default", "namespace", name));
}

static void class_add(const char *name, const char *description, int value, struct requests *plan)
{
	requests_create(plan,
		request_target("scheduling.k8s.io", "v1", NULL, "priorityclasses", NULL, NULL),
		json_pack("{s:s, s:s, s:{s:s}, s:i, s:s}", "kind", "PriorityClass", "apiVersion",
			"scheduling.k8s.io/v1", "metadata", "name", name, "value", value,
			"description", description));
}

/* --- how Pods reach the API server --- */

static void address_first(const char *range, char ret[INET_ADDRSTRLEN])
{
	struct in_addr address = {0};

	snprintf(ret, INET_ADDRSTRLEN, "%.*s", (int)strcspn(range, "/"), range);
	inet_pton(AF_INET, ret, &address);
	address.s_addr = htonl(ntohl(address.s_addr) + 1);
	inet_ntop(AF_INET, &address, ret, INET_ADDRSTRLEN);
}

static void service_add(const struct bootstrap_config *config, struct requests *plan)
{
	char address[INET_ADDRSTRLEN];

	address_first(config->service_cidr, address);
	requests_create(plan, request_target("", "v1", "default", "services", NULL, NULL),
		json_pack("{s:s, s:s, s:{s:s, s:s, s:{s:s, s:s}}, s:{s:s, s:s, s:[{s:s, s:s, s:i, "
			  "s:i}]}}",
			"kind", "Service", "apiVersion", "v1", "metadata", "name", "kubernetes",
			"namespace", "default", "labels", "component", "apiserver", "provider",
			"kubernetes", "spec", "type", "ClusterIP", "clusterIP", address, "ports",
			"name", "https", "protocol", "TCP", "port", 443, "targetPort",
			(int)config->port));
}

/* The address may be another one than last time. */
static void keep(const char *group, const char *plural, json_t *object, struct requests *plan)
{
	AUTO_JSON kept = object;

	requests_create(plan, request_target(group, "v1", "default", plural, NULL, NULL),
		json_incref(object));
	requests_patch(plan, request_target(group, "v1", "default", plural, "kubernetes", NULL),
		CLIENT_MERGE_PATCH, json_incref(object));
}

static void endpoints_add(const struct bootstrap_config *config, struct requests *plan)
{
	keep("", "endpoints",
		json_pack("{s:s, s:s, s:{s:s, s:s, s:{s:s}}, s:[{s:[{s:s}], s:[{s:s, s:i, s:s}]}]}",
			"kind", "Endpoints", "apiVersion", "v1", "metadata", "name", "kubernetes",
			"namespace", "default", "labels", "endpointslice.kubernetes.io/skip-mirror",
			"true", "subsets", "addresses", "ip", config->address, "ports", "name",
			"https", "port", (int)config->port, "protocol", "TCP"),
		plan);
	keep("discovery.k8s.io", "endpointslices",
		json_pack("{s:s, s:s, s:{s:s, s:s, s:{s:s}}, s:s, s:[{s:[s], s:{s:b}}], s:[{s:s, "
			  "s:i, "
			  "s:s}]}",
			"kind", "EndpointSlice", "apiVersion", "discovery.k8s.io/v1", "metadata",
			"name", "kubernetes", "namespace", "default", "labels",
			"kubernetes.io/service-name", "kubernetes", "addressType", "IPv4",
			"endpoints", "addresses", config->address, "conditions", "ready", 1,
			"ports", "name", "https", "port", (int)config->port, "protocol", "TCP"),
		plan);
}

/* --- how a node that is to join knows the API server --- */

/* A kubeconfig that names nobody. */
static char *cluster_info(const struct bootstrap_config *config)
{
	AUTO_FREE char *authority = base64_encode(config->ca, strlen(config->ca));

	return authority ? fs_format("apiVersion: v1\n"
				     "kind: Config\n"
				     "clusters:\n"
				     "- name: \"\"\n"
				     "  cluster:\n"
				     "    server: https://%s:%u\n"
				     "    certificate-authority-data: %s\n",
				   config->address[0] ? config->address : "localhost", config->port,
				   authority)
			 : NULL;
}

/* Everybody may read it: the authority's certificate is no secret. */
static void info_add(const struct bootstrap_config *config, struct requests *plan)
{
	static const char rbac[] = "rbac.authorization.k8s.io";
	AUTO_FREE char *text = cluster_info(config);
	AUTO_JSON info = text ? json_pack("{s:s, s:s, s:{s:s, s:s}, s:{s:s}}", "kind", "ConfigMap",
					"apiVersion", "v1", "metadata", "name", "cluster-info",
					"namespace", "kube-public", "data", "kubeconfig", text)
			      : NULL;

	requests_create(plan, request_target("", "v1", "kube-public", "configmaps", NULL, NULL),
		json_incref(info));
	requests_patch(plan,
		request_target("", "v1", "kube-public", "configmaps", "cluster-info", NULL),
		CLIENT_MERGE_PATCH, json_incref(info));
	requests_create(plan, request_target(rbac, "v1", "kube-public", "roles", NULL, NULL),
		json_pack("{s:s, s:s, s:{s:s, s:s}, s:[{s:[s], s:[s], s:[s], s:[s]}]}", "kind",
			"Role", "apiVersion", "rbac.authorization.k8s.io/v1", "metadata", "name",
			INFO_ROLE, "namespace", "kube-public", "rules", "apiGroups", "",
			"resources", "configmaps", "resourceNames", "cluster-info", "verbs",
			"get"));
	requests_create(plan, request_target(rbac, "v1", "kube-public", "rolebindings", NULL, NULL),
		json_pack("{s:s, s:s, s:{s:s, s:s}, s:{s:s, s:s, s:s}, s:[{s:s, s:s, s:s}]}",
			"kind", "RoleBinding", "apiVersion", "rbac.authorization.k8s.io/v1",
			"metadata", "name", INFO_ROLE, "namespace", "kube-public", "roleRef",
			"apiGroup", rbac, "kind", "Role", "name", INFO_ROLE, "subjects", "kind",
			"User", "apiGroup", rbac, "name", "system:anonymous"));
}

int bootstrap_plan(const struct bootstrap_config *config, struct requests *plan)
{
	for (size_t i = 0; i < COUNT(namespaces); i++)
		namespace_add(namespaces[i], plan);
	for (size_t i = 0; i < COUNT(classes); i++)
		class_add(classes[i].name, classes[i].description, classes[i].value, plan);
	service_add(config, plan);
	if (config->address[0])
		endpoints_add(config, plan);
	if (config->ca)
		info_add(config, plan);
	return plan->no_memory ? -ENOMEM : 0;
}
