// SPDX-License-Identifier: Apache-2.0
#include "user/model/rules.h"
#include "user/model/schema.h"

static const struct schema_field capabilities_fields[] = {
	STRINGS("add", 1, .rule = name_capability),
	STRINGS("drop", 2, .rule = name_capability),
	END_OF_FIELDS,
};

static const struct schema_message capabilities = {"Capabilities", capabilities_fields, NULL};

/* A profile is a promise: none may be asked for until it is kept. */
static const struct schema_field profile_fields[] = {
	STRING("type", 1, .required = true, VALUES("Unconfined", "!RuntimeDefault", "!Localhost")),
	REFUSED("localhostProfile", 2),
	END_OF_FIELDS,
};

static const struct schema_message seccomp = {"SeccompProfile", profile_fields, NULL};
static const struct schema_message apparmor = {"AppArmorProfile", profile_fields, NULL};

static const struct schema_field security_fields[] = {
	MESSAGE("capabilities", 1, capabilities),
	REFUSED("privileged", 2),
	REFUSED("seLinuxOptions", 3),
	INT64("runAsUser", 4, .min = 0, .max = INT32_MAX),
	BOOL("runAsNonRoot", 5),
	BOOL("readOnlyRootFilesystem", 6),
	BOOL("allowPrivilegeEscalation", 7),
	INT64("runAsGroup", 8, .min = 0, .max = INT32_MAX),
	STRING("procMount", 9, VALUES("Default", "!Unmasked")),
	REFUSED("windowsOptions", 10),
	MESSAGE("seccompProfile", 11, seccomp),
	MESSAGE("appArmorProfile", 12, apparmor),
	END_OF_FIELDS,
};

const struct schema_message schema_security = {"SecurityContext", security_fields, security_finish};

static const struct schema_field pod_security_fields[] = {
	REFUSED("seLinuxOptions", 1),
	INT64("runAsUser", 2, .min = 0, .max = INT32_MAX),
	BOOL("runAsNonRoot", 3),
	REFUSED("supplementalGroups", 4),
	ABSENT("fsGroup", 5),
	INT64("runAsGroup", 6, .min = 0, .max = INT32_MAX),
	REFUSED("sysctls", 7),
	REFUSED("windowsOptions", 8),
	/* Says how fsGroup is applied, which is refused by itself. */
	STRING("fsGroupChangePolicy", 9, IGNORED, VALUES("OnRootMismatch", "Always")),
	MESSAGE("seccompProfile", 10, seccomp),
	MESSAGE("appArmorProfile", 11, apparmor),
	STRING("supplementalGroupsPolicy", 12, VALUES("Merge", "!Strict")),
	REFUSED("seLinuxChangePolicy", 13),
	END_OF_FIELDS,
};

const struct schema_message schema_pod_security = {"PodSecurityContext", pod_security_fields, NULL};

static const struct schema_field dns_option_fields[] = {
	STRING("name", 1, .required = true, .rule = name_word),
	STRING("value", 2, .rule = name_word),
	END_OF_FIELDS,
};

static const struct schema_message dns_option = {"PodDNSConfigOption", dns_option_fields, NULL};

static const struct schema_field dns_config_fields[] = {
	STRINGS("nameservers", 1, .rule = name_ip),
	STRINGS("searches", 2, .rule = name_search),
	LIST("options", 3, dns_option),
	END_OF_FIELDS,
};

static const struct schema_message dns_config = {"PodDNSConfig", dns_config_fields, NULL};

static const struct schema_field host_alias_fields[] = {
	STRING("ip", 1, .required = true, .rule = name_ip),
	STRINGS("hostnames", 2, .rule = name_dns_subdomain),
	END_OF_FIELDS,
};

static const struct schema_message host_alias = {"HostAlias", host_alias_fields, NULL};

static const struct schema_field os_fields[] = {
	STRING("name", 1, .required = true, VALUES("linux", "!windows")),
	END_OF_FIELDS,
};

static const struct schema_message os = {"PodOS", os_fields, NULL};

static const struct schema_field pod_spec_fields[] = {
	LIST("volumes", 1, schema_volume, .merge_key = "name", .unique = true),
	LIST("containers", 2, schema_container, .required = true, .merge_key = "name",
		.unique = true),
	STRING("restartPolicy", 3, .fallback = "\"Always\"",
		VALUES("Always", "OnFailure", "Never")),
	INT64("terminationGracePeriodSeconds", 4, .min = 0, .max = INT32_MAX, .fallback = "30"),
	REFUSED("activeDeadlineSeconds", 5),
	STRING("dnsPolicy", 6, .fallback = "\"ClusterFirst\"",
		VALUES("ClusterFirst", "ClusterFirstWithHostNet", "Default", "None")),
	STRING_MAP(
		"nodeSelector", 7, IGNORED, .key_rule = name_label_key, .rule = name_label_value),
	STRING("serviceAccountName", 8, IGNORED, .rule = name_dns_subdomain),
	STRING("serviceAccount", 9, IGNORED),
	STRING("nodeName", 10, IGNORED, .rule = name_dns_subdomain),
	REFUSED("hostNetwork", 11),
	REFUSED("hostPID", 12),
	REFUSED("hostIPC", 13),
	MESSAGE("securityContext", 14, schema_pod_security, .fallback = "{}"),
	REFUSED("imagePullSecrets", 15),
	STRING("hostname", 16, .rule = name_dns_label),
	REFUSED("subdomain", 17),
	MESSAGE("affinity", 18, schema_affinity, IGNORED),
	STRING("schedulerName", 19, IGNORED, .fallback = "\"default-scheduler\""),
	LIST("initContainers", 20, schema_container, .merge_key = "name", .unique = true),
	BOOL("automountServiceAccountToken", 21, IGNORED),
	LIST("tolerations", 22, schema_toleration, IGNORED),
	LIST("hostAliases", 23, host_alias, .merge_key = "ip"),
	STRING("priorityClassName", 24, IGNORED),
	INT32("priority", 25, IGNORED),
	MESSAGE("dnsConfig", 26, dns_config),
	BOOL("shareProcessNamespace", 27),
	REFUSED("readinessGates", 28),
	REFUSED("runtimeClassName", 29),
	BOOL("enableServiceLinks", 30, IGNORED, .fallback = "true"),
	STRING("preemptionPolicy", 31, IGNORED),
	REFUSED("overhead", 32),
	LIST("topologySpreadConstraints", 33, schema_topology_spread, IGNORED,
		.merge_key = "topologyKey"),
	REFUSED("ephemeralContainers", 34),
	REFUSED("setHostnameAsFQDN", 35),
	MESSAGE("os", 36, os),
	BOOL("hostUsers", 37),
	REFUSED("schedulingGates", 38),
	REFUSED("resourceClaims", 39),
	REFUSED("resources", 40),
	REFUSED("hostnameOverride", 41),
	REFUSED("schedulingGroup", 43),
	REFUSED("evictionResponders", 44),
	END_OF_FIELDS,
};

const struct schema_message schema_pod_spec = {"PodSpec", pod_spec_fields, pod_spec_finish};

static const struct schema_field pod_fields[] = {
	STRING("apiVersion", 0),
	STRING("kind", 0),
	MESSAGE("metadata", 1, schema_object_meta, .required = true),
	MESSAGE("spec", 2, schema_pod_spec, .required = true),
	DROPPED("status", 3),
	END_OF_FIELDS,
};

const struct schema_message schema_pod = {"Pod", pod_fields, NULL};
