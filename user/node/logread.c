// SPDX-License-Identifier: Apache-2.0
#include "user/node/logread.h"

#include <fcntl.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/base/fs.h"
#include "user/base/loop.h"
#include "user/model/value.h"
#include "user/model/wiretime.h"

#define CHUNK (64u << 10) /* read in one turn of the loop; a longer line is passed on as it is */

struct logread {
	char *dir, *path;
	int fd;
	sd_event_source *turn;	 /* enabled while there may be something to read */
	sd_event_source *watch;	 /* the directory, when following */
	bool finishing, waiting; /* waiting: the consumer said so */
	int64_t since, left;	 /* left: bytes that may still be handed out; LOGREAD_ALL */
	bool times, in_line;	 /* in_line: the last piece was not the end of its line */
	bool rotated; /* a newer file stands at our path: read this one to its end, then that */
	char buffer[CHUNK];
	size_t have; /* bytes of it that are not handed out yet */
	const struct logread_events *events;
	void *userdata;
	bool busy, doomed;
};

/* "12.log" is attempt 12; anything else, rotated files included, is none. */
static bool log_attempt(const char *name, unsigned *ret)
{
	char *end;
	unsigned long n;

	if (name[0] < '0' || name[0] > '9')
		return false;
	n = strtoul(name, &end, 10);
	*ret = (unsigned)n;
	return strcmp(end, ".log") == 0 && n <= INT32_MAX;
}

/* The newest attempt, or the one before it. */
static int logread_choose(const char *dir, bool previous, unsigned *ret, struct err *err)
{
	AUTO_DIR directory = opendir(dir);
	unsigned attempt, newest = 0, found = 0;
	unsigned before = 0;
	struct dirent *entry;

	if (!directory)
		return err_set(err, errno, "open log directory '%s'", dir);
	while ((entry = readdir(directory))) {
		if (!log_attempt(entry->d_name, &attempt))
			continue;
		if (found == 0 || attempt > newest) {
			before = newest;
			newest = attempt;
		} else if (found == 1 || attempt > before) {
			before = attempt;
		}
		found++;
	}
	if (found < (previous ? 2 : 1))
		return err_refuse(
			err, ENOENT, previous ? "there is no previous log" : "there is no log yet");
	*ret = previous ? before : newest;
	return 0;
}

/* Where the last @lines lines begin.  The newline at the very end closes the last line, it begins none. */
static int logread_tail(int fd, int64_t lines, off_t *ret, struct err *err)
{
	AUTO_FREE char *buffer = malloc(CHUNK);
	off_t size = lseek(fd, 0, SEEK_END), at = size;

	if (!buffer)
		return err_set(err, ENOMEM, "look for the last lines");
	while (at > 0 && lines > 0) {
		size_t len = at < (off_t)CHUNK ? (size_t)at : CHUNK;

		if (pread(fd, buffer, len, at - (off_t)len) != (ssize_t)len)
			return err_refuse(err, EIO, "cannot read the end of the log");
		for (; len > 0; len--, at--) {
			if (buffer[len - 1] == '\n' && at != size && --lines == 0)
				break;
		}
	}
	*ret = at;
	return 0;
}

struct piece {
	const char *time; /* time_len 0: the line has another form, and is passed on whole */
	size_t time_len;
	const char *text;
	size_t len;
	bool partial; /* the container's line goes on */
};

/* The container's text in one line of the log ("TIME STREAM TAG TEXT\n"; tag P: the line goes on). */
static struct piece line_read(const char *line, size_t len)
{
	struct piece piece = {.text = line, .len = len};
	const char *time_end = memchr(line, ' ', len), *end = line + len;
	const char *stream_end =
		time_end ? memchr(time_end + 1, ' ', (size_t)(end - time_end - 1)) : NULL;
	const char *tag_end =
		stream_end ? memchr(stream_end + 1, ' ', (size_t)(end - stream_end - 1)) : NULL;

	if (!tag_end ||
		(strncmp(time_end + 1, "stdout ", 7) && strncmp(time_end + 1, "stderr ", 7)) ||
		(stream_end[1] != 'P' && stream_end[1] != 'F'))
		return piece;
	piece.partial = stream_end[1] == 'P' && end[-1] == '\n';
	piece.time = line;
	piece.time_len = (size_t)(time_end - line);
	piece.text = tag_end + 1;
	piece.len = (size_t)(end - tag_end - 1) - piece.partial;
	return piece;
}

