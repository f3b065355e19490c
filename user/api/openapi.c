// SPDX-License-Identifier: Apache-2.0
/*
 * The index, and for each group version the operations with the kind they are about.  Properties are left
 * out: the server itself decodes strictly (fieldValidation), which these operations announce, and clients
 * then leave the checking to it.
 */
#include "user/api/openapi.h"

#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/json.h"
#include "user/http/server.h"
#include "user/model/kinds.h"

/* "api/v1" or "apis/apps/v1" */
static void version_path(const struct kind *kind, const char *version, char *ret, size_t size)
{
	snprintf(ret, size, "%s%s%s/%s", kind->group[0] ? "apis" : "api", kind->group[0] ? "/" : "",
		kind->group, version);
}

static json_t *operation(const struct kind *kind, const char *version, const char *action)
{
	return json_pack("{s:{s:s, s:s, s:s}, s:s, s:[{s:s, s:s, s:{s:s}}], s:{s:{s:s}}}",
		"x-kubernetes-group-version-kind", "group", kind->group, "version", version, "kind",
		kind->kind, "x-kubernetes-action", action, "parameters", "name", "fieldValidation",
		"in", "query", "schema", "type", "string", "responses", "200", "description", "OK");
}

static void paths_add(json_t *paths, const struct kind *kind, const char *version)
{
	char base[API_VERSION_LEN], path[512];
	const char *below = kind->namespaced ? "namespaces/{namespace}/" : "";

	version_path(kind, version, base, sizeof(base));
	snprintf(path, sizeof(path), "/%s/%s%s", base, below, kind->plural);
	json_object_set_new(
		paths, path, json_pack("{s:o}", "post", operation(kind, version, "post")));
	snprintf(path, sizeof(path), "/%s/%s%s/{name}", base, below, kind->plural);
	json_object_set_new(paths, path,
		json_pack("{s:o, s:o}", "put", operation(kind, version, "put"), "patch",
			operation(kind, version, "patch")));
}

static json_t *document(const char *wanted)
{
	json_t *paths = json_object();
	char path[API_VERSION_LEN];

	for (size_t i = 0; i < kinds_count; i++)
		for (const char *const *version = kinds[i].versions; *version; version++) {
			version_path(&kinds[i], *version, path, sizeof(path));
			if (strcmp(path, wanted) == 0)
				paths_add(paths, &kinds[i], *version);
		}
	if (json_object_size(paths) == 0) {
		json_decref(paths);
		return NULL;
	}
	return json_pack("{s:s, s:{s:s, s:s}, s:o, s:{s:{}}}", "openapi", "3.0.0", "info", "title",
		"Kubernetes", "version", KUBERNETES_VERSION, "paths", paths, "components",
		"schemas");
}

static json_t *document_index(void)
{
	json_t *paths = json_object();
	char path[API_VERSION_LEN];

	for (size_t i = 0; i < kinds_count; i++)
		for (const char *const *version = kinds[i].versions; *version; version++) {
			version_path(&kinds[i], *version, path, sizeof(path));
			json_object_set_new(paths, path,
				json_pack("{s:o}", "serverRelativeURL",
					json_sprintf("/openapi/v3/%s", path)));
		}
	return json_pack("{s:o}", "paths", paths);
}

void openapi_handle(struct http_exchange *exchange, size_t count)
{
	static const char prefix[] = "/openapi/v3";
	const char *path = http_exchange_path(exchange);
	AUTO_JSON json = NULL;

	if (strncmp(path, prefix, strlen(prefix)) == 0)
		json = count <= 2 ? document_index() : document(path + strlen(prefix) + 1);
	if (json)
		http_answer_json(exchange, 200, json);
	else
		http_answer_text(exchange, 404, "404 page not found\n");
}
