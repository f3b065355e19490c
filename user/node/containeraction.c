// SPDX-License-Identifier: Apache-2.0
/* What a plan asks for one container, and what happens to it. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "user/base/cleanup.h"
#include "user/base/log.h"
#include "user/node/backoff.h"
#include "user/node/nodepod.h"
#include "user/node/podlog.h"

#define PRE_STOP_EXTENSION \
	(2 * USEC_PER_SEC) /* once, when preStop still runs at the end of the grace */
#define KILL_RETRY USEC_PER_SEC

void container_id(const struct node_pod *pod, size_t index, unsigned attempt, char ret[SHIM_ID_MAX])
{
	snprintf(ret, SHIM_ID_MAX, "%s.%u", observed_container(pod->spec, index)->name, attempt);
}

bool container_of_id(
	const struct node_pod *pod, const char *id, size_t *ret_index, unsigned *ret_attempt)
{
	const char *dot = strrchr(id, '.');

	for (size_t i = 0; dot && i < pod->observed.count; i++) {
		const char *name = observed_container(pod->spec, i)->name;

		if (strlen(name) == (size_t)(dot - id) && memcmp(name, id, strlen(name)) == 0) {
			*ret_index = i;
			*ret_attempt = (unsigned)strtoul(dot + 1, NULL, 10);
			return true;
		}
	}
	return false;
}

static struct container_observed *observed_of(const struct container_work *work)
{
	return &work->pod->observed.containers[work->index];
}

/* A pull or a start failed: the reason shows in the status, the next try waits. */
static void container_failed(struct container_work *work, const char *reason, const char *message)
{
	struct container_observed *container = observed_of(work);

	container->busy = false;
	container->failures++;
	container->retry_at = clock_now() + backoff_retry(container->failures) * USEC_PER_SEC;
	snprintf(container->reason, sizeof(container->reason), "%s", reason);
	snprintf(container->message, sizeof(container->message), "%s", message);
	log_error("pod %s: container %s: %s: %s", work->pod->id,
		observed_container(work->pod->spec, work->index)->name, reason, message);
	nodepod_touch(work->pod);
	containerevent(work, EVENT_WARNING, "Failed", "%s: %s", reason, message);
}

/* --- pull --- */

/* "SIGQUIT", "QUIT" or "3" as an image names its stop signal; TERM when it names none we know. */
static int stop_signal(const char *text)
{
	char *end;
	long number = strtol(text, &end, 10);

	if (end != text && *end == '\0')
		return number > 0 && number < NSIG ? (int)number : SIGTERM;
	if (strncmp(text, "SIG", 3) == 0)
		text += 3;
	for (int i = 1; i < NSIG; i++)
		if (sigabbrev_np(i) && strcmp(sigabbrev_np(i), text) == 0)
			return i;
	return SIGTERM;
}

static void pulled(void *userdata, int result, const struct image *image, const char *reason,
	const char *message)
{
	struct container_work *work = userdata;
	struct container_observed *container = observed_of(work);
	bool again = container->failures > 0 && strcmp(reason ? reason : "", "ErrImagePull") == 0;

	work->pull = NULL;
	if (result == 0) {
		image_free(work->image);
		result = image_copy(image, &work->image);
		reason = "ErrImagePull";
		message = "out of memory";
	}
	if (result < 0) {
		container_failed(work, again ? "ImagePullBackOff" : reason, message);
		return;
	}
	container->busy = false;
	container->image_present = true;
	container->failures = 0;
	container->reason[0] = container->message[0] = '\0';
	container->stop_signal = stop_signal(image->stop_signal);
	snprintf(container->image_digest, sizeof(container->image_digest), "%s", image->digest);
	containerevent(work, EVENT_NORMAL, "Pulled",
		"Container image \"%s\" is present on this machine",
		observed_container(work->pod->spec, work->index)->image);
	nodepod_touch(work->pod);
}

static void container_pull(struct container_work *work)
{
	const struct container *spec = observed_container(work->pod->spec, work->index);
	struct err err;

	if (spec->pull_policy == PULL_ALWAYS)
		containerevent(work, EVENT_NORMAL, "Pulling", "Pulling image \"%s\"", spec->image);
	if (images_ensure(work->pod->node->images, spec->image, spec->pull_policy, pulled, work,
		    &work->pull, &err) < 0)
		container_failed(work, "ErrImagePull", err.text);
}

