// SPDX-License-Identifier: Apache-2.0
#include "user/model/rules.h"
#include "user/model/schema.h"

#define PORT_MAX 65535

static const struct schema_field port_fields[] = {
	STRING("name", 1, .rule = name_dns_label),
	STRING("protocol", 2, .fallback = "\"TCP\"", VALUES("TCP", "UDP", "!SCTP")),
	INT32("port", 3, .required = true, .min = 1, .max = PORT_MAX),
	/* Its default is the port. */
	FIELD("targetPort", 4, SCHEMA_INT_OR_STRING, .min = 1, .max = PORT_MAX, .zero_unset = true,
		.rule = name_port),
	REFUSED("nodePort", 5),
	STRING("appProtocol", 6, IGNORED),
	END_OF_FIELDS,
};

static const struct schema_message port = {"ServicePort", port_fields, NULL};

static const struct schema_field spec_fields[] = {
	LIST("ports", 1, port, .merge_key = "port"),
	STRING_MAP("selector", 2, .key_rule = name_label_key, .rule = name_label_value),
	STRING("clusterIP", 3, .rule = name_cluster_ip),
	STRING("type", 4, .fallback = "\"ClusterIP\"",
		VALUES("ClusterIP", "!NodePort", "!LoadBalancer", "!ExternalName")),
	REFUSED("externalIPs", 5),
	STRING("sessionAffinity", 7, .fallback = "\"None\"", VALUES("None", "!ClientIP")),
	REFUSED("loadBalancerIP", 8),
	REFUSED("loadBalancerSourceRanges", 9),
	REFUSED("externalName", 10),
	REFUSED("externalTrafficPolicy", 11),
	REFUSED("healthCheckNodePort", 12),
	BOOL("publishNotReadyAddresses", 13),
	ABSENT("sessionAffinityConfig", 14),
	STRING("ipFamilyPolicy", 17, .fallback = "\"SingleStack\"",
		VALUES("SingleStack", "PreferDualStack", "!RequireDualStack")),
	STRINGS("clusterIPs", 18, .rule = name_cluster_ip),
	STRINGS("ipFamilies", 19, .fallback = "[\"IPv4\"]", VALUES("IPv4", "!IPv6")),
	REFUSED("allocateLoadBalancerNodePorts", 20),
	REFUSED("loadBalancerClass", 21),
	STRING("internalTrafficPolicy", 22, .fallback = "\"Cluster\"", VALUES("Cluster", "!Local")),
	STRING("trafficDistribution", 23, IGNORED,
		VALUES("PreferClose", "PreferSameZone", "PreferSameNode")),
	END_OF_FIELDS,
};

static const struct schema_message spec = {"ServiceSpec", spec_fields, NULL};

static const struct schema_field service_fields[] = {
	STRING("apiVersion", 0),
	STRING("kind", 0),
	MESSAGE("metadata", 1, schema_object_meta, .required = true),
	MESSAGE("spec", 2, spec, .required = true),
	DROPPED("status", 3),
	END_OF_FIELDS,
};

const struct schema_message schema_service = {"Service", service_fields, service_finish};
