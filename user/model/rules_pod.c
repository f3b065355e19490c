// SPDX-License-Identifier: Apache-2.0
#include <stdbool.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/model/place.h"
#include "user/model/rules.h"
#include "user/model/value.h"

#define NAMESERVERS_MAX 3
#define SEARCHES_MAX	32

int volume_finish(json_t *volume, const struct place *place, struct err *err)
{
	static const char *const keys[] = {"emptyDir", "hostPath", "configMap", "secret", NULL};

	return rules_one_of(volume, keys, place, err);
}

/* What there is in a Pod, by name: keys. */
struct names {
	json_t *volumes, *containers, *init_containers;
};

static void names_clear(struct names *names)
{
	json_decref(names->volumes);
	json_decref(names->containers);
	json_decref(names->init_containers);
}

static int names_read(const json_t *spec, struct names *ret, struct err *err)
{
	ret->volumes = value_names(json_object_get(spec, "volumes"));
	ret->containers = value_names(json_object_get(spec, "containers"));
	ret->init_containers = value_names(json_object_get(spec, "initContainers"));
	return ret->volumes && ret->containers && ret->init_containers
		       ? 0
		       : err_set(err, ENOMEM, "compare names");
}

static int mounts_check(const json_t *container, const struct names *names,
	const struct place *place, struct err *err)
{
	json_t *mount;
	size_t i;

	json_array_foreach (json_object_get(container, "volumeMounts"), i, mount) {
		const char *name = json_string_at(mount, "name", "");

		if (!json_object_get(names->volumes, name))
			return place_refuse(
				PLACE_KEY(PLACE_INDEX(PLACE_KEY(place, "volumeMounts"), i), "name"),
				err, "there is no volume \"%.60s\"", name);
	}
	return 0;
}

/* A hook cannot sleep longer than the Pod has to end. */
static int sleep_check(
	const json_t *container, long long grace, const struct place *place, struct err *err)
{
	const json_t *hook = json_object_get(json_object_get(container, "lifecycle"), "preStop");
	const json_t *sleep = json_object_get(hook, "sleep");

	if (json_integer_at(sleep, "seconds", 0) <= grace)
		return 0;
	place = PLACE_KEY(PLACE_KEY(place, "lifecycle"), "preStop");
	return place_refuse(PLACE_KEY(PLACE_KEY(place, "sleep"), "seconds"), err,
		"must not exceed terminationGracePeriodSeconds (%lld)", grace);
}

static int env_check(const json_t *container, const struct names *names, const struct place *place,
	struct err *err)
{
	json_t *env;
	size_t i;

	json_array_foreach (json_object_get(container, "env"), i, env) {
		const json_t *from = json_object_get(env, "valueFrom");
		const json_t *ref = json_object_get(from, "resourceFieldRef");
		const char *name = json_string_at(ref, "containerName", NULL);

		if (!name || json_object_get(names->containers, name) ||
			json_object_get(names->init_containers, name))
			continue;
		place = PLACE_KEY(PLACE_INDEX(PLACE_KEY(place, "env"), i), "valueFrom");
		return place_refuse(
			PLACE_KEY(PLACE_KEY(place, "resourceFieldRef"), "containerName"), err,
			"there is no container \"%.60s\"", name);
	}
	return 0;
}

static int containers_check(const json_t *spec, const char *list, const struct names *names,
	const struct place *place, struct err *err)
{
	long long grace = json_integer_at(spec, "terminationGracePeriodSeconds", 0);
	json_t *container;
	int r = 0;
	size_t i;

	place = PLACE_KEY(place, list);
	json_array_foreach (json_object_get(spec, list), i, container) {
		const struct place *at = PLACE_INDEX(place, i);

		r = mounts_check(container, names, at, err);
		if (r == 0)
			r = env_check(container, names, at, err);
		if (r == 0)
			r = sleep_check(container, grace, at, err);
		if (r < 0)
			break;
	}
	return r;
}

static int init_containers_check(
	const json_t *spec, const struct names *names, const struct place *place, struct err *err)
{
	static const char *const forbidden[] = {"livenessProbe", "readinessProbe", "lifecycle"};
	json_t *container;
	size_t i;

	place = PLACE_KEY(place, "initContainers");
	json_array_foreach (json_object_get(spec, "initContainers"), i, container) {
		const char *name = json_string_at(container, "name", "");

		for (size_t j = 0; j < COUNT(forbidden); j++)
			if (json_object_get(container, forbidden[j]))
				return place_refuse(PLACE_KEY(PLACE_INDEX(place, i), forbidden[j]),
					err, "must not be set for an init container");
		if (json_object_get(names->containers, name))
			return place_refuse(PLACE_KEY(PLACE_INDEX(place, i), "name"), err,
				"duplicate \"%.60s\"", name);
	}
	return 0;
}

static int dns_check(const json_t *spec, const struct place *place, struct err *err)
{
	const json_t *config = json_object_get(spec, "dnsConfig");
	size_t servers = json_array_size(json_object_get(config, "nameservers"));

	place = PLACE_KEY(place, "dnsConfig");
	if (servers > NAMESERVERS_MAX)
		return place_refuse(PLACE_KEY(place, "nameservers"), err,
			"must not be more than %d", NAMESERVERS_MAX);
	if (json_array_size(json_object_get(config, "searches")) > SEARCHES_MAX)
		return place_refuse(PLACE_KEY(place, "searches"), err, "must not be more than %d",
			SEARCHES_MAX);
	if (servers == 0 && strcmp(json_string_at(spec, "dnsPolicy", ""), "None") == 0)
		return place_refuse(PLACE_KEY(place, "nameservers"), err,
			"must name at least one with dnsPolicy None");
	return 0;
}

int pod_spec_finish(json_t *spec, const struct place *place, struct err *err)
{
	AUTO_CLEANUP(names_clear) struct names names = {0};
	int r = names_read(spec, &names, err);

	if (r < 0)
		return r;
	if (json_is_false(json_object_get(spec, "hostUsers")))
		return place_refuse(PLACE_KEY(place, "hostUsers"), err,
			"podnet does not support user namespaces yet");
	r = init_containers_check(spec, &names, place, err);
	if (r == 0)
		r = containers_check(spec, "initContainers", &names, place, err);
	if (r == 0)
		r = containers_check(spec, "containers", &names, place, err);
	return r == 0 ? dns_check(spec, place, err) : r;
}