/* --- start --- */

void containeraction_supersede(struct container_observed *container)
{
	uint64_t ran = (container->finished - container->started) / USEC_PER_SEC;

	if (container->phase != CONTAINER_EXITED)
		return;
	container->crashes = backoff_count(container->crashes, ran);
	container->last = container->exit;
	container->has_last = true;
	container->last_unknown_exit = container->unknown_exit;
}

static void container_began(struct container_work *work)
{
	struct container_observed *container = observed_of(work);

	containeraction_supersede(container);
	container->phase = CONTAINER_RUNNING;
	container->attempt = work->starting;
	container->started = clock_now();
	container->started_wall = clock_wall();
	container->has_exit = container->gone = container->cleaned = false;
	container->busy = container->stop_requested = container->stopping = container->killed =
		false;
	container->failures = 0;
	container->retry_at = 0;
	container->reason[0] = container->message[0] = '\0';
	container->probe_ready = !observed_container(work->pod->spec, work->index)->readiness;
	work->stop_grace = -1;
	log_info("pod %s: container %s started (attempt %u)", work->pod->id,
		observed_container(work->pod->spec, work->index)->name, container->attempt);
	containerevent(work, EVENT_NORMAL, "Started", "Started container %s",
		observed_container(work->pod->spec, work->index)->name);
}

static void start_erased(struct container_work *work, int result, const char *reason)
{
	const struct container_observed failed = *observed_of(work);

	work->erasing = false;
	if (result < 0)
		log_warning("pod %s: container %s: %s, ignoring", work->pod->id,
			observed_container(work->pod->spec, work->index)->name, reason);
	container_failed(work, failed.reason, failed.message);
}

static void start_removed(void *userdata, int result, const char *reason)
{
	struct container_work *work = userdata;

	if (result < 0)
		log_warning("pod %s: container %s: %s, ignoring", work->pod->id,
			observed_container(work->pod->spec, work->index)->name, reason);
	work->erasing = true;
	container_erase(work, work->starting, start_erased);
}

static void start_explain(struct container_work *work, const char *reason, const char *message)
{
	struct container_observed *container = observed_of(work);

	snprintf(container->reason, sizeof(container->reason), "%s", reason);
	snprintf(container->message, sizeof(container->message), "%s", message);
}

/* Undoes a half-made attempt before the failure counts. */
static void start_failed(struct container_work *work, const char *reason, const char *message)
{
	char id[SHIM_ID_MAX];

	start_explain(work, reason, message);
	container_id(work->pod, work->index, work->starting, id);
	if (!work->pod->shim || shim_delete(work->pod->shim, id, start_removed, work) < 0)
		start_removed(work, 0, "");
}

/* What a crash left half done is gone: the plan starts anew. */
static void start_cleared(struct container_work *work, int result, const char *reason)
{
	work->erasing = false;
	if (result < 0) {
		container_failed(work, "CreateContainerError", reason);
		return;
	}
	observed_of(work)->busy = false;
	nodepod_kick(work->pod);
}

static void post_start_done(void *cookie, int code, const char *output)
{
	struct container_work *work = cookie;

	work->hook = NULL;
	if (code != 0) {
		log_warning("pod %s: container %s: FailedPostStartHook: %s", work->pod->id,
			observed_container(work->pod->spec, work->index)->name, output);
		containerevent(work, EVENT_WARNING, "FailedPostStartHook",
			"PostStartHook failed: %s", output);
		observed_of(work)->stop_requested = true;
	}
	nodepod_touch(work->pod);
}

static void start_post_start(struct container_work *work)
{
	const struct handler *hook = observed_container(work->pod->spec, work->index)->post_start;
	struct err err;

	if (!hook)
		return;
	if (hook_start(work->pod, work->index, hook, 0, post_start_done, work, &work->hook, &err) <
		0)
		post_start_done(work, -1, err.text);
}

