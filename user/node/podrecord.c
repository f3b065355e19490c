// SPDX-License-Identifier: Apache-2.0
#include "user/node/podrecord.h"

#include <stdio.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/base/record.h"

int observed_init(const struct pod *pod, uint64_t created_wall, struct pod_observed *observed)
{
	memset(observed, 0, sizeof(*observed));
	observed->created_wall = created_wall;
	observed->ephemeral = pod->ephemeral_count;
	observed->count = pod->init_count + pod->container_count + pod->ephemeral_count;
	observed->containers =
		calloc(observed->count ? observed->count : 1, sizeof(observed->containers[0]));
	return observed->containers ? 0 : -ENOMEM;
}

void observed_free(struct pod_observed *observed)
{
	free(observed->containers);
	observed->containers = NULL;
}

json_t *podrecord_admitted(const struct pod *pod, uint64_t created_wall)
{
	return json_pack("{s:I, s:O}", "created", (json_int_t)created_wall, "object", pod->json);
}

static int admitted_decode(const json_t *record, const char *path, struct pod **ret,
	uint64_t *ret_created_wall, struct err *err)
{
	const json_t *meta = json_object_get(json_object_get(record, "object"), "metadata");
	struct object object = {
		.kind = KIND_POD,
		.json = json_object_get(record, "object"),
		.meta =
			{
				.name = json_string_at(meta, "name", NULL),
				.namespace = json_string_at(meta, "namespace", NULL),
				.uid = json_string_at(meta, "uid", NULL),
				.labels = json_object_get(meta, "labels"),
				.annotations = json_object_get(meta, "annotations"),
			},
	};

	if (!object.meta.name || !object.meta.namespace || !object.meta.uid)
		return err_refuse(err, EBADMSG, "record '%s' is damaged: it names no Pod", path);
	*ret_created_wall = (uint64_t)json_integer_at(record, "created", 0);
	return pod_decode(&object, ret, err);
}

int podrecord_read_admitted(
	const char *state_dir, struct pod **ret, uint64_t *ret_created_wall, struct err *err)
{
	AUTO_FREE char *path = fs_format("%s/pod", state_dir);
	AUTO_FREE char *text = NULL;
	AUTO_JSON record = NULL;
	size_t len;
	int r;

	if (!path)
		return err_set(err, ENOMEM, "read a record in '%s'", state_dir);
	r = record_read(path, "pod", &text, &len, NULL, err);
	if (r == 0)
		r = json_parse(text, len, path, &record, err);
	if (r == 0)
		r = admitted_decode(record, path, ret, ret_created_wall, err);
	return r;
}

static json_t *exit_encode(const struct shim_exit *exit)
{
	return json_pack("{s:s, s:i, s:i, s:b, s:I, s:I}", "id", exit->id, "code", exit->code,
		"signal", exit->signal, "oom", exit->oom, "started", (json_int_t)exit->started_wall,
		"finished", (json_int_t)exit->finished_wall);
}

static bool exit_decode(const json_t *record, struct shim_exit *ret)
{
	const char *id;
	json_int_t started, finished;
	int oom;

	if (json_unpack((json_t *)record, "{s:s, s:i, s:i, s:b, s:I, s:I}", "id", &id, "code",
		    &ret->code, "signal", &ret->signal, "oom", &oom, "started", &started,
		    "finished", &finished) < 0)
		return false;
	snprintf(ret->id, sizeof(ret->id), "%s", id);
	ret->oom = oom;
	ret->started_wall = (uint64_t)started;
	ret->finished_wall = (uint64_t)finished;
	return true;
}

static json_t *container_encode(const struct container_observed *container)
{
	json_t *record = json_pack(
		"{s:i, s:i, s:i, s:i, s:i, s:I, s:I, s:I, s:b, s:b, s:b, s:b, s:b, s:s}", "phase",
		(int)container->phase, "attempt", (int)container->attempt, "crashes",
		(int)container->crashes, "pid", (int)container->pid, "stopSignal",
		container->stop_signal, "started", (json_int_t)container->started, "startedWall",
		(json_int_t)container->started_wall, "finished", (json_int_t)container->finished,
		"cleaned", container->cleaned, "stopRequested", container->stop_requested, "ready",
		container->probe_ready, "unknownExit", container->unknown_exit, "lastUnknownExit",
		container->last_unknown_exit, "digest", container->image_digest);

	if (record && container->has_exit)
		json_object_set_new(record, "exit", exit_encode(&container->exit));
	if (record && container->has_last)
		json_object_set_new(record, "last", exit_encode(&container->last));
	return record;
}

