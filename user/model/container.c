// SPDX-License-Identifier: Apache-2.0
/* A container of a Pod, out of checked JSON. */
#include <errno.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/model/decode.h"
#include "user/model/quantity.h"

int64_t quantity_decode(const json_t *map, const char *key,
	int (*read)(const struct quantity *quantity, int64_t *ret), int64_t missing)
{
	const char *text = json_string_at(map, key, NULL);
	struct quantity quantity;
	int64_t value;

	if (!text || quantity_parse(text, &quantity) < 0)
		return missing;
	/* Checked quantities are below 2^63 units: only thousandths can be beyond what fits. */
	return read(&quantity, &value) < 0 ? INT64_MAX : value;
}

static void resources_decode(const json_t *json, struct resources *ret)
{
	const json_t *limits = json_object_get(json, "limits");
	const json_t *requests = json_object_get(json, "requests");

	ret->cpu_request = quantity_decode(requests, "cpu", quantity_milli, RESOURCE_UNSET);
	ret->cpu_limit = quantity_decode(limits, "cpu", quantity_milli, RESOURCE_UNSET);
	ret->memory_request = quantity_decode(requests, "memory", quantity_units, RESOURCE_UNSET);
	ret->memory_limit = quantity_decode(limits, "memory", quantity_units, RESOURCE_UNSET);
}

static int ports_decode(struct pod *pod, const json_t *list, struct container *ret)
{
	json_t *item;
	size_t i;

	ret->ports = pod_alloc(pod, json_array_size(list) + 1, sizeof(*ret->ports));
	if (!ret->ports)
		return -ENOMEM;
	json_array_foreach ((json_t *)list, i, item)
		ret->ports[i] = (struct container_port){
			.name = json_string_at(item, "name", NULL),
			.port = (uint16_t)json_integer_at(item, "containerPort", 0),
			.protocol = protocol_decode(json_string_at(item, "protocol", "TCP")),
		};
	ret->port_count = i;
	return 0;
}

static int env_from_decode(struct pod *pod, const json_t *list, struct container *ret)
{
	json_t *item;
	size_t i;

	ret->env_from = pod_alloc(pod, json_array_size(list) + 1, sizeof(*ret->env_from));
	if (!ret->env_from)
		return -ENOMEM;
	json_array_foreach ((json_t *)list, i, item) {
		const json_t *secret = json_object_get(item, "secretRef");
		const json_t *ref = secret ? secret : json_object_get(item, "configMapRef");

		ret->env_from[i] = (struct env_from){
			.prefix = json_string_at(item, "prefix", ""),
			.secret = secret != NULL,
			.object = json_string_at(ref, "name", ""),
			.optional = json_is_true(json_object_get(ref, "optional")),
		};
	}
	ret->env_from_count = i;
	return 0;
}

static void env_key_decode(const json_t *ref, enum env_from_kind kind, struct env_var *ret)
{
	ret->kind = kind;
	ret->object = json_string_at(ref, "name", "");
	ret->key = json_string_at(ref, "key", "");
	ret->optional = json_is_true(json_object_get(ref, "optional"));
}

static void env_var_decode(const json_t *json, struct env_var *ret)
{
	const json_t *from = json_object_get(json, "valueFrom");
	const json_t *field = json_object_get(from, "fieldRef");
	const json_t *resource = json_object_get(from, "resourceFieldRef");
	const json_t *config_map = json_object_get(from, "configMapKeyRef");
	const json_t *secret = json_object_get(from, "secretKeyRef");

	ret->name = json_string_at(json, "name", "");
	ret->value = json_string_at(json, "value", "");
	ret->kind = ENV_VALUE;
	if (field) {
		ret->kind = ENV_FIELD;
		ret->path = json_string_at(field, "fieldPath", "");
	} else if (resource) {
		ret->kind = ENV_RESOURCE_FIELD;
		ret->path = json_string_at(resource, "resource", "");
		ret->container = json_string_at(resource, "containerName", NULL);
		ret->divisor = quantity_decode(resource, "divisor", quantity_milli, 0);
		/* 0, the default, stands for 1. */
		if (ret->divisor <= 0)
			ret->divisor = 1000;
	} else if (config_map) {
		env_key_decode(config_map, ENV_CONFIG_MAP_KEY, ret);
	} else if (secret) {
		env_key_decode(secret, ENV_SECRET_KEY, ret);
	}
}

static int env_decode(struct pod *pod, const json_t *list, struct container *ret)
{
	json_t *item;
	size_t i;

	ret->env = pod_alloc(pod, json_array_size(list) + 1, sizeof(*ret->env));
	if (!ret->env)
		return -ENOMEM;
	json_array_foreach ((json_t *)list, i, item)
		env_var_decode(item, &ret->env[i]);
	ret->env_count = i;
	return 0;
}