/* Its exit may have overtaken an answer: what is busy then is the next action. */
static bool container_is_over(const struct container_work *work)
{
	const struct container_observed *container = observed_of(work);

	return !container->busy ||
	       (container->phase == CONTAINER_EXITED && container->attempt == work->starting);
}

static void started(void *userdata, int result, const char *reason)
{
	struct container_work *work = userdata;
	struct container_observed *container = observed_of(work);

	if (container_is_over(work))
		return;
	if (result < 0) {
		container->pid = 0;
		start_failed(work, "RunContainerError", reason);
		return;
	}
	container_began(work);
	containeraction_watch(work->pod, work->index, false);
	start_post_start(work);
	nodepod_touch(work->pod);
}

static void created(void *userdata, int result, pid_t pid, const char *reason)
{
	struct container_work *work = userdata;
	char id[SHIM_ID_MAX];

	if (container_is_over(work))
		return;
	if (result < 0) {
		start_failed(work, "CreateContainerError", reason);
		return;
	}
	observed_of(work)->pid = pid;
	containerevent(work, EVENT_NORMAL, "Created", "Created container: %s",
		observed_container(work->pod->spec, work->index)->name);
	container_id(work->pod, work->index, work->starting, id);
	if (!work->pod->shim || shim_start_container(work->pod->shim, id, started, work) < 0)
		start_failed(work, "RunContainerError", "the shim is gone");
}

static int start_make(struct container_work *work, char **ret_bundle, struct err *err)
{
	struct node_pod *pod = work->pod;
	const struct node *node = pod->node;
	struct bundle_input input = {
		.pod = pod->spec,
		.container = observed_container(pod->spec, work->index),
		.attempt = work->starting,
		.image = work->image,
		.pause_pid = pod->observed.pause_pid,
		.target_pid = ephemeral_target(pod, work->index),
		.pod_ip = pod->observed.ip,
		.host_ip = node->config->host_ip,
		.node_name = node->config->node_name,
		.cgroups = node->cgroups,
		.run_dir = pod->run_dir,
		.state_dir = pod->state_dir,
		.source = node->source,
	};
	int r = podlog_make(
		node->config, pod->spec, pod->log_dir, input.container->name, work->starting, err);

	return r < 0 ? r : bundle_make(&input, ret_bundle, err);
}

static void container_start(struct container_work *work)
{
	struct node_pod *pod = work->pod;
	struct container_observed *container = observed_of(work);
	const struct container *spec = observed_container(pod->spec, work->index);
	AUTO_FREE char *bundle = NULL, *log = NULL;
	char id[SHIM_ID_MAX];
	struct shim_create_spec create = {.id = id,
		.tty = spec->tty,
		.with_stdin = spec->stdin,
		.stdin_once = spec->stdin_once};
	struct err err;
	int r;

	work->starting = container->attempt + (container->phase == CONTAINER_EXITED);
	r = start_make(work, &bundle, &err);
	if (r == -EEXIST) {
		work->erasing = true;
		container_erase(work, work->starting, start_cleared);
		return;
	}
	if (r < 0) {
		start_explain(work,
			r == -ENOENT || r == -EPERM ? "CreateContainerConfigError"
						    : "CreateContainerError",
			err.text);
		start_removed(work, 0, "");
		return;
	}
	container_id(pod, work->index, work->starting, id);
	log = podlog_path(pod->log_dir, spec->name, work->starting);
	create.bundle = bundle;
	create.log_path = log;
	if (!log || !pod->shim || shim_create(pod->shim, &create, created, work) < 0)
		start_failed(work, "CreateContainerError", "the shim is gone");
}

/* --- stop --- */

static void signal_sent(void *userdata, int result, const char *reason)
{
	struct container_work *work = userdata;

	if (result < 0 && result != -ESRCH)
		log_warning("pod %s: container %s: signal: %s, ignoring", work->pod->id,
			observed_container(work->pod->spec, work->index)->name, reason);
}

/* One that does not arrive is not repeated: KILL follows. */
static void container_signal(struct container_work *work, int signo)
{
	char id[SHIM_ID_MAX];

	container_id(work->pod, work->index, observed_of(work)->attempt, id);
	if (work->pod->shim)
		shim_signal(work->pod->shim, id, signo, false, signal_sent, work);
}

