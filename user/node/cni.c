// SPDX-License-Identifier: Apache-2.0
#include "user/node/cni.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "user/base/clock.h"
#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/base/fs.h"
#include "user/base/job.h"
#include "user/base/record.h"
#include "user/node/cniconf.h"

#define CNI_IFNAME  "eth0"
#define CNI_KIND    "cni"
#define CNI_TIMEOUT (60 * USEC_PER_SEC) /* one plugin, one command */
#define CNI_ENV_MAX 8

struct cni {
	sd_event *loop;
	char *conf_dir, *bin_dir, *cache_dir;
};

/* What a call is doing: ADD forwards, DEL backwards, or DEL backwards after an ADD that failed. */
enum cni_phase { CNI_ADDING, CNI_DELETING, CNI_UNDOING };

struct cni_call {
	struct cni *cni;
	enum cni_phase phase;
	char *container_id, *netns, *args; /* args: CNI_ARGS */
	json_t *list, *result;		   /* result: of the plugins so far, or the cached one */
	size_t index;			   /* of the plugin that runs */
	struct job *job;
	struct cni_result added; /* once all plugins have answered */
	int failure;		 /* negative errno once something failed */
	char reason[CNICONF_REASON];
	cni_done_fn done;
	void *userdata;
};

int cni_new(sd_event *loop, const struct cni_config *config, struct cni **ret, struct err *err)
{
	struct cni *cni = calloc(1, sizeof(*cni));

	if (cni) {
		cni->loop = loop;
		cni->conf_dir = strdup(config->conf_dir);
		cni->bin_dir = strdup(config->bin_dir);
		cni->cache_dir = strdup(config->cache_dir);
	}
	if (!cni || !cni->conf_dir || !cni->bin_dir || !cni->cache_dir) {
		cni_free(cni);
		return err_set(err, ENOMEM, "set up CNI");
	}
	*ret = cni;
	return 0;
}

struct cni *cni_free(struct cni *cni)
{
	if (!cni)
		return NULL;
	free(cni->conf_dir);
	free(cni->bin_dir);
	free(cni->cache_dir);
	free(cni);
	return NULL;
}

/* --- the cache: the list that ADD used and what it answered --------------------------------- */

static char *cni_cache_path(const struct cni *cni, const char *container_id)
{
	return fs_format("%s/%s-%s", cni->cache_dir, container_id, CNI_IFNAME);
}

/* @result NULL: the ADD has only begun, but a DEL must find the list it was begun with. */
static int cni_cache_write(const struct cni_call *call, const json_t *result, struct err *err)
{
	AUTO_FREE char *path = cni_cache_path(call->cni, call->container_id);
	AUTO_JSON json = json_pack("{s:O, s:O*}", "config", call->list, "result", result);
	AUTO_FREE char *text = json ? json_text(json) : NULL;
	int r;

	if (!path || !text)
		return err_set(err, ENOMEM, "cache the CNI result");
	r = fs_mkdir(call->cni->cache_dir, 0700, err);
	return r < 0 ? r : record_write(path, CNI_KIND, text, strlen(text), FS_VOLATILE, err);
}

/* Either may come back as NULL; -ENOENT: nothing is cached. */
static int cni_cache_read(const struct cni *cni, const char *container_id, json_t **ret_list,
	json_t **ret_result, struct err *err)
{
	AUTO_FREE char *path = cni_cache_path(cni, container_id), *text = NULL;
	AUTO_JSON json = NULL;
	size_t len;
	int r;

	if (!path)
		return err_set(err, ENOMEM, "read the cached CNI result");
	r = record_read(path, CNI_KIND, &text, &len, NULL, err);
	if (r == 0)
		r = json_parse(text, len, path, &json, err);
	if (r == -EBADMSG && record_set_aside(path, err) == 0)
		return err_refuse(err, ENOENT, "'%s' was damaged and is set aside", path);
	if (r < 0)
		return r;
	*ret_list = json_incref(json_object_get(json, "config"));
	*ret_result = json_incref(json_object_get(json, "result"));
	return 0;
}

static int cni_cache_remove(const struct cni_call *call, struct err *err)
{
	AUTO_FREE char *path = cni_cache_path(call->cni, call->container_id);

	if (!path)
		return err_set(err, ENOMEM, "forget the CNI result");
	return fs_remove(path, err);
}

int cni_cached(
	const struct cni *cni, const char *container_id, struct cni_result *ret, struct err *err)
{
	AUTO_JSON list = NULL;
	AUTO_JSON result = NULL;
	int r = cni_cache_read(cni, container_id, &list, &result, err);

	if (r < 0)
		return r;
	if (!result)
		return err_refuse(err, ENOENT, "container '%s' has no CNI result", container_id);
	return cniconf_read_result(result, ret, err);
}