static bool container_decode(const json_t *record, struct container_observed *ret)
{
	json_int_t started, started_wall, finished;
	int phase, pid, attempt, crashes, cleaned, stop, ready, unknown, last_unknown;
	int stop_signal;
	const char *digest;

	if (json_unpack((json_t *)record,
		    "{s:i, s:i, s:i, s:i, s:i, s:I, s:I, s:I, s:b, s:b, s:b, s:b, s:b, s:s}",
		    "phase", &phase, "attempt", &attempt, "crashes", &crashes, "pid", &pid,
		    "stopSignal", &stop_signal, "started", &started, "startedWall", &started_wall,
		    "finished", &finished, "cleaned", &cleaned, "stopRequested", &stop, "ready",
		    &ready, "unknownExit", &unknown, "lastUnknownExit", &last_unknown, "digest",
		    &digest) < 0 ||
		phase < CONTAINER_ABSENT || phase > CONTAINER_EXITED)
		return false;
	ret->phase = (enum container_phase)phase;
	ret->attempt = (unsigned)attempt;
	ret->crashes = (unsigned)crashes;
	ret->pid = (pid_t)pid;
	ret->stop_signal = stop_signal;
	ret->started = (uint64_t)started;
	ret->started_wall = (uint64_t)started_wall;
	ret->finished = (uint64_t)finished;
	ret->cleaned = cleaned;
	ret->stop_requested = stop;
	ret->probe_ready = ready;
	ret->unknown_exit = unknown;
	ret->last_unknown_exit = last_unknown;
	snprintf(ret->image_digest, sizeof(ret->image_digest), "%s", digest);
	ret->has_exit = exit_decode(json_object_get(record, "exit"), &ret->exit);
	ret->has_last = exit_decode(json_object_get(record, "last"), &ret->last);
	return ret->phase != CONTAINER_EXITED || ret->has_exit;
}

json_t *podrecord_encode(const struct pod_observed *observed)
{
	json_t *containers = json_array();

	for (size_t i = 0; containers && i < observed->count; i++)
		json_array_append_new(containers, container_encode(&observed->containers[i]));
	return json_pack("{s:i, s:i, s:b, s:I, s:b, s:I, s:I, s:I, s:b, s:I, s:b, s:o}", "sandbox",
		(int)observed->sandbox, "pause", (int)observed->pause_pid, "networked",
		observed->networked, "ip", (json_int_t)observed->ip.s_addr, "deleting",
		observed->deleting, "deletedAt", (json_int_t)observed->deleted_at, "deletedWall",
		(json_int_t)observed->deleted_wall, "grace", (json_int_t)observed->grace, "ready",
		observed->was_ready, "readyWall", (json_int_t)observed->ready_wall, "drained",
		observed->drained, "containers", containers);
}

/*
 * This record and the one of what was admitted are written one after the other: either may know more ephemeral
 * containers.  None of those that only one of them knows has been started.
 */
static bool count_fits(size_t count, const struct pod_observed *observed)
{
	return count >= observed_end(observed) && (observed->ephemeral || count == observed->count);
}

int podrecord_decode(const json_t *record, struct pod_observed *observed, struct err *err)
{
	json_int_t ip, deleted_at, deleted_wall, grace, ready_wall;
	int sandbox, pause, networked, deleting, ready, drained;
	json_t *containers;

	if (json_unpack((json_t *)record,
		    "{s:i, s:i, s:b, s:I, s:b, s:I, s:I, s:I, s:b, s:I, s:b, s:o}", "sandbox",
		    &sandbox, "pause", &pause, "networked", &networked, "ip", &ip, "deleting",
		    &deleting, "deletedAt", &deleted_at, "deletedWall", &deleted_wall, "grace",
		    &grace, "ready", &ready, "readyWall", &ready_wall, "drained", &drained,
		    "containers", &containers) < 0 ||
		!count_fits(json_array_size(containers), observed) || sandbox < SANDBOX_ABSENT ||
		sandbox > SANDBOX_LOST)
		return err_refuse(err, EBADMSG, "the record of what was observed does not fit");
	for (size_t i = 0; i < observed->count && i < json_array_size(containers); i++) {
		if (!container_decode(json_array_get(containers, i), &observed->containers[i]))
			return err_refuse(
				err, EBADMSG, "container %zu of the record is damaged", i);
	}
	observed->sandbox = (enum sandbox_phase)sandbox;
	observed->pause_pid = (pid_t)pause;
	observed->networked = networked;
	observed->ip.s_addr = (in_addr_t)ip;
	observed->deleting = deleting;
	observed->deleted_at = (uint64_t)deleted_at;
	observed->deleted_wall = (uint64_t)deleted_wall;
	observed->grace = (uint32_t)grace;
	observed->was_ready = ready;
	observed->ready_wall = (uint64_t)ready_wall;
	observed->drained = drained;
	return 0;
}
