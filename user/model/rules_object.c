// SPDX-License-Identifier: Apache-2.0
/* Metadata, Service, ConfigMap, Secret. */
#include <stdbool.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/model/name.h"
#include "user/model/object.h"
#include "user/model/place.h"
#include "user/model/rules.h"
#include "user/model/value.h"

#define DATA_MAX	(1u << 20)   /* bytes of values in one ConfigMap or Secret */
#define ANNOTATIONS_MAX (256u << 10) /* bytes of keys and values of one object */

int meta_finish(json_t *meta, const struct place *place, struct err *err)
{
	const char *name = json_string_at(meta, "name", ""), *reason = name_dns_subdomain(name);
	const char *annotation;
	json_t *value;
	size_t sum = 0;

	if (!*name)
		return place_refuse(PLACE_KEY(place, "name"), err, "required");
	if (reason)
		return place_refuse(
			PLACE_KEY(place, "name"), err, "%s; got \"%.60s\"", reason, name);
	if (!json_object_get(meta, "namespace") &&
		json_object_set_new(meta, "namespace", json_string(DEFAULT_NAMESPACE)) < 0)
		return err_set(err, ENOMEM, "complete an object");
	json_object_foreach (json_object_get(meta, "annotations"), annotation, value)
		sum += strlen(annotation) + json_string_length(value);
	if (sum <= ANNOTATIONS_MAX)
		return 0;
	return place_refuse(
		PLACE_KEY(place, "annotations"), err, "more than %u bytes", ANNOTATIONS_MAX);
}

/* Refuses the second port with the same name, or the same number and protocol. */
static int port_differs(
	json_t *seen, const json_t *port, const struct place *place, struct err *err)
{
	const char *name = json_string_at(port, "name", NULL);
	char number[48];

	snprintf(number, sizeof(number), "%lld/%s", json_integer_at(port, "port", 0),
		json_string_at(port, "protocol", ""));
	if (json_object_get(seen, number))
		return place_refuse(PLACE_KEY(place, "port"), err, "duplicate %s", number);
	if (name && json_object_get(seen, name))
		return place_refuse(PLACE_KEY(place, "name"), err, "duplicate \"%.60s\"", name);
	if (json_object_set_new(seen, number, json_true()) < 0 ||
		(name && json_object_set_new(seen, name, json_true()) < 0))
		return err_set(err, ENOMEM, "compare ports");
	return 0;
}

static int service_ports_finish(json_t *ports, const struct place *place, struct err *err)
{
	AUTO_JSON seen = json_object();
	json_t *port;
	size_t i;

	json_array_foreach (ports, i, port) {
		const struct place *at = PLACE_INDEX(place, i);
		int r;

		if (!json_object_get(port, "name") && json_array_size(ports) > 1)
			return place_refuse(PLACE_KEY(at, "name"), err,
				"required when a Service has several ports");
		r = port_differs(seen, port, at, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int cluster_ips_check(const json_t *spec, const struct place *place, struct err *err)
{
	const json_t *list = json_object_get(spec, "clusterIPs");
	const char *first = json_string_value(json_array_get(list, 0));

	if (json_array_size(list) > 1)
		return place_refuse(
			PLACE_KEY(place, "clusterIPs"), err, "podnet supports one address yet");
	if (first && strcmp(first, json_string_at(spec, "clusterIP", "")) != 0)
		return place_refuse(PLACE_INDEX(PLACE_KEY(place, "clusterIPs"), 0), err,
			"must be the same as clusterIP");
	return 0;
}

int service_finish(json_t *service, const struct place *place, struct err *err)
{
	json_t *spec = json_object_get(service, "spec");
	json_t *meta = json_object_get(service, "metadata");
	const char *ip = json_string_at(spec, "clusterIP", "");
	const char *name = json_string_at(meta, "name", ""), *reason = name_service(name);
	json_t *ports = json_object_get(spec, "ports");
	int r;

	if (reason)
		return place_refuse(PLACE_KEY(PLACE_KEY(place, "metadata"), "name"), err,
			"%s; got \"%.60s\"", reason, name);
	place = PLACE_KEY(place, "spec");
	if (json_array_size(ports) == 0 && strcmp(ip, "None") != 0)
		return place_refuse(PLACE_KEY(place, "ports"), err, "required");
	r = service_ports_finish(ports, PLACE_KEY(place, "ports"), err);
	return r == 0 ? cluster_ips_check(spec, place, err) : r;
}

static int size_check(size_t bytes, const struct place *place, struct err *err)
{
	if (bytes <= DATA_MAX)
		return 0;
	return place_refuse(PLACE_KEY(place, "data"), err, "more than %u bytes", DATA_MAX);
}

int config_map_finish(json_t *config_map, const struct place *place, struct err *err)
{
	json_t *data = json_object_get(config_map, "data"), *value;
	json_t *binary = json_object_get(config_map, "binaryData");
	const char *key;

	json_object_foreach (binary, key, value) {
		if (json_object_get(data, key))
			return place_refuse(PLACE_KEY(PLACE_KEY(place, "binaryData"), key), err,
				"stands in data too");
	}
	return size_check(value_map_bytes(data, false) + value_map_bytes(binary, true), place, err);
}

int secret_finish(json_t *secret, const struct place *place, struct err *err)
{
	return size_check(value_map_bytes(json_object_get(secret, "data"), true), place, err);
}
