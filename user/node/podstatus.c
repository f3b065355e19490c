// SPDX-License-Identifier: Apache-2.0
#include "user/node/podstatus.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "user/base/cleanup.h"
#include "user/node/backoff.h"
#include "user/node/plan.h"

static json_t *status_time(uint64_t wall)
{
	char text[CLOCK_RFC3339_LEN];

	clock_rfc3339(wall, text);
	return json_string(text);
}

static json_t *status_address(struct in_addr address)
{
	char text[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, &address, text, sizeof(text));
	return json_string(text);
}

/* Waits for its next attempt after an exit that the restart policy does not accept. */
static bool container_restarts(const struct podstatus_input *in, size_t i)
{
	const struct container_observed *container = &in->observed->containers[i];

	return container->phase == CONTAINER_EXITED && !in->observed->deleting &&
	       restart_wanted(in->pod, i, &container->exit);
}

const char *podstatus_phase(const struct pod *pod, const struct pod_observed *observed)
{
	unsigned waiting = 0;
	bool failed;

	if (pod_is_finished(pod, observed, &failed))
		return failed ? "Failed" : "Succeeded";
	if (!pod_is_initialized(pod, observed))
		return "Pending";
	for (size_t i = pod->init_count; i < observed_end(observed); i++) {
		const struct container_observed *container = &observed->containers[i];

		waiting += container->phase == CONTAINER_ABSENT && !container->has_last;
	}
	return waiting ? "Pending" : "Running";
}

static const char *exit_reason(const struct shim_exit *exit, bool unknown)
{
	if (unknown)
		return "ContainerStatusUnknown";
	if (exit->oom)
		return "OOMKilled";
	return exit->code == 0 ? "Completed" : "Error";
}

static json_t *status_terminated(
	const struct podstatus_input *in, const struct shim_exit *exit, bool unknown)
{
	json_t *body = json_pack("{s:i, s:s, s:o, s:o, s:o}", "exitCode", exit->code, "reason",
		exit_reason(exit, unknown), "startedAt", status_time(exit->started_wall),
		"finishedAt", status_time(exit->finished_wall), "containerID",
		json_sprintf("podnet://%s/%s", in->pod->meta.uid, exit->id));

	if (body && exit->signal)
		json_object_set_new(body, "signal", json_integer(exit->signal));
	return json_pack("{s:o}", "terminated", body);
}

static json_t *status_waiting(const char *reason, const char *message)
{
	json_t *body = json_pack("{s:s}", "reason", reason);

	if (body && message[0])
		json_object_set_new(body, "message", json_any_text(message));
	return json_pack("{s:o}", "waiting", body);
}

static json_t *status_crash_loop(const struct podstatus_input *in, size_t i)
{
	const struct container_observed *container = &in->observed->containers[i];
	uint64_t seconds = (restart_due(container) - container->finished) / USEC_PER_SEC;
	char message[600];

	snprintf(message, sizeof(message),
		"back-off %llus restarting failed container=%s pod=%s_%s(%s)",
		(unsigned long long)seconds, observed_container(in->pod, i)->name,
		in->pod->meta.name, in->pod->meta.namespace, in->pod->meta.uid);
	return status_waiting("CrashLoopBackOff", message);
}

static json_t *status_state(const struct podstatus_input *in, size_t i)
{
	const struct container_observed *container = &in->observed->containers[i];

	if (container->phase == CONTAINER_RUNNING)
		return json_pack(
			"{s:{s:o}}", "running", "startedAt", status_time(container->started_wall));
	if (container->reason[0])
		return status_waiting(container->reason, container->message);
	if (container_restarts(in, i) && restart_due(container) > in->now)
		return status_crash_loop(in, i);
	if (container->phase == CONTAINER_EXITED)
		return status_terminated(in, &container->exit, container->unknown_exit);
	if (!observed_is_init(in->pod, i) && !pod_is_initialized(in->pod, in->observed))
		return status_waiting("PodInitializing", "");
	return status_waiting("ContainerCreating", in->observed->message);
}

static json_t *status_last(const struct podstatus_input *in, size_t i)
{
	const struct container_observed *container = &in->observed->containers[i];

	if (container->phase == CONTAINER_EXITED && container_restarts(in, i) &&
		restart_due(container) > in->now)
		return status_terminated(in, &container->exit, container->unknown_exit);
	if (container->has_last)
		return status_terminated(in, &container->last, container->last_unknown_exit);
	return json_object();
}