/* --- a call ------------------------------------------------------------------------------- */

static void call_free(struct cni_call *call)
{
	if (!call)
		return;
	job_cancel(call->job);
	json_decref(call->list);
	json_decref(call->result);
	free(call->container_id);
	free(call->netns);
	free(call->args);
	free(call);
}

static void cleanup_call(struct cni_call **call)
{
	call_free(*call);
}

#define AUTO_CALL AUTO_CLEANUP(cleanup_call) struct cni_call *

struct cni_call *cni_call_cancel(struct cni_call *call)
{
	call_free(call);
	return NULL;
}

/* The call is gone when @done runs, so @done may start another one or free the Pod. */
static void call_finish(struct cni_call *call)
{
	const struct cni_result added = call->added;
	bool with_result = call->phase == CNI_ADDING && call->failure == 0;
	cni_done_fn done = call->done;
	void *userdata = call->userdata;
	int failure = call->failure;
	char reason[CNICONF_REASON];

	memcpy(reason, call->reason, sizeof(reason));
	call_free(call);
	done(userdata, failure, with_result ? &added : NULL, reason);
}

static void call_ended(const struct job_result *ended, void *userdata);

static int call_spawn(
	struct cni_call *call, const char *const *envp, const char *input, struct err *err)
{
	AUTO_FREE char *path =
		fs_format("%s/%s", call->cni->bin_dir, cniconf_type(call->list, call->index));
	const char *const argv[] = {path, NULL};
	const struct job_spec spec = {
		.argv = argv,
		.envp = envp,
		.input = input,
		.input_len = strlen(input),
		.max_output = CNICONF_ANSWER_MAX,
		.timeout_usec = CNI_TIMEOUT,
	};

	if (!path)
		return err_set(err, ENOMEM, "run a CNI plugin");
	if (access(path, X_OK) < 0)
		return err_set(err, errno, "plugin '%s'", path);
	return job_start(call->cni->loop, &spec, call_ended, call, &call->job, err);
}

/* Starts plugin number @call->index with the phase's command. */
static int call_start(struct cni_call *call, struct err *err)
{
	/* An undo is as if ADD had never answered: it has no result to show. */
	const json_t *previous = call->phase == CNI_UNDOING ? NULL : call->result;
	AUTO_JSON input = cniconf_input(call->list, call->index, previous);
	AUTO_FREE char *text = input ? json_text(input) : NULL;
	const char *path = getenv("PATH");
	char *envp[CNI_ENV_MAX] = {
		fs_format("CNI_COMMAND=%s", call->phase == CNI_ADDING ? "ADD" : "DEL"),
		fs_format("CNI_CONTAINERID=%s", call->container_id),
		fs_format("CNI_NETNS=%s", call->netns),
		fs_format("CNI_IFNAME=" CNI_IFNAME),
		fs_format("CNI_PATH=%s", call->cni->bin_dir),
		fs_format("CNI_ARGS=%s", call->args),
		fs_format("PATH=%s", path ? path : "/usr/sbin:/usr/bin:/sbin:/bin"),
	};
	bool complete = text != NULL;
	int r;

	for (size_t i = 0; i < CNI_ENV_MAX - 1; i++)
		complete = complete && envp[i];
	r = complete ? call_spawn(call, (const char *const *)envp, text, err)
		     : err_set(err, ENOMEM, "run a CNI plugin");
	for (size_t i = 0; i < CNI_ENV_MAX; i++)
		free(envp[i]);
	return r;
}

/* Keeps the first failure: what comes later follows from it. */
static void call_fail(struct cni_call *call, int failure, const char *reason)
{
	if (call->failure)
		return;
	call->failure = failure;
	snprintf(call->reason, sizeof(call->reason), "%s", reason);
}

/* True when there is no plugin left to call; the last answer to ADD is cached before it counts. */
static bool call_is_complete(struct cni_call *call)
{
	bool last = call->phase == CNI_ADDING ? call->index + 1 == cniconf_count(call->list)
					      : call->index == 0;
	struct err err;

	if (call->phase == CNI_ADDING && call->failure == 0 && last &&
		cni_cache_write(call, call->result, &err) < 0)
		call_fail(call, -err.code, err.text);
	/* A DEL that fails stops, since it will be called again. */
	return last || (call->phase == CNI_DELETING && call->failure);
}

/*
 * Goes to the next plugin, which is the one before unless we add.  An ADD that fails turns around
 * and runs DEL from the plugin that failed.
 */
