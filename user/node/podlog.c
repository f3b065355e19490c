// SPDX-License-Identifier: Apache-2.0
#include "user/node/podlog.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/base/fs.h"
#include "user/base/log.h"
#include "user/node/logrotate.h"
#include "user/node/nodepod.h"

char *podlog_path(const char *pod_log_dir, const char *container, unsigned attempt)
{
	return fs_format("%s/%s/%u.log", pod_log_dir, container, attempt);
}

static char *podlog_link(const struct node_config *config, const struct pod *pod,
	const char *container, unsigned attempt)
{
	return fs_format("%s/%s_%s_%s-%s.%u.log", config->log_links, pod->meta.name,
		pod->meta.namespace, container, pod->meta.uid, attempt);
}

static int podlog_make_link(const struct node_config *config, const struct pod *pod,
	const char *pod_log_dir, const char *container, unsigned attempt, struct err *err)
{
	AUTO_FREE char *link = podlog_link(config, pod, container, attempt);
	AUTO_FREE char *path = podlog_path(pod_log_dir, container, attempt);
	int r;

	if (!link || !path)
		return err_set(err, ENOMEM, "link the log of container '%s'", container);
	r = fs_mkdir(config->log_links, 0755, err);
	if (r < 0)
		return r;
	if (symlink(path, link) < 0 && errno != EEXIST)
		return err_set(err, errno, "link '%s'", link);
	return 0;
}

/* Of the attempts that ended one is kept, as the kubelet does. */
static int podlog_prune(const struct node_config *config, const struct pod *pod,
	const char *pod_log_dir, const char *container, unsigned attempt, struct err *err)
{
	AUTO_FREE char *path = podlog_path(pod_log_dir, container, attempt);
	AUTO_FREE char *link =
		config->log_links ? podlog_link(config, pod, container, attempt) : NULL;
	int r;

	if (!path || (config->log_links && !link))
		return err_set(err, ENOMEM, "remove an old log of container '%s'", container);
	if (link && unlink(link) < 0 && errno != ENOENT)
		return err_set(err, errno, "remove '%s'", link);
	r = logrotate_trim(path, 0, err);
	if (r == 0 && unlink(path) < 0 && errno != ENOENT)
		r = err_set(err, errno, "remove '%s'", path);
	return r;
}

int podlog_make(const struct node_config *config, const struct pod *pod, const char *pod_log_dir,
	const char *container, unsigned attempt, struct err *err)
{
	AUTO_FREE char *dir = fs_format("%s/%s", pod_log_dir, container);
	int r;

	if (!dir)
		return err_set(err, ENOMEM, "make the log of container '%s'", container);
	r = fs_mkdir(dir, 0755, err);
	if (r == 0 && config->log_links)
		r = podlog_make_link(config, pod, pod_log_dir, container, attempt, err);
	if (r == 0 && attempt >= 2)
		r = podlog_prune(config, pod, pod_log_dir, container, attempt - 2, err);
	return r;
}

unsigned podlog_next_attempt(const char *pod_log_dir, const char *container)
{
	AUTO_FREE char *path = fs_format("%s/%s", pod_log_dir, container);
	AUTO_DIR dir = path ? opendir(path) : NULL;
	struct dirent *entry;
	unsigned next = 0;

	while (dir && (entry = readdir(dir))) {
		char *end;
		unsigned long number = strtoul(entry->d_name, &end, 10);

		if (end != entry->d_name && strcmp(end, ".log") == 0 && number < UINT_MAX &&
			number + 1 > next)
			next = (unsigned)number + 1;
	}
	return next;
}

static int podlog_remove_links(const struct node_config *config, const struct pod *pod,
	const char *container, unsigned next, struct err *err)
{
	for (unsigned attempt = 0; attempt < next; attempt++) {
		AUTO_FREE char *link = podlog_link(config, pod, container, attempt);

		if (!link)
			return err_set(err, ENOMEM, "remove the links to logs");
		if (unlink(link) < 0 && errno != ENOENT)
			return err_set(err, errno, "remove '%s'", link);
	}
	return 0;
}

int podlog_remove(const struct node_config *config, const struct pod *pod, const char *pod_log_dir,
	struct err *err)
{
	int r = 0;

	for (size_t i = 0; config->log_links && r == 0 &&
			   i < pod->init_count + pod->container_count + pod->ephemeral_count;
		i++) {
		const char *name = observed_container(pod, i)->name;

		r = podlog_remove_links(
			config, pod, name, podlog_next_attempt(pod_log_dir, name), err);
	}
	return r < 0 ? r : fs_remove(pod_log_dir, err);
}

static bool name_has(void *part, const char *name)
{
	return strstr(name, part) != NULL;
}

static bool name_ends(void *part, const char *name)
{
	const char *found = strstr(name, part);

	return found && found[strlen(part)] == '\0';
}

int podlog_remove_unknown(const struct node_config *config, const char *uid, struct err *err)
{
	AUTO_FREE char *in_dir = fs_format("_%s", uid);
	AUTO_FREE char *in_link = fs_format("-%s.", uid);
	int r = 0;

	if (!in_dir || !in_link)
		return err_set(err, ENOMEM, "remove logs");
	if (config->log_links)
		r = fs_remove_entries(config->log_links, name_has, in_link, err);
	return r < 0 ? r : fs_remove_entries(config->log_dir, name_ends, in_dir, err);
}

static void reopened(void *userdata, int result, const char *reason)
{
	struct container_work *work = userdata;

	if (result < 0)
		log_warning("pod %s: open a log anew: %s, ignoring", work->pod->id, reason);
}

void podlog_rotate(struct node_pod *pod)
{
	for (size_t i = 0; i < pod->observed.count; i++) {
		const struct container_observed *container = &pod->observed.containers[i];
		AUTO_FREE char *path = podlog_path(
			pod->log_dir, observed_container(pod->spec, i)->name, container->attempt);
		char id[SHIM_ID_MAX];
		struct err err;
		int r;

		if (!path || !pod->shim || container->phase != CONTAINER_RUNNING)
			continue;
		r = logrotate(path, LOGROTATE_SIZE, LOGROTATE_FILES, clock_wall(), &err);
		if (r < 0)
			log_warning("pod %s: %s, ignoring", pod->id, err.text);
		container_id(pod, i, container->attempt, id);
		if (r)
			shim_reopen_log(pod->shim, id, reopened, pod->work[i]);
	}
}
