/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kinds a server offers: routes, discovery, OpenAPI and Tables come from this table, bodies are read
 * by the message of a row.  Constant data: nothing here is owned or freed.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "user/model/name.h"

struct schema_message;

/* The Kubernetes minor that defaults, validation, Tables and /version follow. */
#define KUBERNETES_MAJOR   "1"
#define KUBERNETES_MINOR   "32"
#define KUBERNETES_VERSION "v1.32.0"

enum kind_verb {
	VERB_CREATE = 1 << 0,
	VERB_DELETE = 1 << 1,
	VERB_DELETE_COLLECTION = 1 << 2,
	VERB_GET = 1 << 3,
	VERB_LIST = 1 << 4,
	VERB_PATCH = 1 << 5,
	VERB_UPDATE = 1 << 6,
	VERB_WATCH = 1 << 7,
};

/* "create", "deletecollection", ... */
const char *kind_verb_name(enum kind_verb verb);

/* Below an object: pods/status.  Of what kind its body is stands in group, version and kind. */
struct kind_subresource {
	const char *name; /* NULL ends a list */
	const char *group, *version, *kind;
	const struct schema_message *message; /* NULL: no object is read (log, exec, proxy) */
	unsigned verbs;
};

struct kind {
	const char *group; /* "" is core */
	const char *const
		*versions; /* NULL-terminated; the first is preferred, and how it is stored */
	const char *kind, *list_kind;
	const char *plural, *singular;
	const char *const *short_names; /* NULL-terminated, may be empty */
	bool in_all;			/* category "all" */
	bool namespaced;
	unsigned verbs;
	const struct schema_message *message;
	const struct kind_subresource *subresources; /* ended by a row without name */
	name_rule name_rule;			     /* of metadata.name; NULL: not stored */
	/* Beyond metadata.name and metadata.namespace: "spec.nodeName", ...; NULL-terminated. */
	const char *const *selectable;
	/* The plural that holds its objects in the store, where another kind does: both Events are one. */
	const char *stored_as;
};

extern const struct kind kinds[];
extern const size_t kinds_count;

/* By path: "apps", "v1", "deployments".  NULL when it is not served. */
const struct kind *kind_by_resource(const char *group, const char *version, const char *plural);

/* By body: "apps/v1" (or "v1"), "Deployment".  NULL when it is not served. */
const struct kind *kind_by_type(const char *api_version, const char *kind);

/* NULL when @kind has none of that name. */
const struct kind_subresource *kind_subresource(const struct kind *kind, const char *name);

/* Whether @path (such as "spec.nodeName") may stand in a field selector of @kind. */
bool kind_is_selectable(const struct kind *kind, const char *path);

#define API_VERSION_LEN 128

/* "v1" or "apps/v1". */
void kind_api_version(const char *group, const char *version, char ret[API_VERSION_LEN]);
