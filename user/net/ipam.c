// SPDX-License-Identifier: Apache-2.0
#include "user/net/ipam.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/file.h>

#include "user/base/cleanup.h"
#include "user/base/clock.h"
#include "user/base/err.h"
#include "user/base/fs.h"
#include "user/base/record.h"

#define IPAM_IN_USE_MAX (1u << 20)
#define IPAM_KIND	"address"

/* The records of a directory, sorted by address. */
struct ipam_entry {
	uint32_t address; /* host byte order */
	char tag[IPAM_TAG_LEN + 1];
};

struct ipam_list {
	struct ipam_entry *entries;
	size_t count;
};

static void ipam_list_free(struct ipam_list *list)
{
	free(list->entries);
}

#define AUTO_LIST AUTO_CLEANUP(ipam_list_free) struct ipam_list

static void ipam_path(const char *dir, const struct ipam_entry *entry, char ret[PATH_MAX])
{
	struct in_addr address = {htonl(entry->address)};
	char text[INET_ADDRSTRLEN];

	snprintf(ret, PATH_MAX, "%s/%s@%s", dir, inet_ntop(AF_INET, &address, text, sizeof(text)),
		entry->tag);
}

/* True when @name is one of our records, no temporary and nothing set aside. */
static bool ipam_parse_name(const char *name, struct ipam_entry *ret)
{
	const char *at = strchr(name, '@');
	char text[INET_ADDRSTRLEN];
	struct in_addr address;

	if (!at || (size_t)(at - name) >= sizeof(text) || strlen(at + 1) != IPAM_TAG_LEN ||
		strspn(at + 1, "0123456789abcdef") != IPAM_TAG_LEN)
		return false;
	memcpy(text, name, (size_t)(at - name));
	text[at - name] = '\0';
	if (inet_pton(AF_INET, text, &address) != 1)
		return false;
	ret->address = ntohl(address.s_addr);
	memcpy(ret->tag, at + 1, IPAM_TAG_LEN + 1);
	return true;
}

static int ipam_compare(const void *one, const void *other)
{
	const struct ipam_entry *a = one, *b = other;

	return a->address < b->address ? -1 : a->address > b->address;
}

static int ipam_append(struct ipam_list *list, const struct ipam_entry *entry)
{
	/* Grows at powers of two. */
	if ((list->count & (list->count - 1)) == 0) {
		size_t room = list->count ? list->count * 2 : 1;
		struct ipam_entry *grown = reallocarray(list->entries, room, sizeof(*grown));

		if (!grown || list->count >= IPAM_IN_USE_MAX)
			return -ENOMEM;
		list->entries = grown;
	}
	list->entries[list->count++] = *entry;
	return 0;
}

static bool ipam_is_temporary(const char *name)
{
	size_t len = strlen(name);

	return len > 4 && strcmp(name + len - 4, ".new") == 0;
}

/* Call with the lock held: then a temporary file is what a killed process left. */
static int ipam_list(const char *path, struct ipam_list *list, struct err *err)
{
	AUTO_DIR dir = opendir(path);
	struct dirent *file;

	if (!dir)
		return err_set(err, errno, "open address pool '%s'", path);
	while (errno = 0, file = readdir(dir)) {
		struct ipam_entry entry;

		if (ipam_is_temporary(file->d_name) && unlinkat(dirfd(dir), file->d_name, 0) < 0)
			return err_set(err, errno, "remove '%s/%s'", path, file->d_name);
		if (ipam_parse_name(file->d_name, &entry) && ipam_append(list, &entry) < 0)
			return err_set(err, ENOMEM, "list address pool '%s'", path);
	}
	if (errno)
		return err_set(err, errno, "list address pool '%s'", path);
	if (list->count)
		qsort(list->entries, list->count, sizeof(*list->entries), ipam_compare);
	return 0;
}

