// SPDX-License-Identifier: Apache-2.0
/*
 * How a finished Pod ended, in STATE: a reboot empties RUN, and a Pod that has done its work is not to do it
 * again.
 */
#include <stdio.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/fs.h"
#include "user/base/log.h"
#include "user/base/record.h"
#include "user/node/nodepod.h"
#include "user/node/podrecord.h"

struct podresult {
	char *path, *text, *id;
	int result;
	struct err err;
};

static void podresult_free(void *arg)
{
	struct podresult *result = arg;

	if (!result)
		return;
	free(result->path);
	free(result->text);
	free(result->id);
	free(result);
}

static void podresult_write(void *arg)
{
	struct podresult *result = arg;

	result->result = record_write(result->path, "finished", result->text, strlen(result->text),
		FS_DURABLE, &result->err);
}

static void podresult_written(void *arg)
{
	struct podresult *result = arg;

	if (result->result < 0)
		log_warning(
			"pod %s: %s, a reboot would run it again", result->id, result->err.text);
	podresult_free(result);
}

void podresult_save(struct node_pod *pod, const char *text)
{
	struct podresult *result = calloc(1, sizeof(*result));

	if (result) {
		result->path = fs_format("%s/finished", pod->state_dir);
		result->text = strdup(text);
		result->id = strdup(pod->id);
	}
	if (result && result->path && result->text && result->id &&
		worker_post(pod->node->worker, podresult_write, podresult_written, podresult_free,
			result) == 0)
		return;
	podresult_free(result);
	log_warning("pod %s: no memory to record how it ended", pod->id);
}

/* What had a sandbox in another boot has none now, and its clock means nothing. */
static void podresult_age(struct pod_observed *observed)
{
	observed->sandbox = SANDBOX_ABSENT;
	observed->networked = false;
	observed->pause_pid = 0;
	for (size_t i = 0; i < observed->count; i++) {
		if (observed->containers[i].phase == CONTAINER_RUNNING)
			observed_lose(&observed->containers[i]);
		observed->containers[i].cleaned = true;
		observed->containers[i].started = observed->containers[i].finished = 0;
	}
}

int podresult_read(struct node_pod *pod, struct err *err)
{
	AUTO_FREE char *path = fs_format("%s/finished", pod->state_dir);
	AUTO_FREE char *text = NULL;
	AUTO_JSON record = NULL;
	size_t len;
	int r;

	if (!path)
		return err_set(err, ENOMEM, "read how Pod '%s' ended", pod->id);
	r = record_read(path, "finished", &text, &len, NULL, err);
	if (r == 0)
		r = json_parse(text, len, path, &record, err);
	if (r == 0)
		r = podrecord_decode(record, &pod->observed, err);
	if (r == 0)
		podresult_age(&pod->observed);
	return r;
}
