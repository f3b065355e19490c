// SPDX-License-Identifier: Apache-2.0
/* Endpoints and EndpointSlice. */
#include "user/model/schema_rows.h"
#include "user/model/validate.h"

static const struct schema_field endpoint_address_fields[] = {
	STRING("ip", 1, REQUIRED, .rule = name_ip),
	STRING("hostname", 3),
	STRING("nodeName", 4),
	MESSAGE("targetRef", 2, schema_object_reference),
	END_OF_FIELDS,
};

static const struct schema_message endpoint_address = {.name = "EndpointAddress",
	.fields = endpoint_address_fields,
	.validate = endpoint_validate};

static const struct schema_field endpoint_port_fields[] = {
	STRING("name", 1, .rule = name_dns_label),
	INT32("port", 2, REQUIRED, .min = 1, .max = PORT_MAX),
	STRING("protocol", 3, .fallback = "\"TCP\"", VALUES("TCP", "UDP", "SCTP")),
	STRING("appProtocol", 4),
	END_OF_FIELDS,
};

static const struct schema_message endpoint_port = {
	.name = "EndpointPort", .fields = endpoint_port_fields};

static const struct schema_field endpoint_subset_fields[] = {
	LIST("addresses", 1, endpoint_address),
	LIST("notReadyAddresses", 2, endpoint_address),
	LIST("ports", 3, endpoint_port),
	END_OF_FIELDS,
};

static const struct schema_message endpoint_subset = {
	.name = "EndpointSubset", .fields = endpoint_subset_fields};

static const struct schema_field endpoints_fields[] = {
	KIND_HEAD,
	LIST("subsets", 2, endpoint_subset),
	END_OF_FIELDS,
};

const struct schema_message schema_endpoints = {.name = "Endpoints", .fields = endpoints_fields};

static const struct schema_field endpoint_conditions_fields[] = {
	BOOL("ready", 1, KEEPS_ZERO),
	BOOL("serving", 2, KEEPS_ZERO),
	BOOL("terminating", 3, KEEPS_ZERO),
	END_OF_FIELDS,
};

static const struct schema_message endpoint_conditions = {
	.name = "EndpointConditions", .fields = endpoint_conditions_fields};

static const struct schema_field for_zone_fields[] = {
	STRING("name", 1),
	END_OF_FIELDS,
};

static const struct schema_message for_zone = {.name = "ForZone", .fields = for_zone_fields};

static const struct schema_field for_node_fields[] = {
	STRING("name", 1),
	END_OF_FIELDS,
};

static const struct schema_message for_node = {.name = "ForNode", .fields = for_node_fields};

static const struct schema_field endpoint_hints_fields[] = {
	LIST("forZones", 1, for_zone),
	LIST("forNodes", 2, for_node),
	END_OF_FIELDS,
};

static const struct schema_message endpoint_hints = {
	.name = "EndpointHints", .fields = endpoint_hints_fields};

static const struct schema_field endpoint_fields[] = {
	STRINGS("addresses", 1, REQUIRED),
	MESSAGE("conditions", 2, endpoint_conditions, ALWAYS("{}")),
	STRING("hostname", 3),
	MESSAGE("targetRef", 4, schema_object_reference),
	STRING_MAP("deprecatedTopology", 5, .atomic = true),
	STRING("nodeName", 6),
	STRING("zone", 7),
	MESSAGE("hints", 8, endpoint_hints),
	END_OF_FIELDS,
};

static const struct schema_message endpoint = {.name = "Endpoint", .fields = endpoint_fields};

static const struct schema_field slice_port_fields[] = {
	STRING("name", 1, .fallback = "\"\""),
	STRING("protocol", 2, .fallback = "\"TCP\"", VALUES("TCP", "UDP", "SCTP")),
	INT32("port", 3, .min = 1, .max = PORT_MAX),
	STRING("appProtocol", 4),
	END_OF_FIELDS,
};

static const struct schema_message slice_port = {
	.name = "EndpointPort", .fields = slice_port_fields};

static const struct schema_field endpoint_slice_fields[] = {
	KIND_HEAD,
	STRING("addressType", 4, REQUIRED, .immutable = true, VALUES("IPv4", "IPv6", "FQDN")),
	LIST("endpoints", 2, endpoint, .fallback = "[]"),
	LIST("ports", 3, slice_port),
	END_OF_FIELDS,
};

const struct schema_message schema_endpoint_slice = {
	.name = "EndpointSlice", .fields = endpoint_slice_fields};