/* The lock lives as long as the descriptor: a killed holder gives it back. */
static int ipam_lock(const char *dir, int *ret_fd, struct err *err)
{
	char path[PATH_MAX];
	AUTO_FD fd = -1;

	snprintf(path, sizeof(path), "%s/lock", dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_set(err, errno, "open '%s'", path);
	while (flock(fd, LOCK_EX) < 0)
		if (errno != EINTR)
			return err_set(err, errno, "lock '%s'", path);
	*ret_fd = take_fd(&fd);
	return 0;
}

/* Removes a record that this boot did not write; keeps an unreadable one beside, for people. */
static int ipam_reclaim(const char *path, struct err *err)
{
	AUTO_FREE char *note = NULL;
	bool this_boot;
	int r;

	r = record_read(path, IPAM_KIND, &note, NULL, &this_boot, err);
	if (r == -EBADMSG || r == -EPROTONOSUPPORT)
		return record_set_aside(path, err);
	if (r < 0)
		return r;
	if (!this_boot && unlink(path) < 0)
		return err_set(err, errno, "remove '%s'", path);
	return 0;
}

/* Once per boot, told by DIR/boot.  Call with the lock held. */
static int ipam_reclaim_all(const char *dir, struct err *err)
{
	const char *boot = clock_boot_id();
	AUTO_LIST list = {.entries = NULL};
	AUTO_FREE char *known = NULL;
	char path[PATH_MAX];
	int r;

	snprintf(path, sizeof(path), "%s/boot", dir);
	r = fs_read(path, 64, &known, NULL, err);
	if (r < 0 && r != -ENOENT && r != -EFBIG)
		return r;
	if (r == 0 && strcmp(known, boot) == 0)
		return 0;

	r = ipam_list(dir, &list, err);
	for (size_t i = 0; r == 0 && i < list.count; i++) {
		char record[PATH_MAX];

		ipam_path(dir, &list.entries[i], record);
		r = ipam_reclaim(record, err);
	}
	if (r < 0)
		return r;
	return fs_replace(path, boot, strlen(boot), 0600, FS_VOLATILE, err);
}

static bool ipam_is_free(const struct ipam_list *list, uint32_t address)
{
	struct ipam_entry key = {.address = address};

	return !list->count ||
	       !bsearch(&key, list->entries, list->count, sizeof(key), ipam_compare);
}

/*
 * The first free address of the ranges after @last, wrapping around.  Two passes over the ranges:
 * what follows @last in its range and all later ones, then everything from the beginning.
 */
static bool ipam_choose(
	const struct ipam_pool *pool, const struct ipam_list *list, uint32_t last, uint32_t *ret)
{
	bool found = false;

	for (size_t i = 0; i < 2 * pool->range_count; i++) {
		const struct ipam_range *range = &pool->ranges[i % pool->range_count];
		uint64_t address = range->first;

		if (i < pool->range_count && !found) {
			if (last < range->first || last > range->last)
				continue;
			found = true;
			address = (uint64_t)last + 1;
		}
		for (; address <= range->last; address++) {
			if (!ipam_is_free(list, (uint32_t)address))
				continue;
			*ret = (uint32_t)address;
			return true;
		}
	}
	return false;
}

/* DIR/last: the address given out last; only a hint, so whatever cannot be read is 0. */
static uint32_t ipam_last(const char *dir)
{
	AUTO_FREE char *text = NULL;
	struct in_addr address;
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/last", dir);
	if (fs_read(path, INET_ADDRSTRLEN, &text, NULL, NULL) < 0 ||
		inet_pton(AF_INET, text, &address) != 1)
		return 0;
	return ntohl(address.s_addr);
}

static int ipam_set_last(const char *dir, uint32_t last, struct err *err)
{
	struct in_addr address = {htonl(last)};
	char text[INET_ADDRSTRLEN], path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/last", dir);
	inet_ntop(AF_INET, &address, text, sizeof(text));
	return fs_replace(path, text, strlen(text), 0600, FS_VOLATILE, err);
}

static int ipam_reserve(const struct ipam_pool *pool, const struct ipam_owner *owner,
	struct ipam_entry *ret, struct err *err)
{
	AUTO_LIST list = {.entries = NULL};
	char path[PATH_MAX];
	int r;

	r = ipam_list(pool->dir, &list, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < list.count; i++)
		if (strcmp(list.entries[i].tag, owner->tag) == 0)
			return err_refuse(err, EEXIST, "this attachment has an address already");
	if (!ipam_choose(pool, &list, ipam_last(pool->dir), &ret->address))
		return err_refuse(
			err, EADDRNOTAVAIL, "no free address: all of '%s' are in use", pool->dir);
	r = ipam_set_last(pool->dir, ret->address, err);
	if (r < 0)
		return r;
	memcpy(ret->tag, owner->tag, IPAM_TAG_LEN + 1);
	ipam_path(pool->dir, ret, path);
	return record_write(path, IPAM_KIND, owner->note, strlen(owner->note), FS_VOLATILE, err);
}

static int ipam_sync(const char *path, int flags, struct err *err)
{
	AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC | flags);

	if (fd < 0 || fsync(fd) < 0)
		return err_set(err, errno, "sync '%s'", path);
	return 0;
}

