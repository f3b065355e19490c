// SPDX-License-Identifier: Apache-2.0
#include "user/api/discovery.h"

#include <nettle/base64.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <string.h>

#include "user/api/api.h"
#include "user/api/health.h"
#include "user/api/openapi.h"
#include "user/base/cleanup.h"
#include "user/base/json.h"
#include "user/http/server.h"
#include "user/model/kinds.h"
#include "user/store/store.h"

#define AGGREGATED "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"

#define EACH_VERB(verb) for (unsigned verb = VERB_CREATE; verb <= VERB_WATCH; verb <<= 1)

static json_t *verbs_json(unsigned verbs)
{
	json_t *list = json_array();

	EACH_VERB(verb)
	if (verbs & verb)
		json_array_append_new(list, json_string(kind_verb_name((enum kind_verb)verb)));
	return list;
}

static json_t *words_json(const char *const *words)
{
	json_t *list = json_array();

	for (; *words; words++)
		json_array_append_new(list, json_string(*words));
	return list;
}

static bool kind_has_version(const struct kind *kind, const char *version)
{
	for (const char *const *at = kind->versions; *at; at++)
		if (strcmp(*at, version) == 0)
			return true;
	return false;
}

/* --- groups --- */

/* Calls @fn for each version of a group once, the preferred one first. */
static void group_versions(
	const char *group, void (*fn)(const char *version, void *userdata), void *userdata)
{
	const char *seen[8];
	size_t count = 0;

	for (size_t i = 0; i < kinds_count; i++) {
		if (strcmp(kinds[i].group, group) != 0)
			continue;
		for (const char *const *version = kinds[i].versions; *version; version++) {
			size_t at = 0;

			while (at < count && strcmp(seen[at], *version) != 0)
				at++;
			if (at < count || count == COUNT(seen))
				continue;
			seen[count++] = *version;
			fn(*version, userdata);
		}
	}
}

static bool group_is_first(size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (strcmp(kinds[i].group, kinds[index].group) == 0)
			return false;
	return true;
}

struct group_list {
	const char *group;
	json_t *versions;
};

static void group_add_version(const char *version, void *userdata)
{
	struct group_list *list = userdata;

	json_array_append_new(list->versions,
		json_pack("{s:o, s:s}", "groupVersion", json_sprintf("%s/%s", list->group, version),
			"version", version));
}

static json_t *group_json(const char *group, bool alone)
{
	struct group_list list = {group, json_array()};
	json_t *json = json_object();

	group_versions(group, group_add_version, &list);
	if (alone) {
		json_object_set_new(json, "kind", json_string("APIGroup"));
		json_object_set_new(json, "apiVersion", json_string("v1"));
	}
	json_object_set_new(json, "name", json_string(group));
	json_object_set(json, "preferredVersion", json_array_get(list.versions, 0));
	json_object_set_new(json, "versions", list.versions);
	return json;
}

static json_t *groups_json(void)
{
	json_t *groups = json_array();

	for (size_t i = 0; i < kinds_count; i++)
		if (kinds[i].group[0] && group_is_first(i))
			json_array_append_new(groups, group_json(kinds[i].group, false));
	return json_pack(
		"{s:s, s:s, s:o}", "kind", "APIGroupList", "apiVersion", "v1", "groups", groups);
}

/* To everybody, we are where he has found us. */
static json_t *core_versions_json(const struct http_exchange *exchange)
{
	const char *host = http_exchange_header(exchange, "Host");

	return json_pack("{s:s, s:[s], s:[{s:s, s:s}]}", "kind", "APIVersions", "versions", "v1",
		"serverAddressByClientCIDRs", "clientCIDR", "0.0.0.0/0", "serverAddress",
		host ? host : "");
}

/* --- resources of one version --- */

#define HASH_BYTES 8

/* By which clients see that two resources are stored as one: of group, version and kind as they are stored. */
static json_t *storage_hash(const struct kind *kind)
{
	char text[API_VERSION_LEN], hash[BASE64_ENCODE_RAW_LENGTH(HASH_BYTES)];
	struct sha256_ctx sha;
	uint8_t digest[HASH_BYTES];

	snprintf(text, sizeof(text), "%s/%s/%s", kind->group, kind->versions[0], kind->kind);
	sha256_init(&sha);
	sha256_update(&sha, strlen(text), (const uint8_t *)text);
	sha256_digest(&sha, sizeof(digest), digest);
	base64_encode_raw(hash, sizeof(digest), digest);
	return json_stringn(hash, sizeof(hash));
}

