// SPDX-License-Identifier: Apache-2.0
/*
 * What clients look up before they write: for each group version the operations with the kind they are about
 * and the schema of that kind, with a few words of what its fields are for.  The server itself decodes strictly
 * (fieldValidation), which the operations announce; clients that know version 2 alone check against its schemas, and
 * compute their patches by them.
 */
#include "user/api/openapi.h"

#include <stdlib.h>
#include <string.h>

#include "user/api/definitions.h"
#include "user/api/gnostic.h"
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
	json_t *paths = json_object(), *schemas = NULL;
	char path[API_VERSION_LEN];

	for (size_t i = 0; i < kinds_count; i++)
		for (const char *const *version = kinds[i].versions; *version; version++) {
			version_path(&kinds[i], *version, path, sizeof(path));
			if (strcmp(path, wanted) != 0)
				continue;
			paths_add(paths, &kinds[i], *version);
			if (!schemas)
				schemas = definitions_json(
					kinds[i].group, *version, "#/components/schemas/");
		}
	if (!schemas) {
		json_decref(paths);
		return NULL;
	}
	return json_pack("{s:s, s:{s:s, s:s}, s:o, s:{s:o}}", "openapi", "3.0.0", "info", "title",
		"Kubernetes", "version", KUBERNETES_VERSION, "paths", paths, "components",
		"schemas", schemas);
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

/* --- version 2 --- */

#define GNOSTIC "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"

/* What a client looks for before a dry run upon the server. */
static json_t *patch_json(const struct kind *kind, const char *version)
{
	return json_pack("{s:{s:[{s:s, s:s, s:s}], s:{}, s:{s:s, s:s, s:s}}}", "patch",
		"parameters", "in", "query", "name", "dryRun", "type", "string", "responses",
		"x-kubernetes-group-version-kind", "group", kind->group, "kind", kind->kind,
		"version", version);
}

static json_t *swagger_json(void)
{
	json_t *paths = json_object(),
	       *definitions = definitions_json(NULL, NULL, "#/definitions/");
	char base[API_VERSION_LEN];

	for (size_t i = 0; i < kinds_count; i++)
		for (const char *const *version = kinds[i].versions; *version; version++) {
			json_t *path;

			version_path(&kinds[i], *version, base, sizeof(base));
			path = json_sprintf("/%s/%s/{name}", base, kinds[i].plural);
			json_object_set_new(
				paths, json_string_value(path), patch_json(&kinds[i], *version));
			json_decref(path);
		}
	return json_pack("{s:s, s:{s:s, s:s}, s:o, s:o}", "swagger", "2.0", "info", "title",
		"Kubernetes", "version", KUBERNETES_VERSION, "paths", paths, "definitions",
		definitions);
}

static void answer_swagger(struct http_exchange *exchange)
{
	const char *accept = http_exchange_header(exchange, "Accept");
	AUTO_JSON json = swagger_json();
	AUTO_FREE void *bytes = NULL;
	size_t len;

	if (!json)
		http_answer_text(exchange, 500, "out of memory\n");
	else if (!accept || !strstr(accept, "proto-openapi"))
		http_answer_json(exchange, 200, json);
	else if (gnostic_encode(json, &bytes, &len) < 0)
		http_answer_text(exchange, 500, "out of memory\n");
	else
		http_answer_bytes(exchange, 200, GNOSTIC, bytes, len);
}

/* --- version 3 --- */

static void answer_document(struct http_exchange *exchange, const char *wanted)
{
	AUTO_JSON json = wanted ? document(wanted) : document_index();

	if (json)
		http_answer_json(exchange, 200, json);
	else
		http_answer_text(exchange, 404, "404 page not found\n");
}

void openapi_handle(struct http_exchange *exchange, size_t count)
{
	static const char prefix[] = "/openapi/v3";
	const char *path = http_exchange_path(exchange);

	if (strcmp(path, "/openapi/v2") == 0)
		answer_swagger(exchange);
	else if (strncmp(path, prefix, strlen(prefix)) == 0)
		answer_document(exchange, count <= 2 ? NULL : path + strlen(prefix) + 1);
	else
		http_answer_text(exchange, 404, "404 page not found\n");
}
