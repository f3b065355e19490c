// SPDX-License-Identifier: Apache-2.0
/* What a scheduler reads: checked, and without effect on one node. */
#include "user/model/schema.h"

static const struct schema_field label_requirement_fields[] = {
	STRING("key", 1, .required = true, .merge_key = "key"),
	STRING("operator", 2, .required = true, VALUES("In", "NotIn", "Exists", "DoesNotExist")),
	STRINGS("values", 3),
	END_OF_FIELDS,
};

static const struct schema_message label_requirement = {
	"LabelSelectorRequirement", label_requirement_fields, NULL};

static const struct schema_field label_selector_fields[] = {
	STRING_MAP("matchLabels", 1, .key_rule = name_label_key, .rule = name_label_value),
	LIST("matchExpressions", 2, label_requirement),
	END_OF_FIELDS,
};

static const struct schema_message label_selector = {"LabelSelector", label_selector_fields, NULL};

static const struct schema_field node_requirement_fields[] = {
	STRING("key", 1, .required = true),
	STRING("operator", 2, .required = true,
		VALUES("In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt")),
	STRINGS("values", 3),
	END_OF_FIELDS,
};

static const struct schema_message node_requirement = {
	"NodeSelectorRequirement", node_requirement_fields, NULL};

static const struct schema_field node_term_fields[] = {
	LIST("matchExpressions", 1, node_requirement),
	LIST("matchFields", 2, node_requirement),
	END_OF_FIELDS,
};

static const struct schema_message node_term = {"NodeSelectorTerm", node_term_fields, NULL};

static const struct schema_field node_selector_fields[] = {
	LIST("nodeSelectorTerms", 1, node_term, .required = true),
	END_OF_FIELDS,
};

static const struct schema_message node_selector = {"NodeSelector", node_selector_fields, NULL};

static const struct schema_field preferred_term_fields[] = {
	INT32("weight", 1, .required = true, .min = 1, .max = 100),
	MESSAGE("preference", 2, node_term, .required = true),
	END_OF_FIELDS,
};

static const struct schema_message preferred_term = {
	"PreferredSchedulingTerm", preferred_term_fields, NULL};

static const struct schema_field node_affinity_fields[] = {
	MESSAGE("requiredDuringSchedulingIgnoredDuringExecution", 1, node_selector),
	LIST("preferredDuringSchedulingIgnoredDuringExecution", 2, preferred_term),
	END_OF_FIELDS,
};

static const struct schema_message node_affinity = {"NodeAffinity", node_affinity_fields, NULL};

static const struct schema_field pod_term_fields[] = {
	MESSAGE("labelSelector", 1, label_selector),
	STRINGS("namespaces", 2),
	STRING("topologyKey", 3, .required = true),
	MESSAGE("namespaceSelector", 4, label_selector),
	STRINGS("matchLabelKeys", 5),
	STRINGS("mismatchLabelKeys", 6),
	END_OF_FIELDS,
};

static const struct schema_message pod_term = {"PodAffinityTerm", pod_term_fields, NULL};

static const struct schema_field weighted_term_fields[] = {
	INT32("weight", 1, .required = true, .min = 1, .max = 100),
	MESSAGE("podAffinityTerm", 2, pod_term, .required = true),
	END_OF_FIELDS,
};

static const struct schema_message weighted_term = {
	"WeightedPodAffinityTerm", weighted_term_fields, NULL};

/* PodAffinity and PodAntiAffinity have the same fields. */
static const struct schema_field pod_affinity_fields[] = {
	LIST("requiredDuringSchedulingIgnoredDuringExecution", 1, pod_term),
	LIST("preferredDuringSchedulingIgnoredDuringExecution", 2, weighted_term),
	END_OF_FIELDS,
};

static const struct schema_message pod_affinity = {"PodAffinity", pod_affinity_fields, NULL};
static const struct schema_message pod_anti_affinity = {
	"PodAntiAffinity", pod_affinity_fields, NULL};

static const struct schema_field affinity_fields[] = {
	MESSAGE("nodeAffinity", 1, node_affinity),
	MESSAGE("podAffinity", 2, pod_affinity),
	MESSAGE("podAntiAffinity", 3, pod_anti_affinity),
	END_OF_FIELDS,
};

const struct schema_message schema_affinity = {"Affinity", affinity_fields, NULL};

static const struct schema_field toleration_fields[] = {
	STRING("key", 1),
	STRING("operator", 2, VALUES("Equal", "Exists", "Gt", "Lt")),
	STRING("value", 3),
	STRING("effect", 4, VALUES("NoSchedule", "PreferNoSchedule", "NoExecute")),
	INT64("tolerationSeconds", 5),
	END_OF_FIELDS,
};

const struct schema_message schema_toleration = {"Toleration", toleration_fields, NULL};

static const struct schema_field topology_spread_fields[] = {
	INT32("maxSkew", 1, .required = true, .min = 1, .max = INT32_MAX),
	STRING("topologyKey", 2, .required = true),
	STRING("whenUnsatisfiable", 3, .required = true, VALUES("DoNotSchedule", "ScheduleAnyway")),
	MESSAGE("labelSelector", 4, label_selector),
	INT32("minDomains", 5, .min = 1, .max = INT32_MAX),
	STRING("nodeAffinityPolicy", 6, VALUES("Honor", "Ignore")),
	STRING("nodeTaintsPolicy", 7, VALUES("Honor", "Ignore")),
	STRINGS("matchLabelKeys", 8),
	END_OF_FIELDS,
};

const struct schema_message schema_topology_spread = {
	"TopologySpreadConstraint", topology_spread_fields, NULL};