static json_t *status_container(const struct podstatus_input *in, size_t i)
{
	const struct container_observed *container = &in->observed->containers[i];
	const struct container *spec = observed_container(in->pod, i);
	bool init_done = observed_is_init(in->pod, i) && container->phase == CONTAINER_EXITED &&
			 container->exit.code == 0;
	bool counts = !observed_is_ephemeral(in->pod, i);
	json_t *status = json_pack("{s:s, s:o, s:o, s:b, s:i, s:s, s:s}", "name", spec->name,
		"state", status_state(in, i), "lastState", status_last(in, i), "ready",
		init_done || (counts && container_is_ready(container)), "restartCount",
		(int)container->attempt, "image", spec->image, "imageID", container->image_digest);

	if (status && counts)
		json_object_set_new(
			status, "started", json_boolean(container->phase == CONTAINER_RUNNING));

	if (status && container->phase != CONTAINER_ABSENT)
		json_object_set_new(status, "containerID",
			json_sprintf("podnet://%s/%s.%u", in->pod->meta.uid, spec->name,
				container->attempt));
	return status;
}

static json_t *status_condition(const char *type, bool is, uint64_t since_wall, const char *reason)
{
	json_t *condition =
		json_pack("{s:s, s:s, s:n, s:o}", "type", type, "status", is ? "True" : "False",
			"lastProbeTime", "lastTransitionTime", status_time(since_wall));

	if (condition && !is && reason[0])
		json_object_set_new(condition, "reason", json_string(reason));
	return condition;
}

/* Adds which of the containers from @from to @to are not as @has says.  Takes and returns @condition. */
static json_t *status_lacking(json_t *condition, const struct podstatus_input *in, size_t from,
	size_t to, bool (*has)(const struct container_observed *container), const char *what)
{
	AUTO_FREE char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	const char *between = "";

	if (!out)
		return condition;
	fprintf(out, "containers with %s status: [", what);
	for (size_t i = from; i < to; i++)
		if (!has(&in->observed->containers[i])) {
			fprintf(out, "%s%s", between, observed_container(in->pod, i)->name);
			between = " ";
		}
	fputs("]", out);
	fclose(out);
	if (json_object_get(condition, "reason"))
		json_object_set_new(condition, "message", json_any_text(text));
	return condition;
}

static bool container_is_complete(const struct container_observed *container)
{
	return container->phase == CONTAINER_EXITED && container->exit.code == 0;
}

static json_t *status_ready(const struct podstatus_input *in, const char *type)
{
	const struct pod_observed *observed = in->observed;
	bool failed, finished = pod_is_finished(in->pod, observed, &failed);
	json_t *condition = status_condition(type, pod_is_ready(in->pod, observed),
		observed->ready_wall ? observed->ready_wall : observed->created_wall,
		finished ? "PodCompleted" : "ContainersNotReady");

	return finished ? condition
			: status_lacking(condition, in, in->pod->init_count, observed_end(observed),
				  container_is_ready, "unready");
}

static json_t *status_conditions(const struct podstatus_input *in)
{
	const struct pod_observed *observed = in->observed;

	return json_pack("[o, o, o, o, o]",
		status_condition("PodReadyToStartContainers", observed->networked,
			observed->created_wall, ""),
		status_lacking(
			status_condition("Initialized", pod_is_initialized(in->pod, observed),
				observed->created_wall, "ContainersNotInitialized"),
			in, 0, in->pod->init_count, container_is_complete, "incomplete"),
		status_ready(in, "Ready"), status_ready(in, "ContainersReady"),
		status_condition("PodScheduled", true, observed->created_wall, ""));
}

static json_t *status_containers(const struct podstatus_input *in, size_t from, size_t to)
{
	json_t *list = json_array();

	for (size_t i = from; list && i < to; i++)
		json_array_append_new(list, status_container(in, i));
	return list;
}

json_t *podstatus_build(const struct podstatus_input *in)
{
	static const char *const qos[] = {
		[QOS_GUARANTEED] = "Guaranteed",
		[QOS_BURSTABLE] = "Burstable",
		[QOS_BEST_EFFORT] = "BestEffort",
	};
	const struct pod_observed *observed = in->observed;
	json_t *status = json_pack("{s:s, s:o, s:o, s:o, s:s, s:o}", "phase",
		podstatus_phase(in->pod, observed), "conditions", status_conditions(in), "hostIP",
		status_address(in->host_ip), "startTime", status_time(observed->created_wall),
		"qosClass", qos[pod_qos(in->pod)], "containerStatuses",
		status_containers(in, in->pod->init_count, observed_end(observed)));

	if (!status)
		return NULL;
	if (in->pod->init_count)
		json_object_set_new(status, "initContainerStatuses",
			status_containers(in, 0, in->pod->init_count));
	if (observed->ephemeral)
		json_object_set_new(status, "ephemeralContainerStatuses",
			status_containers(in, observed_end(observed), observed->count));
	if (observed->networked) {
		json_object_set_new(status, "podIP", status_address(observed->ip));
		json_object_set_new(
			status, "podIPs", json_pack("[{s:o}]", "ip", status_address(observed->ip)));
	}
	if (observed->reason[0]) {
		json_object_set_new(status, "reason", json_string(observed->reason));
		json_object_set_new(status, "message", json_any_text(observed->message));
	}
	return status;
}
