// SPDX-License-Identifier: Apache-2.0
#include "user/model/defaults.h"
#include "user/model/schema_rows.h"

static const struct schema_field taint_fields[] = {
	STRING("key", 1, REQUIRED, .rule = name_label_key),
	STRING("value", 2, .rule = name_label_value),
	STRING("effect", 3, REQUIRED, VALUES("NoSchedule", "PreferNoSchedule", "NoExecute")),
	TIME("timeAdded", 4),
	END_OF_FIELDS,
};

static const struct schema_message taint = {.name = "Taint", .fields = taint_fields};

static const struct schema_field config_map_node_config_source_fields[] = {
	STRING("namespace", 1, REQUIRED),
	STRING("name", 2, REQUIRED),
	STRING("uid", 3),
	STRING("resourceVersion", 4),
	STRING("kubeletConfigKey", 5, REQUIRED),
	END_OF_FIELDS,
};

static const struct schema_message config_map_node_config_source = {
	.name = "ConfigMapNodeConfigSource", .fields = config_map_node_config_source_fields};

static const struct schema_field node_config_source_fields[] = {
	MESSAGE("configMap", 2, config_map_node_config_source),
	END_OF_FIELDS,
};

static const struct schema_message node_config_source = {
	.name = "NodeConfigSource", .fields = node_config_source_fields};

static const struct schema_field node_pod_preemption_policy_fields[] = {
	STRINGS("disableResizePreemption", 1),
	END_OF_FIELDS,
};

static const struct schema_message node_pod_preemption_policy = {
	.name = "NodePodPreemptionPolicy", .fields = node_pod_preemption_policy_fields};

static const struct schema_field node_spec_fields[] = {
	STRING("podCIDR", 1),
	STRINGS("podCIDRs", 7, .merge = true),
	STRING("providerID", 3),
	BOOL("unschedulable", 4),
	LIST("taints", 5, taint),
	MESSAGE("configSource", 6, node_config_source),
	STRING("externalID", 2),
	MESSAGE("podPreemptionPolicy", 8, node_pod_preemption_policy),
	END_OF_FIELDS,
};

static const struct schema_message node_spec = {
	.name = "NodeSpec", .fields = node_spec_fields, .complete = node_spec_complete};

static const struct schema_field node_condition_fields[] = {
	STRING("type", 1, REQUIRED),
	STRING("status", 2, REQUIRED),
	TIME("lastHeartbeatTime", 3, ALWAYS("null")),
	TIME("lastTransitionTime", 4, ALWAYS("null")),
	STRING("reason", 5),
	STRING("message", 6),
	END_OF_FIELDS,
};

static const struct schema_message node_condition = {
	.name = "NodeCondition", .fields = node_condition_fields};

static const struct schema_field node_address_fields[] = {
	STRING("type", 1, REQUIRED),
	STRING("address", 2, REQUIRED),
	END_OF_FIELDS,
};

static const struct schema_message node_address = {
	.name = "NodeAddress", .fields = node_address_fields};

static const struct schema_field daemon_endpoint_fields[] = {
	INT32("Port", 1, ALWAYS("0"), .min = 0, .max = PORT_MAX),
	END_OF_FIELDS,
};

static const struct schema_message daemon_endpoint = {
	.name = "DaemonEndpoint", .fields = daemon_endpoint_fields};

static const struct schema_field node_daemon_endpoints_fields[] = {
	MESSAGE("kubeletEndpoint", 1, daemon_endpoint, ALWAYS("{}")),
	END_OF_FIELDS,
};

static const struct schema_message node_daemon_endpoints = {
	.name = "NodeDaemonEndpoints", .fields = node_daemon_endpoints_fields};

static const struct schema_field node_swap_status_fields[] = {
	INT64("capacity", 1, KEEPS_ZERO),
	END_OF_FIELDS,
};

static const struct schema_message node_swap_status = {
	.name = "NodeSwapStatus", .fields = node_swap_status_fields};

