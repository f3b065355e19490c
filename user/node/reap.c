// SPDX-License-Identifier: Apache-2.0
#include "user/node/reap.h"

#include <stdlib.h>

#include "user/base/err.h"
#include "user/base/loop.h"
#include "user/base/worker.h"
#include "user/node/cgroup.h"

#define REAP_MAX       (2 * USEC_PER_SEC)
#define REAP_PAUSE     USEC_PER_MSEC /* doubles with each try: most are gone at once */
#define REAP_PAUSE_MAX (32 * USEC_PER_MSEC)

struct reap {
	const struct cgroups *cgroups;
	struct worker *worker;
	const char *uid;
	struct timer *timer;
	uint64_t deadline, pause;
	reap_fn done;
	void *userdata;
	int result;
	struct err err;
};

struct reap *reap_free(struct reap *reap)
{
	if (!reap)
		return NULL;
	timer_free(reap->timer);
	free(reap);
	return NULL;
}

static void reap_end(struct reap *reap)
{
	struct reap ended = *reap;

	reap_free(reap);
	ended.done(ended.userdata, ended.result, ended.err.text);
}

static void reap_work(void *arg)
{
	struct reap *reap = arg;

	reap->result = cgroups_pod_remove(reap->cgroups, reap->uid, &reap->err);
}

static void reap_worked(void *arg)
{
	struct reap *reap = arg;
	uint64_t now = clock_now();

	if (reap->result != -EBUSY || now >= reap->deadline) {
		reap_end(reap);
		return;
	}
	timer_arm(reap->timer, now + reap->pause);
	if (reap->pause < REAP_PAUSE_MAX)
		reap->pause *= 2;
}

static void reap_again(void *userdata)
{
	struct reap *reap = userdata;

	if (worker_post(reap->worker, reap_work, reap_worked, NULL, reap) == 0)
		return;
	reap->result = err_set(&reap->err, ENOMEM, "remove the cgroups of Pod %s", reap->uid);
	reap_end(reap);
}

int reap_start(sd_event *loop, struct worker *worker, const struct cgroups *cgroups,
	const char *uid, reap_fn done, void *userdata, struct reap **ret, struct err *err)
{
	struct reap *reap = calloc(1, sizeof(*reap));
	int r;

	if (!reap)
		return err_set(err, ENOMEM, "remove the cgroups of Pod %s", uid);
	*reap = (struct reap){
		.cgroups = cgroups,
		.worker = worker,
		.uid = uid,
		.deadline = clock_now() + REAP_MAX,
		.pause = REAP_PAUSE,
		.done = done,
		.userdata = userdata,
	};
	r = timer_new(loop, reap_again, reap, &reap->timer, err);
	if (r == 0 && worker_post(worker, reap_work, reap_worked, NULL, reap) < 0)
		r = err_set(err, ENOMEM, "remove the cgroups of Pod %s", uid);
	if (r < 0) {
		reap_free(reap);
		return r;
	}
	*ret = reap;
	return 0;
}