static void logread_say(struct logread *reader, const char *text, size_t len)
{
	if (reader->left != LOGREAD_ALL && (int64_t)len > reader->left)
		len = (size_t)reader->left;
	if (reader->left != LOGREAD_ALL)
		reader->left -= (int64_t)len;
	if (len && reader->events->text(reader->userdata, text, len) != 0)
		reader->waiting = true;
}

static bool piece_is_wanted(const struct logread *reader, const struct piece *piece)
{
	int64_t seconds;
	int32_t nanoseconds;
	char text[WIRETIME_LEN];

	if (!reader->since || !piece->time_len || piece->time_len >= sizeof(text))
		return true;
	memcpy(text, piece->time, piece->time_len);
	text[piece->time_len] = '\0';
	if (!value_is_time(text))
		return true;
	wiretime_parse(text, &seconds, &nanoseconds);
	return seconds * (int64_t)USEC_PER_SEC + nanoseconds / 1000 >= reader->since;
}

static void logread_say_line(struct logread *reader, const char *line, size_t len)
{
	struct piece piece = line_read(line, len);

	if (!piece_is_wanted(reader, &piece))
		return;
	if (reader->times && piece.time_len && !reader->in_line)
		logread_say(reader, piece.time, piece.time_len + 1);
	reader->in_line = piece.partial;
	if (!reader->doomed)
		logread_say(reader, piece.text, piece.len);
}

static void logread_end(struct logread *reader, int result, const char *reason)
{
	reader->turn = source_free(reader->turn);
	reader->watch = source_free(reader->watch);
	reader->events->ended(reader->userdata, result, reason);
}

static void logread_wake(struct logread *reader)
{
	if (reader->turn && !reader->waiting)
		sd_event_source_set_enabled(reader->turn, SD_EVENT_ON);
}

/* Hands out what @buffer holds of whole lines; stops when the consumer wants to wait. */
static void logread_hand_out(struct logread *reader)
{
	size_t at = 0;

	while (at < reader->have && !reader->waiting && !reader->doomed && reader->left) {
		const char *line = reader->buffer + at;
		const char *newline = memchr(line, '\n', reader->have - at);
		size_t len = newline ? (size_t)(newline + 1 - line) : reader->have - at;

		if (!newline && (at > 0 || reader->have < CHUNK))
			break;
		logread_say_line(reader, line, len);
		at += len;
	}
	memmove(reader->buffer, reader->buffer + at, reader->have - at);
	reader->have -= at;
}

/* True when a newer file stands where ours was opened. */
static bool logread_is_rotated(const struct logread *reader)
{
	struct stat ours, theirs;

	return fstat(reader->fd, &ours) == 0 && stat(reader->path, &theirs) == 0 &&
	       (ours.st_ino != theirs.st_ino || ours.st_dev != theirs.st_dev);
}

/* A line without an end at the end of a file: its writer was killed in it. */
static void logread_hand_out_rest(struct logread *reader)
{
	size_t have = reader->have;

	if (!have)
		return;
	reader->have = 0;
	logread_say_line(reader, reader->buffer, have);
}

static int logread_switch(struct logread *reader)
{
	int fd = open(reader->path, O_RDONLY | O_CLOEXEC);

	reader->rotated = false;
	if (fd < 0)
		return -errno;
	close(reader->fd);
	reader->fd = fd;
	return 0;
}

/* Nothing more to read for now. */
static void logread_at_end(struct logread *reader)
{
	bool following = reader->watch && !reader->finishing;
	int r;

	if (!reader->rotated && logread_is_rotated(reader)) {
		/* The writer may have added to the old file until it made the new one: once more. */
		reader->rotated = true;
		return;
	}
	if (following && !reader->rotated) {
		sd_event_source_set_enabled(reader->turn, SD_EVENT_OFF);
		return;
	}
	logread_hand_out_rest(reader);
	if (reader->doomed)
		return;
	if (!reader->rotated) {
		logread_end(reader, 0, "");
		return;
	}
	r = logread_switch(reader);
	if (r < 0)
		logread_end(reader, r, "the log was removed while it was read");
}

