// SPDX-License-Identifier: Apache-2.0
#include "user/node/downward.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/base/fs.h"

int64_t host_cpu(void)
{
	return sysconf(_SC_NPROCESSORS_ONLN) * INT64_C(1000);
}

int64_t host_memory(void)
{
	struct sysinfo info;

	return sysinfo(&info) < 0 ? 0 : (int64_t)info.totalram * info.mem_unit;
}

/* metadata.labels['KEY'] and metadata.annotations['KEY']; a missing key is "". */
static const char *field_of_map(const struct object_meta *meta, const char *path, char **key)
{
	static const char labels[] = "metadata.labels['", annotations[] = "metadata.annotations['";
	const json_t *map = meta->labels;
	size_t prefix = strlen(labels), len = strlen(path);

	if (strncmp(path, labels, prefix) != 0) {
		prefix = strlen(annotations);
		map = meta->annotations;
		if (strncmp(path, annotations, prefix) != 0)
			return NULL;
	}
	if (len < prefix + 2 || strcmp(path + len - 2, "']") != 0)
		return NULL;
	*key = strndup(path + prefix, len - prefix - 2);
	return *key ? json_string_at(map, *key, "") : NULL;
}

/* One line KEY="VALUE" for each, in order of the keys, without an end of line behind the last. */
static char *map_lines(const json_t *map)
{
	AUTO_FREE char *order = map ? json_dumps(map, JSON_SORT_KEYS) : strdup("{}");
	AUTO_JSON sorted = order ? json_loads(order, 0, NULL) : NULL;
	AUTO_FREE char *text = strdup("");
	const char *key;
	json_t *value;

	json_object_foreach (sorted, key, value) {
		AUTO_FREE char *quoted = json_dumps(value, JSON_ENCODE_ANY);
		char *longer = text && quoted ? fs_format("%s%s%s=%s", text, *text ? "\n" : "", key,
							quoted)
					      : NULL;

		free(text);
		text = longer;
	}
	return sorted ? take_ptr(text) : NULL;
}

static char *field_value(const struct downward *about, const char *path)
{
	const struct object_meta *meta = &about->pod->meta;
	const json_t *spec = json_object_get(about->pod->json, "spec");
	char address[INET_ADDRSTRLEN];
	const struct {
		const char *path, *value;
	} plain[] = {
		{"metadata.name", meta->name},
		{"metadata.namespace", meta->namespace},
		{"metadata.uid", meta->uid},
		{"spec.nodeName", about->node_name},
		{"spec.serviceAccountName", json_string_at(spec, "serviceAccountName", "")},
	};
	AUTO_FREE char *key = NULL;
	const char *value = field_of_map(meta, path, &key);

	for (size_t i = 0; i < COUNT(plain) && !value; i++)
		if (strcmp(path, plain[i].path) == 0)
			value = plain[i].value;
	if (strcmp(path, "status.podIP") == 0 || strcmp(path, "status.podIPs") == 0)
		value = inet_ntop(AF_INET, &about->pod_ip, address, sizeof(address));
	if (strcmp(path, "status.hostIP") == 0 || strcmp(path, "status.hostIPs") == 0)
		value = inet_ntop(AF_INET, &about->host_ip, address, sizeof(address));
	return value ? strdup(value) : NULL;
}

int downward_field(const struct downward *about, const char *path, char **ret, struct err *err)
{
	const struct object_meta *meta = &about->pod->meta;

	if (strcmp(path, "metadata.labels") == 0)
		*ret = map_lines(meta->labels);
	else if (strcmp(path, "metadata.annotations") == 0)
		*ret = map_lines(meta->annotations);
	else
		*ret = field_value(about, path);
	return *ret ? 0 : err_refuse(err, EINVAL, "field '%s' is not supported", path);
}

static const struct container *container_by_name(const struct pod *pod, const char *name)
{
	for (size_t i = 0; i < pod->container_count; i++)
		if (strcmp(pod->containers[i].name, name) == 0)
			return &pod->containers[i];
	for (size_t i = 0; i < pod->init_count; i++)
		if (strcmp(pod->init_containers[i].name, name) == 0)
			return &pod->init_containers[i];
	return NULL;
}

static int64_t divide_up(int64_t value, int64_t divisor)
{
	return value / divisor + (value % divisor != 0);
}

int downward_resource(const struct downward *about, const char *container, const char *resource,
	int64_t divisor, char **ret, struct err *err)
{
	const struct container *found = container_by_name(about->pod, container);
	const struct resources *of = found ? &found->resources : NULL;
	int64_t milli = divisor > 0 ? divisor : 1000;
	int64_t units = divide_up(milli, 1000);
	int64_t value;

	if (!of)
		return err_refuse(err, EINVAL, "no container '%s' in the Pod", container);
	if (strcmp(resource, "limits.cpu") == 0)
		value = divide_up(of->cpu_limit > 0 ? of->cpu_limit : about->node_cpu, milli);
	else if (strcmp(resource, "requests.cpu") == 0)
		value = divide_up(of->cpu_request > 0 ? of->cpu_request : 0, milli);
	else if (strcmp(resource, "limits.memory") == 0)
		value = divide_up(
			of->memory_limit > 0 ? of->memory_limit : about->node_memory, units);
	else if (strcmp(resource, "requests.memory") == 0)
		value = divide_up(of->memory_request > 0 ? of->memory_request : 0, units);
	else
		return err_refuse(err, EINVAL, "resource '%s' is not supported", resource);
	*ret = fs_format("%" PRId64, value);
	return *ret ? 0 : err_set(err, ENOMEM, "compute '%s'", resource);
}
