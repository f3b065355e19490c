// SPDX-License-Identifier: Apache-2.0
#include "user/node/passwd.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/base/fs.h"

#define PASSWD_MAX (4u << 20)
#define ID_LAST	   4294967294 /* the one behind it means "unchanged" to the kernel */

/* Copies field @index of the line at @line (fields end with ':') to @ret; false: none, or too long. */
static bool line_field(const char *line, unsigned index, char *ret, size_t size)
{
	size_t len;

	for (; index; index--) {
		line += strcspn(line, ":\n");
		if (*line != ':')
			return false;
		line++;
	}
	len = strcspn(line, ":\n");
	if (len >= size)
		return false;
	memcpy(ret, line, len);
	ret[len] = '\0';
	return true;
}

static bool id_parse(const char *text, uint32_t *ret)
{
	char *end;
	unsigned long long value;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || *end || value > ID_LAST)
		return false;
	*ret = (uint32_t)value;
	return true;
}

/* The next line, or NULL behind the last one. */
static const char *line_next(const char *line)
{
	line += strcspn(line, "\n");
	return *line ? line + 1 : NULL;
}

/* The first line whose field @index is @value; NULL when there is none. */
static const char *line_find(const char *text, unsigned index, const char *value)
{
	char field[256];

	for (const char *line = text; line; line = line_next(line))
		if (line_field(line, index, field, sizeof(field)) && *field &&
			strcmp(field, value) == 0)
			return line;
	return NULL;
}

/* passwd is NAME:PASSWORD:UID:GID:..., group is NAME:PASSWORD:GID:MEMBER,...: field 2 is the number. */
static const char *line_by_name_or_id(const char *text, const char *who)
{
	uint32_t id;

	return line_find(text, id_parse(who, &id) ? 2 : 0, who);
}

static int user_find(const char *passwd, const char *who, struct identity *ret, char *name,
	size_t size, struct err *err)
{
	const char *line = line_by_name_or_id(passwd, who);
	char id[16];

	*name = '\0';
	ret->gid = 0;
	if (!line && id_parse(who, &ret->uid))
		return 0;
	if (!line)
		return err_refuse(err, EINVAL, "no user '%.100s' in the image", who);
	if (!line_field(line, 2, id, sizeof(id)) || !id_parse(id, &ret->uid) ||
		!line_field(line, 3, id, sizeof(id)) || !id_parse(id, &ret->gid) ||
		!line_field(line, 0, name, size))
		return err_refuse(
			err, EINVAL, "the image's /etc/passwd is damaged at user '%.100s'", who);
	return 0;
}

static int group_find(const char *group, const char *who, gid_t *ret, struct err *err)
{
	const char *line;
	char id[16];

	if (id_parse(who, ret))
		return 0;
	line = line_find(group, 0, who);
	if (!line)
		return err_refuse(err, EINVAL, "no group '%.100s' in the image", who);
	if (!line_field(line, 2, id, sizeof(id)) || !id_parse(id, ret))
		return err_refuse(
			err, EINVAL, "the image's /etc/group is damaged at group '%.100s'", who);
	return 0;
}

static bool group_has(const char *line, const char *name)
{
	size_t len = strlen(name);

	for (int i = 0; i < 3; i++) {
		line += strcspn(line, ":\n");
		if (*line != ':')
			return false;
		line++;
	}
	while (*line && *line != '\n') {
		size_t n = strcspn(line, ",\n");

		if (n == len && memcmp(line, name, n) == 0)
			return true;
		line += n + (line[n] == ',');
	}
	return false;
}

static int groups_collect(
	const char *group, const char *name, struct identity *ret, struct err *err)
{
	ret->groups[0] = ret->gid;
	ret->group_count = 1;
	for (const char *line = group; *name && line; line = line_next(line)) {
		char id[16];
		gid_t gid;

		if (!group_has(line, name) || !line_field(line, 2, id, sizeof(id)) ||
			!id_parse(id, &gid) || gid == ret->gid)
			continue;
		if (ret->group_count == IDENTITY_MAX_GROUPS)
			return err_refuse(err, E2BIG, "user '%.100s' is in more than %d groups",
				name, IDENTITY_MAX_GROUPS);
		ret->groups[ret->group_count++] = gid;
	}
	return 0;
}

/* Kubernetes trusts numbers only: a name may be anybody in the image. */
static int non_root_check(const char *user, const struct security *security, struct err *err)
{
	uint32_t id;

	if (!security->run_as_non_root)
		return 0;
	if (security->user == 0)
		return err_refuse(err, EPERM, "container's runAsUser breaks non-root policy");
	if (security->user > 0)
		return 0;
	if (!id_parse(user, &id))
		return err_refuse(err, EPERM,
			"container has runAsNonRoot and image has non-numeric user (%.100s), "
			"cannot "
			"verify user is non-root",
			user);
	if (id == 0)
		return err_refuse(
			err, EPERM, "container has runAsNonRoot and image will run as root");
	return 0;
}

int identity_find(const char *passwd, const char *group, const char *image_user,
	const struct security *security, struct identity *ret, struct err *err)
{
	AUTO_FREE char *user = strdup(*image_user ? image_user : "0");
	char *own_group = user ? strchr(user, ':') : NULL;
	char number[24], name[256];
	const char *who = user;
	int r;

	if (!user)
		return err_set(err, ENOMEM, "find user '%.100s'", image_user);
	if (own_group)
		*own_group++ = '\0';
	if (!*user)
		who = "0";
	r = non_root_check(who, security, err);
	if (r < 0)
		return r;
	if (security->user >= 0) {
		snprintf(number, sizeof(number), "%lld", (long long)security->user);
		who = number;
		own_group = NULL; /* USER's group belongs to USER's user */
	}
	r = user_find(passwd, who, ret, name, sizeof(name), err);
	if (r == 0 && own_group && *own_group)
		r = group_find(group, own_group, &ret->gid, err);
	if (security->group >= 0)
		ret->gid = (gid_t)security->group;
	return r < 0 ? r : groups_collect(group, name, ret, err);
}

/* Images may hold anything under these names: only a regular file is read, and only from inside. */
static int image_file_read(int root, const char *path, char **ret, struct err *err)
{
	const struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
	AUTO_FD fd = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
	char link[32];
	struct stat st;

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) {
		*ret = strdup("");
		return *ret ? 0 : err_set(err, ENOMEM, "read the image's /%s", path);
	}
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set(err, errno, "open the image's /%s", path);
	if (!S_ISREG(st.st_mode))
		return err_refuse(err, EINVAL, "the image's /%s is not a regular file", path);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	return fs_read(link, PASSWD_MAX, ret, NULL, err);
}

int identity_resolve(const char *root, const char *image_user, const struct security *security,
	struct identity *ret, struct err *err)
{
	AUTO_FD fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	AUTO_FREE char *passwd = NULL;
	AUTO_FREE char *group = NULL;
	int r;

	if (fd < 0)
		return err_set(err, errno, "open image root '%s'", root);
	r = image_file_read(fd, "etc/passwd", &passwd, err);
	if (r == 0)
		r = image_file_read(fd, "etc/group", &group, err);
	return r < 0 ? r : identity_find(passwd, group, image_user, security, ret, err);
}