static void call_advance(struct cni_call *call)
{
	struct err err;

	for (;;) {
		bool complete = call_is_complete(call);

		if (call->phase == CNI_ADDING && call->failure)
			call->phase = CNI_UNDOING;
		else if (complete)
			break;
		else
			call->index += call->phase == CNI_ADDING ? 1 : (size_t)-1;
		if (call_start(call, &err) == 0)
			return;
		call_fail(call, -err.code, err.text);
	}
	/* A DEL that failed keeps the list for its repetition. */
	if ((call->phase == CNI_UNDOING || (call->phase == CNI_DELETING && call->failure == 0)) &&
		cni_cache_remove(call, &err) < 0)
		call_fail(call, -err.code, err.text);
	call_finish(call);
}

static void call_failed(struct cni_call *call, const struct job_result *ended)
{
	char how[64], reason[CNICONF_REASON];
	int code;

	if (ended->timed_out)
		snprintf(how, sizeof(how), "no answer within %d seconds",
			(int)(CNI_TIMEOUT / USEC_PER_SEC));
	else
		job_describe(ended->status, how, sizeof(how));
	code = cniconf_describe(
		cniconf_type(call->list, call->index), ended->out, ended->err, how, reason);
	call_fail(call, ended->timed_out ? -ETIMEDOUT : code == 11 ? -EAGAIN : -EIO, reason);
}

/* The plugin's answer to ADD is the next one's prevResult; the last one's must have an address. */
static void call_read_result(struct cni_call *call, const struct job_result *ended)
{
	const char *type = cniconf_type(call->list, call->index);
	char reason[CNICONF_REASON];
	json_t *result = NULL;
	struct err err;
	int r;

	r = json_parse(ended->out, ended->out_len, "its result", &result, &err);
	if (r == 0) {
		json_decref(call->result);
		call->result = result;
	}
	if (r == 0 && call->index + 1 == cniconf_count(call->list))
		r = cniconf_read_result(result, &call->added, &err);
	if (r < 0) {
		snprintf(reason, sizeof(reason), "plugin '%.64s': %s", type, err.text);
		call_fail(call, r, reason);
	}
}

static void call_ended(const struct job_result *ended, void *userdata)
{
	struct cni_call *call = userdata;

	call->job = NULL;
	if (!job_ok(ended->status) || ended->timed_out)
		call_failed(call, ended);
	else if (call->phase == CNI_ADDING)
		call_read_result(call, ended);
	call_advance(call);
}

static int call_new(struct cni *cni, const struct cni_attachment *attachment, cni_done_fn done,
	void *userdata, struct cni_call **ret, struct err *err)
{
	AUTO_CALL call = calloc(1, sizeof(*call));

	if (!call)
		return err_set(err, ENOMEM, "call CNI");
	call->cni = cni;
	call->done = done;
	call->userdata = userdata;
	call->container_id = strdup(attachment->container_id);
	call->netns = strdup(attachment->netns ? attachment->netns : "");
	call->args = fs_format("IgnoreUnknown=1;K8S_POD_NAMESPACE=%s;K8S_POD_NAME=%s;"
			       "K8S_POD_INFRA_CONTAINER_ID=%s;K8S_POD_UID=%s",
		attachment->pod_namespace, attachment->pod_name, attachment->container_id,
		attachment->pod_uid);
	if (!call->container_id || !call->netns || !call->args)
		return err_set(err, ENOMEM, "call CNI");
	*ret = take_ptr(call);
	return 0;
}

int cni_add(struct cni *cni, const struct cni_attachment *attachment, cni_done_fn done,
	void *userdata, struct cni_call **ret, struct err *err)
{
	AUTO_CALL call = NULL;
	int r;

	r = call_new(cni, attachment, done, userdata, &call, err);
	if (r == 0)
		r = cniconf_load(cni->conf_dir, &call->list, err);
	if (r == 0)
		r = cni_cache_write(call, NULL, err);
	if (r < 0)
		return r;
	r = call_start(call, err);
	if (r < 0) {
		cni_cache_remove(call, NULL);
		return r;
	}
	if (ret)
		*ret = call;
	take_ptr(call);
	return 0;
}

int cni_del(struct cni *cni, const struct cni_attachment *attachment, cni_done_fn done,
	void *userdata, struct cni_call **ret, struct err *err)
{
	AUTO_CALL call = NULL;
	int r;

	r = call_new(cni, attachment, done, userdata, &call, err);
	if (r < 0)
		return r;
	call->phase = CNI_DELETING;
	r = cni_cache_read(cni, call->container_id, &call->list, &call->result, err);
	if (r == 0)
		r = cniconf_check(call->list, "cached CNI configuration", err);
	/* Without a cache the list of today is the best guess, and plugins bear a missing result. */
	if (r < 0) {
		json_decref(call->list);
		call->list = NULL;
		r = cniconf_load(cni->conf_dir, &call->list, err);
	}
	if (r < 0)
		return r;
	call->index = cniconf_count(call->list) - 1;
	r = call_start(call, err);
	if (r < 0)
		return r;
	if (ret)
		*ret = call;
	take_ptr(call);
	return 0;
}
