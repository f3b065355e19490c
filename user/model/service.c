// SPDX-License-Identifier: Apache-2.0
#include "user/model/service.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/model/decode.h"

static int ports_decode(struct service *service, const json_t *list)
{
	json_t *item;
	size_t i;

	service->ports = calloc(json_array_size(list) + 1, sizeof(*service->ports));
	if (!service->ports)
		return -ENOMEM;
	json_array_foreach ((json_t *)list, i, item) {
		struct service_port *port = &service->ports[i];

		port->name = json_string_at(item, "name", "");
		port->protocol = protocol_decode(json_string_at(item, "protocol", "TCP"));
		port->port = (uint16_t)json_integer_at(item, "port", 0);
		port->target = port_ref_decode(json_object_get(item, "targetPort"));
	}
	service->port_count = i;
	return 0;
}

int service_decode(const struct object *object, struct service **ret, struct err *err)
{
	const json_t *spec = json_object_get(object->json, "spec");
	const char *ip = json_string_at(spec, "clusterIP", "");
	struct service *service = calloc(1, sizeof(*service));

	if (!service || ports_decode(service, json_object_get(spec, "ports")) < 0) {
		free(service);
		return err_set(err, ENOMEM, "read Service '%s/%s'", object->meta.namespace,
			object->meta.name);
	}
	service->json = json_incref(object->json);
	service->meta = object->meta;
	service->headless = strcmp(ip, "None") == 0;
	service->cluster_ip_given = inet_pton(AF_INET, ip, &service->cluster_ip) == 1;
	service->selector = json_object_get(spec, "selector");
	if (json_object_size(service->selector) == 0)
		service->selector = NULL;
	service->publish_not_ready =
		json_is_true(json_object_get(spec, "publishNotReadyAddresses"));
	service->internal_local =
		strcmp(json_string_at(spec, "internalTrafficPolicy", ""), "Local") == 0;
	*ret = service;
	return 0;
}

struct service *service_free(struct service *service)
{
	if (!service)
		return NULL;
	json_decref(service->json);
	free(service->ports);
	free(service);
	return NULL;
}
