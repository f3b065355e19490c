// SPDX-License-Identifier: Apache-2.0
#include "user/control/namespace.h"

#include <errno.h>
#include <string.h>

#include "user/base/fs.h"
#include "user/client/client.h"
#include "user/control/owned.h"
#include "user/control/requests.h"
#include "user/model/kinds.h"

static int plan_end(const struct requests *plan)
{
	return plan->no_memory ? -ENOMEM : 0;
}

/* Objects of it stand below a namespace, under its own name. */
static bool is_content(const struct kind *kind)
{
	return kind->namespaced && kind->stored_as && strcmp(kind->group, "events.k8s.io") != 0;
}

static char *collection_of(const struct kind *kind, const char *namespace, const char *parameters)
{
	char api_version[API_VERSION_LEN];

	kind_api_version(kind->group, kind->versions[0], api_version);
	return fs_format("%s/%s/namespaces/%s/%s%s", kind->group[0] ? "/apis" : "/api", api_version,
		namespace, kind->plural, parameters);
}

static void namespace_finalize(const json_t *namespace, struct requests *plan)
{
	requests_update(plan,
		request_target(
			"", "v1", NULL, "namespaces", meta_text(namespace, "name"), "finalize"),
		json_pack("{s:s, s:s, s:{s:s, s:s}, s:{s:[]}}", "kind", "Namespace", "apiVersion",
			"v1", "metadata", "name", meta_text(namespace, "name"), "uid",
			meta_text(namespace, "uid"), "spec", "finalizers"));
}

/* Nothing new can come into it: what is read as empty stays so. */
int namespace_plan(const json_t *namespace, struct requests *plan)
{
	const char *name = meta_text(namespace, "name");

	if (!meta_is_deleting(namespace))
		return 0;
	for (size_t i = 0; i < kinds_count; i++)
		if (is_content(&kinds[i]))
			requests_delete_all(plan, collection_of(&kinds[i], name, ""));
	for (size_t i = 0; i < kinds_count; i++)
		if (is_content(&kinds[i]))
			requests_expect_none(plan, collection_of(&kinds[i], name, "?limit=1"));
	namespace_finalize(namespace, plan);
	return plan_end(plan);
}

int namespace_account_plan(const json_t *namespace, const json_t *account, struct requests *plan)
{
	const char *name = meta_text(namespace, "name");

	if (meta_is_deleting(namespace) || account)
		return 0;
	requests_create(plan, request_target("", "v1", name, "serviceaccounts", NULL, NULL),
		json_pack("{s:s, s:s, s:{s:s, s:s}}", "kind", "ServiceAccount", "apiVersion", "v1",
			"metadata", "name", "default", "namespace", name));
	return plan_end(plan);
}

static json_t *certificate_new(const char *namespace, const char *ca)
{
	return json_pack("{s:s, s:s, s:{s:s, s:s, s:{s:s}}, s:{s:s}}", "kind", "ConfigMap",
		"apiVersion", "v1", "metadata", "name", ROOT_CERTIFICATE, "namespace", namespace,
		"annotations", "kubernetes.io/description",
		"Contains a CA bundle that can be used to verify the kube-apiserver when using "
		"internal endpoints such as the internal service IP or "
		"kubernetes.default.svc. No other usage is guaranteed across distributions of "
		"Kubernetes clusters.",
		"data", "ca.crt", ca);
}

int namespace_certificate_plan(
	const json_t *namespace, const json_t *config_map, const char *ca, struct requests *plan)
{
	const char *name = meta_text(namespace, "name");
	const char *known = json_string_at(json_object_get(config_map, "data"), "ca.crt", "");

	if (meta_is_deleting(namespace) || (config_map && strcmp(known, ca) == 0))
		return 0;
	if (config_map)
		requests_patch(plan,
			request_target("", "v1", name, "configmaps", ROOT_CERTIFICATE, NULL),
			CLIENT_MERGE_PATCH, json_pack("{s:{s:s}}", "data", "ca.crt", ca));
	else
		requests_create(plan, request_target("", "v1", name, "configmaps", NULL, NULL),
			certificate_new(name, ca));
	return plan_end(plan);
}
