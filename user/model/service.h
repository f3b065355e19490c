/* SPDX-License-Identifier: Apache-2.0 */
/* The Service as podnet serves it: ClusterIP and headless. */
#pragma once

#include <netinet/in.h>

#include "user/model/pod.h"

struct service_port {
	const char *name; /* "" when not given */
	enum protocol protocol;
	uint16_t port;
	struct port_ref target;
};

struct service {
	json_t *json;
	struct object_meta meta;
	bool headless; /* clusterIP: None */
	bool cluster_ip_given;
	struct in_addr cluster_ip; /* valid when given */
	const json_t *selector;	   /* object of strings; NULL: no selector */
	bool publish_not_ready;
	bool internal_local; /* clients on a node reach only what runs there */
	struct service_port *ports;
	size_t port_count;
};

/* Decodes a validated object of KIND_SERVICE, taking a new reference to its JSON. */
int service_decode(const struct object *object, struct service **ret, struct err *err);

/* Accepts NULL; returns NULL. */
struct service *service_free(struct service *service);

/* True when every pair of @selector is in @labels.  An empty or NULL selector matches nothing. */
bool selector_matches(const json_t *selector, const json_t *labels);
