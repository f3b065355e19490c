// SPDX-License-Identifier: Apache-2.0
#include "user/shim/crilog.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "user/base/cleanup.h"
#include "user/base/clock.h"
#include "user/base/err.h"

#define CRILOG_BATCH 96 /* pieces per writev(2) */

/* Lines on their way to one writev(2).  All of one feed share their time. */
struct batch {
	struct crilog *log;
	struct iovec pieces[CRILOG_BATCH];
	int count;
	size_t bytes;
	char full[80], partial[80]; /* prefixes */
};

static int crilog_open_path(const char *path, int *ret, struct err *err)
{
	*ret = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0640);
	return *ret < 0 ? err_set(err, errno, "open log '%s'", path) : 0;
}

int crilog_open(struct crilog *log, const char *path, struct err *err)
{
	int fd, r = crilog_open_path(path, &fd, err);

	if (r < 0)
		return r;
	*log = (struct crilog){.path = strdup(path), .fd = fd};
	if (!log->path) {
		crilog_close(log);
		return err_set(err, ENOMEM, "open log '%s'", path);
	}
	return 0;
}

int crilog_reopen(struct crilog *log, struct err *err)
{
	int fd, r = crilog_open_path(log->path, &fd, err);

	if (r < 0)
		return r;
	close_fd(&log->fd);
	log->fd = fd;
	return 0;
}

void crilog_close(struct crilog *log)
{
	close_fd(&log->fd);
	free(log->path);
	log->path = NULL;
}

static void prefix_format(
	char ret[80], const struct timespec *now, const char *stream, const char *tag)
{
	char seconds[CLOCK_RFC3339_LEN];

	clock_rfc3339((uint64_t)now->tv_sec * USEC_PER_SEC, seconds);
	seconds[strcspn(seconds, "Z")] = '\0';
	snprintf(ret, 80, "%s.%09ldZ %s %s ", seconds, now->tv_nsec, stream, tag);
}

/* All or nothing: a piece of a line that a full disk let through is taken back. */
static int crilog_write(struct crilog *log, const struct iovec *pieces, int count, size_t bytes)
{
	ssize_t n = writev(log->fd, pieces, count);
	struct stat st;

	if (n == (ssize_t)bytes)
		return 0;
	if (n < 0)
		return -errno;
	if (fstat(log->fd, &st) < 0 || ftruncate(log->fd, st.st_size - n) < 0)
		return -errno;
	return -ENOSPC;
}

/* Says in the log itself what is missing from it, before it goes on. */
static int crilog_tell_lost(struct batch *batch)
{
	struct crilog *log = batch->log;
	struct iovec piece;
	char line[256];
	int len, r;

	if (!log->lost)
		return 0;
	len = snprintf(line, sizeof(line), "%s[podnet-shim: %llu bytes of this log are lost: %s]\n",
		batch->full, (unsigned long long)log->lost, strerror(log->lost_errno));
	piece = (struct iovec){line, (size_t)len};
	r = crilog_write(log, &piece, 1, (size_t)len);
	if (r == 0)
		log->lost = 0;
	return r;
}

static void batch_flush(struct batch *batch)
{
	int r;

	if (!batch->count)
		return;
	r = crilog_tell_lost(batch);
	if (r == 0)
		r = crilog_write(batch->log, batch->pieces, batch->count, batch->bytes);
	if (r < 0) {
		batch->log->lost += batch->bytes;
		batch->log->lost_errno = -r;
	}
	batch->count = 0;
	batch->bytes = 0;
}

static void batch_add(struct batch *batch, const char *data, size_t len)
{
	if (!len)
		return;
	batch->pieces[batch->count++] = (struct iovec){(char *)data, len};
	batch->bytes += len;
}

/* One line of the file: what is held, then @data.  Flushes where "held" is about to be reused. */
static void batch_line(struct batch *batch, struct crilog_stream *stream, const char *prefix,
	const char *data, size_t len)
{
	bool held = stream->held_len > 0;

	if (batch->count + 4 > CRILOG_BATCH)
		batch_flush(batch);
	batch_add(batch, prefix, strlen(prefix));
	batch_add(batch, stream->held, stream->held_len);
	batch_add(batch, data, len);
	batch_add(batch, "\n", 1);
	stream->held_len = 0;
	if (held)
		batch_flush(batch);
}

static void stream_hold(
	struct crilog_stream *stream, struct batch *batch, const char *data, size_t len)
{
	if (!stream->held)
		stream->held = malloc(CRILOG_LINE_MAX);
	if (!stream->held) {
		batch_line(batch, stream, batch->partial, data, len);
		return;
	}
	memcpy(stream->held + stream->held_len, data, len);
	stream->held_len += len;
}

static void batch_begin(
	struct batch *batch, const struct crilog_stream *stream, const struct timespec *now)
{
	batch->log = stream->log;
	batch->count = 0;
	batch->bytes = 0;
	prefix_format(batch->full, now, stream->name, "F");
	prefix_format(batch->partial, now, stream->name, "P");
}

void crilog_feed(
	struct crilog_stream *stream, const char *data, size_t len, const struct timespec *now)
{
	struct batch batch;

	batch_begin(&batch, stream, now);
	while (len) {
		size_t room = CRILOG_LINE_MAX - stream->held_len;
		const char *end = memchr(data, '\n', len < room + 1 ? len : room + 1);
		size_t used = end ? (size_t)(end - data) : len < room ? len : room;

		if (end)
			batch_line(&batch, stream, batch.full, data, used++);
		else if (len > room)
			batch_line(&batch, stream, batch.partial, data, used);
		else
			stream_hold(stream, &batch, data, used);
		data += used;
		len -= used;
	}
	batch_flush(&batch);
}

void crilog_end(struct crilog_stream *stream, const struct timespec *now)
{
	struct batch batch;

	batch_begin(&batch, stream, now);
	if (stream->held_len)
		batch_line(&batch, stream, batch.full, "", 0);
	batch_flush(&batch);
	free(stream->held);
	stream->held = NULL;
}
