// SPDX-License-Identifier: Apache-2.0
#include "tests/check.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "user/base/fs.h"
#include "user/shim/crilog.h"

#define T0 "2026-11-22T13:05:16.123456789Z"

static const struct timespec t0 = {.tv_sec = 1795352716, .tv_nsec = 123456789};
static char dir[] = "/tmp/crilog-XXXXXX";
static char path[64], rotated[64];
static struct crilog log_file;
static struct crilog_stream out;

static void begin(void)
{
	struct err err;

	strcpy(dir + strlen(dir) - 6, "XXXXXX");
	if (!mkdtemp(dir))
		BAIL("mkdtemp");
	snprintf(path, sizeof(path), "%s/0.log", dir);
	snprintf(rotated, sizeof(rotated), "%s/0.log.1", dir);
	if (crilog_open(&log_file, path, &err) < 0)
		BAIL(err.text);
	out = (struct crilog_stream){.log = &log_file, .name = "stdout"};
}

static void finish(void)
{
	crilog_end(&out, &t0);
	crilog_close(&log_file);
	fs_remove(dir, NULL);
}

static void feed(const char *text)
{
	crilog_feed(&out, text, strlen(text), &t0);
}

static void check_file(const char *what, const char *name, const char *want)
{
	AUTO_FREE char *text = NULL;
	struct err err;

	if (CHECK_OK(what, fs_read(name, 1 << 20, &text, NULL, &err), &err))
		CHECK_STR(what, text, want);
}

TEST(each_line_has_its_time_stream_and_tag)
{
	struct crilog_stream err = {.log = &log_file, .name = "stderr"};

	begin();
	feed("one\ntwo\n\n");
	crilog_feed(&err, "three\n", 6, &t0);
	check_file("four lines", path,
		T0 " stdout F one\n" T0 " stdout F two\n" T0 " stdout F \n" T0 " stderr F three\n");
	finish();
}

TEST(a_line_in_pieces_is_written_once_it_is_whole)
{
	begin();
	feed("be");
	feed("gin");
	check_file("nothing yet", path, "");
	feed("ning\nnext");
	check_file("the whole line", path, T0 " stdout F beginning\n");
	crilog_end(&out, &t0);
	check_file("the end of the stream ends the last", path,
		T0 " stdout F beginning\n" T0 " stdout F next\n");
	finish();
}

TEST(a_long_line_is_marked_as_partial)
{
	static const struct {
		const char *what;
		size_t len, chunk;
		const char *tags;
	} cases[] = {
		{"the longest whole line", CRILOG_LINE_MAX, CRILOG_LINE_MAX + 1, "F"},
		{"the same in two pieces", CRILOG_LINE_MAX, CRILOG_LINE_MAX, "F"},
		{"the same in small pieces", CRILOG_LINE_MAX, 7, "F"},
		{"one byte more", CRILOG_LINE_MAX + 1, CRILOG_LINE_MAX + 2, "PF"},
		{"one byte more in small pieces", CRILOG_LINE_MAX + 1, 7, "PF"},
		{"three times as long", 3 * CRILOG_LINE_MAX, 40000, "PPF"},
		{"three times and one byte", 3 * CRILOG_LINE_MAX + 1, 32768, "PPPF"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		AUTO_FREE char *line = malloc(cases[i].len + 1), *text = NULL;
		char tags[8] = "";
		size_t sum = 0, n = 0;

		begin();
		memset(line, 'x', cases[i].len);
		line[cases[i].len] = '\n';
		for (size_t at = 0; at <= cases[i].len; at += cases[i].chunk) {
			size_t left = cases[i].len + 1 - at;

			crilog_feed(&out, line + at, left < cases[i].chunk ? left : cases[i].chunk,
				&t0);
		}
		if (fs_read(path, 1 << 20, &text, NULL, NULL) < 0)
			BAIL("read");
		for (char *at = text; *at && n < sizeof(tags) - 1; at = strchr(at, '\n') + 1) {
			at += strlen(T0 " stdout ");
			tags[n++] = *at;
			sum += strcspn(at + 2, "\n");
		}
		CHECK_STR(cases[i].what, tags, cases[i].tags);
		CHECK_EQ(cases[i].what, sum, cases[i].len);
		finish();
	}
}

TEST(many_lines_in_one_piece_are_all_written)
{
	AUTO_FREE char *text = NULL;
	char lines[2000];
	size_t count = 0;

	begin();
	for (size_t i = 0; i < sizeof(lines); i += 2)
		memcpy(lines + i, "y\n", 2);
	crilog_feed(&out, lines, sizeof(lines), &t0);
	if (fs_read(path, 1 << 20, &text, NULL, NULL) < 0)
		BAIL("read");
	for (const char *at = text; (at = strstr(at, T0 " stdout F y\n")); at++)
		count++;
	CHECK_EQ("lines", count, 1000);
	finish();
}

TEST(after_a_rotation_lines_go_to_the_new_file)
{
	struct err err;

	begin();
	feed("old\nhalf");
	if (rename(path, rotated) < 0)
		BAIL("rename");
	feed(" of it\n");
	CHECK_OK("reopen", crilog_reopen(&log_file, &err), &err);
	feed("new\n");
	check_file("the old file", rotated, T0 " stdout F old\n" T0 " stdout F half of it\n");
	check_file("the new file", path, T0 " stdout F new\n");
	finish();
}

TEST(a_failed_reopen_keeps_the_old_file)
{
	struct err err;

	begin();
	if (unlink(path) < 0 || mkdir(path, 0700) < 0)
		BAIL("mkdir");
	CHECK_FAILS("reopen", crilog_reopen(&log_file, &err), EISDIR, &err, path);
	CHECK("the old one is open", fcntl(log_file.fd, F_GETFD) >= 0);
	finish();
}

#define LOSS                                                                     \
	T0 " stdout F fits\n" T0 " stdout F [podnet-shim: 100 bytes of this log" \
	   " are lost: No space left on device]\n" T0 " stdout F goes on\n"

/* A limit on file size stands for a full disk: both let a part of a write through. */
TEST(what_does_not_fit_is_dropped_whole_and_reported)
{
	struct rlimit was, limit;

	begin();
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &was);
	limit = (struct rlimit){60, was.rlim_max};
	setrlimit(RLIMIT_FSIZE, &limit);
	feed("fits\n");
	feed("is cut\n");
	feed("does not fit\n");
	check_file("only whole lines", path, T0 " stdout F fits\n");
	setrlimit(RLIMIT_FSIZE, &was);
	feed("goes on\n");
	check_file("the loss is told once", path, LOSS);
	finish();
}
