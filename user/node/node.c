// SPDX-License-Identifier: Apache-2.0
#include "user/node/node.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

#include "user/base/cleanup.h"
#include "user/base/fs.h"
#include "user/base/log.h"
#include "user/base/record.h"
#include "user/node/logrotate.h"
#include "user/node/nodepod.h"
#include "user/node/usage.h"
#include "user/node/podlog.h"
#include "user/node/podrecord.h"
#include "user/node/podstatus.h"

#define ADOPT_WAIT	  (5 * USEC_PER_SEC)
#define IMAGE_GC_INTERVAL (300 * USEC_PER_SEC)
#define IMAGE_GC_PERCENT  85 /* of the disk, as the kubelet's high threshold */

static int pod_order(const struct node_pod *pod, const char *namespace, const char *name)
{
	int order = strcmp(pod->spec->meta.namespace, namespace);

	return order ? order : strcmp(pod->spec->meta.name, name);
}

static void node_insert(struct node *node, struct node_pod *pod)
{
	const struct object_meta *meta = &pod->spec->meta;
	struct node_pod **at = &node->first;

	while (*at && pod_order(*at, meta->namespace, meta->name) < 0)
		at = &(*at)->next;
	pod->next = *at;
	*at = pod;
}

static void node_remove(struct node *node, struct node_pod *pod)
{
	struct node_pod **at = &node->first;

	while (*at != pod)
		at = &(*at)->next;
	*at = pod->next;
}

static void node_adopted(void *userdata)
{
	struct node *node = userdata;

	node->adopt_called = false;
	for (struct node_pod *pod = node->first; pod; pod = pod->next)
		if (pod->adopting)
			nodepod_adopt_late(pod);
	node->events.adopted(node->events.userdata);
}

static void node_rotate(void *userdata)
{
	struct node *node = userdata;

	for (struct node_pod *pod = node->first; pod; pod = pod->next)
		podlog_rotate(pod);
	timer_arm(node->rotate_timer, clock_now() + LOGROTATE_INTERVAL);
}

/*
 * References of all images that Pods name, and digests of those their containers have: a tag can have moved on
 * below a running container.  NULL-terminated; the caller frees the array only.
 */
static const char **node_images(const struct node *node)
{
	size_t count = 0, n = 0;
	const char **images;

	for (struct node_pod *pod = node->first; pod; pod = pod->next)
		count += pod->observed.count;
	images = calloc(2 * count + 1, sizeof(*images));
	for (struct node_pod *pod = node->first; images && pod; pod = pod->next)
		for (size_t i = 0; i < pod->observed.count; i++) {
			images[n++] = observed_container(pod->spec, i)->image;
			if (pod->observed.containers[i].image_digest[0])
				images[n++] = pod->observed.containers[i].image_digest;
		}
	return images;
}

static bool node_disk_is_full(const struct node *node)
{
	struct statvfs fs;

	return statvfs(node->config->state_dir, &fs) == 0 && fs.f_blocks &&
	       (fs.f_blocks - fs.f_bavail) * 100 > fs.f_blocks * IMAGE_GC_PERCENT;
}

/* Unused images are worth keeping until the disk fills up. */
static void node_collect(void *userdata)
{
	struct node *node = userdata;
	AUTO_FREE const char **keep = NULL;
	struct err err;

	timer_arm(node->collect_timer, clock_now() + IMAGE_GC_INTERVAL);
	if (!node_disk_is_full(node))
		return;
	keep = node_images(node);
	if (!keep || images_collect(node->images, keep, &err) == 0 || err.code == EBUSY)
		return;
	log_warning("images: %s", err.text);
}

static int node_dirs(const struct node_config *config, struct err *err)
{
	AUTO_FREE char *run = fs_format("%s/pods", config->run_dir);
	AUTO_FREE char *state = fs_format("%s/pods", config->state_dir);
	int r;

	if (!run || !state)
		return err_set(err, ENOMEM, "make directories");
	r = fs_mkdir(run, 0700, err);
	return r < 0 ? r : fs_mkdir(state, 0700, err);
}

static void node_report(void *userdata, const char *text)
{
	(void)userdata;
	log_warning("images: %s", text);
}

static int node_images_new(struct node *node, struct err *err)
{
	const struct node_config *config = node->config;
	AUTO_FREE char *program = fs_format("%s/podnet-pull", config->libexec_dir);
	AUTO_FREE char *dir = fs_format("%s/images", config->state_dir);
	struct images_config images = {
		.program = program,
		.dir = dir,
		.registries_conf = config->registries_conf,
		.report = node_report,
	};

	if (!program || !dir)
		return err_set(err, ENOMEM, "open the images");
	return images_new(node->loop, &images, &node->images, err);
}

