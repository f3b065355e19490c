// SPDX-License-Identifier: Apache-2.0
#include "user/model/schema_rows.h"

static const struct schema_field pod_condition_fields[] = {
	STRING("type", 1, REQUIRED),
	INT64("observedGeneration", 7),
	STRING("status", 2, REQUIRED),
	TIME("lastProbeTime", 3, ALWAYS("null")),
	TIME("lastTransitionTime", 4, ALWAYS("null")),
	STRING("reason", 5),
	STRING("message", 6),
	END_OF_FIELDS,
};

static const struct schema_message pod_condition = {
	.name = "PodCondition", .fields = pod_condition_fields};

static const struct schema_field host_ip_fields[] = {
	STRING("ip", 1),
	END_OF_FIELDS,
};

static const struct schema_message host_ip = {.name = "HostIP", .fields = host_ip_fields};

static const struct schema_field pod_ip_fields[] = {
	STRING("ip", 1),
	END_OF_FIELDS,
};

static const struct schema_message pod_ip = {.name = "PodIP", .fields = pod_ip_fields};

static const struct schema_field container_state_waiting_fields[] = {
	STRING("reason", 1),
	STRING("message", 2),
	END_OF_FIELDS,
};

static const struct schema_message container_state_waiting = {
	.name = "ContainerStateWaiting", .fields = container_state_waiting_fields};

static const struct schema_field container_state_running_fields[] = {
	TIME("startedAt", 1, ALWAYS("null")),
	END_OF_FIELDS,
};

static const struct schema_message container_state_running = {
	.name = "ContainerStateRunning", .fields = container_state_running_fields};

static const struct schema_field container_state_terminated_fields[] = {
	INT32("exitCode", 1, ALWAYS("0")),
	INT32("signal", 2),
	STRING("reason", 3),
	STRING("message", 4),
	TIME("startedAt", 5, ALWAYS("null")),
	TIME("finishedAt", 6, ALWAYS("null")),
	STRING("containerID", 7),
	END_OF_FIELDS,
};

static const struct schema_message container_state_terminated = {
	.name = "ContainerStateTerminated", .fields = container_state_terminated_fields};

static const struct schema_field container_state_fields[] = {
	MESSAGE("waiting", 1, container_state_waiting),
	MESSAGE("running", 2, container_state_running),
	MESSAGE("terminated", 3, container_state_terminated),
	END_OF_FIELDS,
};

static const struct schema_message container_state = {
	.name = "ContainerState", .fields = container_state_fields};

static const struct schema_field image_volume_status_fields[] = {
	STRING("imageRef", 1),
	END_OF_FIELDS,
};

static const struct schema_message image_volume_status = {
	.name = "ImageVolumeStatus", .fields = image_volume_status_fields};

static const struct schema_field volume_status_fields[] = {
	MESSAGE("image", 1, image_volume_status),
	END_OF_FIELDS,
};

static const struct schema_message volume_status = {
	.name = "VolumeStatus", .fields = volume_status_fields};

static const struct schema_field volume_mount_status_fields[] = {
	STRING("name", 1),
	STRING("mountPath", 2),
	BOOL("readOnly", 3),
	STRING("recursiveReadOnly", 4),
	MESSAGE("volumeStatus", 5, volume_status),
	END_OF_FIELDS,
};

static const struct schema_message volume_mount_status = {
	.name = "VolumeMountStatus", .fields = volume_mount_status_fields};

static const struct schema_field linux_container_user_fields[] = {
	INT64("uid", 1),
	INT64("gid", 2),
	INT64("supplementalGroups", 3, .shape = SCHEMA_LIST),
	END_OF_FIELDS,
};

static const struct schema_message linux_container_user = {
	.name = "LinuxContainerUser", .fields = linux_container_user_fields};

static const struct schema_field container_user_fields[] = {
	MESSAGE("linux", 1, linux_container_user),
	END_OF_FIELDS,
};

static const struct schema_message container_user = {
	.name = "ContainerUser", .fields = container_user_fields};

static const struct schema_field resource_health_fields[] = {
	STRING("resourceID", 1),
	STRING("health", 2),
	STRING("message", 6),
	END_OF_FIELDS,
};

static const struct schema_message resource_health = {
	.name = "ResourceHealth", .fields = resource_health_fields};

static const struct schema_field resource_status_fields[] = {
	STRING("name", 1),
	LIST("resources", 2, resource_health),
	END_OF_FIELDS,
};

static const struct schema_message resource_status = {
	.name = "ResourceStatus", .fields = resource_status_fields};

static const struct schema_field container_status_fields[] = {
	STRING("name", 1, REQUIRED),
	MESSAGE("state", 2, container_state, ALWAYS("{}")),
	MESSAGE("lastState", 3, container_state, ALWAYS("{}")),
	BOOL("ready", 4, ALWAYS("false")),
	INT32("restartCount", 5, ALWAYS("0")),
	STRING("image", 6, ALWAYS("\"\"")),
	STRING("imageID", 7, ALWAYS("\"\"")),
	STRING("containerID", 8),
	BOOL("started", 9, KEEPS_ZERO),
	QUANTITIES("allocatedResources", 10),
	MESSAGE("resources", 11, schema_resources),
	LIST("volumeMounts", 12, volume_mount_status, .merge_key = "mountPath"),
	MESSAGE("user", 13, container_user),
	LIST("allocatedResourcesStatus", 14, resource_status, .merge_key = "name"),
	STRING("stopSignal", 15),
	END_OF_FIELDS,
};

