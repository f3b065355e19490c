// SPDX-License-Identifier: Apache-2.0
/* What Pods and this machine use, as a kubelet tells it: /stats/summary and /metrics/resource. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "user/agent/state.h"
#include "user/base/cleanup.h"
#include "user/base/fs.h"
#include "user/cluster/machine.h"
#include "user/http/buffer.h"
#include "user/node/usage.h"

#define STAT_MOST (1u << 20)

/* Processors' time, of all of them, that was not idle. */
static bool machine_cpu(uint64_t *ret)
{
	AUTO_FREE char *text = NULL;
	uint64_t user, nice, system, idle, wait, irq, soft, stolen;

	if (fs_read("/proc/stat", STAT_MOST, &text, NULL, NULL) < 0 ||
		sscanf(text,
			"cpu %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
			" %" SCNu64 " %" SCNu64,
			&user, &nice, &system, &idle, &wait, &irq, &soft, &stolen) != 8)
		return false;
	*ret = (user + nice + system + irq + soft) * USEC_PER_SEC / (uint64_t)sysconf(_SC_CLK_TCK);
	return true;
}

static void machine_usage(const struct agent *agent, struct usage *ret)
{
	struct machine machine;

	machine_read(agent->options->state_dir, &machine);
	*ret = (struct usage){.has_memory = machine.memory != 0,
		.memory = machine.memory - machine.memory_available,
		.working_set = machine.memory - machine.memory_available};
	ret->has_cpu = machine_cpu(&ret->cpu);
}

/* --- /stats/summary --- */

static json_t *time_json(uint64_t wall)
{
	char text[CLOCK_RFC3339_LEN];

	clock_rfc3339(wall, text);
	return json_string(text);
}

static void add_usage(json_t *object, const struct usage *usage)
{
	if (usage->has_cpu)
		json_object_set_new(object, "cpu",
			json_pack("{s:o, s:I}", "time", time_json(clock_wall()),
				"usageCoreNanoSeconds", (json_int_t)(usage->cpu * 1000)));
	if (usage->has_memory)
		json_object_set_new(object, "memory",
			json_pack("{s:o, s:I, s:I}", "time", time_json(clock_wall()), "usageBytes",
				(json_int_t)usage->memory, "workingSetBytes",
				(json_int_t)usage->working_set));
}

static json_t *pod_stats(const struct node_pod *pod)
{
	const struct pod *spec = node_pod_spec(pod);
	const struct pod_observed *observed = node_pod_observed(pod);
	json_t *containers = json_array(), *stats;
	struct usage usage;

	for (size_t i = 0; i < observed->count; i++) {
		const struct container_observed *container = &observed->containers[i];
		json_t *one;

		if (container->phase != CONTAINER_RUNNING)
			continue;
		one = json_pack("{s:s, s:o}", "name", observed_container(spec, i)->name,
			"startTime", time_json(container->started_wall));
		node_pod_usage(pod, i, &usage);
		add_usage(one, &usage);
		json_array_append_new(containers, one);
	}
	stats = json_pack("{s:{s:s, s:s, s:s}, s:o, s:o}", "podRef", "name", spec->meta.name,
		"namespace", spec->meta.namespace, "uid", spec->meta.uid, "startTime",
		time_json(observed->created_wall), "containers", containers);
	node_pod_usage(pod, NODE_POD_WHOLE, &usage);
	add_usage(stats, &usage);
	return stats;
}

void nodestats_summary(struct agent *agent, struct http_exchange *exchange)
{
	json_t *node = json_pack("{s:s}", "nodeName", agent->options->node_name);
	json_t *pods = json_array();
	const struct node_pod *pod = NULL;
	AUTO_JSON summary = NULL;
	struct usage usage;

	machine_usage(agent, &usage);
	add_usage(node, &usage);
	while ((pod = node_pod_next(agent->node, pod)))
		json_array_append_new(pods, pod_stats(pod));
	summary = json_pack("{s:o, s:o}", "node", node, "pods", pods);
	http_answer_json(exchange, 200, summary);
}

/* --- /metrics/resource --- */

enum metric {
	METRIC_CONTAINER_CPU,
	METRIC_CONTAINER_MEMORY,
	METRIC_CONTAINER_START,
	METRIC_NODE_CPU,
	METRIC_NODE_MEMORY,
	METRIC_POD_CPU,
	METRIC_POD_MEMORY,
	METRIC_COUNT,
};

