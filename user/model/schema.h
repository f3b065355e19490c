/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One table of messages and fields, many uses: strict decoding, defaults and validation of manifests
 * (schema_apply) and of API requests (codec_json.h, defaults.h, validate.h), protobuf
 * (codec_protobuf.h), patches (patch.h, apply.h) and discovery (kinds.h).  The rows are in schema_*.c.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "user/base/json.h"
#include "user/model/name.h"

struct causes;
struct err;
struct place;

enum schema_type {
	SCHEMA_STRING,
	SCHEMA_BOOL,
	SCHEMA_INT32,
	SCHEMA_INT64,
	SCHEMA_INT_OR_STRING,
	SCHEMA_QUANTITY,   /* a string or a number; becomes its canonical text */
	SCHEMA_BYTES,	   /* base64 */
	SCHEMA_TIME,	   /* RFC 3339, whole seconds */
	SCHEMA_MICRO_TIME, /* RFC 3339, six digits */
	SCHEMA_MESSAGE,
	SCHEMA_RAW,	    /* any object; in protobuf a RawExtension */
	SCHEMA_FIELDS_V1,   /* any object; in protobuf a FieldsV1 */
	SCHEMA_STRING_LIST, /* as the value of a map; in protobuf a message around the strings */
	SCHEMA_ANY,	    /* not looked into; not in protobuf */
};

enum schema_shape { SCHEMA_ONE, SCHEMA_LIST, SCHEMA_MAP };

/* What the node does with a field; a server accepts and keeps them all. */
enum schema_support {
	SCHEMA_USED,
	SCHEMA_IGNORED, /* checked and kept, without effect on one node */
	SCHEMA_DROPPED, /* belongs to the server: removed */
	SCHEMA_REFUSED, /* would change what runs, and podnet does not do it yet: only zero is accepted */
	SCHEMA_ABSENT, /* the same, where even an empty value means something */
};

struct schema_message;

struct schema_field {
	const char *name;
	uint16_t number; /* protobuf; 0: not in it (apiVersion and kind) */
	enum schema_type type;
	enum schema_shape shape;
	enum schema_support support;
	bool required;	  /* an empty string or list counts as missing */
	bool zero_unset;  /* 0 means "not given" and takes the default */
	bool keeps_zero;  /* a server stores 0 and false; elsewhere they are as if not given */
	bool unique;	  /* a list: no two items with the same merge_key */
	bool merge;	  /* a list of primitives: a set, patches add to it */
	bool retain_keys; /* a patch may list the keys that stay ($retainKeys) */
	bool atomic;	  /* owned and applied as a whole, though it is a map or a message */
	bool immutable;	  /* an update may not change it */
	const struct schema_message *message;
	const char *merge_key; /* strategic merge: the key of a list's items */
	const char *
		list_keys; /* server-side apply, where it is not merge_key: "port,protocol"; "": atomic */
	const char *fallback; /* default, as JSON */
	const char *const *
		one_of; /* NULL-terminated; "!X": known to Kubernetes, not supported yet by the node */
	int64_t min, max;   /* checked when they differ */
	name_rule rule;	    /* strings; of a map or list: each value */
	name_rule key_rule; /* maps */
};

struct schema_message {
	const char *name;
	const struct schema_field *fields; /* ended by a row without name */
	/* A message whose fields stand among these in JSON, and by its number in protobuf. */
	const struct schema_message *embedded;
	uint16_t embedded_number;
	bool atomic; /* server-side apply: owned as a whole */
	/* Defaults that depend on other fields.  0 or -ENOMEM. */
	int (*complete)(json_t *object);
	/* The node's rules between fields, once each field is right by itself. */
	int (*finish)(json_t *object, const struct place *place, struct err *err);
	/* Kubernetes' rules between fields, whatever is wrong with others. */
	void (*validate)(const json_t *object, const struct place *place, struct causes *causes);
};

/*
 * The node's mode: checks @object against @message and completes it in place: fields that are null or
 * belong to the server go, defaults come.  Refuses the first mistake with EINVAL; -ENOMEM.
 */
int schema_apply(json_t *object, const struct schema_message *message, const struct place *place,
	struct err *err);

/* The field of @message (or of what is embedded in it) with that name, or NULL. */
const struct schema_field *schema_field_find(
	const struct schema_message *message, const char *name);

/* True for values that Go cannot tell from a field that is not given: null, "", an empty list where
 * one is required, and 0 where zero_unset says so. */
bool schema_is_unset(const struct schema_field *field, const json_t *value);

/* The kinds. */
extern const struct schema_message schema_pod, schema_service, schema_config_map, schema_secret,
	schema_namespace, schema_node, schema_binding, schema_endpoints, schema_service_account,
	schema_core_event, schema_deployment, schema_replica_set, schema_scale,
	schema_endpoint_slice, schema_event, schema_lease, schema_priority_class,
	schema_pod_disruption_budget, schema_eviction, schema_certificate_signing_request,
	schema_role, schema_cluster_role, schema_role_binding, schema_cluster_role_binding,
	schema_subject_access_review, schema_self_subject_access_review,
	schema_local_subject_access_review, schema_self_subject_rules_review, schema_token_review,
	schema_token_request, schema_self_subject_review;

/* Comes to the node by itself, after its Pod. */
extern const struct schema_message schema_ephemeral_container;

/* What comes along with requests and answers. */
extern const struct schema_message schema_delete_options, schema_create_options,
	schema_update_options, schema_patch_options, schema_status, schema_list_meta,
	schema_partial_metadata;

/* Parts that other code reads by themselves. */
extern const struct schema_message schema_object_meta, schema_pod_spec, schema_pod_template,
	schema_label_selector;
