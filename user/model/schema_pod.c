// SPDX-License-Identifier: Apache-2.0
#include "user/model/defaults.h"
#include "user/model/rules.h"
#include "user/model/schema_rows.h"
#include "user/model/validate.h"

static const struct schema_field dns_option_fields[] = {
	STRING("name", 1, REQUIRED, .rule = name_word),
	STRING("value", 2, .rule = name_word),
	END_OF_FIELDS,
};

static const struct schema_message dns_option = {
	.name = "PodDNSConfigOption", .fields = dns_option_fields};

static const struct schema_field dns_config_fields[] = {
	STRINGS("nameservers", 1, .rule = name_ip),
	STRINGS("searches", 2, .rule = name_search),
	LIST("options", 3, dns_option),
	END_OF_FIELDS,
};

static const struct schema_message dns_config = {
	.name = "PodDNSConfig", .fields = dns_config_fields};

static const struct schema_field host_alias_fields[] = {
	STRING("ip", 1, REQUIRED, .rule = name_ip),
	STRINGS("hostnames", 2, .rule = name_dns_subdomain),
	END_OF_FIELDS,
};

static const struct schema_message host_alias = {.name = "HostAlias", .fields = host_alias_fields};

static const struct schema_field os_fields[] = {
	STRING("name", 1, REQUIRED, VALUES("linux", "!windows")),
	END_OF_FIELDS,
};

static const struct schema_message os = {.name = "PodOS", .fields = os_fields};

static const struct schema_field pod_readiness_gate_fields[] = {
	STRING("conditionType", 1, REQUIRED),
	END_OF_FIELDS,
};

static const struct schema_message pod_readiness_gate = {
	.name = "PodReadinessGate", .fields = pod_readiness_gate_fields};

static const struct schema_field pod_scheduling_gate_fields[] = {
	STRING("name", 1, REQUIRED),
	END_OF_FIELDS,
};

static const struct schema_message pod_scheduling_gate = {
	.name = "PodSchedulingGate", .fields = pod_scheduling_gate_fields};

static const struct schema_field pod_resource_claim_fields[] = {
	STRING("name", 1, REQUIRED),
	STRING("resourceClaimName", 3),
	STRING("resourceClaimTemplateName", 4),
	END_OF_FIELDS,
};

static const struct schema_message pod_resource_claim = {
	.name = "PodResourceClaim", .fields = pod_resource_claim_fields};

static const struct schema_field pod_scheduling_group_fields[] = {
	STRING("podGroupName", 1),
	END_OF_FIELDS,
};

static const struct schema_message pod_scheduling_group = {
	.name = "PodSchedulingGroup", .fields = pod_scheduling_group_fields};

static const struct schema_field eviction_responder_fields[] = {
	STRING("name", 1),
	INT32("priority", 2, KEEPS_ZERO),
	END_OF_FIELDS,
};

static const struct schema_message eviction_responder = {
	.name = "EvictionResponder", .fields = eviction_responder_fields};

