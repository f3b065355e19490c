// SPDX-License-Identifier: Apache-2.0
#include "user/model/defaults.h"
#include "user/model/rules.h"
#include "user/model/schema_rows.h"
#include "user/model/validate.h"

static const struct schema_field port_fields[] = {
	STRING("name", 1, .rule = name_dns_label),
	STRING("protocol", 2, .fallback = "\"TCP\"", VALUES("TCP", "UDP", "!SCTP")),
	INT32("port", 3, REQUIRED, .min = 1, .max = PORT_MAX),
	/* Its default is the port. */
	FIELD("targetPort", 4, SCHEMA_INT_OR_STRING, .min = 1, .max = PORT_MAX, .zero_unset = true,
		.rule = name_port),
	INT32("nodePort", 5, REFUSED),
	STRING("appProtocol", 6, IGNORED),
	END_OF_FIELDS,
};

static const struct schema_message port = {
	.name = "ServicePort", .fields = port_fields, .complete = service_port_complete};

static const struct schema_field client_ip_config_fields[] = {
	INT32("timeoutSeconds", 1),
	END_OF_FIELDS,
};

static const struct schema_message client_ip_config = {
	.name = "ClientIPConfig", .fields = client_ip_config_fields};

static const struct schema_field session_affinity_config_fields[] = {
	MESSAGE("clientIP", 1, client_ip_config),
	END_OF_FIELDS,
};

static const struct schema_message session_affinity_config = {
	.name = "SessionAffinityConfig", .fields = session_affinity_config_fields};

static const struct schema_field spec_fields[] = {
	LIST("ports", 1, port, .merge_key = "port", .list_keys = "port,protocol"),
	STRING_MAP("selector", 2, .atomic = true, .key_rule = name_label_key,
		.rule = name_label_value),
	STRING("clusterIP", 3, .rule = name_cluster_ip),
	STRING("type", 4, .fallback = "\"ClusterIP\"",
		VALUES("ClusterIP", "!NodePort", "!LoadBalancer", "!ExternalName")),
	STRINGS("externalIPs", 5, REFUSED),
	STRING("sessionAffinity", 7, .fallback = "\"None\"", VALUES("None", "!ClientIP")),
	STRING("loadBalancerIP", 8, REFUSED),
	STRINGS("loadBalancerSourceRanges", 9, REFUSED),
	STRING("externalName", 10, REFUSED),
	STRING("externalTrafficPolicy", 11, REFUSED),
	INT32("healthCheckNodePort", 12, REFUSED),
	BOOL("publishNotReadyAddresses", 13),
	MESSAGE("sessionAffinityConfig", 14, session_affinity_config, ABSENT),
	STRING("ipFamilyPolicy", 17, VALUES("SingleStack", "PreferDualStack", "!RequireDualStack")),
	STRINGS("clusterIPs", 18, .rule = name_cluster_ip),
	STRINGS("ipFamilies", 19, VALUES("IPv4", "!IPv6")),
	BOOL("allocateLoadBalancerNodePorts", 20, KEEPS_ZERO, REFUSED),
	STRING("loadBalancerClass", 21, REFUSED),
	STRING("internalTrafficPolicy", 22, VALUES("Cluster", "Local")),
	STRING("trafficDistribution", 23, IGNORED,
		VALUES("PreferClose", "PreferSameZone", "PreferSameNode")),
	END_OF_FIELDS,
};

static const struct schema_message spec = {.name = "ServiceSpec",
	.fields = spec_fields,
	.validate = service_spec_validate,
	.complete = service_spec_complete};

static const struct schema_field port_status_fields[] = {
	INT32("port", 1),
	STRING("protocol", 2),
	STRING("error", 3),
	END_OF_FIELDS,
};

static const struct schema_message port_status = {
	.name = "PortStatus", .fields = port_status_fields};

static const struct schema_field load_balancer_ingress_fields[] = {
	STRING("ip", 1),
	STRING("hostname", 2),
	STRING("ipMode", 3),
	LIST("ports", 4, port_status),
	END_OF_FIELDS,
};

static const struct schema_message load_balancer_ingress = {
	.name = "LoadBalancerIngress", .fields = load_balancer_ingress_fields};

static const struct schema_field load_balancer_fields[] = {
	LIST("ingress", 1, load_balancer_ingress),
	END_OF_FIELDS,
};

const struct schema_message schema_load_balancer = {
	.name = "LoadBalancerStatus", .fields = load_balancer_fields};

static const struct schema_field service_status_fields[] = {
	MESSAGE("loadBalancer", 1, schema_load_balancer),
	LIST("conditions", 2, schema_condition, .merge_key = "type"),
	END_OF_FIELDS,
};

static const struct schema_message service_status = {
	.name = "ServiceStatus", .fields = service_status_fields};

static const struct schema_field service_fields[] = {
	KIND_HEAD,
	MESSAGE("spec", 2, spec, REQUIRED),
	MESSAGE("status", 3, service_status, DROPPED, ALWAYS("{\"loadBalancer\":{}}")),
	END_OF_FIELDS,
};

const struct schema_message schema_service = {
	.name = "Service", .fields = service_fields, .finish = service_finish};
