// SPDX-License-Identifier: Apache-2.0
/* What points at other objects. */
#include "user/model/schema_rows.h"

static const struct schema_field object_reference_fields[] = {
	STRING("kind", 1),
	STRING("namespace", 2),
	STRING("name", 3),
	STRING("uid", 4),
	STRING("apiVersion", 5),
	STRING("resourceVersion", 6),
	STRING("fieldPath", 7),
	END_OF_FIELDS,
};

const struct schema_message schema_object_reference = {
	.name = "ObjectReference", .fields = object_reference_fields, .atomic = true};

static const struct schema_field local_reference_fields[] = {
	STRING("name", 1, REQUIRED, .rule = name_dns_subdomain),
	END_OF_FIELDS,
};

const struct schema_message schema_local_reference = {
	.name = "LocalObjectReference", .fields = local_reference_fields, .atomic = true};

static const struct schema_field secret_reference_fields[] = {
	STRING("name", 1),
	STRING("namespace", 2),
	END_OF_FIELDS,
};

const struct schema_message schema_secret_reference = {
	.name = "SecretReference", .fields = secret_reference_fields, .atomic = true};