static int node_cni_new(struct node *node, struct err *err)
{
	AUTO_FREE char *cache = fs_format("%s/cni", node->config->run_dir);
	struct cni_config cni = {
		.conf_dir = node->config->cni_conf_dir,
		.bin_dir = node->config->cni_bin_dir,
		.cache_dir = cache,
	};

	if (!cache)
		return err_set(err, ENOMEM, "open the CNI cache");
	return cni_new(node->loop, &cni, &node->cni, err);
}

int node_new(sd_event *loop, struct worker *worker, const struct node_config *config,
	const struct node_events *events, const struct object_source *source, struct node **ret,
	struct err *err)
{
	struct node *node = calloc(1, sizeof(*node));
	int r;

	if (!node)
		return err_set(err, ENOMEM, "make the node");
	node->loop = loop;
	node->worker = worker;
	node->config = config;
	node->events = *events;
	node->source = *source;
	r = node_dirs(config, err);
	if (r == 0)
		r = worker_new(loop, &node->eraser, err);
	if (r == 0)
		r = cgroups_open(config->cgroup_root, &node->cgroups, err);
	if (r == 0)
		r = node_images_new(node, err);
	if (r == 0)
		r = node_cni_new(node, err);
	if (r == 0)
		r = timer_new(loop, node_adopted, node, &node->adopt_timer, err);
	if (r == 0)
		r = timer_new(loop, node_rotate, node, &node->rotate_timer, err);
	if (r == 0)
		r = timer_new(loop, node_collect, node, &node->collect_timer, err);
	if (r == 0)
		r = turns_new(loop, &node->turns, err);
	if (r < 0) {
		node_free(node);
		return r;
	}
	timer_arm(node->rotate_timer, clock_now() + LOGROTATE_INTERVAL);
	timer_arm(node->collect_timer, clock_now() + IMAGE_GC_INTERVAL);
	*ret = node;
	return 0;
}

struct node *node_free(struct node *node)
{
	if (!node)
		return NULL;
	worker_free(node->eraser);
	sweep_free(node->sweep);
	while (node->first) {
		struct node_pod *pod = node->first;

		node_remove(node, pod);
		nodepod_free(pod);
	}
	timer_free(node->adopt_timer);
	timer_free(node->rotate_timer);
	timer_free(node->collect_timer);
	turns_free(node->turns);
	cni_free(node->cni);
	images_free(node->images);
	if (node->cgroups)
		cgroups_prune(node->cgroups);
	cgroups_free(node->cgroups);
	free(node);
	return NULL;
}

void node_pod_gone(struct node_pod *pod)
{
	struct node *node = pod->node;

	node_remove(node, pod);
	log_info("pod %s is gone", pod->id);
	node->events.gone(node->events.userdata, pod);
	nodepod_free(pod);
}

/* Takes @spec in any case. */
static int node_begin(
	struct node *node, struct pod *spec, uint64_t created_wall, bool admitted, struct err *err)
{
	struct node_pod *pod;
	int r = nodepod_new(node, spec, created_wall, &pod, err);

	if (r < 0)
		return r;
	pod->admitted = admitted;
	node_insert(node, pod);
	r = adopt_pod(pod, err);
	if (r < 0) {
		node_remove(node, pod);
		nodepod_free(pod);
	}
	return r;
}

/* One directory of STATE/pods: the Pod as it was admitted. */
static int node_adopt_one(struct node *node, const char *uid, struct err *err)
{
	AUTO_FREE char *dir = fs_format("%s/pods/%s", node->config->state_dir, uid);
	AUTO_FREE char *path = fs_format("%s/pods/%s/pod", node->config->state_dir, uid);
	uint64_t created_wall;
	struct pod *spec;
	int r;

	if (!dir || !path)
		return err_set(err, ENOMEM, "adopt the Pods");
	r = podrecord_read_admitted(dir, &spec, &created_wall, err);
	if (r == 0)
		r = node_begin(node, spec, created_wall, true, err);
	if (r == -ENOENT) {
		/* Killed before it was admitted (the manifest admits it again) or when all was erased. */
		rmdir(dir);
		return 0;
	}
	if (r == 0 || r == -ENOMEM || r == -EMFILE || r == -ENFILE)
		return r;
	if (r == -EIO || r == -EACCES || r == -EPERM) {
		log_error("pod with uid %s: %s, ignoring it", uid, err->text);
		return 0;
	}
	log_error("pod with uid %s: %s; the record is set aside", uid, err->text);
	if (record_set_aside(path, err) < 0)
		log_error("pod with uid %s: %s, ignoring it", uid, err->text);
	return 0;
}

