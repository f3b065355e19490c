// SPDX-License-Identifier: Apache-2.0
#include "user/node/image.h"

#include <signal.h>
#include <sys/wait.h>

#include "tests/check.h"
#include "user/base/clock.h"
#include "user/base/fs.h"

#define DEADLINE_USEC (10 * USEC_PER_SEC)

/* Stands for podnet-pull: what it answers depends on the reference; each call leaves a line in "calls". */
static const char script[] =
	"#!/bin/sh\n"
	"dir=${0%/*}\n"
	"echo \"$*\" >>\"$dir/calls\"\n"
	"for last; do :; done\n"
	"case $last in\n"
	"--collect) cat >\"$dir/kept.new\"; mv \"$dir/kept.new\" \"$dir/kept\" ;;\n"
	"good*) echo "
	"'{\"reference\":\"r\",\"digest\":\"d\",\"layers\":[\"/a\",\"/b\"],\"config\":{'\\\n"
	"	'\"entrypoint\":[],\"cmd\":[\"nginx\",\"-g\"],\"env\":[\"A=1\"],\"user\":\"7\",'"
	"\\\n"
	"	'\"workingDir\":\"/w\",\"stopSignal\":\"SIGQUIT\"}}' ;;\n"
	"down) echo '{\"reason\":\"ErrImagePull\",\"message\":\"connection refused\"}'; exit 1 ;;\n"
	"absent) echo '{\"reason\":\"ErrImageNeverPull\",\"message\":\"m\"}'; exit 1 ;;\n"
	"Bad) echo '{\"reason\":\"InvalidImageName\",\"message\":\"m\"}'; exit 1 ;;\n"
	"mute) echo 'no luck today' >&2; exit 3 ;;\n"
	"part) echo '{\"reference\":\"r\"}' ;;\n"
	"hang*) echo $$ >\"$dir/pid.new\"; mv \"$dir/pid.new\" \"$dir/pid\"; exec sleep 1000 ;;\n"
	"killed) kill -9 $$ ;;\n"
	"esac\n";

struct bench {
	char dir[64], program[96];
	sd_event *loop;
	struct images *images;
	unsigned reports;
	char report[256];
};

static void bench_report(void *userdata, const char *text)
{
	struct bench *bench = userdata;

	bench->reports++;
	snprintf(bench->report, sizeof(bench->report), "%s", text);
}

static void bench_open(struct bench *bench)
{
	struct err err;

	memset(bench, 0, sizeof(*bench));
	strcpy(bench->dir, "/tmp/images-test.XXXXXX");
	if (!mkdtemp(bench->dir) || sd_event_new(&bench->loop) < 0)
		BAIL("cannot set up");
	snprintf(bench->program, sizeof(bench->program), "%s/pull", bench->dir);
	if (fs_replace(bench->program, script, strlen(script), 0755, FS_VOLATILE, &err) < 0)
		BAIL(err.text);
	if (images_new(bench->loop,
		    &(struct images_config){
			    .program = bench->program,
			    .dir = "/store",
			    .registries_conf = "/conf",
			    .max_bytes = 123,
			    .report = bench_report,
			    .userdata = bench,
		    },
		    &bench->images, &err) < 0)
		BAIL(err.text);
}

/* A cancelled job goes when its child was reaped, on the loop. */
static void bench_reap(struct bench *bench)
{
	uint64_t deadline = clock_now() + DEADLINE_USEC;
	siginfo_t info;

	while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && clock_now() < deadline)
		sd_event_run(bench->loop, 10 * USEC_PER_MSEC);
}

static void bench_close(struct bench *bench)
{
	struct err err;

	images_free(bench->images);
	bench_reap(bench);
	sd_event_unref(bench->loop);
	if (fs_remove(bench->dir, &err) < 0)
		BAIL(err.text);
}

#define AUTO_BENCH AUTO_CLEANUP(bench_close) struct bench

static bool file_is_there(const struct bench *bench, const char *name)
{
	AUTO_FREE char *path = fs_format("%s/%s", bench->dir, name);

	return access(path, F_OK) == 0;
}

/* The content of a file of the script; "" when there is none. */
static const char *file_text(const struct bench *bench, const char *name)
{
	static char text[4096];
	AUTO_FREE char *path = fs_format("%s/%s", bench->dir, name);
	AUTO_FREE char *content = NULL;

	text[0] = '\0';
	if (fs_read(path, sizeof(text) - 1, &content, NULL, NULL) == 0)
		snprintf(text, sizeof(text), "%s", content);
	return text;
}

struct answer {
	struct bench *bench;
	unsigned calls;
	int result;
	char reason[64], message[256], text[256];
	struct image_wait *cancel; /* cancelled when the answer comes */
};

