// SPDX-License-Identifier: Apache-2.0
#include "user/node/mountinfo.h"

#include <limits.h>
#include <string.h>
#include <sys/mount.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/base/fs.h"

#define MOUNTINFO_MAX (64u << 20)

/* The kernel writes blanks, tabs, newlines and backslashes as three octal digits. */
static void mountinfo_unescape(char *text)
{
	char *to = text;

	for (const char *from = text; *from; from++) {
		if (from[0] == '\\' && from[1] >= '0' && from[1] <= '3' && from[2] >= '0' &&
			from[2] <= '7' && from[3] >= '0' && from[3] <= '7') {
			*to++ = (char)((from[1] - '0') * 64 + (from[2] - '0') * 8 + from[3] - '0');
			from += 3;
		} else {
			*to++ = *from;
		}
	}
	*to = '\0';
}

/* ID PARENT MAJOR:MINOR ROOT POINT OPTIONS [OPTIONAL...] - TYPE SOURCE SUPER-OPTIONS */
static bool mountinfo_split(char *line, struct mount_entry *ret)
{
	char *fields[6] = {0}, *tail[3] = {0}, *rest = line, *word;

	for (size_t i = 0; i < COUNT(fields); i++)
		fields[i] = strsep(&rest, " ");
	do
		word = strsep(&rest, " ");
	while (word && strcmp(word, "-") != 0);
	for (size_t i = 0; i < COUNT(tail); i++)
		tail[i] = strsep(&rest, " ");
	if (!tail[2])
		return false;
	mountinfo_unescape(fields[4]);
	*ret = (struct mount_entry){
		.device = fields[2], .point = fields[4], .type = tail[0], .options = tail[2]};
	return true;
}

int mountinfo_parse(char *text, mount_fn fn, void *userdata)
{
	char *line;
	int r = 0;

	while (r == 0 && (line = strsep(&text, "\n"))) {
		struct mount_entry entry;

		if (mountinfo_split(line, &entry))
			r = fn(&entry, userdata);
	}
	return r;
}

int mountinfo_read(char **ret, struct err *err)
{
	return fs_read("/proc/self/mountinfo", MOUNTINFO_MAX, ret, NULL, err);
}

struct points {
	const char *root;
	char **list;
	size_t count;
};

static void points_free(struct points *points)
{
	for (size_t i = 0; i < points->count; i++)
		free(points->list[i]);
	free(points->list);
}

static bool path_is_below(const char *path, const char *root)
{
	size_t len = strlen(root);

	return strncmp(path, root, len) == 0 && (path[len] == '\0' || path[len] == '/');
}

static int points_add(const struct mount_entry *entry, void *userdata)
{
	struct points *points = userdata;
	char **grown;

	if (!path_is_below(entry->point, points->root))
		return 0;
	grown = reallocarray(points->list, points->count + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	points->list = grown;
	grown[points->count] = strdup(entry->point);
	if (!grown[points->count])
		return -ENOMEM;
	points->count++;
	return 0;
}

int mounts_detach(const char *path, struct err *err)
{
	AUTO_FREE char *text = NULL;
	AUTO_FREE char *real = realpath(path, NULL);
	AUTO_CLEANUP(points_free) struct points points = {.root = real};
	int r;

	if (!real)
		return errno == ENOENT ? 0 : err_set(err, errno, "resolve '%s'", path);
	r = mountinfo_read(&text, err);
	if (r < 0)
		return r;
	r = mountinfo_parse(text, points_add, &points);
	if (r < 0)
		return err_set(err, -r, "list mounts below '%s'", path);
	for (size_t i = points.count; i-- > 0;)
		/* EINVAL: it went away with the mount it stood on. */
		if (umount2(points.list[i], MNT_DETACH | UMOUNT_NOFOLLOW) < 0 && errno != EINVAL &&
			errno != ENOENT)
			return err_set(err, errno, "unmount '%s'", points.list[i]);
	return 0;
}

static int point_is(const struct mount_entry *entry, void *userdata)
{
	return strcmp(entry->point, userdata) == 0;
}

bool mount_is_point(const char *path)
{
	AUTO_FREE char *text = NULL;
	AUTO_FREE char *real = realpath(path, NULL);

	return real && mountinfo_read(&text, NULL) == 0 &&
	       mountinfo_parse(text, point_is, real) != 0;
}
