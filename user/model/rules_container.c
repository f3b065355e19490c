// SPDX-License-Identifier: Apache-2.0
#include <stdbool.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/model/place.h"
#include "user/model/quantity.h"
#include "user/model/rules.h"

int rules_one_of(
	const json_t *object, const char *const *keys, const struct place *place, struct err *err)
{
	char list[160] = "";
	size_t len = 0;
	unsigned found = 0;

	for (; *keys; keys++) {
		found += json_object_get(object, *keys) != NULL;
		len += (size_t)snprintf(
			list + len, sizeof(list) - len, "%s%s", len ? ", " : "", *keys);
	}
	if (found == 1)
		return 0;
	return place_refuse(place, err, "must have exactly one of %s", list);
}

int env_finish(json_t *env, const struct place *place, struct err *err)
{
	const char *value = json_string_at(env, "value", "");

	if (json_object_get(env, "valueFrom") && *value)
		return place_refuse(place, err, "must not have both value and valueFrom");
	return 0;
}

int env_source_finish(json_t *source, const struct place *place, struct err *err)
{
	static const char *const keys[] = {
		"fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", NULL};

	return rules_one_of(source, keys, place, err);
}

int env_from_finish(json_t *from, const struct place *place, struct err *err)
{
	static const char *const keys[] = {"configMapRef", "secretRef", NULL};

	return rules_one_of(from, keys, place, err);
}

int probe_finish(json_t *probe, const struct place *place, struct err *err)
{
	static const char *const keys[] = {"exec", "httpGet", "tcpSocket", NULL};

	return rules_one_of(probe, keys, place, err);
}

int hook_finish(json_t *hook, const struct place *place, struct err *err)
{
	static const char *const keys[] = {"exec", "httpGet", "sleep", NULL};

	return rules_one_of(hook, keys, place, err);
}

static int quantity_at(const json_t *map, const char *key, struct quantity *ret)
{
	const char *text = json_string_at(map, key, NULL);

	return text && quantity_parse(text, ret) == 0 ? 0 : -ENOENT;
}

/* A request for ephemeral storage only matters to a scheduler; a limit would be a promise. */
static int resource_check(const char *resource, const char *text, bool limit,
	const struct place *place, struct err *err)
{
	struct quantity quantity;

	if (strcmp(resource, "cpu") != 0 && strcmp(resource, "memory") != 0 &&
		(limit || strcmp(resource, "ephemeral-storage") != 0))
		return place_refuse(place, err, "podnet does not support this resource yet");
	if (quantity_parse(text, &quantity) < 0 || quantity.nano < 0)
		return place_refuse(place, err, "must not be negative");
	return 0;
}

static int resources_check(
	const json_t *map, bool limit, const struct place *place, struct err *err)
{
	const char *resource;
	json_t *value;

	json_object_foreach ((json_t *)map, resource, value) {
		int r = resource_check(
			resource, json_string_value(value), limit, PLACE_KEY(place, resource), err);

		if (r < 0)
			return r;
	}
	return 0;
}

int resources_finish(json_t *resources, const struct place *place, struct err *err)
{
	json_t *limits = json_object_get(resources, "limits"), *value;
	json_t *requests = json_object_get(resources, "requests");
	const char *resource;
	int r;

	r = resources_check(limits, true, PLACE_KEY(place, "limits"), err);
	if (r == 0)
		r = resources_check(requests, false, PLACE_KEY(place, "requests"), err);
	if (r < 0)
		return r;
	json_object_foreach (limits, resource, value) {
		struct quantity limit, request;

		if (quantity_at(requests, resource, &request) < 0)
			continue;
		if (quantity_at(limits, resource, &limit) == 0 && request.nano > limit.nano)
			return place_refuse(PLACE_KEY(PLACE_KEY(place, "requests"), resource), err,
				"must not exceed the limit of %s", json_string_value(value));
	}
	return 0;
}

