// SPDX-License-Identifier: Apache-2.0
/* What a scheduler reads: checked, and without effect on one node. */
#include "user/model/schema_rows.h"
#include "user/model/validate.h"

static const struct schema_field label_requirement_fields[] = {
	STRING("key", 1, REQUIRED, .merge_key = "key"),
	STRING("operator", 2, REQUIRED, VALUES("In", "NotIn", "Exists", "DoesNotExist")),
	STRINGS("values", 3),
	END_OF_FIELDS,
};

const struct schema_message schema_label_requirement = {.name = "LabelSelectorRequirement",
	.fields = label_requirement_fields,
	.validate = selector_validate};

/* Of a review of access: the same fields. */
const struct schema_message schema_field_requirement = {
	.name = "FieldSelectorRequirement", .fields = label_requirement_fields};

static const struct schema_field label_selector_fields[] = {
	STRING_MAP("matchLabels", 1, .key_rule = name_label_key, .rule = name_label_value),
	LIST("matchExpressions", 2, schema_label_requirement),
	END_OF_FIELDS,
};

const struct schema_message schema_label_selector = {
	.name = "LabelSelector", .fields = label_selector_fields, .atomic = true};

static const struct schema_field node_requirement_fields[] = {
	STRING("key", 1, REQUIRED),
	STRING("operator", 2, REQUIRED,
		VALUES("In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt")),
	STRINGS("values", 3),
	END_OF_FIELDS,
};

static const struct schema_message node_requirement = {.name = "NodeSelectorRequirement",
	.fields = node_requirement_fields,
	.validate = selector_validate};

static const struct schema_field node_term_fields[] = {
	LIST("matchExpressions", 1, node_requirement),
	LIST("matchFields", 2, node_requirement),
	END_OF_FIELDS,
};

static const struct schema_message node_term = {
	.name = "NodeSelectorTerm", .fields = node_term_fields, .atomic = true};

static const struct schema_field node_selector_fields[] = {
	LIST("nodeSelectorTerms", 1, node_term, REQUIRED),
	END_OF_FIELDS,
};

const struct schema_message schema_node_selector = {
	.name = "NodeSelector", .fields = node_selector_fields, .atomic = true};

static const struct schema_field preferred_term_fields[] = {
	INT32("weight", 1, REQUIRED, .min = 1, .max = 100),
	MESSAGE("preference", 2, node_term, REQUIRED),
	END_OF_FIELDS,
};

static const struct schema_message preferred_term = {
	.name = "PreferredSchedulingTerm", .fields = preferred_term_fields};

static const struct schema_field node_affinity_fields[] = {
	MESSAGE("requiredDuringSchedulingIgnoredDuringExecution", 1, schema_node_selector),
	LIST("preferredDuringSchedulingIgnoredDuringExecution", 2, preferred_term),
	END_OF_FIELDS,
};

static const struct schema_message node_affinity = {
	.name = "NodeAffinity", .fields = node_affinity_fields};

static const struct schema_field pod_term_fields[] = {
	MESSAGE("labelSelector", 1, schema_label_selector),
	STRINGS("namespaces", 2),
	STRING("topologyKey", 3, REQUIRED),
	MESSAGE("namespaceSelector", 4, schema_label_selector),
	STRINGS("matchLabelKeys", 5),
	STRINGS("mismatchLabelKeys", 6),
	END_OF_FIELDS,
};

static const struct schema_message pod_term = {
	.name = "PodAffinityTerm", .fields = pod_term_fields};

static const struct schema_field weighted_term_fields[] = {
	INT32("weight", 1, REQUIRED, .min = 1, .max = 100),
	MESSAGE("podAffinityTerm", 2, pod_term, REQUIRED),
	END_OF_FIELDS,
};

static const struct schema_message weighted_term = {
	.name = "WeightedPodAffinityTerm", .fields = weighted_term_fields};

/* PodAffinity and PodAntiAffinity have the same fields. */
static const struct schema_field pod_affinity_fields[] = {
	LIST("requiredDuringSchedulingIgnoredDuringExecution", 1, pod_term),
	LIST("preferredDuringSchedulingIgnoredDuringExecution", 2, weighted_term),
	END_OF_FIELDS,
};

static const struct schema_message pod_affinity = {
	.name = "PodAffinity", .fields = pod_affinity_fields};
static const struct schema_message pod_anti_affinity = {
	.name = "PodAntiAffinity", .fields = pod_affinity_fields};

static const struct schema_field affinity_fields[] = {
	MESSAGE("nodeAffinity", 1, node_affinity),
	MESSAGE("podAffinity", 2, pod_affinity),
	MESSAGE("podAntiAffinity", 3, pod_anti_affinity),
	END_OF_FIELDS,
};

const struct schema_message schema_affinity = {.name = "Affinity", .fields = affinity_fields};

static const struct schema_field toleration_fields[] = {
	STRING("key", 1),
	STRING("operator", 2, VALUES("Equal", "Exists", "Gt", "Lt")),
	STRING("value", 3),
	STRING("effect", 4, VALUES("NoSchedule", "PreferNoSchedule", "NoExecute")),
	INT64("tolerationSeconds", 5, KEEPS_ZERO),
	END_OF_FIELDS,
};

const struct schema_message schema_toleration = {.name = "Toleration", .fields = toleration_fields};

static const struct schema_field topology_spread_fields[] = {
	INT32("maxSkew", 1, REQUIRED, .min = 1, .max = INT32_MAX),
	STRING("topologyKey", 2, REQUIRED),
	STRING("whenUnsatisfiable", 3, REQUIRED, VALUES("DoNotSchedule", "ScheduleAnyway")),
	MESSAGE("labelSelector", 4, schema_label_selector),
	INT32("minDomains", 5, KEEPS_ZERO, .min = 1, .max = INT32_MAX),
	STRING("nodeAffinityPolicy", 6, VALUES("Honor", "Ignore")),
	STRING("nodeTaintsPolicy", 7, VALUES("Honor", "Ignore")),
	STRINGS("matchLabelKeys", 8),
	END_OF_FIELDS,
};

const struct schema_message schema_topology_spread = {
	.name = "TopologySpreadConstraint", .fields = topology_spread_fields};
