/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One table of messages and fields, many uses: strict decoding, defaults, paths of refusals; protobuf
 * numbers and merge keys stand ready for the API.  The rows are in schema_*.c.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "user/base/json.h"
#include "user/model/name.h"

struct err;
struct place;

enum schema_type {
	SCHEMA_STRING,
	SCHEMA_BOOL,
	SCHEMA_INT32,
	SCHEMA_INT64,
	SCHEMA_INT_OR_STRING,
	SCHEMA_QUANTITY, /* a string or a number; becomes its canonical text */
	SCHEMA_BYTES,	 /* base64 */
	SCHEMA_MESSAGE,
	SCHEMA_ANY, /* not looked into */
};

enum schema_shape { SCHEMA_ONE, SCHEMA_LIST, SCHEMA_MAP };

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
	uint16_t number; /* protobuf */
	enum schema_type type;
	enum schema_shape shape;
	enum schema_support support;
	bool required;	 /* an empty string or list counts as missing */
	bool zero_unset; /* 0 means "not given" and takes the default */
	bool unique;	 /* a list: no two items with the same merge_key */
	const struct schema_message *message;
	const char *merge_key;
	const char *fallback; /* default, as JSON */
	const char *const
		*one_of;    /* NULL-terminated; "!X": known to Kubernetes, not supported yet */
	int64_t min, max;   /* checked when they differ */
	name_rule rule;	    /* strings; of a map or list: each value */
	name_rule key_rule; /* maps */
};

struct schema_message {
	const char *name;
	const struct schema_field *fields; /* ended by a row without name */
	/* Rules between fields and defaults that depend on others, once each field is right by itself. */
	int (*finish)(json_t *object, const struct place *place, struct err *err);
};

/*
 * Checks @object against @message and completes it in place: fields that are null or belong to the
 * server go, defaults come.  Refuses with EINVAL; -ENOMEM.
 */
int schema_apply(json_t *object, const struct schema_message *message, const struct place *place,
	struct err *err);

/* Rows that make the table below readable. */
#define FIELD(n, num, t, ...)                                            \
	{                                                                \
		.name = (n), .number = (num), .type = (t), ##__VA_ARGS__ \
	}
#define STRING(n, num, ...)	FIELD(n, num, SCHEMA_STRING, ##__VA_ARGS__)
#define BOOL(n, num, ...)	FIELD(n, num, SCHEMA_BOOL, ##__VA_ARGS__)
#define INT32(n, num, ...)	FIELD(n, num, SCHEMA_INT32, ##__VA_ARGS__)
#define INT64(n, num, ...)	FIELD(n, num, SCHEMA_INT64, ##__VA_ARGS__)
#define MESSAGE(n, num, m, ...) FIELD(n, num, SCHEMA_MESSAGE, .message = &(m), ##__VA_ARGS__)
#define STRINGS(n, num, ...)	STRING(n, num, .shape = SCHEMA_LIST, ##__VA_ARGS__)
#define LIST(n, num, m, ...)	MESSAGE(n, num, m, .shape = SCHEMA_LIST, ##__VA_ARGS__)
#define STRING_MAP(n, num, ...) STRING(n, num, .shape = SCHEMA_MAP, ##__VA_ARGS__)
#define REFUSED(n, num)		FIELD(n, num, SCHEMA_ANY, .support = SCHEMA_REFUSED)
#define ABSENT(n, num)		FIELD(n, num, SCHEMA_ANY, .support = SCHEMA_ABSENT)
#define DROPPED(n, num)		FIELD(n, num, SCHEMA_ANY, .support = SCHEMA_DROPPED)
#define IGNORED			.support = SCHEMA_IGNORED
#define VALUES(...)                     \
	.one_of = (const char *const[]) \
	{                               \
		__VA_ARGS__, NULL       \
	}
#define END_OF_FIELDS        \
	{                    \
		.name = NULL \
	}

/* The kinds. */
extern const struct schema_message schema_pod, schema_service, schema_config_map, schema_secret;

/* Messages that stand in a file of their own. */
extern const struct schema_message schema_object_meta, schema_pod_spec, schema_container,
	schema_security, schema_pod_security, schema_volume, schema_affinity, schema_toleration,
	schema_topology_spread;
