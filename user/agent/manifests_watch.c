// SPDX-License-Identifier: Apache-2.0
#include "user/agent/manifests_watch.h"

#include <limits.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/base/fs.h"
#include "user/base/loop.h"

#define FILE_EVENTS                                                                         \
	(IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE | \
		IN_ATTRIB)
#define WAY_EVENTS  (IN_CREATE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE)
#define SELF_EVENTS (IN_DELETE_SELF | IN_MOVE_SELF)

bool manifests_is_file(const char *file)
{
	static const char *const endings[] = {".yaml", ".yml", ".json"};
	size_t len = strlen(file);

	if (file[0] == '.' || file[0] == '#')
		return false;
	for (size_t i = 0; i < COUNT(endings); i++) {
		size_t end = strlen(endings[i]);

		if (len > end && strcmp(file + len - end, endings[i]) == 0)
			return true;
	}
	return false;
}

/* A file that open(2) has just made is empty and will be closed; links and renames are complete. */
static bool is_being_made(const struct manifests_watch *watch, const char *file)
{
	AUTO_FREE char *path = fs_format("%s/%s", watch->dir, file);
	struct stat st;

	return path && lstat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == 0 &&
	       st.st_nlink == 1;
}

/* Anything can be what a manifest's symbolic link leads through. */
static bool link_event(struct manifests_watch *watch, const struct inotify_event *event)
{
	watch->beyond |= (event->mask & IN_MOVED_TO) != 0; /* a link that leads nowhere keeps all */
	return (event->mask & (IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE)) != 0;
}

/* Returns whether a scan is worth while. */
static bool file_event(struct manifests_watch *watch, const struct inotify_event *event)
{
	bool writing;

	if (event->mask & SELF_EVENTS)
		return watch->beyond = true;
	if (!event->len)
		return false;
	if (!manifests_is_file(event->name))
		return link_event(watch, event);
	writing = (event->mask & IN_MODIFY) ||
		  ((event->mask & IN_CREATE) && is_being_made(watch, event->name));
	if ((event->mask & IN_ATTRIB) && json_is_true(json_object_get(watch->touched, event->name)))
		return false;
	/* Out of memory the mark is lost: the stamp of the file still tells that it changed. */
	json_object_set_new(watch->touched, event->name, json_boolean(writing));
	return !writing;
}

static bool watch_event(struct manifests_watch *watch, const struct inotify_event *event)
{
	bool matters = false;

	if (event->mask & IN_Q_OVERFLOW) {
		/* What was lost is unknown, also whether a writer has closed. */
		json_object_clear(watch->touched);
		return watch->beyond = true;
	}
	if (event->wd == watch->way_wd)
		matters = (event->mask & SELF_EVENTS) ||
			  (event->len && watch->way_next &&
				  strcmp(event->name, watch->way_next) == 0);
	watch->beyond |= matters;
	if (event->wd == watch->dir_wd)
		matters |= file_event(watch, event);
	if (event->mask & IN_IGNORED) {
		if (event->wd == watch->way_wd)
			watch->way_wd = -1;
		if (event->wd == watch->dir_wd)
			watch->dir_wd = -1;
	}
	return matters;
}

bool manifests_watch_drain(struct manifests_watch *watch)
{
	_Alignas(struct inotify_event) char buffer[16384];
	bool matters = false;
	ssize_t n;

	while ((n = read(watch->fd, buffer, sizeof(buffer))) > 0) {
		const char *p = buffer;

		while (p < buffer + n) {
			const struct inotify_event *event = (const void *)p;

			matters |= watch_event(watch, event);
			p += sizeof(*event) + event->len;
		}
	}
	return matters;
}

static int watch_readable(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct manifests_watch *watch = userdata;

	(void)source;
	(void)fd;
	(void)revents;
	if (manifests_watch_drain(watch))
		watch->fn(watch->userdata);
	return 0;
}

/* Moves *@wd to @path; the old watch goes when it was on another directory. */
static int watch_move(struct manifests_watch *watch, int *wd, const char *path, uint32_t mask)
{
	int other = wd == &watch->dir_wd ? watch->way_wd : watch->dir_wd;
	int now = inotify_add_watch(watch->fd, path, mask | SELF_EVENTS | IN_ONLYDIR | IN_MASK_ADD);
	int r = now < 0 ? -errno : 0;

	if (*wd >= 0 && *wd != now && *wd != other)
		inotify_rm_watch(watch->fd, *wd);
	*wd = now;
	return r;
}

static bool is_missing(int r)
{
	return r == -ENOENT || r == -ENOTDIR;
}

/* Watches the nearest directory above that exists, for the name that leads down from it. */
static int way_arm(struct manifests_watch *watch, struct err *err)
{
	AUTO_FREE char *path = strdup(watch->dir);
	size_t len;

	if (!path)
		return err_set(err, ENOMEM, "watch '%s'", watch->dir);
	for (len = strlen(path); len > 1 && path[len - 1] == '/'; len--)
		path[len - 1] = '\0';
	for (;;) {
		char *slash = strrchr(path, '/');
		const char *above = !slash ? "." : slash == path ? "/" : path;
		char *next = strdup(slash ? slash + 1 : path);
		int r;

		if (!next)
			return err_set(err, ENOMEM, "watch '%s'", watch->dir);
		free(watch->way_next);
		watch->way_next = next;
		if (slash)
			*slash = '\0';
		r = watch_move(watch, &watch->way_wd, above, WAY_EVENTS);
		if (r == 0)
			return 0;
		if (!is_missing(r) || above != path)
			return err_set(err, -r, "watch '%s'", above);
	}
}

int manifests_watch_arm(struct manifests_watch *watch, struct err *err)
{
	int r = way_arm(watch, err);

	if (r < 0)
		return r;
	r = watch_move(watch, &watch->dir_wd, watch->dir, FILE_EVENTS);
	return r == 0 || is_missing(r) ? 0 : err_set(err, -r, "watch '%s'", watch->dir);
}

int manifests_watch_start(struct manifests_watch *watch, sd_event *loop, const char *dir,
	void (*fn)(void *userdata), void *userdata, struct err *err)
{
	int r;

	*watch = (struct manifests_watch){
		.fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK),
		.dir_wd = -1,
		.way_wd = -1,
		.dir = strdup(dir),
		.touched = json_object(),
		.fn = fn,
		.userdata = userdata,
	};
	if (watch->fd < 0)
		return err_set(err, errno, "watch '%s'", dir);
	if (!watch->dir || !watch->touched)
		return err_set(err, ENOMEM, "watch '%s'", dir);
	r = sd_event_add_io(loop, &watch->source, watch->fd, EPOLLIN, watch_readable, watch);
	return r < 0 ? err_set(err, -r, "watch '%s'", dir) : 0;
}

void manifests_watch_stop(struct manifests_watch *watch)
{
	watch->source = source_free(watch->source);
	close_fd(&watch->fd);
	json_decref(watch->touched);
	watch->touched = NULL;
	free(watch->way_next);
	watch->way_next = NULL;
	free(watch->dir);
	watch->dir = NULL;
}
