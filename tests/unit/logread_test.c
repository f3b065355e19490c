// SPDX-License-Identifier: Apache-2.0
#include "tests/check.h"

#include <sys/stat.h>

#include "user/base/clock.h"
#include "user/base/fs.h"
#include "user/node/logread.h"

#define T "2026-11-22T13:05:16.123456789Z "

struct run {
	char dir[64];
	sd_event *loop;
	struct logread *reader;
	char text[200000];
	size_t len;
	unsigned texts, pause_at; /* pause at that text */
	int ended, result;
	bool free_in_text;
	char reason[100];
};

static int run_text(void *userdata, const char *text, size_t len)
{
	struct run *run = userdata;

	if (run->len + len < sizeof(run->text))
		memcpy(run->text + run->len, text, len);
	run->len += len;
	run->text[run->len] = '\0';
	if (run->free_in_text)
		run->reader = logread_free(run->reader);
	return ++run->texts == run->pause_at;
}

static void run_ended(void *userdata, int result, const char *reason)
{
	struct run *run = userdata;

	run->ended++;
	run->result = result;
	snprintf(run->reason, sizeof(run->reason), "%s", reason);
}

static const struct logread_events events = {.text = run_text, .ended = run_ended};

static struct run *run_new(void)
{
	struct run *run = calloc(1, sizeof(*run));

	if (!run || sd_event_new(&run->loop) < 0)
		BAIL("make a loop");
	strcpy(run->dir, "/tmp/podnet-logread-XXXXXX");
	if (!mkdtemp(run->dir))
		BAIL("make a directory");
	return run;
}

static void run_free(struct run *run)
{
	struct err err;

	logread_free(run->reader);
	sd_event_unref(run->loop);
	CHECK_OK("removed", fs_remove(run->dir, &err), &err);
	free(run);
}

static void log_add(struct run *run, const char *name, const char *text)
{
	AUTO_FREE char *path = fs_format("%s/%s", run->dir, name);
	FILE *file = fopen(path, "a");

	if (!file || fputs(text, file) < 0 || fclose(file) != 0)
		BAIL("write a log");
}

static void log_rename(struct run *run, const char *from, const char *to)
{
	AUTO_FREE char *old = fs_format("%s/%s", run->dir, from);
	AUTO_FREE char *new = fs_format("%s/%s", run->dir, to);

	if (rename(old, new) < 0)
		BAIL("rename a log");
}

static int run_open(struct run *run, struct logread_spec spec, struct err *err)
{
	spec.dir = run->dir;
	return logread_open(run->loop, &spec, &events, run, &run->reader, err);
}

/* Turns the loop until the text is @want or the reader ended or nothing comes for a while. */
static void run_until(struct run *run, const char *want)
{
	uint64_t end = clock_now() + 2 * USEC_PER_SEC;

	while (!run->ended && (!want || strcmp(run->text, want) != 0) && clock_now() < end)
		sd_event_run(run->loop, 20 * USEC_PER_MSEC);
}

/* Long enough for inotify's events, which must change nothing. */
static void run_turns(struct run *run)
{
	for (unsigned i = 0; i < 10; i++)
		sd_event_run(run->loop, 10 * USEC_PER_MSEC);
}

TEST(lines_lose_what_the_log_put_before_them)
{
	static const struct {
		const char *what, *log, *want;
	} cases[] = {
		{"a full line", T "stdout F hello\n", "hello\n"},
		{"both streams in order", T "stdout F a\n" T "stderr F b\n", "a\nb\n"},
		{"partial lines are joined", T "stdout P ab\n" T "stdout P cd\n" T "stdout F e\n",
			"abcde\n"},
		{"spaces stay", T "stdout F   a  b \n", "  a  b \n"},
		{"an empty line", T "stdout F \n", "\n"},
		{"an empty partial line", T "stdout P \n" T "stdout F x\n", "x\n"},
		{"further tags", T "stdout F:x y\n", "y\n"},
		{"a line in another form is kept", "what is this\n", "what is this\n"},
		{"a line cut off", T "stdout F a\n" T "stdout F b", "a\nb"},
		{"cut off in the header", T "stdout F a\n2026-11", "a\n2026-11"},
		{"nothing", "", ""},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct run *run = run_new();
		struct err err;

		log_add(run, "0.log", cases[i].log);
		CHECK_OK(cases[i].what,
			run_open(run, (struct logread_spec){.tail = LOGREAD_ALL}, &err), &err);
		run_until(run, NULL);
		CHECK_STR(cases[i].what, run->text, cases[i].want);
		CHECK("ended well", run->ended == 1 && run->result == 0);
		run_free(run);
	}
}

