// SPDX-License-Identifier: Apache-2.0
/* Deployment, ReplicaSet and Scale. */
#include "user/model/defaults.h"
#include "user/model/rules.h"
#include "user/model/schema_rows.h"
#include "user/model/validate.h"

static const struct schema_field rolling_update_deployment_fields[] = {
	FIELD("maxUnavailable", 1, SCHEMA_INT_OR_STRING, .min = 0, .max = INT32_MAX,
		.fallback = "\"25%\""),
	FIELD("maxSurge", 2, SCHEMA_INT_OR_STRING, .min = 0, .max = INT32_MAX,
		.fallback = "\"25%\""),
	END_OF_FIELDS,
};

static const struct schema_message rolling_update_deployment = {
	.name = "RollingUpdateDeployment", .fields = rolling_update_deployment_fields};

static const struct schema_field deployment_strategy_fields[] = {
	STRING("type", 1, .fallback = "\"RollingUpdate\"", VALUES("Recreate", "RollingUpdate")),
	MESSAGE("rollingUpdate", 2, rolling_update_deployment),
	END_OF_FIELDS,
};

static const struct schema_message deployment_strategy = {.name = "DeploymentStrategy",
	.fields = deployment_strategy_fields,
	.validate = strategy_validate,
	.complete = strategy_complete};

static const struct schema_field deployment_spec_fields[] = {
	INT32("replicas", 1, .min = 0, .max = INT32_MAX, .fallback = "1"),
	MESSAGE("selector", 2, schema_label_selector, REQUIRED, .immutable = true),
	MESSAGE("template", 3, schema_pod_template, REQUIRED),
	MESSAGE("strategy", 4, deployment_strategy, .retain_keys = true, ALWAYS("{}")),
	INT32("minReadySeconds", 5, .min = 0, .max = INT32_MAX),
	INT32("revisionHistoryLimit", 6, .min = 0, .max = INT32_MAX, .fallback = "10"),
	BOOL("paused", 7),
	INT32("progressDeadlineSeconds", 9, .min = 1, .max = INT32_MAX, .fallback = "600"),
	END_OF_FIELDS,
};

static const struct schema_message deployment_spec = {
	.name = "DeploymentSpec", .fields = deployment_spec_fields, .validate = workload_validate};

static const struct schema_field deployment_condition_fields[] = {
	STRING("type", 1, REQUIRED),
	STRING("status", 2, REQUIRED),
	TIME("lastUpdateTime", 6, ALWAYS("null")),
	TIME("lastTransitionTime", 7, ALWAYS("null")),
	STRING("reason", 4),
	STRING("message", 5),
	END_OF_FIELDS,
};

static const struct schema_message deployment_condition = {
	.name = "DeploymentCondition", .fields = deployment_condition_fields};

static const struct schema_field deployment_status_fields[] = {
	INT64("observedGeneration", 1),
	INT32("replicas", 2),
	INT32("updatedReplicas", 3),
	INT32("readyReplicas", 7),
	INT32("availableReplicas", 4),
	INT32("unavailableReplicas", 5),
	INT32("terminatingReplicas", 9, KEEPS_ZERO),
	LIST("conditions", 6, deployment_condition, .merge_key = "type"),
	INT32("collisionCount", 8, KEEPS_ZERO),
	END_OF_FIELDS,
};

static const struct schema_message deployment_status = {
	.name = "DeploymentStatus", .fields = deployment_status_fields};

static const struct schema_field deployment_fields[] = {
	KIND_HEAD,
	MESSAGE("spec", 2, deployment_spec, REQUIRED),
	MESSAGE("status", 3, deployment_status, ALWAYS("{}")),
	END_OF_FIELDS,
};

const struct schema_message schema_deployment = {.name = "Deployment", .fields = deployment_fields};

static const struct schema_field replica_set_spec_fields[] = {
	INT32("replicas", 1, .min = 0, .max = INT32_MAX, .fallback = "1"),
	INT32("minReadySeconds", 4, .min = 0, .max = INT32_MAX),
	MESSAGE("selector", 2, schema_label_selector, REQUIRED, .immutable = true),
	MESSAGE("template", 3, schema_pod_template, REQUIRED),
	END_OF_FIELDS,
};

static const struct schema_message replica_set_spec = {
	.name = "ReplicaSetSpec", .fields = replica_set_spec_fields, .validate = workload_validate};

static const struct schema_field replica_set_condition_fields[] = {
	STRING("type", 1, REQUIRED),
	STRING("status", 2, REQUIRED),
	TIME("lastTransitionTime", 3, ALWAYS("null")),
	STRING("reason", 4),
	STRING("message", 5),
	END_OF_FIELDS,
};

static const struct schema_message replica_set_condition = {
	.name = "ReplicaSetCondition", .fields = replica_set_condition_fields};

static const struct schema_field replica_set_status_fields[] = {
	INT32("replicas", 1, ALWAYS("0")),
	INT32("fullyLabeledReplicas", 2),
	INT32("readyReplicas", 4),
	INT32("availableReplicas", 5),
	INT32("terminatingReplicas", 7, KEEPS_ZERO),
	INT64("observedGeneration", 3),
	LIST("conditions", 6, replica_set_condition, .merge_key = "type"),
	END_OF_FIELDS,
};

static const struct schema_message replica_set_status = {
	.name = "ReplicaSetStatus", .fields = replica_set_status_fields};

static const struct schema_field replica_set_fields[] = {
	KIND_HEAD,
	MESSAGE("spec", 2, replica_set_spec, REQUIRED),
	MESSAGE("status", 3, replica_set_status, ALWAYS("{}")),
	END_OF_FIELDS,
};

const struct schema_message schema_replica_set = {
	.name = "ReplicaSet", .fields = replica_set_fields};

static const struct schema_field scale_spec_fields[] = {
	INT32("replicas", 1, .min = 0, .max = INT32_MAX),
	END_OF_FIELDS,
};

static const struct schema_message scale_spec = {.name = "ScaleSpec", .fields = scale_spec_fields};

static const struct schema_field scale_status_fields[] = {
	INT32("replicas", 1, ALWAYS("0")),
	STRING("selector", 2),
	END_OF_FIELDS,
};

static const struct schema_message scale_status = {
	.name = "ScaleStatus", .fields = scale_status_fields};

static const struct schema_field scale_fields[] = {
	KIND_HEAD,
	MESSAGE("spec", 2, scale_spec, ALWAYS("{}")),
	MESSAGE("status", 3, scale_status, .fallback = "{\"replicas\":0}"),
	END_OF_FIELDS,
};

const struct schema_message schema_scale = {.name = "Scale", .fields = scale_fields};