static int mounts_decode(struct pod *pod, const json_t *list, struct container *ret)
{
	json_t *item;
	size_t i;

	ret->mounts = pod_alloc(pod, json_array_size(list) + 1, sizeof(*ret->mounts));
	if (!ret->mounts)
		return -ENOMEM;
	json_array_foreach ((json_t *)list, i, item)
		ret->mounts[i] = (struct volume_mount){
			.volume = json_string_at(item, "name", ""),
			.path = json_string_at(item, "mountPath", ""),
			.sub_path = json_string_at(item, "subPath", NULL),
			.read_only = json_is_true(json_object_get(item, "readOnly")),
		};
	ret->mount_count = i;
	return 0;
}

/* The container's own word, else the Pod's. */
static const json_t *security_at(const json_t *own, const json_t *pods, const char *key)
{
	const json_t *value = json_object_get(own, key);

	return value ? value : json_object_get(pods, key);
}

static int64_t id_decode(const json_t *value)
{
	return json_is_integer(value) ? json_integer_value(value) : -1;
}

static int security_decode(struct pod *pod, const json_t *own, struct security *ret)
{
	const json_t *pods = json_object_get(json_object_get(pod->json, "spec"), "securityContext");
	const json_t *capabilities = json_object_get(own, "capabilities");
	int r;

	ret->user = id_decode(security_at(own, pods, "runAsUser"));
	ret->group = id_decode(security_at(own, pods, "runAsGroup"));
	ret->run_as_non_root = json_is_true(security_at(own, pods, "runAsNonRoot"));
	ret->read_only_root = json_is_true(json_object_get(own, "readOnlyRootFilesystem"));
	ret->no_new_privs = json_is_false(json_object_get(own, "allowPrivilegeEscalation"));
	r = pod_strings(pod, json_object_get(capabilities, "add"), true, &ret->cap_add);
	if (r == 0)
		r = pod_strings(pod, json_object_get(capabilities, "drop"), true, &ret->cap_drop);
	return r;
}

static int handlers_decode(struct pod *pod, const json_t *json, struct container *ret)
{
	const json_t *lifecycle = json_object_get(json, "lifecycle");
	int r;

	r = probe_decode(pod, json_object_get(json, "livenessProbe"), &ret->liveness);
	if (r == 0)
		r = probe_decode(pod, json_object_get(json, "readinessProbe"), &ret->readiness);
	if (r == 0)
		r = hook_decode(pod, json_object_get(lifecycle, "postStart"), &ret->post_start);
	if (r == 0)
		r = hook_decode(pod, json_object_get(lifecycle, "preStop"), &ret->pre_stop);
	return r;
}

int container_decode(struct pod *pod, const json_t *json, struct container *ret)
{
	static const char *const policies[] = {
		[PULL_ALWAYS] = "Always",
		[PULL_IF_NOT_PRESENT] = "IfNotPresent",
		[PULL_NEVER] = "Never",
	};
	int r;

	ret->name = json_string_at(json, "name", "");
	ret->image = json_string_at(json, "image", "");
	ret->pull_policy =
		word_decode(json_string_at(json, "imagePullPolicy", ""), policies, COUNT(policies));
	ret->working_dir = json_string_at(json, "workingDir", NULL);
	if (ret->working_dir && !*ret->working_dir)
		ret->working_dir = NULL;
	ret->target = json_string_at(json, "targetContainerName", NULL);
	if (ret->target && !*ret->target)
		ret->target = NULL;
	ret->tty = json_is_true(json_object_get(json, "tty"));
	ret->stdin = json_is_true(json_object_get(json, "stdin"));
	ret->stdin_once = json_is_true(json_object_get(json, "stdinOnce"));
	resources_decode(json_object_get(json, "resources"), &ret->resources);
	r = pod_strings(pod, json_object_get(json, "command"), false, &ret->command);
	if (r == 0)
		r = pod_strings(pod, json_object_get(json, "args"), false, &ret->args);
	if (r == 0)
		r = ports_decode(pod, json_object_get(json, "ports"), ret);
	if (r == 0)
		r = env_from_decode(pod, json_object_get(json, "envFrom"), ret);
	if (r == 0)
		r = env_decode(pod, json_object_get(json, "env"), ret);
	if (r == 0)
		r = mounts_decode(pod, json_object_get(json, "volumeMounts"), ret);
	if (r == 0)
		r = security_decode(pod, json_object_get(json, "securityContext"), &ret->security);
	return r == 0 ? handlers_decode(pod, json, ret) : r;
}

uint16_t container_port_number(const struct container *container, const struct port_ref *ref)
{
	if (!ref->name)
		return ref->number;
	for (size_t i = 0; i < container->port_count; i++) {
		const struct container_port *port = &container->ports[i];

		if (port->name && strcmp(port->name, ref->name) == 0)
			return port->port;
	}
	return 0;
}