static void answered(void *userdata, int result, const struct image *image, const char *reason,
	const char *message)
{
	struct answer *answer = userdata;

	answer->calls++;
	answer->result = result;
	snprintf(answer->reason, sizeof(answer->reason), "%s", reason);
	snprintf(answer->message, sizeof(answer->message), "%s", message);
	if (image)
		snprintf(answer->text, sizeof(answer->text), "%s %s %s %s %s %s %s %s %s",
			image->reference, image->digest, image->layers[0], image->layers[1],
			image->cmd[1], image->env[0], image->user, image->working_dir,
			image->stop_signal);
	answer->cancel = image_wait_cancel(answer->cancel);
}

static bool loop_until(struct bench *bench, const unsigned *counter, unsigned want)
{
	uint64_t deadline = clock_now() + DEADLINE_USEC;

	while (*counter < want && clock_now() < deadline)
		sd_event_run(bench->loop, 10 * USEC_PER_MSEC);
	return *counter >= want;
}

static bool loop_until_file(struct bench *bench, const char *name)
{
	uint64_t deadline = clock_now() + DEADLINE_USEC;

	while (!file_is_there(bench, name) && clock_now() < deadline)
		sd_event_run(bench->loop, 10 * USEC_PER_MSEC);
	return file_is_there(bench, name);
}

TEST(an_image_comes_with_all_a_container_needs)
{
	struct answer answer = {0};
	AUTO_BENCH bench;
	struct err err;

	bench_open(&bench);
	CHECK_OK("asked",
		images_ensure(
			bench.images, "good", PULL_IF_NOT_PRESENT, answered, &answer, NULL, &err),
		&err);
	CHECK("answered", loop_until(&bench, &answer.calls, 1));
	CHECK_EQ("success", answer.result, 0);
	CHECK_STR("all fields", answer.text, "r d /a /b -g A=1 7 /w SIGQUIT");
	CHECK_STR("what was called", file_text(&bench, "calls"),
		"--dir /store --policy IfNotPresent --registries-conf /conf --max-bytes 123 -- "
		"good\n");
}

TEST(failures_come_with_the_reason_of_kubernetes)
{
	static const struct {
		const char *what, *reference;
		enum pull_policy policy;
		int result;
		const char *reason, *message;
	} cases[] = {
		{"a registry that is down", "down", PULL_ALWAYS, -EIO, "ErrImagePull",
			"connection refused"},
		{"never pulled", "absent", PULL_NEVER, -ENOENT, "ErrImageNeverPull", "m"},
		{"no name", "Bad", PULL_ALWAYS, -EINVAL, "InvalidImageName", "m"},
		{"no answer at all", "mute", PULL_ALWAYS, -EINVAL, "ErrImagePull",
			"podnet-pull ended with exit code 3: no luck today"},
		{"half an answer", "part", PULL_ALWAYS, -EPROTO, "ErrImagePull",
			"answer is incomplete"},
		{"a killed child", "killed", PULL_ALWAYS, -EINVAL, "ErrImagePull",
			"killed by signal 9"},
	};
	AUTO_BENCH bench;

	bench_open(&bench);
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct answer answer = {0};
		struct err err;

		CHECK_OK(cases[i].what,
			images_ensure(bench.images, cases[i].reference, cases[i].policy, answered,
				&answer, NULL, &err),
			&err);
		CHECK(cases[i].what, loop_until(&bench, &answer.calls, 1));
		CHECK_EQ(cases[i].what, answer.result, cases[i].result);
		CHECK_STR(cases[i].what, answer.reason, cases[i].reason);
		CHECK_HAS(cases[i].what, answer.message, cases[i].message);
	}
}

TEST(those_who_want_one_image_share_its_pull)
{
	struct answer answers[3] = {0}, other = {0};
	AUTO_BENCH bench;
	struct err err;

	bench_open(&bench);
	for (size_t i = 0; i < COUNT(answers); i++)
		images_ensure(bench.images, "good", PULL_ALWAYS, answered, &answers[i], NULL, &err);
	images_ensure(bench.images, "good2", PULL_ALWAYS, answered, &other, NULL, &err);
	for (size_t i = 0; i < COUNT(answers); i++) {
		CHECK("everybody is told", loop_until(&bench, &answers[i].calls, 1));
		CHECK_EQ("success", answers[i].result, 0);
	}
	CHECK("the other one too", loop_until(&bench, &other.calls, 1));
	CHECK_EQ("one child each", strlen(file_text(&bench, "calls")),
		2 * strlen("--dir /store --policy Always --registries-conf /conf --max-bytes 123 "
			   "-- good\n") +
			1);
}

