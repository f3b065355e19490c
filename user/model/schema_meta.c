// SPDX-License-Identifier: Apache-2.0
/* metadata, and the kinds without a spec. */
#include "user/model/rules.h"
#include "user/model/schema.h"

static const struct schema_field owner_fields[] = {
	STRING("apiVersion", 5, .required = true),
	STRING("kind", 1, .required = true),
	STRING("name", 3, .required = true),
	STRING("uid", 4, .required = true),
	BOOL("controller", 6),
	BOOL("blockOwnerDeletion", 7),
	END_OF_FIELDS,
};

static const struct schema_message owner = {"OwnerReference", owner_fields, NULL};

static const struct schema_field object_meta_fields[] = {
	STRING("name", 1, .required = true, .rule = name_dns_subdomain),
	REFUSED("generateName", 2),
	STRING("namespace", 3, .fallback = "\"default\"", .rule = name_dns_label),
	DROPPED("selfLink", 4),
	DROPPED("uid", 5),
	DROPPED("resourceVersion", 6),
	DROPPED("generation", 7),
	DROPPED("creationTimestamp", 8),
	DROPPED("deletionTimestamp", 9),
	DROPPED("deletionGracePeriodSeconds", 10),
	STRING_MAP("labels", 11, .key_rule = name_label_key, .rule = name_label_value),
	STRING_MAP("annotations", 12, .key_rule = name_label_key),
	LIST("ownerReferences", 13, owner, IGNORED, .merge_key = "uid"),
	STRINGS("finalizers", 14, IGNORED),
	DROPPED("clusterName", 15),
	DROPPED("managedFields", 17),
	END_OF_FIELDS,
};

const struct schema_message schema_object_meta = {"ObjectMeta", object_meta_fields, meta_finish};

static const struct schema_field config_map_fields[] = {
	STRING("apiVersion", 0),
	STRING("kind", 0),
	MESSAGE("metadata", 1, schema_object_meta, .required = true),
	STRING_MAP("data", 2, .key_rule = name_data_key),
	FIELD("binaryData", 3, SCHEMA_BYTES, .shape = SCHEMA_MAP, .key_rule = name_data_key),
	BOOL("immutable", 4),
	END_OF_FIELDS,
};

const struct schema_message schema_config_map = {"ConfigMap", config_map_fields, config_map_finish};

static const struct schema_field secret_fields[] = {
	STRING("apiVersion", 0),
	STRING("kind", 0),
	MESSAGE("metadata", 1, schema_object_meta, .required = true),
	FIELD("data", 2, SCHEMA_BYTES, .shape = SCHEMA_MAP, .key_rule = name_data_key),
	STRING("type", 3, .fallback = "\"Opaque\""),
	STRING_MAP("stringData", 4, .key_rule = name_data_key),
	BOOL("immutable", 5),
	END_OF_FIELDS,
};

const struct schema_message schema_secret = {"Secret", secret_fields, secret_finish};
