// SPDX-License-Identifier: Apache-2.0
/* A log as containers and crashes leave it: one byte (so many last lines), one (pause so often), the file. */
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "user/base/err.h"
#include "user/base/fs.h"
#include "user/node/logread.h"

struct run {
	struct logread *reader;
	unsigned every, texts;
	size_t len;
	int ended;
	bool waiting;
};

static int on_text(void *userdata, const char *text, size_t len)
{
	struct run *run = userdata;

	(void)text;
	FUZZ_CHECK("there is text", len > 0);
	FUZZ_CHECK("who waits is left alone", !run->waiting);
	run->len += len;
	run->waiting = run->every && ++run->texts % run->every == 0;
	return run->waiting;
}

static void on_ended(void *userdata, int result, const char *reason)
{
	struct run *run = userdata;

	if (result != 0)
		fuzz_broken("a log can be read", reason);
	run->ended++;
}

static void run_reader(sd_event *loop, struct run *run)
{
	fuzz_loop(loop);
	while (run->waiting) {
		run->waiting = false;
		logread_resume(run->reader);
		fuzz_loop(loop);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct logread_events events = {.text = on_text, .ended = on_ended};
	struct fuzz_input input = {(const char *)data, size};
	struct logread_spec spec = {.dir = "log", .tail = fuzz_byte(&input) - 1};
	struct run run = {.every = fuzz_byte(&input)};
	static sd_event *loop;
	struct err err;

	if ((!loop && sd_event_new(&loop) < 0) || fs_mkdir("log", 0700, &err) < 0)
		fuzz_broken("set up", "");
	fuzz_file("log/0.log", input);
	if (logread_open(loop, &spec, &events, &run, &run.reader, &err) < 0)
		fuzz_broken("a log can be opened", err.text);
	run_reader(loop, &run);
	FUZZ_CHECK("it ends once", run.ended == 1);
	FUZZ_CHECK("no text is made up", run.len <= input.size);
	logread_free(run.reader);
	return 0;
}