static const struct schema_field node_system_info_fields[] = {
	STRING("machineID", 1, ALWAYS("\"\"")),
	STRING("systemUUID", 2, ALWAYS("\"\"")),
	STRING("bootID", 3, ALWAYS("\"\"")),
	STRING("kernelVersion", 4, ALWAYS("\"\"")),
	STRING("osImage", 5, ALWAYS("\"\"")),
	STRING("containerRuntimeVersion", 6, ALWAYS("\"\"")),
	STRING("kubeletVersion", 7, ALWAYS("\"\"")),
	STRING("kubeProxyVersion", 8, ALWAYS("\"\"")),
	STRING("operatingSystem", 9, ALWAYS("\"\"")),
	STRING("architecture", 10, ALWAYS("\"\"")),
	MESSAGE("swap", 11, node_swap_status),
	END_OF_FIELDS,
};

static const struct schema_message node_system_info = {
	.name = "NodeSystemInfo", .fields = node_system_info_fields};

static const struct schema_field container_image_fields[] = {
	STRINGS("names", 1),
	INT64("sizeBytes", 2, KEEPS_ZERO),
	END_OF_FIELDS,
};

static const struct schema_message container_image = {
	.name = "ContainerImage", .fields = container_image_fields};

static const struct schema_field attached_volume_fields[] = {
	STRING("name", 1, REQUIRED),
	STRING("devicePath", 2, REQUIRED),
	END_OF_FIELDS,
};

static const struct schema_message attached_volume = {
	.name = "AttachedVolume", .fields = attached_volume_fields};

static const struct schema_field node_config_status_fields[] = {
	MESSAGE("assigned", 1, node_config_source),
	MESSAGE("active", 2, node_config_source),
	MESSAGE("lastKnownGood", 3, node_config_source),
	STRING("error", 4),
	END_OF_FIELDS,
};

static const struct schema_message node_config_status = {
	.name = "NodeConfigStatus", .fields = node_config_status_fields};

static const struct schema_field node_runtime_handler_features_fields[] = {
	BOOL("recursiveReadOnlyMounts", 1, KEEPS_ZERO),
	BOOL("userNamespaces", 2, KEEPS_ZERO),
	END_OF_FIELDS,
};

static const struct schema_message node_runtime_handler_features = {
	.name = "NodeRuntimeHandlerFeatures", .fields = node_runtime_handler_features_fields};

static const struct schema_field node_runtime_handler_fields[] = {
	STRING("name", 1),
	MESSAGE("features", 2, node_runtime_handler_features),
	END_OF_FIELDS,
};

static const struct schema_message node_runtime_handler = {
	.name = "NodeRuntimeHandler", .fields = node_runtime_handler_fields};

static const struct schema_field node_features_fields[] = {
	BOOL("supplementalGroupsPolicy", 1),
	END_OF_FIELDS,
};

static const struct schema_message node_features = {
	.name = "NodeFeatures", .fields = node_features_fields};

static const struct schema_field node_status_fields[] = {
	QUANTITIES("capacity", 1),
	QUANTITIES("allocatable", 2),
	STRING("phase", 3),
	LIST("conditions", 4, node_condition, .merge_key = "type"),
	LIST("addresses", 5, node_address, .merge_key = "type"),
	MESSAGE("daemonEndpoints", 6, node_daemon_endpoints, ALWAYS("{}")),
	MESSAGE("nodeInfo", 7, node_system_info, ALWAYS("{}")),
	LIST("images", 8, container_image),
	STRINGS("volumesInUse", 9),
	LIST("volumesAttached", 10, attached_volume),
	MESSAGE("config", 11, node_config_status),
	LIST("runtimeHandlers", 12, node_runtime_handler),
	MESSAGE("features", 13, node_features),
	STRINGS("declaredFeatures", 14),
	END_OF_FIELDS,
};

static const struct schema_message node_status = {
	.name = "NodeStatus", .fields = node_status_fields};

static const struct schema_field node_fields[] = {
	KIND_HEAD,
	MESSAGE("spec", 2, node_spec, ALWAYS("{}")),
	MESSAGE("status", 3, node_status, ALWAYS("{}")),
	END_OF_FIELDS,
};

const struct schema_message schema_node = {.name = "Node", .fields = node_fields};