static json_t *resource_json(const struct kind *kind)
{
	json_t *json = json_pack("{s:s, s:s, s:b, s:s, s:o}", "name", kind->plural, "singularName",
		kind->singular, "namespaced", kind->namespaced, "kind", kind->kind, "verbs",
		verbs_json(kind->verbs));

	if (kind->short_names[0])
		json_object_set_new(json, "shortNames", words_json(kind->short_names));
	if (kind->in_all)
		json_object_set_new(json, "categories", json_pack("[s]", "all"));
	if (kind->stored_as)
		json_object_set_new(json, "storageVersionHash", storage_hash(kind));
	return json;
}

static json_t *subresource_json(const struct kind *kind, const struct kind_subresource *sub)
{
	json_t *json = json_pack("{s:o, s:s, s:b, s:s, s:o}", "name",
		json_sprintf("%s/%s", kind->plural, sub->name), "singularName", "", "namespaced",
		kind->namespaced, "kind", sub->kind, "verbs", verbs_json(sub->verbs));

	if (strcmp(sub->group, kind->group) != 0) {
		json_object_set_new(json, "group", json_string(sub->group));
		json_object_set_new(json, "version", json_string(sub->version));
	}
	return json;
}

static json_t *resources_json(const char *group, const char *version)
{
	char api_version[API_VERSION_LEN];
	json_t *resources = json_array(), *json;

	for (size_t i = 0; i < kinds_count; i++) {
		const struct kind *kind = &kinds[i];

		if (strcmp(kind->group, group) != 0 || !kind_has_version(kind, version))
			continue;
		json_array_append_new(resources, resource_json(kind));
		for (const struct kind_subresource *sub = kind->subresources; sub->name; sub++)
			json_array_append_new(resources, subresource_json(kind, sub));
	}
	if (json_array_size(resources) == 0) {
		json_decref(resources);
		return NULL;
	}
	kind_api_version(group, version, api_version);
	json = json_pack("{s:s, s:s, s:o}", "kind", "APIResourceList", "groupVersion", api_version,
		"resources", resources);
	if (group[0]) /* as upstream */
		json_object_set_new(json, "apiVersion", json_string("v1"));
	return json;
}

/* --- all at once (apidiscovery.k8s.io/v2) --- */

static json_t *response_kind(const char *group, const char *version, const char *kind)
{
	return json_pack("{s:s, s:s, s:s}", "group", group, "version", version, "kind", kind);
}

static json_t *aggregated_resource(const struct kind *kind, const char *version)
{
	json_t *subresources = json_array();
	json_t *json = json_pack("{s:s, s:o, s:s, s:s, s:o}", "resource", kind->plural,
		"responseKind", response_kind(kind->group, version, kind->kind), "scope",
		kind->namespaced ? "Namespaced" : "Cluster", "singularResource", kind->singular,
		"verbs", verbs_json(kind->verbs));

	if (kind->short_names[0])
		json_object_set_new(json, "shortNames", words_json(kind->short_names));
	if (kind->in_all)
		json_object_set_new(json, "categories", json_pack("[s]", "all"));
	for (const struct kind_subresource *sub = kind->subresources; sub->name; sub++)
		json_array_append_new(subresources,
			json_pack("{s:s, s:o, s:o}", "subresource", sub->name, "responseKind",
				response_kind(sub->group, sub->version, sub->kind), "verbs",
				verbs_json(sub->verbs)));
	if (json_array_size(subresources))
		json_object_set(json, "subresources", subresources);
	json_decref(subresources);
	return json;
}

static void aggregated_add_version(const char *version, void *userdata)
{
	struct group_list *list = userdata;
	json_t *resources = json_array();

	for (size_t i = 0; i < kinds_count; i++)
		if (strcmp(kinds[i].group, list->group) == 0 &&
			kind_has_version(&kinds[i], version))
			json_array_append_new(resources, aggregated_resource(&kinds[i], version));
	json_array_append_new(
		list->versions, json_pack("{s:s, s:o, s:s}", "version", version, "resources",
					resources, "freshness", "Current"));
}

static json_t *aggregated_json(bool core)
{
	json_t *items = json_array();

	for (size_t i = 0; i < kinds_count; i++) {
		struct group_list list = {kinds[i].group, NULL};

		if ((kinds[i].group[0] == '\0') != core || !group_is_first(i))
			continue;
		list.versions = json_array();
		group_versions(list.group, aggregated_add_version, &list);
		json_array_append_new(
			items, json_pack("{s:{s:s, s:n}, s:o}", "metadata", "name", list.group,
				       "creationTimestamp", "versions", list.versions));
	}
	return json_pack("{s:s, s:s, s:{}, s:o}", "kind", "APIGroupDiscoveryList", "apiVersion",
		"apidiscovery.k8s.io/v2", "metadata", "items", items);
}

