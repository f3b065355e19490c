// SPDX-License-Identifier: Apache-2.0
/* A cgroup that does not become empty must not keep the loop: a mount point stands for one, it is EBUSY, too. */
#include <sys/mount.h>
#include <unistd.h>

#include "tests/check.h"
#include "user/base/fs.h"
#include "user/base/loop.h"
#include "user/base/worker.h"
#include "user/node/cgroup_tree.h"
#include "user/node/reap.h"

#define TICK	(5 * USEC_PER_MSEC)
#define LAG_MAX (500 * USEC_PER_MSEC) /* far above any scheduler's, far below the 2 s of a wait */

static char root[] = "/tmp/podnet-reap.XXXXXX";
static char *pod_dir;
static sd_event *loop;
static struct worker *worker;
static struct cgroups *cgroups;
static struct timer *ticker;
static uint64_t last_tick, worst;
static uint64_t unmount_at; /* 0: never */
static int result;
static char reason[240];

static void tick(void *userdata)
{
	uint64_t now = clock_now();

	(void)userdata;
	if (now - last_tick > worst)
		worst = now - last_tick;
	last_tick = now;
	if (unmount_at && now >= unmount_at) {
		umount(pod_dir);
		unmount_at = 0;
	}
	timer_arm(ticker, now + TICK);
}

static void reaped(void *userdata, int code, const char *text)
{
	(void)userdata;
	result = code;
	snprintf(reason, sizeof(reason), "%s", text);
	sd_event_exit(loop, 0);
}

static void begin(void)
{
	struct err err;
	AUTO_FREE char *mountinfo = NULL;

	strcpy(strrchr(root, '.'), ".XXXXXX");
	if (!mkdtemp(root) || sd_event_new(&loop) < 0 || worker_new(loop, &worker, &err) < 0 ||
		timer_new(loop, tick, NULL, &ticker, &err) < 0)
		BAIL("set-up");
	mountinfo = fs_format("25 1 0:22 / %s rw - cgroup2 cgroup2 rw\n", root);
	pod_dir = fs_format("%s/kubepods/besteffort/pod1", root);
	if (cgroups_read(mountinfo, NULL, &cgroups, &err) < 0 ||
		fs_mkdir(pod_dir, 0755, &err) < 0 || mount("tmpfs", pod_dir, "tmpfs", 0, NULL) < 0)
		BAIL("set-up of a busy cgroup");
	last_tick = clock_now();
	worst = 0;
	timer_arm(ticker, 0);
}

static void run(void)
{
	struct reap *reap;
	struct err err = {0};

	if (CHECK_OK("it begins", reap_start(loop, worker, cgroups, "1", reaped, NULL, &reap, &err),
		    &err))
		sd_event_loop(loop);
	CHECK("the loop went on all the time", worst < LAG_MAX);
}

static void end(void)
{
	umount(pod_dir);
	fs_remove(root, NULL);
	free(pod_dir);
	ticker = timer_free(ticker);
	worker = worker_free(worker);
	cgroups = cgroups_free(cgroups);
	loop = sd_event_unref(loop);
}

TEST(a_cgroup_that_empties_late_is_removed_without_keeping_the_loop)
{
	begin();
	unmount_at = clock_now() + 200 * USEC_PER_MSEC;
	run();
	CHECK_EQ("it succeeds", result, 0);
	CHECK("the cgroup is gone", access(pod_dir, F_OK) < 0);
	end();
}

TEST(one_that_never_does_is_given_up_after_two_seconds)
{
	uint64_t start = clock_now();

	begin();
	unmount_at = 0;
	run();
	CHECK_EQ("as busy", result, -EBUSY);
	CHECK_HAS("by name", reason, "remove the cgroups of Pod 1");
	CHECK("not before", clock_now() - start >= 2 * USEC_PER_SEC);
	end();
}
