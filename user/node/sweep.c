// SPDX-License-Identifier: Apache-2.0
/*
 * What is left of Pods that nobody knows any more.  Other instances, a kubelet or a container engine may have
 * Pods on this machine: a UID is ours only by a trace below our own directories (RUN/pods, STATE/pods, RUN/cni)
 * or by a shim that was started for one.  Whatever else bears that UID goes with it, the traces last, so
 * that a sweep that ends early is taken up by the next.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/base/cleanup.h"
#include "user/base/fs.h"
#include "user/base/log.h"
#include "user/base/record.h"
#include "user/node/mountinfo.h"
#include "user/node/nodepod.h"
#include "user/node/podlog.h"

#define ORPHAN_UID  36
#define SWEEP_RETRY (60 * USEC_PER_SEC)

struct orphan {
	char uid[ORPHAN_UID + 1];
};

struct sweep {
	struct node *node;
	struct timer *timer;
	struct orphan *orphans;
	size_t count, index;
	struct reap *reap;
	struct cni_call *call;
	char *run_dir, *state_dir; /* of the orphan in hand */
	bool again;		   /* something could not be removed */
	int result;
	struct err err;
};

static void orphan_end(struct sweep *sweep);
static void sweep_next(struct sweep *sweep);

/* --- who is one: in the eraser thread --- */

static void orphans_add(const char *name, void *userdata)
{
	struct sweep *sweep = userdata;
	struct orphan *grown;

	if (strspn(name, "0123456789abcdef-") < ORPHAN_UID)
		return;
	for (size_t i = 0; i < sweep->count; i++)
		if (strncmp(sweep->orphans[i].uid, name, ORPHAN_UID) == 0)
			return;
	grown = reallocarray(sweep->orphans, sweep->count + 1, sizeof(*grown));
	if (!grown) {
		sweep->again = true;
		return;
	}
	sweep->orphans = grown;
	snprintf(grown[sweep->count++].uid, sizeof(grown->uid), "%s", name);
}

/* A directory with nothing but records that were set aside, or with nothing at all, has been swept. */
static bool trace_is_swept(const char *parent, const char *name)
{
	AUTO_FREE char *path = fs_format("%s/%s", parent, name);
	AUTO_DIR dir = path ? opendir(path) : NULL;
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.' && !record_is_aside(entry->d_name))
			return false;
	return dir != NULL;
}

/* Takes @path. */
static void orphans_in(struct sweep *sweep, char *path)
{
	AUTO_FREE char *owned = path;
	AUTO_DIR dir = path ? opendir(path) : NULL;
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (!trace_is_swept(path, entry->d_name))
			orphans_add(entry->d_name, sweep);
}

static void sweep_list(void *arg)
{
	struct sweep *sweep = arg;
	const struct node_config *config = sweep->node->config;
	AUTO_FREE char *pods = fs_format("%s/pods", config->run_dir);

	orphans_in(sweep, fs_format("%s/pods", config->state_dir));
	orphans_in(sweep, fs_format("%s/cni", config->run_dir));
	orphans_in(sweep, fs_format("%s/pods", config->run_dir));
	if (pods)
		stray_shims_each(pods, orphans_add, sweep);
}

/* A record that is there but could not be read is no lost one. */
static bool orphan_has_record(const struct node *node, const char *uid)
{
	AUTO_FREE char *path = fs_format("%s/pods/%s/pod", node->config->state_dir, uid);

	return !path || access(path, F_OK) == 0 || errno != ENOENT;
}

static bool orphan_is_known(const struct node *node, const char *uid)
{
	for (const struct node_pod *pod = node->first; pod; pod = pod->next)
		if (strcmp(pod->spec->meta.uid, uid) == 0)
			return true;
	return orphan_has_record(node, uid) || node->events.wanted(node->events.userdata, uid);
}

static void sweep_listed(void *arg)
{
	struct sweep *sweep = arg;
	size_t left = 0;

	for (size_t i = 0; i < sweep->count; i++)
		if (!orphan_is_known(sweep->node, sweep->orphans[i].uid))
			sweep->orphans[left++] = sweep->orphans[i];
	sweep->count = left;
	sweep_next(sweep);
}

/* --- one after the other --- */

static const char *orphan_uid(const struct sweep *sweep)
{
	return sweep->orphans[sweep->index].uid;
}

static void orphan_failed(struct sweep *sweep, const char *reason)
{
	log_error("pod with uid %s, which nobody knows: %s, trying again later", orphan_uid(sweep),
		reason);
	sweep->again = true;
	orphan_end(sweep);
}

/* Records that were set aside are kept for people. */
static bool is_not_aside(void *userdata, const char *name)
{
	(void)userdata;
	return !record_is_aside(name);
}

static int orphan_remove_state(const char *path, struct err *err)
{
	int r = fs_remove_entries(path, is_not_aside, NULL, err);

	if (r == 0 && rmdir(path) < 0 && errno != ENOTEMPTY && errno != ENOENT)
		r = err_set(err, errno, "remove '%s'", path);
	return r;
}

