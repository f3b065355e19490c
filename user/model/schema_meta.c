// SPDX-License-Identifier: Apache-2.0
/* metadata, and the kinds without a spec. */
#include "user/model/defaults.h"
#include "user/model/rules.h"
#include "user/model/schema_rows.h"
#include "user/model/validate.h"

static const struct schema_field owner_fields[] = {
	STRING("apiVersion", 5, REQUIRED),
	STRING("kind", 1, REQUIRED),
	STRING("name", 3, REQUIRED),
	STRING("uid", 4, REQUIRED),
	BOOL("controller", 6, KEEPS_ZERO),
	BOOL("blockOwnerDeletion", 7, KEEPS_ZERO),
	END_OF_FIELDS,
};

static const struct schema_message owner = {
	.name = "OwnerReference", .fields = owner_fields, .atomic = true};

static const struct schema_field managed_fields_entry_fields[] = {
	STRING("manager", 1),
	STRING("operation", 2),
	STRING("apiVersion", 3),
	TIME("time", 4),
	STRING("fieldsType", 6),
	FIELD("fieldsV1", 7, SCHEMA_FIELDS_V1),
	STRING("subresource", 8),
	END_OF_FIELDS,
};

static const struct schema_message managed_fields_entry = {
	.name = "ManagedFieldsEntry", .fields = managed_fields_entry_fields};

static const struct schema_field object_meta_fields[] = {
	/* Its rule depends on the kind. */
	STRING("name", 1),
	STRING("generateName", 2, REFUSED),
	STRING("namespace", 3, .rule = name_dns_label),
	STRING("selfLink", 4, DROPPED),
	STRING("uid", 5, DROPPED),
	STRING("resourceVersion", 6, DROPPED),
	INT64("generation", 7, DROPPED),
	TIME("creationTimestamp", 8, DROPPED, ALWAYS("null")),
	TIME("deletionTimestamp", 9, DROPPED),
	INT64("deletionGracePeriodSeconds", 10, KEEPS_ZERO, DROPPED),
	STRING_MAP("labels", 11, .key_rule = name_label_key, .rule = name_label_value),
	STRING_MAP("annotations", 12, .key_rule = name_label_key),
	LIST("ownerReferences", 13, owner, IGNORED, .merge_key = "uid"),
	STRINGS("finalizers", 14, IGNORED, .merge = true),
	STRING("clusterName", 15, DROPPED),
	LIST("managedFields", 17, managed_fields_entry, DROPPED),
	END_OF_FIELDS,
};

const struct schema_message schema_object_meta = {
	.name = "ObjectMeta", .fields = object_meta_fields, .finish = meta_finish};

static const struct schema_field partial_metadata_fields[] = {
	KIND_HEAD,
	END_OF_FIELDS,
};

const struct schema_message schema_partial_metadata = {
	.name = "PartialObjectMetadata", .fields = partial_metadata_fields};

static const struct schema_field config_map_fields[] = {
	KIND_HEAD,
	STRING_MAP("data", 2, .key_rule = name_data_key),
	FIELD("binaryData", 3, SCHEMA_BYTES, .shape = SCHEMA_MAP, .key_rule = name_data_key),
	BOOL("immutable", 4, KEEPS_ZERO),
	END_OF_FIELDS,
};

const struct schema_message schema_config_map = {.name = "ConfigMap",
	.fields = config_map_fields,
	.validate = data_validate,
	.finish = config_map_finish};

static const struct schema_field secret_fields[] = {
	KIND_HEAD,
	FIELD("data", 2, SCHEMA_BYTES, .shape = SCHEMA_MAP, .key_rule = name_data_key),
	STRING("type", 3, .fallback = "\"Opaque\""),
	STRING_MAP("stringData", 4, .key_rule = name_data_key),
	BOOL("immutable", 5, KEEPS_ZERO),
	END_OF_FIELDS,
};

const struct schema_message schema_secret = {.name = "Secret",
	.fields = secret_fields,
	.validate = data_validate,
	.complete = secret_complete,
	.finish = secret_finish};