TEST(a_cancelled_wait_hears_nothing)
{
	struct answer first = {0}, second = {0}, third = {0};
	struct image_wait *wait, *last;
	AUTO_BENCH bench;
	struct err err;

	bench_open(&bench);
	images_ensure(bench.images, "good", PULL_ALWAYS, answered, &first, NULL, &err);
	images_ensure(bench.images, "good", PULL_ALWAYS, answered, &second, &wait, &err);
	images_ensure(bench.images, "good", PULL_ALWAYS, answered, &third, &last, &err);
	first.cancel = last; /* from within an answer */
	image_wait_cancel(wait);
	CHECK("the others hear", loop_until(&bench, &first.calls, 1));
	CHECK_EQ("not the one that was cancelled before", second.calls, 0);
	CHECK_EQ("not the one that was cancelled meanwhile", third.calls, 0);
}

TEST(the_last_to_cancel_ends_the_pull)
{
	uint64_t deadline = clock_now() + DEADLINE_USEC;
	struct answer answer = {0};
	struct image_wait *wait;
	AUTO_BENCH bench;
	struct err err;
	pid_t pid;

	bench_open(&bench);
	images_ensure(bench.images, "hang", PULL_ALWAYS, answered, &answer, &wait, &err);
	if (!CHECK("it runs", loop_until_file(&bench, "pid")))
		return;
	pid = atoi(file_text(&bench, "pid"));
	CHECK_EQ("nothing is collected meanwhile",
		images_collect(bench.images, (const char *const[]){NULL}, &err), -EBUSY);
	image_wait_cancel(wait);
	while (kill(pid, 0) == 0 && clock_now() < deadline)
		sd_event_run(bench.loop, 10 * USEC_PER_MSEC);
	CHECK("its child is gone", kill(pid, 0) < 0 && errno == ESRCH);
	CHECK_EQ("nobody is told", answer.calls, 0);
}

static unsigned calls_of(const struct bench *bench)
{
	unsigned lines = 0;

	for (const char *at = file_text(bench, "calls"); (at = strchr(at, '\n')); at++)
		lines++;
	return lines;
}

static bool loop_until_calls(struct bench *bench, unsigned want)
{
	uint64_t deadline = clock_now() + DEADLINE_USEC;

	while (calls_of(bench) < want && clock_now() < deadline)
		sd_event_run(bench->loop, 10 * USEC_PER_MSEC);
	return calls_of(bench) == want;
}

TEST(eight_pulls_run_at_a_time_and_the_others_queue)
{
	struct answer hanging[8] = {0}, queued[2] = {0};
	struct image_wait *waits[8], *second;
	AUTO_BENCH bench;
	struct err err;

	bench_open(&bench);
	for (size_t i = 0; i < COUNT(waits); i++) {
		char name[8];

		snprintf(name, sizeof(name), "hang%zu", i);
		images_ensure(
			bench.images, name, PULL_NEVER, answered, &hanging[i], &waits[i], &err);
	}
	images_ensure(bench.images, "good1", PULL_NEVER, answered, &queued[0], NULL, &err);
	images_ensure(bench.images, "good2", PULL_NEVER, answered, &queued[1], &second, &err);
	CHECK("eight run", loop_until_calls(&bench, 8));
	image_wait_cancel(second);
	CHECK_EQ("one that queues can be cancelled", queued[1].calls, 0);
	image_wait_cancel(waits[3]);
	CHECK("a place that becomes free is taken", loop_until(&bench, &queued[0].calls, 1));
	CHECK_EQ("by the one that waited", queued[0].result, 0);
	CHECK_EQ("and by nobody else", calls_of(&bench), 9);
}

TEST(a_collection_gets_the_images_to_keep)
{
	AUTO_BENCH bench;
	struct err err;

	bench_open(&bench);
	CHECK_OK("started",
		images_collect(bench.images, (const char *const[]){"nginx", "a/b:1", NULL}, &err),
		&err);
	CHECK_EQ("one at a time", images_collect(bench.images, (const char *const[]){NULL}, &err),
		-EBUSY);
	CHECK("it runs", loop_until_file(&bench, "kept"));
	CHECK_STR("a line for each", file_text(&bench, "kept"), "nginx\na/b:1\n");
	CHECK_EQ("nothing to report", bench.reports, 0);
}

TEST(a_collection_that_fails_is_reported)
{
	AUTO_BENCH bench;
	struct err err;

	static const char fails[] = "#!/bin/sh\necho 'disk on fire' >&2\nexit 1\n";

	bench_open(&bench);
	if (fs_replace(bench.program, fails, strlen(fails), 0755, FS_VOLATILE, &err) < 0)
		BAIL(err.text);
	images_collect(bench.images, (const char *const[]){NULL}, &err);
	CHECK("reported", loop_until(&bench, &bench.reports, 1));
	CHECK_STR("with what it said", bench.report,
		"podnet-pull ended with exit code 1: disk on fire\n");
}