static bool wants_aggregated(const struct http_exchange *exchange)
{
	const char *accept = http_exchange_header(exchange, "Accept");

	return accept && strstr(accept, AGGREGATED);
}

/* --- answers --- */

static void answer(struct http_exchange *exchange, const char *type, json_t *json)
{
	AUTO_JSON owned = json;
	AUTO_FREE char *text = json ? json_text(json) : NULL;

	if (text)
		http_answer_bytes(exchange, 200, type, text, strlen(text));
	else
		http_answer_text(exchange, 404, "404 page not found\n");
}

static json_t *version_json(void)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "major", KUBERNETES_MAJOR,
		"minor", KUBERNETES_MINOR, "gitVersion", KUBERNETES_VERSION "+podnet", "gitCommit",
		PODNET_VERSION, "gitTreeState", "clean", "buildDate", "1970-01-01T00:00:00Z",
		"goVersion", "none", "compiler", "gcc", "platform", "linux/amd64");
}

static void discovery_root(struct http_exchange *exchange, const char *root)
{
	bool core = strcmp(root, "api") == 0;

	if (wants_aggregated(exchange))
		answer(exchange, AGGREGATED, aggregated_json(core));
	else
		answer(exchange, "application/json",
			core ? core_versions_json(exchange) : groups_json());
}

/* A path with an empty last segment, as "/api/v1/", is the same without it. */
static size_t segments(const struct http_exchange *exchange)
{
	size_t count = http_exchange_segment_count(exchange);

	while (count && http_exchange_segment(exchange, count - 1)[0] == '\0')
		count--;
	return count;
}

static void discovery_below(struct http_exchange *exchange, bool core, size_t count)
{
	const char *second = http_exchange_segment(exchange, 1);

	if (core) {
		answer(exchange, "application/json", resources_json("", second));
	} else if (count == 2) {
		bool known = false;

		for (size_t i = 0; i < kinds_count; i++)
			known |= strcmp(kinds[i].group, second) == 0;
		answer(exchange, "application/json", known ? group_json(second, true) : NULL);
	} else {
		answer(exchange, "application/json",
			resources_json(second, http_exchange_segment(exchange, 2)));
	}
}

struct path_list {
	const char *group;
	json_t *paths;
};

static void paths_add_version(const char *version, void *userdata)
{
	const struct path_list *list = userdata;

	json_array_append_new(list->paths, json_sprintf("/apis/%s/%s", list->group, version));
}

static json_t *paths_json(void)
{
	json_t *paths = json_pack("[s, s, s]", "/api", "/api/v1", "/apis");

	for (size_t i = 0; i < kinds_count; i++) {
		struct path_list list = {kinds[i].group, paths};

		if (!list.group[0] || !group_is_first(i))
			continue;
		json_array_append_new(paths, json_sprintf("/apis/%s", list.group));
		group_versions(list.group, paths_add_version, &list);
	}
	for (const char *const *path = (const char *const[]){"/healthz", "/livez", "/openapi/v2",
		     "/openapi/v3", "/readyz", "/version", NULL};
		*path; path++)
		json_array_append_new(paths, json_string(*path));
	return json_pack("{s:o}", "paths", paths);
}

static const char *root_of(const struct http_exchange *exchange)
{
	return segments(exchange) ? http_exchange_segment(exchange, 0) : "";
}

bool discovery_is_public(const struct http_exchange *exchange)
{
	const char *root = root_of(exchange);
	const char *method = http_exchange_method(exchange);

	return segments(exchange) == 1 && (health_is(root) || strcmp(root, "version") == 0) &&
	       (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0);
}

bool discovery_is_wanted(const struct http_exchange *exchange)
{
	size_t count = segments(exchange);
	const char *root = root_of(exchange);

	if (strcmp(root, "api") == 0)
		return count <= 2;
	return strcmp(root, "apis") != 0 || count <= 3;
}

void discovery_answer(const struct api *api, struct http_exchange *exchange)
{
	size_t count = segments(exchange);
	const char *root = root_of(exchange);
	bool core = strcmp(root, "api") == 0;

	if (core || strcmp(root, "apis") == 0) {
		if (count == 1)
			discovery_root(exchange, root);
		else
			discovery_below(exchange, core, count);
		return;
	}
	if (strcmp(root, "version") == 0)
		answer(exchange, "application/json", version_json());
	else if (count == 0)
		answer(exchange, "application/json", paths_json());
	else if (health_is(root))
		health_answer(root, store_problem(api_store(api)), exchange);
	else if (strcmp(root, "openapi") == 0)
		openapi_handle(exchange, count);
	else
		http_answer_text(exchange, 404, "404 page not found\n");
}