static void logread_read(struct logread *reader)
{
	ssize_t n = read(reader->fd, reader->buffer + reader->have, CHUNK - reader->have);

	if (n < 0) {
		logread_end(reader, -errno, strerror(errno));
		return;
	}
	reader->have += (size_t)n;
	logread_hand_out(reader);
	if (n == 0 && !reader->waiting && !reader->doomed && reader->left)
		logread_at_end(reader);
}

static int logread_turn(sd_event_source *source, void *userdata)
{
	struct logread *reader = userdata;

	(void)source;
	reader->busy = true;
	logread_hand_out(reader);
	if (!reader->waiting && !reader->doomed && reader->left)
		logread_read(reader);
	if (!reader->left && !reader->doomed)
		logread_end(reader, 0, "");
	reader->busy = false;
	if (reader->doomed)
		logread_free(reader);
	else if (reader->turn && reader->waiting)
		sd_event_source_set_enabled(reader->turn, SD_EVENT_OFF);
	return 0;
}

static int logread_changed(
	sd_event_source *source, const struct inotify_event *event, void *userdata)
{
	(void)source;
	(void)event;
	logread_wake(userdata);
	return 0;
}

static int logread_watch(struct logread *reader, sd_event *loop, bool follow, struct err *err)
{
	int r = sd_event_add_defer(loop, &reader->turn, logread_turn, reader);

	if (r >= 0)
		r = sd_event_source_set_enabled(reader->turn, SD_EVENT_ON);
	/* Below everything else: a long log must not delay a probe. */
	if (r >= 0)
		r = sd_event_source_set_priority(reader->turn, SD_EVENT_PRIORITY_IDLE);
	if (r >= 0 && follow)
		r = sd_event_add_inotify(loop, &reader->watch, reader->dir,
			IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM, logread_changed,
			reader);
	return r < 0 ? err_set(err, -r, "watch the log") : 0;
}

static int logread_begin(
	struct logread *reader, sd_event *loop, const struct logread_spec *spec, struct err *err)
{
	off_t at = 0;
	unsigned attempt = 0;
	int r = logread_choose(spec->dir, spec->previous, &attempt, err);

	if (r < 0)
		return r;
	reader->dir = strdup(spec->dir);
	reader->path = fs_format("%s/%u.log", spec->dir, attempt);
	if (!reader->dir || !reader->path)
		return err_set(err, ENOMEM, "read a log");
	/* The watch comes first: what is written after the open wakes us. */
	r = logread_watch(reader, loop, spec->follow && !spec->previous, err);
	if (r < 0)
		return r;
	reader->fd = open(reader->path, O_RDONLY | O_CLOEXEC);
	if (reader->fd < 0)
		return err_set(err, errno, "open log '%s'", reader->path);
	if (spec->tail != LOGREAD_ALL)
		r = logread_tail(reader->fd, spec->tail, &at, err);
	if (r >= 0 && lseek(reader->fd, at, SEEK_SET) < 0)
		r = err_set(err, errno, "seek in log '%s'", reader->path);
	return r;
}

int logread_open(sd_event *loop, const struct logread_spec *spec,
	const struct logread_events *events, void *userdata, struct logread **ret, struct err *err)
{
	struct logread *reader = calloc(1, sizeof(*reader));
	int r;

	if (!reader)
		return err_set(err, ENOMEM, "read a log");
	reader->fd = -1;
	reader->since = spec->since;
	reader->left = spec->most ? spec->most : LOGREAD_ALL;
	reader->times = spec->times;
	reader->events = events;
	reader->userdata = userdata;
	r = logread_begin(reader, loop, spec, err);
	if (r < 0) {
		logread_free(reader);
		return r;
	}
	*ret = reader;
	return 0;
}

void logread_resume(struct logread *reader)
{
	reader->waiting = false;
	logread_wake(reader);
}

void logread_finish(struct logread *reader)
{
	reader->finishing = true;
	logread_wake(reader);
}

struct logread *logread_free(struct logread *reader)
{
	if (!reader)
		return NULL;
	if (reader->busy) {
		reader->doomed = true;
		return NULL;
	}
	source_free(reader->turn);
	source_free(reader->watch);
	cleanup_fd(&reader->fd);
	free(reader->dir);
	free(reader->path);
	free(reader);
	return NULL;
}
