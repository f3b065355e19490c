// SPDX-License-Identifier: Apache-2.0
/* Namespace and ServiceAccount. */
#include "user/model/defaults.h"
#include "user/model/schema_rows.h"

static const struct schema_field namespace_spec_fields[] = {
	STRINGS("finalizers", 1),
	END_OF_FIELDS,
};

static const struct schema_message namespace_spec = {
	.name = "NamespaceSpec", .fields = namespace_spec_fields};

static const struct schema_field namespace_condition_fields[] = {
	STRING("type", 1, REQUIRED),
	STRING("status", 2, REQUIRED),
	TIME("lastTransitionTime", 4),
	STRING("reason", 5),
	STRING("message", 6),
	END_OF_FIELDS,
};

static const struct schema_message namespace_condition = {
	.name = "NamespaceCondition", .fields = namespace_condition_fields};

static const struct schema_field namespace_status_fields[] = {
	STRING("phase", 1, .fallback = "\"Active\"", VALUES("Active", "Terminating")),
	LIST("conditions", 2, namespace_condition, .merge_key = "type"),
	END_OF_FIELDS,
};

static const struct schema_message namespace_status = {
	.name = "NamespaceStatus", .fields = namespace_status_fields};

static const struct schema_field namespace_fields[] = {
	KIND_HEAD,
	MESSAGE("spec", 2, namespace_spec, ALWAYS("{}")),
	MESSAGE("status", 3, namespace_status, ALWAYS("{}")),
	END_OF_FIELDS,
};

const struct schema_message schema_namespace = {
	.name = "Namespace", .fields = namespace_fields, .complete = namespace_complete};

static const struct schema_field service_account_fields[] = {
	KIND_HEAD,
	LIST("secrets", 2, schema_object_reference, .merge_key = "name"),
	LIST("imagePullSecrets", 3, schema_local_reference),
	BOOL("automountServiceAccountToken", 4, KEEPS_ZERO),
	END_OF_FIELDS,
};

const struct schema_message schema_service_account = {
	.name = "ServiceAccount", .fields = service_account_fields};

static const struct schema_field binding_fields[] = {
	KIND_HEAD,
	MESSAGE("target", 2, schema_object_reference, REQUIRED),
	END_OF_FIELDS,
};

const struct schema_message schema_binding = {.name = "Binding", .fields = binding_fields};
