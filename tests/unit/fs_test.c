// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/check.h"
#include "user/base/fs.h"
#include "user/base/record.h"

/*
 * What fs.c asks of the kernel, in order: these stand before libc's functions of the same names.  A
 * descriptor is told by the name of its file, a directory's by "/".
 */
static char calls[512];

static void call_note(const char *call, const char *name)
{
	size_t len = strlen(calls);

	snprintf(calls + len, sizeof(calls) - len, "%s(%s) ", call, name);
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

int fsync(int fd)
{
	char link[64], path[PATH_MAX] = "";
	struct stat st;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if (readlink(link, path, sizeof(path) - 1) < 0 || fstat(fd, &st) < 0)
		return -1;
	call_note("fsync", S_ISDIR(st.st_mode) ? "/" : base_name(path));
	return (int)syscall(SYS_fsync, fd);
}

int rename(const char *from, const char *to)
{
	call_note("rename", base_name(to));
	return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

static const char *scratch(void)
{
	static char dir[64];
	struct err err;

	snprintf(dir, sizeof(dir), "/tmp/podnet-test-fs.%d", getpid());
	if (fs_mkdir(dir, 0700, &err) < 0)
		BAIL(err.text);
	return dir;
}

/* Makes a chain of @depth directories below @top. */
static void nest(const char *top, unsigned depth)
{
	int fd = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	while (depth--) {
		int next = mkdirat(fd, "d", 0700) < 0
				   ? -1
				   : openat(fd, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (next < 0)
			BAIL("cannot make a deep tree");
		close(fd);
		fd = next;
	}
	close(fd);
}

TEST(a_tree_deeper_than_our_descriptors_is_removed)
{
	struct rlimit before, few;
	const char *dir = scratch();
	struct err err;

	nest(dir, 3000);
	getrlimit(RLIMIT_NOFILE, &before);
	few = before;
	few.rlim_cur = 200;
	setrlimit(RLIMIT_NOFILE, &few);
	CHECK_OK("remove", fs_remove(dir, &err), &err);
	setrlimit(RLIMIT_NOFILE, &before);
	CHECK("it is gone", access(dir, F_OK) < 0);
	CHECK_OK("again is success", fs_remove(dir, &err), &err);
}

TEST(removing_follows_no_links)
{
	char link[80], victim[80];
	const char *dir = scratch();
	struct err err;

	snprintf(victim, sizeof(victim), "%s.victim", dir);
	snprintf(link, sizeof(link), "%s/link", dir);
	CHECK_OK("victim", fs_mkdir(victim, 0700, &err), &err);
	CHECK("link", symlink(victim, link) == 0);
	CHECK_OK("remove", fs_remove(dir, &err), &err);
	CHECK("what a link named is still there", access(victim, F_OK) == 0);
	CHECK_OK("clean up", fs_remove(victim, &err), &err);
}

static bool is_short(void *userdata, const char *name)
{
	return strlen(name) < *(size_t *)userdata;
}

TEST(entries_of_a_directory_are_removed_by_name)
{
	char dir[] = "/tmp/fs.XXXXXX", path[64];
	static const char *const names[] = {"a", "bb", "ccc"};
	size_t less = 3;
	struct err err = {0};

	if (!mkdtemp(dir))
		BAIL("a directory");
	for (size_t i = 0; i < COUNT(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		CHECK_OK("made", fs_mkdir(path, 0700, &err), &err);
	}
	CHECK_OK("removed", fs_remove_entries(dir, is_short, &less, &err), &err);
	for (size_t i = 0; i < COUNT(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		CHECK_EQ(names[i], access(path, F_OK) == 0, strlen(names[i]) >= less);
	}
	CHECK_OK("all", fs_remove(dir, &err), &err);
	CHECK_OK("of one that is not there", fs_remove_entries(dir, is_short, &less, &err), &err);
}

TEST(a_file_is_replaced_whole_with_its_mode)
{
	AUTO_FREE char *text = NULL;
	const char *dir = scratch();
	struct stat st = {0};
	char path[80];
	struct err err;
	size_t len;

	snprintf(path, sizeof(path), "%s/file", dir);
	CHECK_OK("write", fs_replace(path, "one", 3, 0600, FS_DURABLE, &err), &err);
	CHECK_OK("replace", fs_replace(path, "second", 6, 0640, FS_VOLATILE, &err), &err);
	CHECK_OK("read", fs_read(path, 100, &text, &len, &err), &err);
	CHECK_STR("the new text", text, "second");
	CHECK_EQ("its length", len, 6);
	stat(path, &st);
	CHECK_EQ("its mode", st.st_mode & 07777, 0640);
	CHECK_FAILS("too large a file is refused", fs_read(path, 5, &text, &len, &err), EFBIG, &err,
		"larger than 5 bytes");
	CHECK_FAILS("a missing directory is named",
		fs_replace("/tmp/podnet-no/x", "", 0, 0600, FS_DURABLE, &err), ENOENT, &err,
		"/tmp/podnet-no/x");
	CHECK_OK("clean up", fs_remove(dir, &err), &err);
}

TEST(a_file_that_cannot_be_replaced_stays)
{
	struct rlimit limit, small;
	AUTO_FREE char *text = NULL;
	const char *dir = scratch();
	char path[80], temporary[90];
	struct err err;
	int r;

	snprintf(path, sizeof(path), "%s/file", dir);
	snprintf(temporary, sizeof(temporary), "%s.new", path);
	CHECK_OK("write", fs_replace(path, "before", 6, 0600, FS_VOLATILE, &err), &err);
	signal(SIGXFSZ, SIG_IGN);
	if (getrlimit(RLIMIT_FSIZE, &limit) < 0)
		BAIL("getrlimit");
	small = (struct rlimit){4, limit.rlim_max};
	if (setrlimit(RLIMIT_FSIZE, &small) < 0)
		BAIL("setrlimit");
	r = fs_replace(path, "after that", 10, 0600, FS_VOLATILE, &err);
	if (setrlimit(RLIMIT_FSIZE, &limit) < 0)
		BAIL("setrlimit");
	CHECK_FAILS("no room for the new one", r, EFBIG, &err, path);
	CHECK_OK("read", fs_read(path, 100, &text, NULL, &err), &err);
	CHECK_STR("the old text", text, "before");
	CHECK("no temporary file", access(temporary, F_OK) < 0);
	CHECK_OK("clean up", fs_remove(dir, &err), &err);
}

static void overwrite(const char *path, size_t at, char byte)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || pwrite(fd, &byte, 1, (off_t)at) != 1)
		BAIL("cannot damage a record");
	close(fd);
}

TEST(a_damaged_record_is_told_from_a_missing_one)
{
	AUTO_FREE char *text = NULL;
	const char *dir = scratch();
	struct stat st = {0};
	char path[80];
	struct err err;
	bool this_boot;

	snprintf(path, sizeof(path), "%s/record", dir);
	CHECK_FAILS(
		"missing", record_read(path, "pod", &text, NULL, NULL, &err), ENOENT, &err, path);
	CHECK_OK("write", record_write(path, "pod", "{}", 2, FS_VOLATILE, &err), &err);
	CHECK_OK("read", record_read(path, "pod", &text, NULL, &this_boot, &err), &err);
	CHECK_STR("the payload", text, "{}");
	CHECK("of this boot", this_boot);
	CHECK_FAILS("another kind", record_read(path, "exit", &text, NULL, NULL, &err), EBADMSG,
		&err, "it holds 'pod', not 'exit'");
	stat(path, &st);
	overwrite(path, (size_t)st.st_size - 1, '!');
	CHECK_FAILS("a changed byte", record_read(path, "pod", &text, NULL, NULL, &err), EBADMSG,
		&err, "wrong checksum");
	CHECK("truncate", truncate(path, st.st_size - 1) == 0);
	CHECK_FAILS("cut short", record_read(path, "pod", &text, NULL, NULL, &err), EBADMSG, &err,
		"1 bytes instead of 2");
	CHECK("empty", truncate(path, 0) == 0);
	CHECK_FAILS("nothing", record_read(path, "pod", &text, NULL, NULL, &err), EBADMSG, &err,
		"no header");
	CHECK_OK("set aside", record_set_aside(path, &err), &err);
	CHECK_FAILS("then it is missing", record_read(path, "pod", &text, NULL, NULL, &err), ENOENT,
		&err, path);
	CHECK_OK("clean up", fs_remove(dir, &err), &err);
}

TEST(what_must_survive_a_power_loss_is_on_the_disk_before_it_has_its_name)
{
	AUTO_FREE char *path = fs_format("%s/kept", scratch());
	struct err err = {0};

	calls[0] = '\0';
	CHECK_OK("replaced", fs_replace(path, "1", 1, 0600, FS_DURABLE, &err), &err);
	CHECK_STR("the file, its name, the directory", calls,
		"fsync(kept.new) rename(kept) fsync(/) ");
	calls[0] = '\0';
	CHECK_OK("a record", record_write(path, "test", "1", 1, FS_DURABLE, &err), &err);
	CHECK_STR("is no different", calls, "fsync(kept.new) rename(kept) fsync(/) ");
	calls[0] = '\0';
	CHECK_OK("what may be lost", fs_replace(path, "1", 1, 0600, FS_VOLATILE, &err), &err);
	CHECK_STR("costs no sync", calls, "rename(kept) ");
	CHECK_OK("cleaned", fs_remove(scratch(), &err), &err);
}
