/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kubernetes objects.  Each typed struct is decoded from one JSON tree that was checked against the
 * schema and has its defaults filled in; every `const char *` in it is borrowed from that tree, which
 * the struct owns through one reference (`json`) and drops in *_free.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "user/base/json.h"

struct err;
struct place;

#define DEFAULT_NAMESPACE "default"
#define NAME_MAX_LEN	  253 /* DNS-1123 subdomain */

enum object_kind {
	KIND_POD,
	KIND_SERVICE,
	KIND_CONFIG_MAP,
	KIND_SECRET,
	KIND_COUNT,
};

/* "Pod", "Service", ... as in `kind:`. */
const char *object_kind_name(enum object_kind kind);

struct object_meta {
	const char *name;
	const char *namespace; /* never NULL: "default" when the manifest says none */
	const char *uid;       /* "" until the agent gives one */
	const json_t *labels;  /* object of strings, or NULL */
	const json_t *annotations;
};

/*
 * One object out of a manifest: validated, defaulted, kind and meta known.
 * Pod, Service, ... are decoded from ->json by pod_decode, service_decode.
 */
struct object {
	enum object_kind kind;
	struct object_meta meta;
	json_t *json;
};

/*
 * Makes an object of @json after checking it against its kind; @json is completed in place and the
 * object takes a reference.  @place is the root for paths in refusals (PLACE_ROOT of user/model/place.h).
 * What was decoded once decodes again to the same.
 */
int object_decode(json_t *json, const struct place *place, struct object **ret, struct err *err);

/*
 * Shows @json, which was checked before (an API server's, or a record's), as an object.  Nothing is copied and no
 * reference taken.
 */
void object_view(json_t *json, enum object_kind kind, struct object *ret);

/* Accepts NULL; returns NULL. */
struct object *object_free(struct object *object);

/* A ConfigMap's or Secret's value: found in data, or decoded from binaryData / base64.
 * On success the caller frees *@ret.  -ENOENT when the key is not there. */
int object_data_get(
	const struct object *object, const char *key, void **ret, size_t *ret_len, struct err *err);

/* The keys of a ConfigMap's or Secret's data, in order of the object: calls @fn for each until it
 * returns non-zero; returns that. */
int object_data_each(
	const struct object *object, int (*fn)(const char *key, void *userdata), void *userdata);