TEST(tail_counts_lines_from_the_end)
{
	static const struct {
		const char *what, *log;
		int64_t tail;
		const char *want;
	} cases[] = {
		{"none", "a\nb\n", 0, ""},
		{"one", "a\nb\n", 1, "b\n"},
		{"two of three", "a\nb\nc\n", 2, "b\nc\n"},
		{"more than there are", "a\nb\n", 9, "a\nb\n"},
		{"exactly all", "a\nb\n", 2, "a\nb\n"},
		{"an open last line counts", "a\nb\nc", 2, "b\nc"},
		{"an empty file", "", 3, ""},
		{"empty lines count", "a\n\n\n", 2, "\n\n"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct run *run = run_new();
		struct err err;

		log_add(run, "0.log", cases[i].log);
		CHECK_OK(cases[i].what,
			run_open(run, (struct logread_spec){.tail = cases[i].tail}, &err), &err);
		run_until(run, NULL);
		CHECK_STR(cases[i].what, run->text, cases[i].want);
		run_free(run);
	}
}

TEST(times_and_sizes_are_as_asked_for)
{
	static const char log[] = "2026-11-22T13:05:16.000000001Z stdout F one\n"
				  "2026-11-22T13:05:17.000000001Z stdout P tw\n"
				  "2026-11-22T13:05:18.000000001Z stdout F o\n"
				  "2026-11-22T14:05:18.500000001+01:00 stderr F three\n"
				  "what is this\n";
	static const struct {
		const char *what;
		struct logread_spec spec;
		const char *want;
	} cases[] = {
		{"times", {.times = true, .tail = LOGREAD_ALL},
			"2026-11-22T13:05:16.000000001Z one\n2026-11-22T13:05:17.000000001Z two\n"
			"2026-11-22T14:05:18.500000001+01:00 three\nwhat is this\n"},
		{"four bytes", {.most = 4, .tail = LOGREAD_ALL}, "one\n"},
		{"five, of two lines", {.most = 5, .tail = LOGREAD_ALL}, "one\nt"},
		{"times count", {.most = 31, .times = true, .tail = 1}, "what is this\n"},
		{"more than there is", {.most = 99, .tail = 2}, "three\nwhat is this\n"},
		{"from a time on", {.since = 1795352718000000, .tail = LOGREAD_ALL},
			"o\nthree\nwhat is this\n"},
		{"whatever its zone", {.since = 1795352718500000, .tail = LOGREAD_ALL},
			"three\nwhat is this\n"},
		{"after all", {.since = 1795352719000000, .tail = LOGREAD_ALL}, "what is this\n"},
		{"tail counts first", {.since = 1795352716000000, .tail = 2},
			"three\nwhat is this\n"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct run *run = run_new();
		struct err err;

		log_add(run, "0.log", log);
		CHECK_OK(cases[i].what, run_open(run, cases[i].spec, &err), &err);
		run_until(run, NULL);
		CHECK_STR(cases[i].what, run->text, cases[i].want);
		CHECK(cases[i].what, run->ended == 1 && run->result == 0);
		run_free(run);
	}
}

TEST(tail_works_across_chunks)
{
	struct run *run = run_new();
	char line[1001];
	struct err err;

	memset(line, 'x', sizeof(line));
	line[999] = '\n';
	line[1000] = '\0';
	for (unsigned i = 0; i < 300; i++)
		log_add(run, "0.log", line);
	CHECK_OK("open", run_open(run, (struct logread_spec){.tail = 150}, &err), &err);
	run_until(run, NULL);
	CHECK_EQ("150 lines", run->len, 150000);
	CHECK_EQ("the first one whole", strcspn(run->text, "\n"), 999);
	run_free(run);
}

TEST(a_line_longer_than_the_buffer_is_passed_on)
{
	struct run *run = run_new();
	struct err err;
	char *line = malloc(150001);

	if (!line)
		BAIL("memory");
	memset(line, 'y', 150000);
	line[150000] = '\0';
	log_add(run, "0.log", T "stdout F ");
	log_add(run, "0.log", line);
	log_add(run, "0.log", "\n" T "stdout F end\n");
	CHECK_OK("open", run_open(run, (struct logread_spec){.tail = LOGREAD_ALL}, &err), &err);
	run_until(run, NULL);
	CHECK_EQ("all of it", run->len, 150000 + 5);
	CHECK_HAS("and what follows", run->text, "y\nend\n");
	free(line);
	run_free(run);
}

TEST(the_newest_attempt_is_read_and_previous_is_the_one_before)
{
	static const char *const names[] = {
		"0.log", "2.log", "10.log", "9.log", "10.log.2026", "x.log", "11.log.gz", "-1.log"};
	struct run *run = run_new();
	struct err err;

	CHECK_FAILS("empty directory",
		run_open(run, (struct logread_spec){.tail = LOGREAD_ALL}, &err), ENOENT, &err,
		"there is no log yet");
	log_add(run, "0.log", "0.log\n");
	CHECK_FAILS("one attempt has no previous",
		run_open(run, (struct logread_spec){.tail = LOGREAD_ALL, .previous = true}, &err),
		ENOENT, &err, "there is no previous log");
	for (size_t i = 1; i < COUNT(names); i++) {
		log_add(run, names[i], names[i]);
		log_add(run, names[i], "\n");
	}
	CHECK_OK("open", run_open(run, (struct logread_spec){.tail = LOGREAD_ALL}, &err), &err);
	run_until(run, NULL);
	CHECK_STR("newest", run->text, "10.log\n");
	run->reader = logread_free(run->reader);
	run->len = 0;
	run->ended = 0;
	CHECK_OK("open",
		run_open(run,
			(struct logread_spec){
				.tail = LOGREAD_ALL, .previous = true, .follow = true},
			&err),
		&err);
	run_until(run, NULL);
	CHECK_STR("previous", run->text, "9.log\n");
	CHECK_EQ("which ends even when followed", run->ended, 1);
	run_free(run);
}

TEST(a_missing_directory_is_no_log)
{
	struct run *run = run_new();
	struct logread_spec spec = {.dir = "/nonexistent/podnet", .tail = LOGREAD_ALL};
	struct err err;

	CHECK_FAILS("open", logread_open(run->loop, &spec, &events, run, &run->reader, &err),
		ENOENT, &err, "open log directory '/nonexistent/podnet'");
	run_free(run);
}

TEST(following_goes_on_across_a_rotation)
{
	struct run *run = run_new();
	struct err err;

	log_add(run, "0.log", T "stdout F 1\n");
	CHECK_OK("open",
		run_open(run, (struct logread_spec){.tail = LOGREAD_ALL, .follow = true}, &err),
		&err);
	run_until(run, "1\n");
	log_add(run, "0.log", T "stdout F 2");
	run_turns(run);
	CHECK_STR("half a line waits", run->text, "1\n");
	log_add(run, "0.log", "\n");
	run_until(run, "1\n2\n");
	CHECK_STR("until it is whole", run->text, "1\n2\n");
	log_rename(run, "0.log", "0.log.20261122-130516");
	run_turns(run);
	log_add(run, "0.log.20261122-130516", T "stdout F 3\n");
	log_add(run, "0.log", T "stdout F 4\n");
	run_until(run, "1\n2\n3\n4\n");
	CHECK_STR("old file first, then the new one", run->text, "1\n2\n3\n4\n");
	log_add(run, "1.log", T "stdout F other attempt\n");
	log_add(run, "0.log", T "stdout F 5\n");
	logread_finish(run->reader);
	run_until(run, NULL);
	CHECK_STR("finish reads the rest", run->text, "1\n2\n3\n4\n5\n");
	CHECK("and ends", run->ended == 1 && run->result == 0);
	run_free(run);
}

TEST(a_consumer_that_waits_gets_nothing_until_it_resumes)
{
	struct run *run = run_new();
	struct err err;

	log_add(run, "0.log", T "stdout F 1\n" T "stdout F 2\n" T "stdout F 3\n");
	run->pause_at = 2;
	CHECK_OK("open", run_open(run, (struct logread_spec){.tail = LOGREAD_ALL}, &err), &err);
	for (unsigned i = 0; i < 10; i++)
		sd_event_run(run->loop, 1000);
	CHECK_STR("two lines", run->text, "1\n2\n");
	CHECK_EQ("not ended", run->ended, 0);
	logread_resume(run->reader);
	run_until(run, NULL);
	CHECK_STR("the third", run->text, "1\n2\n3\n");
	CHECK_EQ("ended", run->ended, 1);
	run_free(run);
}

TEST(the_reader_may_be_freed_by_its_callback)
{
	struct run *run = run_new();
	struct err err;

	log_add(run, "0.log", T "stdout F 1\n" T "stdout F 2\n");
	run->free_in_text = true;
	CHECK_OK("open", run_open(run, (struct logread_spec){.tail = LOGREAD_ALL}, &err), &err);
	for (unsigned i = 0; i < 5; i++)
		sd_event_run(run->loop, 1000);
	CHECK_STR("one line", run->text, "1\n");
	CHECK_EQ("no end", run->ended, 0);
	run_free(run);
}
