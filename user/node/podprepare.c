// SPDX-License-Identifier: Apache-2.0
/*
 * What a Pod stands on: its durable record, directories, cgroups and volumes.  The worker thread makes
 * them, since each may block; only what the sources hold is read on the loop, where they change.
 */
#include <string.h>

#include "user/base/fs.h"
#include "user/base/log.h"
#include "user/base/record.h"
#include "user/node/nodepod.h"
#include "user/node/podrecord.h"

struct preparation {
	struct node_pod *pod;
	char *path, *text;	  /* the record; NULL: only volumes are brought up to date */
	struct payload *payloads; /* NULL: see gathered */
	int gathered;
	struct err missing;
	bool run_made;
	const char *reason; /* for a failure */
	int result;
	struct err err;
};

static void preparation_free(void *arg)
{
	struct preparation *preparation = arg;

	if (!preparation)
		return;
	volumes_forget(preparation->pod->spec, preparation->payloads);
	free(preparation->path);
	free(preparation->text);
	free(preparation);
}

static int preparation_volumes(struct preparation *preparation)
{
	const struct node_pod *pod = preparation->pod;

	if (preparation->gathered < 0) {
		preparation->err = preparation->missing;
		return preparation->gathered;
	}
	return volumes_make(pod->spec, pod->volume_dir, preparation->payloads, &preparation->err);
}

static void prepare_work(void *arg)
{
	struct preparation *preparation = arg;
	const struct node_pod *pod = preparation->pod;
	struct err *err = &preparation->err;
	int r;

	preparation->reason = "FailedAdmission";
	r = fs_mkdir(pod->state_dir, 0700, err);
	if (r == 0)
		r = record_write(preparation->path, "pod", preparation->text,
			strlen(preparation->text), FS_DURABLE, err);
	if (r == 0) {
		preparation->reason = "FailedMount";
		r = fs_mkdir(pod->run_dir, 0700, err);
		preparation->run_made = r == 0;
	}
	if (r == 0)
		r = cgroups_pod_make(pod->node->cgroups, pod->spec, err);
	if (r == 0)
		r = preparation_volumes(preparation);
	preparation->result = r;
}

static void prepare_done(void *arg)
{
	struct preparation *preparation = arg;
	struct node_pod *pod = preparation->pod;
	struct err err = preparation->err;
	const char *reason = preparation->reason;
	int r = preparation->result;

	pod->run_made |= preparation->run_made;
	preparation_free(preparation);
	if (r == 0)
		pod->observed.prepared = true;
	nodepod_done(pod, r, reason, err.text);
}

static struct preparation *preparation_new(struct node_pod *pod)
{
	struct preparation *preparation = calloc(1, sizeof(*preparation));
	const struct downward about = {.pod = pod->spec,
		.node_name = pod->node->config->node_name,
		.node_cpu = host_cpu(),
		.node_memory = host_memory()};

	if (!preparation)
		return NULL;
	preparation->pod = pod;
	preparation->gathered = volumes_gather(
		&about, &pod->node->source, &preparation->payloads, &preparation->missing);
	return preparation;
}

void podprepare_run(struct node_pod *pod)
{
	AUTO_JSON record = podrecord_admitted(pod->spec, pod->observed.created_wall);
	struct preparation *preparation = preparation_new(pod);

	if (preparation) {
		preparation->path = fs_format("%s/pod", pod->state_dir);
		preparation->text = record ? json_text(record) : NULL;
	}
	if (preparation && preparation->path && preparation->text &&
		worker_post(pod->node->worker, prepare_work, prepare_done, preparation_free,
			preparation) == 0)
		return;
	preparation_free(preparation);
	nodepod_done(pod, -ENOMEM, "FailedAdmission", "no memory to record the Pod");
}

/* --- ConfigMaps and Secrets that change below a running Pod --- */

static void refresh_work(void *arg)
{
	struct preparation *preparation = arg;

	preparation->result = preparation_volumes(preparation);
}

static void refresh_done(void *arg)
{
	struct preparation *preparation = arg;

	if (preparation->result < 0)
		log_warning("pod %s: %s, the volumes stay as they are", preparation->pod->id,
			preparation->err.text);
	preparation_free(preparation);
}

/* Whatever removes the volumes comes behind this in the worker's queue. */
void podprepare_refresh(struct node_pod *pod)
{
	struct preparation *preparation = preparation_new(pod);

	if (preparation && worker_post(pod->node->worker, refresh_work, refresh_done,
				   preparation_free, preparation) == 0)
		return;
	preparation_free(preparation);
	log_warning("pod %s: no memory to bring its volumes up to date", pod->id);
}
