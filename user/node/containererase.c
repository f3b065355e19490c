// SPDX-License-Identifier: Apache-2.0
/* A container's writable layer may be large and its unmounting writes it back: nothing for the loop. */
#include <stdlib.h>

#include "user/node/nodepod.h"

struct container_erasure {
	struct container_work *work;
	unsigned attempt;
	container_erased_fn done;
	int result;
	struct err err;
};

static void erasure_work(void *arg)
{
	struct container_erasure *erasure = arg;
	const struct node_pod *pod = erasure->work->pod;
	const char *name = observed_container(pod->spec, erasure->work->index)->name;

	erasure->result =
		bundle_remove(pod->run_dir, pod->state_dir, name, erasure->attempt, &erasure->err);
}

static void erasure_done(void *arg)
{
	struct container_erasure *erasure = arg;
	struct container_erasure ended = *erasure;

	free(erasure);
	ended.done(ended.work, ended.result, ended.err.text);
}

/* The Pod outlives this: its own directories go behind it in the eraser's queue. */
void container_erase(struct container_work *work, unsigned attempt, container_erased_fn done)
{
	struct container_erasure *erasure = calloc(1, sizeof(*erasure));

	if (erasure) {
		erasure->work = work;
		erasure->attempt = attempt;
		erasure->done = done;
	}
	if (erasure && worker_post(work->pod->node->eraser, erasure_work, erasure_done, free,
			       erasure) == 0)
		return;
	free(erasure);
	done(work, -ENOMEM, "no memory to remove what is left of a container");
}
