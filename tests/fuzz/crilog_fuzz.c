// SPDX-License-Identifier: Apache-2.0
/* A container's output, written in pieces (two bytes: their length) as a log: reading that gives it back. */
#include <string.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"
#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/base/fs.h"
#include "user/node/logread.h"
#include "user/shim/crilog.h"

struct run {
	struct fuzz_input want;
	int ended;
};

static int on_text(void *userdata, const char *text, size_t len)
{
	struct run *run = userdata;
	size_t known = len < run->want.size ? len : run->want.size;

	FUZZ_CHECK("text comes back as it was", memcmp(text, run->want.data, known) == 0);
	FUZZ_CHECK("only the last newline is added",
		len == known || (len == known + 1 && text[known] == '\n'));
	run->want.data += known;
	run->want.size -= known;
	return 0;
}

static void on_ended(void *userdata, int result, const char *reason)
{
	struct run *run = userdata;

	if (result != 0)
		fuzz_broken("a log can be read", reason);
	run->ended++;
}

static void write_log(struct fuzz_input input, size_t piece)
{
	static const struct timespec now = {.tv_sec = 1795352716, .tv_nsec = 123456789};
	struct crilog log;
	struct crilog_stream stream = {.log = &log, .name = "stdout"};
	struct err err;

	unlink("log/0.log");
	if (fs_mkdir("log", 0700, &err) < 0 || crilog_open(&log, "log/0.log", &err) < 0)
		fuzz_broken("open the log", err.text);
	for (; input.size; input.data += piece, input.size -= piece) {
		piece = piece < input.size ? piece : input.size;
		crilog_feed(&stream, input.data, piece, &now);
	}
	crilog_end(&stream, &now);
	FUZZ_CHECK("nothing is lost", log.lost == 0);
	crilog_close(&log);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct logread_events events = {.text = on_text, .ended = on_ended};
	struct fuzz_input input = {(const char *)data, size};
	size_t piece = 1u + fuzz_byte(&input) + 256u * fuzz_byte(&input);
	struct logread_spec spec = {.dir = "log", .tail = LOGREAD_ALL};
	struct run run = {.want = input};
	static sd_event *loop;
	struct logread *reader;
	struct err err;

	write_log(input, piece);
	if ((!loop && sd_event_new(&loop) < 0) ||
		logread_open(loop, &spec, &events, &run, &reader, &err) < 0)
		fuzz_broken("read the log", err.text);
	fuzz_loop(loop);
	FUZZ_CHECK("all of it comes back", run.ended == 1 && run.want.size == 0);
	logread_free(reader);
	return 0;
}