static void orphan_remove_dirs(void *arg)
{
	struct sweep *sweep = arg;
	struct err *err = &sweep->err;
	int r = mounts_detach(sweep->state_dir, err);

	if (r == 0)
		r = orphan_remove_state(sweep->state_dir, err);
	if (r == 0)
		r = podlog_remove_unknown(sweep->node->config, orphan_uid(sweep), err);
	if (r == 0)
		r = mounts_detach(sweep->run_dir, err);
	if (r == 0)
		r = fs_remove(sweep->run_dir, err);
	sweep->result = r;
}

static void orphan_removed(void *arg)
{
	struct sweep *sweep = arg;

	if (sweep->result < 0) {
		orphan_failed(sweep, sweep->err.text);
		return;
	}
	log_info("pod with uid %s, which nobody knows, is removed", orphan_uid(sweep));
	orphan_end(sweep);
}

static void orphan_disconnected(
	void *userdata, int result, const struct cni_result *added, const char *reason)
{
	struct sweep *sweep = userdata;

	(void)added;
	sweep->call = NULL;
	if (result < 0)
		orphan_failed(sweep, reason);
	else if (worker_post(sweep->node->eraser, orphan_remove_dirs, orphan_removed, NULL, sweep) <
		 0)
		orphan_failed(sweep, "no memory");
}

static void orphan_reaped(void *userdata, int result, const char *reason)
{
	struct sweep *sweep = userdata;
	const struct cni_attachment attachment = {
		.container_id = orphan_uid(sweep),
		.pod_name = "",
		.pod_namespace = "",
		.pod_uid = orphan_uid(sweep),
	};
	struct err err;

	sweep->reap = NULL;
	if (result < 0)
		orphan_failed(sweep, reason);
	else if (cni_del(sweep->node->cni, &attachment, orphan_disconnected, sweep, &sweep->call,
			 &err) < 0)
		orphan_failed(sweep, err.text);
}

static void orphan_kill_shim(void *arg)
{
	struct sweep *sweep = arg;

	stray_shims_kill(sweep->run_dir);
}

static void orphan_shim_killed(void *arg)
{
	struct sweep *sweep = arg;
	const struct node *node = sweep->node;
	struct err err;

	if (reap_start(node->loop, node->worker, node->cgroups, orphan_uid(sweep), orphan_reaped,
		    sweep, &sweep->reap, &err) < 0)
		orphan_failed(sweep, err.text);
}

static void orphan_begin(struct sweep *sweep)
{
	const struct node_config *config = sweep->node->config;

	sweep->run_dir = fs_format("%s/pods/%s", config->run_dir, orphan_uid(sweep));
	sweep->state_dir = fs_format("%s/pods/%s", config->state_dir, orphan_uid(sweep));
	if (!sweep->run_dir || !sweep->state_dir ||
		worker_post(
			sweep->node->eraser, orphan_kill_shim, orphan_shim_killed, NULL, sweep) < 0)
		orphan_failed(sweep, "no memory");
}

static void orphan_end(struct sweep *sweep)
{
	free(sweep->run_dir);
	free(sweep->state_dir);
	sweep->run_dir = sweep->state_dir = NULL;
	sweep->index++;
	sweep_next(sweep);
}

/* --- the sweep as a whole --- */

struct sweep *sweep_free(struct sweep *sweep)
{
	if (!sweep)
		return NULL;
	reap_free(sweep->reap);
	cni_call_cancel(sweep->call);
	timer_free(sweep->timer);
	free(sweep->orphans);
	free(sweep->run_dir);
	free(sweep->state_dir);
	free(sweep);
	return NULL;
}

bool sweep_holds(const struct sweep *sweep, const char *uid)
{
	for (size_t i = sweep ? sweep->index : 0; sweep && i < sweep->count; i++)
		if (strcmp(sweep->orphans[i].uid, uid) == 0)
			return true;
	return false;
}

static void sweep_start(void *userdata)
{
	struct sweep *sweep = userdata;

	sweep->count = sweep->index = 0;
	sweep->again = false;
	if (worker_post(sweep->node->eraser, sweep_list, sweep_listed, NULL, sweep) < 0)
		timer_arm(sweep->timer, clock_now() + SWEEP_RETRY);
}

static void sweep_next(struct sweep *sweep)
{
	struct node *node = sweep->node;

	if (sweep->index < sweep->count) {
		orphan_begin(sweep);
		return;
	}
	if (sweep->again)
		timer_arm(sweep->timer, clock_now() + SWEEP_RETRY);
	else
		node->sweep = sweep_free(sweep);
	node->events.swept(node->events.userdata);
}

void node_sweep(struct node *node)
{
	struct sweep *sweep = calloc(1, sizeof(*sweep));
	struct err err;

	if (sweep && timer_new(node->loop, sweep_start, sweep, &sweep->timer, &err) == 0) {
		sweep->node = node;
		node->sweep = sweep;
		timer_arm(sweep->timer, 0);
		return;
	}
	sweep_free(sweep);
	log_error("no memory to look for what is left of unknown Pods");
}
