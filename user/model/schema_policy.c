// SPDX-License-Identifier: Apache-2.0
/* Lease, PriorityClass, PodDisruptionBudget and Eviction. */
#include "user/model/schema_rows.h"
#include "user/model/validate.h"

static const struct schema_field lease_spec_fields[] = {
	STRING("holderIdentity", 1),
	INT32("leaseDurationSeconds", 2, KEEPS_ZERO, .min = 1, .max = INT32_MAX),
	MICRO_TIME("acquireTime", 3),
	MICRO_TIME("renewTime", 4),
	INT32("leaseTransitions", 5, KEEPS_ZERO, .min = 0, .max = INT32_MAX),
	STRING("strategy", 6, VALUES("OldestEmulationVersion")),
	STRING("preferredHolder", 7),
	END_OF_FIELDS,
};

static const struct schema_message lease_spec = {.name = "LeaseSpec", .fields = lease_spec_fields};

static const struct schema_field lease_fields[] = {
	KIND_HEAD,
	MESSAGE("spec", 2, lease_spec, ALWAYS("{}")),
	END_OF_FIELDS,
};

const struct schema_message schema_lease = {.name = "Lease", .fields = lease_fields};

static const struct schema_field priority_class_fields[] = {
	KIND_HEAD,
	INT32("value", 2, .immutable = true, ALWAYS("0")),
	BOOL("globalDefault", 3),
	STRING("description", 4),
	STRING("preemptionPolicy", 5, .immutable = true, .fallback = "\"PreemptLowerPriority\"",
		VALUES("Never", "PreemptLowerPriority")),
	END_OF_FIELDS,
};

const struct schema_message schema_priority_class = {
	.name = "PriorityClass", .fields = priority_class_fields};

static const struct schema_field pod_disruption_budget_spec_fields[] = {
	FIELD("minAvailable", 1, SCHEMA_INT_OR_STRING),
	MESSAGE("selector", 2, schema_label_selector),
	FIELD("maxUnavailable", 3, SCHEMA_INT_OR_STRING),
	STRING("unhealthyPodEvictionPolicy", 4, VALUES("IfHealthyBudget", "AlwaysAllow")),
	END_OF_FIELDS,
};

static const struct schema_message pod_disruption_budget_spec = {.name = "PodDisruptionBudgetSpec",
	.fields = pod_disruption_budget_spec_fields,
	.validate = disruption_validate};

static const struct schema_field pod_disruption_budget_status_fields[] = {
	INT64("observedGeneration", 1),
	TIME("disruptedPods", 2, .shape = SCHEMA_MAP),
	INT32("disruptionsAllowed", 3, ALWAYS("0")),
	INT32("currentHealthy", 4, ALWAYS("0")),
	INT32("desiredHealthy", 5, ALWAYS("0")),
	INT32("expectedPods", 6, ALWAYS("0")),
	LIST("conditions", 7, schema_condition, .merge_key = "type"),
	END_OF_FIELDS,
};

static const struct schema_message pod_disruption_budget_status = {
	.name = "PodDisruptionBudgetStatus", .fields = pod_disruption_budget_status_fields};

static const struct schema_field pod_disruption_budget_fields[] = {
	KIND_HEAD,
	MESSAGE("spec", 2, pod_disruption_budget_spec, ALWAYS("{}")),
	MESSAGE("status", 3, pod_disruption_budget_status,
		.fallback = "{\"disruptionsAllowed\":0,\"currentHealthy\":0,\"desiredHealthy\":0,"
			    "\"expectedPods\":0}"),
	END_OF_FIELDS,
};

const struct schema_message schema_pod_disruption_budget = {
	.name = "PodDisruptionBudget", .fields = pod_disruption_budget_fields};

static const struct schema_field eviction_fields[] = {
	KIND_HEAD,
	MESSAGE("deleteOptions", 2, schema_delete_options),
	END_OF_FIELDS,
};

const struct schema_message schema_eviction = {.name = "Eviction", .fields = eviction_fields};