static const struct schema_field pod_spec_fields[] = {
	LIST("volumes", 1, schema_volume, .retain_keys = true, .merge_key = "name", .unique = true),
	LIST("containers", 2, schema_container, REQUIRED, .merge_key = "name", .unique = true),
	STRING("restartPolicy", 3, .fallback = "\"Always\"",
		VALUES("Always", "OnFailure", "Never")),
	INT64("terminationGracePeriodSeconds", 4, KEEPS_ZERO, .min = 0, .max = INT32_MAX,
		.fallback = "30"),
	INT64("activeDeadlineSeconds", 5, KEEPS_ZERO, REFUSED),
	STRING("dnsPolicy", 6, .fallback = "\"ClusterFirst\"",
		VALUES("ClusterFirst", "ClusterFirstWithHostNet", "Default", "None")),
	STRING_MAP("nodeSelector", 7, IGNORED, .atomic = true, .key_rule = name_label_key,
		.rule = name_label_value),
	STRING("serviceAccountName", 8, IGNORED, .rule = name_dns_subdomain),
	STRING("serviceAccount", 9, IGNORED),
	STRING("nodeName", 10, IGNORED, .rule = name_dns_subdomain),
	BOOL("hostNetwork", 11, REFUSED),
	BOOL("hostPID", 12, REFUSED),
	BOOL("hostIPC", 13, REFUSED),
	MESSAGE("securityContext", 14, schema_pod_security, KEEPS_ZERO, .fallback = "{}"),
	LIST("imagePullSecrets", 15, schema_local_reference, .merge_key = "name", REFUSED),
	STRING("hostname", 16, .rule = name_dns_label),
	STRING("subdomain", 17, REFUSED),
	MESSAGE("affinity", 18, schema_affinity, IGNORED),
	STRING("schedulerName", 19, IGNORED, .fallback = "\"default-scheduler\""),
	LIST("initContainers", 20, schema_container, .merge_key = "name", .unique = true),
	BOOL("automountServiceAccountToken", 21, KEEPS_ZERO, IGNORED),
	LIST("tolerations", 22, schema_toleration, IGNORED),
	LIST("hostAliases", 23, host_alias, .merge_key = "ip"),
	STRING("priorityClassName", 24, IGNORED),
	INT32("priority", 25, KEEPS_ZERO, IGNORED),
	MESSAGE("dnsConfig", 26, dns_config),
	BOOL("shareProcessNamespace", 27, KEEPS_ZERO),
	LIST("readinessGates", 28, pod_readiness_gate, REFUSED),
	STRING("runtimeClassName", 29, REFUSED),
	BOOL("enableServiceLinks", 30, KEEPS_ZERO, IGNORED),
	STRING("preemptionPolicy", 31, IGNORED),
	QUANTITIES("overhead", 32, REFUSED),
	LIST("topologySpreadConstraints", 33, schema_topology_spread, IGNORED,
		.merge_key = "topologyKey", .list_keys = "topologyKey,whenUnsatisfiable"),
	LIST("ephemeralContainers", 34, schema_ephemeral_container, .merge_key = "name",
		.unique = true, REFUSED),
	BOOL("setHostnameAsFQDN", 35, KEEPS_ZERO, REFUSED),
	MESSAGE("os", 36, os),
	BOOL("hostUsers", 37, KEEPS_ZERO),
	LIST("schedulingGates", 38, pod_scheduling_gate, .merge_key = "name", REFUSED),
	LIST("resourceClaims", 39, pod_resource_claim, .retain_keys = true, .merge_key = "name",
		REFUSED),
	MESSAGE("resources", 40, schema_resources, REFUSED),
	STRING("hostnameOverride", 41, REFUSED),
	MESSAGE("schedulingGroup", 43, pod_scheduling_group, REFUSED),
	LIST("evictionResponders", 44, eviction_responder, .merge_key = "name", REFUSED),
	END_OF_FIELDS,
};

const struct schema_message schema_pod_spec = {.name = "PodSpec",
	.fields = pod_spec_fields,
	.validate = pod_spec_validate,
	.complete = pod_spec_complete,
	.finish = pod_spec_finish};

static const struct schema_field pod_fields[] = {
	KIND_HEAD,
	MESSAGE("spec", 2, schema_pod_spec, REQUIRED),
	MESSAGE("status", 3, schema_pod_status, DROPPED, ALWAYS("{}")),
	END_OF_FIELDS,
};

const struct schema_message schema_pod = {
	.name = "Pod", .fields = pod_fields, .complete = pod_complete};

static const struct schema_field pod_template_fields[] = {
	MESSAGE("metadata", 1, schema_object_meta, ALWAYS("{}")),
	MESSAGE("spec", 2, schema_pod_spec, ALWAYS("{}")),
	END_OF_FIELDS,
};

const struct schema_message schema_pod_template = {
	.name = "PodTemplateSpec", .fields = pod_template_fields};