static void container_terminate(struct container_work *work)
{
	struct container_observed *container = observed_of(work);

	container->busy = false;
	container_signal(work, container->stop_signal ? container->stop_signal : SIGTERM);
	nodepod_kick(work->pod);
}

static void pre_stop_done(void *cookie, int code, const char *output)
{
	struct container_work *work = cookie;

	work->hook = NULL;
	if (code != 0) {
		log_warning("pod %s: container %s: FailedPreStopHook: %s", work->pod->id,
			observed_container(work->pod->spec, work->index)->name, output);
		containerevent(
			work, EVENT_WARNING, "FailedPreStopHook", "PreStopHook failed: %s", output);
	}
	container_terminate(work);
}

static uint64_t container_kill_at(const struct container_work *work)
{
	const struct pod_observed *observed = &work->pod->observed;
	uint64_t grace = work->stop_grace >= 0 ? (uint64_t)work->stop_grace
					       : work->pod->spec->termination_grace;

	if (observed->deleting)
		return observed->deleted_at + observed->grace * USEC_PER_SEC;
	return clock_now() + grace * USEC_PER_SEC;
}

static void container_stop(struct container_work *work)
{
	const struct handler *hook = observed_container(work->pod->spec, work->index)->pre_stop;
	struct container_observed *container = observed_of(work);
	struct err err;

	container->stopping = true;
	container->kill_at = container_kill_at(work);
	if (work->pod->observed.deleting)
		containerevent(work, EVENT_NORMAL, "Killing", "Stopping container %s",
			observed_container(work->pod->spec, work->index)->name);
	containerprobe_stop(work->pod, work->index, PROBE_LIVENESS);
	work->hook = hook_cancel(work->hook);
	if (!hook || container->kill_at <= clock_now())
		container_terminate(work);
	else if (hook_start(work->pod, work->index, hook, 0, pre_stop_done, work, &work->hook,
			 &err) < 0)
		pre_stop_done(work, -1, err.text);
	nodepod_kick(work->pod);
}

static void kill_sent(void *userdata, int result, const char *reason)
{
	struct container_work *work = userdata;
	struct container_observed *container = observed_of(work);

	signal_sent(userdata, result, reason);
	if (result == 0 || result == -ESRCH || result == -ENOENT || !container->killed)
		return;
	container->killed = false;
	container->kill_at = clock_now() + KILL_RETRY;
	nodepod_kick(work->pod);
}

static void container_kill(struct container_work *work)
{
	struct container_observed *container = observed_of(work);
	char id[SHIM_ID_MAX];
	int r;

	if (work->hook) {
		work->hook = hook_cancel(work->hook);
		container->kill_at = clock_now() + PRE_STOP_EXTENSION;
		container_terminate(work);
		return;
	}
	container->killed = true;
	container_id(work->pod, work->index, container->attempt, id);
	r = work->pod->shim ? shim_signal(work->pod->shim, id, SIGKILL, true, kill_sent, work)
			    : -EPIPE;
	if (r < 0)
		kill_sent(work, r, "the shim does not take it");
}

/* --- clean --- */

/* What cannot be removed now goes with the Pod; the next attempt has directories of its own. */
static void clean_warn(struct container_work *work, int result, const char *reason)
{
	if (result < 0)
		log_warning("pod %s: container %s: clean up: %s, ignoring", work->pod->id,
			observed_container(work->pod->spec, work->index)->name, reason);
}

/* The next attempt need not wait until the directories of this one are gone. */
static void clean_deleted(void *userdata, int result, const char *reason)
{
	struct container_work *work = userdata;
	struct container_observed *container = observed_of(work);

	clean_warn(work, result, reason);
	if (result == 0)
		container_erase(work, container->attempt, clean_warn);
	container->busy = false;
	container->cleaned = true;
	nodepod_touch(work->pod);
}

static void container_clean(struct container_work *work)
{
	char id[SHIM_ID_MAX];

	container_id(work->pod, work->index, observed_of(work)->attempt, id);
	if (!work->pod->shim || shim_delete(work->pod->shim, id, clean_deleted, work) < 0)
		clean_deleted(work, 0, "");
}