static const struct {
	const char *name, *type, *help;
} metrics[METRIC_COUNT] = {
	[METRIC_CONTAINER_CPU] = {"container_cpu_usage_seconds_total", "counter",
		"Time of processors that a container has used, in core-seconds"},
	[METRIC_CONTAINER_MEMORY] = {"container_memory_working_set_bytes", "gauge",
		"Working set of a container, in bytes"},
	[METRIC_CONTAINER_START] = {"container_start_time_seconds", "gauge",
		"When a container was started, in seconds since 1970"},
	[METRIC_NODE_CPU] = {"node_cpu_usage_seconds_total", "counter",
		"Time of processors that the node has used, in core-seconds"},
	[METRIC_NODE_MEMORY] = {"node_memory_working_set_bytes", "gauge",
		"Working set of the node, in bytes"},
	[METRIC_POD_CPU] = {"pod_cpu_usage_seconds_total", "counter",
		"Time of processors that a Pod has used, in core-seconds"},
	[METRIC_POD_MEMORY] = {"pod_memory_working_set_bytes", "gauge",
		"Working set of a Pod, in bytes"},
};

/* The lines of each metric stand together. */
struct metric_lines {
	struct buffer lines[METRIC_COUNT];
};

static void lines_clear(struct metric_lines *lines)
{
	for (size_t i = 0; i < METRIC_COUNT; i++)
		buffer_clear(&lines->lines[i]);
}

static void put_seconds(
	struct metric_lines *lines, enum metric metric, const char *labels, uint64_t usec)
{
	/* A line that memory is out for is missing. */
	buffer_printf(&lines->lines[metric], "%s%s %" PRIu64 ".%06u\n", metrics[metric].name,
		labels, usec / USEC_PER_SEC, (unsigned)(usec % USEC_PER_SEC));
}

static void put_bytes(
	struct metric_lines *lines, enum metric metric, const char *labels, uint64_t bytes)
{
	buffer_printf(
		&lines->lines[metric], "%s%s %" PRIu64 "\n", metrics[metric].name, labels, bytes);
}

/* CPU at @metric, memory behind it. */
static void put_usage(struct metric_lines *lines, enum metric metric, const char *labels,
	const struct usage *usage)
{
	if (usage->has_cpu)
		put_seconds(lines, metric, labels, usage->cpu);
	if (usage->has_memory)
		put_bytes(lines, metric + 1, labels, usage->working_set);
}

static void put_pod(struct metric_lines *lines, const struct node_pod *pod)
{
	const struct object_meta *meta = &node_pod_spec(pod)->meta;
	const struct pod_observed *observed = node_pod_observed(pod);
	char labels[700];
	struct usage usage;

	snprintf(labels, sizeof(labels), "{namespace=\"%s\",pod=\"%s\"}", meta->namespace,
		meta->name);
	node_pod_usage(pod, NODE_POD_WHOLE, &usage);
	put_usage(lines, METRIC_POD_CPU, labels, &usage);
	for (size_t i = 0; i < observed->count; i++) {
		if (observed->containers[i].phase != CONTAINER_RUNNING)
			continue;
		snprintf(labels, sizeof(labels), "{container=\"%s\",namespace=\"%s\",pod=\"%s\"}",
			observed_container(node_pod_spec(pod), i)->name, meta->namespace,
			meta->name);
		node_pod_usage(pod, i, &usage);
		put_usage(lines, METRIC_CONTAINER_CPU, labels, &usage);
		put_seconds(lines, METRIC_CONTAINER_START, labels,
			observed->containers[i].started_wall);
	}
}

void nodestats_metrics(struct agent *agent, struct http_exchange *exchange)
{
	AUTO_CLEANUP(lines_clear) struct metric_lines lines = {0};
	const struct node_pod *pod = NULL;
	AUTO_BUFFER text = {0};
	struct usage usage;
	int r = 0;

	machine_usage(agent, &usage);
	put_usage(&lines, METRIC_NODE_CPU, "", &usage);
	while ((pod = node_pod_next(agent->node, pod)))
		put_pod(&lines, pod);
	for (size_t i = 0; r == 0 && i < METRIC_COUNT; i++) {
		r = buffer_printf(&text, "# HELP %s %s\n# TYPE %s %s\n", metrics[i].name,
			metrics[i].help, metrics[i].name, metrics[i].type);
		if (r == 0 && lines.lines[i].len)
			r = buffer_append(&text, buffer_head(&lines.lines[i]), lines.lines[i].len);
	}
	if (r < 0)
		http_answer_failure(exchange, 500, "InternalError", "out of memory");
	else
		http_answer_bytes(exchange, 200, "text/plain; version=0.0.4; charset=utf-8",
			buffer_head(&text), text.len);
}
