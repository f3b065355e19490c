// SPDX-License-Identifier: Apache-2.0
#include "user/model/defaults.h"
#include "user/model/schema_rows.h"

static const struct schema_field policy_rule_fields[] = {
	STRINGS("verbs", 1, REQUIRED),
	STRINGS("apiGroups", 2),
	STRINGS("resources", 3),
	STRINGS("resourceNames", 4),
	STRINGS("nonResourceURLs", 5),
	END_OF_FIELDS,
};

static const struct schema_message policy_rule = {
	.name = "PolicyRule", .fields = policy_rule_fields};

static const struct schema_field role_fields[] = {
	KIND_HEAD,
	LIST("rules", 2, policy_rule, .fallback = "[]"),
	END_OF_FIELDS,
};

const struct schema_message schema_role = {.name = "Role", .fields = role_fields};

static const struct schema_field aggregation_rule_fields[] = {
	LIST("clusterRoleSelectors", 1, schema_label_selector),
	END_OF_FIELDS,
};

static const struct schema_message aggregation_rule = {
	.name = "AggregationRule", .fields = aggregation_rule_fields};

static const struct schema_field cluster_role_fields[] = {
	KIND_HEAD,
	LIST("rules", 2, policy_rule, .fallback = "[]"),
	MESSAGE("aggregationRule", 3, aggregation_rule),
	END_OF_FIELDS,
};

const struct schema_message schema_cluster_role = {
	.name = "ClusterRole", .fields = cluster_role_fields};

static const struct schema_field subject_fields[] = {
	STRING("kind", 1, REQUIRED, VALUES("User", "Group", "ServiceAccount")),
	STRING("apiGroup", 2),
	STRING("name", 3, REQUIRED),
	STRING("namespace", 4),
	END_OF_FIELDS,
};

static const struct schema_message subject = {
	.name = "Subject", .fields = subject_fields, .complete = subject_complete, .atomic = true};

static const struct schema_field role_ref_fields[] = {
	STRING("apiGroup", 1, .fallback = "\"rbac.authorization.k8s.io\""),
	STRING("kind", 2, REQUIRED, VALUES("Role", "ClusterRole")),
	STRING("name", 3, REQUIRED),
	END_OF_FIELDS,
};

static const struct schema_message role_ref = {
	.name = "RoleRef", .fields = role_ref_fields, .atomic = true};

static const struct schema_field role_binding_fields[] = {
	KIND_HEAD,
	LIST("subjects", 2, subject),
	MESSAGE("roleRef", 3, role_ref, REQUIRED, .immutable = true),
	END_OF_FIELDS,
};

const struct schema_message schema_role_binding = {
	.name = "RoleBinding", .fields = role_binding_fields};

static const struct schema_field cluster_role_binding_fields[] = {
	KIND_HEAD,
	LIST("subjects", 2, subject),
	MESSAGE("roleRef", 3, role_ref, REQUIRED, .immutable = true),
	END_OF_FIELDS,
};

const struct schema_message schema_cluster_role_binding = {
	.name = "ClusterRoleBinding", .fields = cluster_role_binding_fields};