int node_adopt(struct node *node, struct err *err)
{
	AUTO_FREE char *path = fs_format("%s/pods", node->config->state_dir);
	AUTO_DIR dir = path ? opendir(path) : NULL;
	struct dirent *entry;
	int r = 0;

	if (!dir)
		return err_set(err, errno, "list the recorded Pods");
	while (r == 0 && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			r = node_adopt_one(node, entry->d_name, err);
	if (r < 0)
		return r;
	node->adopt_called = true;
	/* One shim that hangs must not keep the others waiting. */
	timer_arm(node->adopt_timer, node->adopting ? clock_now() + ADOPT_WAIT : 0);
	return 0;
}

int node_pod_add(struct node *node, const struct object *object, struct err *err)
{
	struct pod *spec;
	int r;

	if (node_pod_find(node, object->meta.namespace, object->meta.name))
		return err_refuse(err, EEXIST, "pod '%s/%s' exists already", object->meta.namespace,
			object->meta.name);
	if (sweep_holds(node->sweep, object->meta.uid))
		return err_refuse(err, EBUSY, "pod '%s/%s': what is left of it is being removed",
			object->meta.namespace, object->meta.name);
	r = pod_decode(object, &spec, err);
	if (r < 0)
		return r;
	if (spec->init_count + spec->container_count > POD_CONTAINERS_MAX) {
		pod_free(spec);
		return err_refuse(err, E2BIG, "pod '%s/%s': spec.containers: more than %d",
			object->meta.namespace, object->meta.name, POD_CONTAINERS_MAX);
	}
	return node_begin(node, spec, clock_wall(), false, err);
}

void node_pod_delete(struct node_pod *pod, int64_t grace)
{
	struct pod_observed *observed = &pod->observed;
	uint32_t seconds = grace < 0 ? pod->spec->termination_grace : (uint32_t)grace;

	if (observed->deleting) {
		/* The same again must not take away what preStop was given on top. */
		if (seconds >= observed->grace)
			return;
		observed->grace = seconds;
	} else {
		observed->deleting = true;
		observed->deleted_at = clock_now();
		observed->deleted_wall = clock_wall();
		observed->grace = seconds;
		observed->retry_at = 0;
		log_info("pod %s is being deleted (grace %us)", pod->id, seconds);
	}
	for (size_t i = 0; i < observed->count; i++) {
		struct container_observed *container = &observed->containers[i];
		uint64_t kill_at = observed->deleted_at + observed->grace * USEC_PER_SEC;

		containerprobe_stop(pod, i, PROBE_LIVENESS);
		if (pod->work[i]->pull) {
			pod->work[i]->pull = image_wait_cancel(pod->work[i]->pull);
			container->busy = false;
		}
		if (container->stopping && kill_at < container->kill_at)
			container->kill_at = kill_at;
	}
	nodepod_touch(pod);
}

struct node_pod *node_pod_find(const struct node *node, const char *namespace, const char *name)
{
	struct node_pod *pod = node->first;

	while (pod && pod_order(pod, namespace, name) != 0)
		pod = pod->next;
	return pod;
}

struct node_pod *node_pod_next(const struct node *node, const struct node_pod *after)
{
	return after ? after->next : node->first;
}

const struct pod *node_pod_spec(const struct node_pod *pod)
{
	return pod->spec;
}

int node_pod_netns(const struct node_pod *pod)
{
	return pod->netns_fd;
}

const struct pod_observed *node_pod_observed(const struct node_pod *pod)
{
	return &pod->observed;
}

enum pod_serving node_pod_serving(const struct node_pod *pod)
{
	return pod->serving;
}

bool node_pod_is_unsure(const struct node_pod *pod)
{
	return pod->adopting;
}

bool node_pod_init(const struct node_pod *pod, size_t index, struct node_init *ret)
{
	size_t i = pod->spec->init_count + index;
	const struct container_observed *container = &pod->observed.containers[i];

	if (container->phase != CONTAINER_RUNNING || container->gone || pod->work[i]->pidfd < 0)
		return false;
	*ret = (struct node_init){container->pid, pod->work[i]->pidfd, container->started};
	return true;
}

uint64_t node_pod_serving_since(const struct node_pod *pod)
{
	return pod->serving_since;
}

uint64_t node_pod_down_since(const struct node_pod *pod)
{
	return pod->down_since;
}

const char *node_pod_serving_reason(const struct node_pod *pod)
{
	return pod->serving_reason;
}

json_t *node_pod_json(const struct node_pod *pod)
{
	struct podstatus_input input = {
		.pod = pod->spec,
		.observed = &pod->observed,
		.now = clock_now(),
		.host_ip = pod->node->config->host_ip,
	};
	json_t *object = json_deep_copy(pod->spec->json);
	json_t *meta = json_object_get(object, "metadata");
	char when[CLOCK_RFC3339_LEN];

	if (!object)
		return NULL;
	clock_rfc3339(pod->observed.created_wall, when);
	json_object_set_new(meta, "creationTimestamp", json_string(when));
	if (pod->observed.deleting) {
		clock_rfc3339(
			pod->observed.deleted_wall + pod->observed.grace * USEC_PER_SEC, when);
		json_object_set_new(meta, "deletionTimestamp", json_string(when));
		json_object_set_new(
			meta, "deletionGracePeriodSeconds", json_integer(pod->observed.grace));
	}
	json_object_set_new(json_object_get(object, "spec"), "nodeName",
		json_string(pod->node->config->node_name));
	json_object_set_new(object, "status", podstatus_build(&input));
	return object;
}

int node_pod_container(const struct node_pod *pod, const char *name, size_t *ret, struct err *err)
{
	const struct pod *spec = pod->spec;
	char choice[160] = "";

	if (!name && spec->container_count == 1) {
		*ret = spec->init_count;
		return 0;
	}
	for (size_t i = 0; i < pod->observed.count; i++) {
		const char *have = observed_container(spec, i)->name;
		size_t len = strlen(choice);

		if (name && strcmp(name, have) == 0) {
			*ret = i;
			return 0;
		}
		snprintf(choice + len, sizeof(choice) - len, "%s%s", len ? " " : "", have);
	}
	if (!name)
		return err_refuse(err, EINVAL,
			"a container name must be specified for pod %s, choose one of: [%s]",
			spec->meta.name, choice);
	return err_refuse(
		err, ENOENT, "container %s is not valid for pod %s", name, spec->meta.name);
}

char *node_pod_log_dir(const struct node_pod *pod, size_t container)
{
	return fs_format("%s/%s", pod->log_dir, observed_container(pod->spec, container)->name);
}

int node_pod_exec(struct node_pod *pod, size_t container, const struct node_exec *exec,
	const struct shim_exec_events *events, uint32_t *ret_exec, struct err *err)
{
	char id[SHIM_ID_MAX];
	struct shim_exec_spec spec = {.container = id,
		.argv = exec->argv,
		.with_stdin = exec->with_stdin,
		.tty = exec->tty};

	if (!pod->shim || pod->observed.containers[container].phase != CONTAINER_RUNNING)
		return err_refuse(err, ENOENT, "container %s of pod %s is not running",
			observed_container(pod->spec, container)->name, pod->spec->meta.name);
	container_id(pod, container, pod->observed.containers[container].attempt, id);
	return shim_exec(pod->shim, &spec, events, ret_exec, err);
}

void node_pod_exec_kill(struct node_pod *pod, uint32_t exec)
{
	if (pod->shim)
		shim_exec_kill(pod->shim, exec);
}

void node_pod_usage(const struct node_pod *pod, size_t container, struct usage *ret)
{
	AUTO_FREE char *of_pod = cgroups_pod_path(pod->node->cgroups, pod->spec);
	AUTO_FREE char *path = NULL;
	char id[SHIM_ID_MAX];

	*ret = (struct usage){0};
	if (container == NODE_POD_WHOLE) {
		path = take_ptr(of_pod);
	} else {
		container_id(pod, container, pod->observed.containers[container].attempt, id);
		path = of_pod ? fs_format("%s/%s", of_pod, id) : NULL;
	}
	if (path)
		usage_read(pod->node->cgroups, path, ret);
}

void node_sources_changed(struct node *node)
{
	for (struct node_pod *pod = node->first; pod; pod = pod->next) {
		if (pod->observed.deleting || pod->adopting)
			continue;
		if (pod->observed.prepared)
			podprepare_refresh(pod);
		pod->observed.retry_at = 0;
		for (size_t i = 0; i < pod->observed.count; i++)
			if (strcmp(pod->observed.containers[i].reason,
				    "CreateContainerConfigError") == 0)
				pod->observed.containers[i].retry_at = 0;
		nodepod_kick(pod);
	}
}