static const struct schema_message container_status = {
	.name = "ContainerStatus", .fields = container_status_fields};

static const struct schema_field pod_resource_claim_status_fields[] = {
	STRING("name", 1),
	STRING("resourceClaimName", 2),
	END_OF_FIELDS,
};

static const struct schema_message pod_resource_claim_status = {
	.name = "PodResourceClaimStatus", .fields = pod_resource_claim_status_fields};

static const struct schema_field container_extended_resource_request_fields[] = {
	STRING("containerName", 1),
	STRING("resourceName", 2),
	STRING("requestName", 3),
	END_OF_FIELDS,
};

static const struct schema_message container_extended_resource_request = {
	.name = "ContainerExtendedResourceRequest",
	.fields = container_extended_resource_request_fields};

static const struct schema_field pod_extended_resource_claim_status_fields[] = {
	LIST("requestMappings", 1, container_extended_resource_request),
	STRING("resourceClaimName", 2),
	END_OF_FIELDS,
};

static const struct schema_message pod_extended_resource_claim_status = {
	.name = "PodExtendedResourceClaimStatus",
	.fields = pod_extended_resource_claim_status_fields};

static const struct schema_field node_allocatable_mapped_resources_fields[] = {
	STRING("name", 1),
	QUANTITY("quantity", 2),
	END_OF_FIELDS,
};

static const struct schema_message node_allocatable_mapped_resources = {
	.name = "NodeAllocatableMappedResources",
	.fields = node_allocatable_mapped_resources_fields};

static const struct schema_field node_allocatable_overhead_resources_fields[] = {
	STRING("name", 1),
	QUANTITY("perPod", 2),
	QUANTITY("perContainer", 3),
	END_OF_FIELDS,
};

static const struct schema_message node_allocatable_overhead_resources = {
	.name = "NodeAllocatableOverheadResources",
	.fields = node_allocatable_overhead_resources_fields};

static const struct schema_field node_allocatable_resource_claim_status_fields[] = {
	STRING("resourceClaimName", 1),
	STRINGS("containers", 2),
	LIST("mapping", 4, node_allocatable_mapped_resources, .merge_key = "name"),
	LIST("overhead", 5, node_allocatable_overhead_resources, .merge_key = "name"),
	END_OF_FIELDS,
};

static const struct schema_message node_allocatable_resource_claim_status = {
	.name = "NodeAllocatableResourceClaimStatus",
	.fields = node_allocatable_resource_claim_status_fields};

static const struct schema_field volume_health_condition_fields[] = {
	STRING("status", 1),
	STRING("reason", 2),
	STRING("message", 3),
	END_OF_FIELDS,
};

static const struct schema_message volume_health_condition = {
	.name = "VolumeHealthCondition", .fields = volume_health_condition_fields};

static const struct schema_field pod_volume_health_fields[] = {
	STRING("name", 1),
	LIST("healthConditions", 2, volume_health_condition, .merge_key = "status"),
	TIME("lastTransitionTime", 3),
	END_OF_FIELDS,
};

static const struct schema_message pod_volume_health = {
	.name = "PodVolumeHealth", .fields = pod_volume_health_fields};

static const struct schema_field pod_status_fields[] = {
	INT64("observedGeneration", 17),
	STRING("phase", 1, .fallback = "\"Pending\"",
		VALUES("Pending", "Running", "Succeeded", "Failed", "Unknown")),
	LIST("conditions", 2, pod_condition, .merge_key = "type"),
	STRING("message", 3),
	STRING("reason", 4),
	STRING("nominatedNodeName", 11),
	STRING("hostIP", 5),
	LIST("hostIPs", 16, host_ip, .merge_key = "ip", .list_keys = ""),
	STRING("podIP", 6),
	LIST("podIPs", 12, pod_ip, .merge_key = "ip"),
	TIME("startTime", 7),
	LIST("initContainerStatuses", 10, container_status),
	LIST("containerStatuses", 8, container_status),
	STRING("qosClass", 9),
	LIST("ephemeralContainerStatuses", 13, container_status),
	STRING("resize", 14),
	LIST("resourceClaimStatuses", 15, pod_resource_claim_status, .retain_keys = true,
		.merge_key = "name"),
	MESSAGE("extendedResourceClaimStatus", 18, pod_extended_resource_claim_status),
	QUANTITIES("allocatedResources", 19),
	MESSAGE("resources", 20, schema_resources),
	LIST("nodeAllocatableResourceClaimStatuses", 21, node_allocatable_resource_claim_status,
		.merge_key = "resourceClaimName"),
	LIST("volumeHealth", 22, pod_volume_health),
	END_OF_FIELDS,
};

const struct schema_message schema_pod_status = {.name = "PodStatus", .fields = pod_status_fields};