int security_finish(json_t *security, const struct place *place, struct err *err)
{
	const json_t *add = json_object_get(json_object_get(security, "capabilities"), "add");
	json_t *capability;
	size_t i;

	if (!json_is_false(json_object_get(security, "allowPrivilegeEscalation")))
		return 0;
	json_array_foreach (add, i, capability) {
		if (strcmp(json_string_value(capability), "SYS_ADMIN") == 0)
			return place_refuse(PLACE_KEY(place, "allowPrivilegeEscalation"), err,
				"must not be false with the capability SYS_ADMIN added");
	}
	return 0;
}

static bool has_port(const json_t *ports, const char *name)
{
	json_t *port;
	size_t i;

	json_array_foreach ((json_t *)ports, i, port) {
		if (strcmp(json_string_at(port, "name", ""), name) == 0)
			return true;
	}
	return false;
}

/* A port that a handler gives by name must be one of the container's. */
static int handler_port_check(
	const json_t *handler, const json_t *ports, const struct place *place, struct err *err)
{
	static const char *const kinds[] = {"httpGet", "tcpSocket"};

	for (size_t i = 0; i < COUNT(kinds); i++) {
		const json_t *action = json_object_get(handler, kinds[i]);
		const char *name = json_string_at(action, "port", NULL);

		if (name && !has_port(ports, name))
			return place_refuse(PLACE_KEY(PLACE_KEY(place, kinds[i]), "port"), err,
				"the container has no port \"%.60s\"", name);
	}
	return 0;
}

static int handlers_check(const json_t *container, const struct place *place, struct err *err)
{
	static const char *const probes[] = {"livenessProbe", "readinessProbe"};
	static const char *const hooks[] = {"postStart", "preStop"};
	const json_t *lifecycle = json_object_get(container, "lifecycle");
	const json_t *ports = json_object_get(container, "ports");
	int r = 0;

	for (size_t i = 0; r == 0 && i < COUNT(probes); i++)
		r = handler_port_check(json_object_get(container, probes[i]), ports,
			PLACE_KEY(place, probes[i]), err);
	for (size_t i = 0; r == 0 && i < COUNT(hooks); i++)
		r = handler_port_check(json_object_get(lifecycle, hooks[i]), ports,
			PLACE_KEY(PLACE_KEY(place, "lifecycle"), hooks[i]), err);
	return r;
}

static int probes_check(const json_t *container, const struct place *place, struct err *err)
{
	const json_t *liveness = json_object_get(container, "livenessProbe");
	const json_t *readiness = json_object_get(container, "readinessProbe");

	if (json_integer_at(liveness, "successThreshold", 1) != 1)
		return place_refuse(
			PLACE_KEY(PLACE_KEY(place, "livenessProbe"), "successThreshold"), err,
			"must be 1 for a livenessProbe");
	if (json_object_get(readiness, "terminationGracePeriodSeconds"))
		return place_refuse(PLACE_KEY(PLACE_KEY(place, "readinessProbe"),
					    "terminationGracePeriodSeconds"),
			err, "must not be set for a readinessProbe");
	return 0;
}

static int ports_check(const json_t *ports, const struct place *place, struct err *err)
{
	AUTO_JSON seen = json_object();
	json_t *port;
	size_t i;

	json_array_foreach ((json_t *)ports, i, port) {
		const char *name = json_string_at(port, "name", NULL);

		if (!name)
			continue;
		if (json_object_get(seen, name))
			return place_refuse(PLACE_KEY(PLACE_INDEX(place, i), "name"), err,
				"duplicate \"%.60s\"", name);
		if (json_object_set_new(seen, name, json_true()) < 0)
			return err_set(err, ENOMEM, "compare names");
	}
	return 0;
}

int container_finish(json_t *container, const struct place *place, struct err *err)
{
	int r;

	r = ports_check(json_object_get(container, "ports"), PLACE_KEY(place, "ports"), err);
	if (r == 0)
		r = probes_check(container, place, err);
	if (r == 0)
		r = handlers_check(container, place, err);
	return r;
}