void containeraction_run(struct node_pod *pod, size_t index, enum container_action action)
{
	struct container_work *work = pod->work[index];

	if (action != CONTAINER_KILL)
		pod->observed.containers[index].busy = true;
	switch (action) {
	case CONTAINER_PULL: container_pull(work); break;
	case CONTAINER_START: container_start(work); break;
	case CONTAINER_STOP: container_stop(work); break;
	case CONTAINER_KILL: container_kill(work); break;
	case CONTAINER_CLEAN: container_clean(work); break;
	case CONTAINER_NOTHING: break;
	}
}

/* --- watch --- */

/* The first sign of a death: the code follows from the shim, new connections must stop now. */
static int init_gone(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct container_work *work = userdata;

	(void)fd;
	(void)revents;
	sd_event_source_set_enabled(source, SD_EVENT_OFF);
	observed_of(work)->gone = true;
	nodepod_touch(work->pod);
	return 0;
}

void containeraction_watch(struct node_pod *pod, size_t index, bool adopted)
{
	struct container_work *work = pod->work[index];
	struct container_observed *container = observed_of(work);

	work->pidfd = (int)syscall(SYS_pidfd_open, container->pid, 0);
	if (work->pidfd >= 0 && sd_event_add_io(pod->node->loop, &work->pidfd_source, work->pidfd,
					EPOLLIN, init_gone, work) >= 0)
		sd_event_source_set_priority(work->pidfd_source, SD_EVENT_PRIORITY_IMPORTANT);
	else if (errno != ESRCH)
		log_warning("pod %s: watch pid %d: %s, its exit is heard of from the shim only",
			pod->id, (int)container->pid, strerror(errno));
	containerprobe_start(pod, index, adopted);
}

void containeraction_unwatch(struct node_pod *pod, size_t index)
{
	struct container_work *work = pod->work[index];

	containerprobe_stop(pod, index, PROBE_READINESS);
	containerprobe_stop(pod, index, PROBE_LIVENESS);
	work->hook = hook_cancel(work->hook);
	work->pull = image_wait_cancel(work->pull);
	work->pidfd_source = source_free(work->pidfd_source);
	close_fd(&work->pidfd);
}

/* When it ended, by its record: podnetd may hear of it long after, which must not pass for a long run. */
static uint64_t exit_time(const struct container_observed *container, const struct shim_exit *exit)
{
	uint64_t now = clock_now(), wall = clock_wall();
	uint64_t age = wall > exit->finished_wall ? wall - exit->finished_wall : 0;

	return age < now - container->started ? now - age : container->started;
}

/* It ended and will be started again, but not yet. */
static void exit_tell(struct node_pod *pod, size_t index)
{
	const struct container_observed *container = &pod->observed.containers[index];
	const struct object_meta *meta = &pod->spec->meta;

	if (!pod->observed.deleting && restart_wanted(pod->spec, index, &container->exit) &&
		restart_due(container) > clock_now())
		containerevent(pod->work[index], EVENT_WARNING, "BackOff",
			"Back-off restarting failed container %s in pod %s_%s(%s)",
			observed_container(pod->spec, index)->name, meta->name, meta->namespace,
			meta->uid);
}

void containeraction_exited(
	struct node_pod *pod, size_t index, const struct shim_exit *exit, bool unknown)
{
	struct container_work *work = pod->work[index];
	struct container_observed *container = observed_of(work);

	if (container->phase != CONTAINER_RUNNING)
		container_began(work); /* it ended before the answer to its start arrived */
	containeraction_unwatch(pod, index);
	container->phase = CONTAINER_EXITED;
	container->exit = *exit;
	container->has_exit = true;
	container->unknown_exit = unknown;
	container->finished = exit_time(container, exit);
	container->pid = 0;
	container->gone = container->busy = container->cleaned = container->probe_ready = false;
	container->stop_requested = container->stopping = container->killed = false;
	container->message[0] = '\0';
	if (observed_container(pod->spec, index)->pull_policy == PULL_ALWAYS)
		container->image_present = false;
	exit_tell(pod, index);
	nodepod_touch(pod);
	log_info("pod %s: container %s exited with code %d%s", pod->id,
		observed_container(pod->spec, index)->name, exit->code,
		exit->oom ? " (out of memory)" : "");
}