int ipam_take(const struct ipam_pool *pool, const struct ipam_owner *owner, struct in_addr *ret,
	struct err *err)
{
	struct ipam_entry entry;
	char path[PATH_MAX];
	AUTO_FD lock = -1;
	int r;

	r = fs_mkdir(pool->dir, 0700, err);
	if (r == 0)
		r = ipam_lock(pool->dir, &lock, err);
	if (r == 0)
		r = ipam_reclaim_all(pool->dir, err);
	if (r == 0)
		r = ipam_reserve(pool, owner, &entry, err);
	if (r < 0)
		return r;
	close_fd(&lock);

	/* Others see the record since its rename; the disk may take its time without the lock. */
	ipam_path(pool->dir, &entry, path);
	r = ipam_sync(path, 0, err);
	if (r == 0)
		r = ipam_sync(pool->dir, O_DIRECTORY, err);
	if (r < 0) {
		ipam_release(pool->dir, owner->tag, NULL);
		return r;
	}
	ret->s_addr = htonl(entry.address);
	return 0;
}

/* Lists the pool under its lock; a pool that does not exist is an empty one. */
static int ipam_list_locked(const char *dir, int *ret_lock, struct ipam_list *list, struct err *err)
{
	int r;

	if (access(dir, F_OK) < 0 && errno == ENOENT)
		return 0;
	r = ipam_lock(dir, ret_lock, err);
	return r < 0 ? r : ipam_list(dir, list, err);
}

int ipam_find(const char *dir, const char *tag, struct in_addr *ret, struct err *err)
{
	AUTO_LIST list = {.entries = NULL};
	AUTO_FD lock = -1;
	int r;

	r = ipam_list_locked(dir, &lock, &list, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < list.count; i++) {
		if (strcmp(list.entries[i].tag, tag) != 0)
			continue;
		ret->s_addr = htonl(list.entries[i].address);
		return 0;
	}
	return err_refuse(err, ENOENT, "no address in '%s' belongs to '%s'", dir, tag);
}

int ipam_release(const char *dir, const char *tag, struct err *err)
{
	AUTO_LIST list = {.entries = NULL};
	char path[PATH_MAX];
	AUTO_FD lock = -1;
	int r;

	r = ipam_list_locked(dir, &lock, &list, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < list.count; i++) {
		if (strcmp(list.entries[i].tag, tag) != 0)
			continue;
		ipam_path(dir, &list.entries[i], path);
		if (unlink(path) < 0 && errno != ENOENT)
			return err_set(err, errno, "remove '%s'", path);
	}
	return 0;
}
