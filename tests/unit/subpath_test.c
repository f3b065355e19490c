// SPDX-License-Identifier: Apache-2.0
/* Needs root: subPaths are mounts, made in a mount namespace of the test's own. */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "tests/check.h"
#include "user/base/fs.h"
#include "user/node/mountinfo.h"
#include "user/node/subpath.h"

#define ROUNDS 3000

static char dir[40], volume[64], target[64];

static void begin(void)
{
	struct err err = {0};

	snprintf(dir, sizeof(dir), "/tmp/podnet-subpath.XXXXXX");
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		BAIL("this test needs root");
	if (!mkdtemp(dir))
		BAIL("mkdtemp");
	snprintf(volume, sizeof(volume), "%s/volume", dir);
	snprintf(target, sizeof(target), "%s/target", dir);
	if (fs_mkdir(volume, 0755, &err) < 0 || chmod(volume, 0770) < 0)
		BAIL("make a volume");
}

static void end(void)
{
	struct err err = {0};

	CHECK_OK("unmounted", mounts_detach(dir, &err), &err);
	CHECK_OK("cleaned", fs_remove(dir, &err), &err);
}

static void in_volume(char *ret, size_t size, const char *name)
{
	snprintf(ret, size, "%s/%s", volume, name);
}

TEST(a_missing_subpath_becomes_directories_of_the_volumes_mode)
{
	struct stat made, seen;
	struct err err = {0};
	char path[128];

	begin();
	CHECK_OK("mounted", subpath_mount(volume, "a/b/c", target, &err), &err);
	in_volume(path, sizeof(path), "a/b/c");
	if (CHECK("made", stat(path, &made) == 0 && stat(target, &seen) == 0)) {
		CHECK_EQ("with the volume's mode", made.st_mode & 07777, 0770);
		CHECK("and it is what is mounted", made.st_ino == seen.st_ino);
	}
	end();
}

TEST(a_file_is_mounted_as_a_file)
{
	AUTO_FREE char *text = NULL;
	struct err err = {0};
	char path[128], link[128];

	begin();
	in_volume(path, sizeof(path), "..data");
	in_volume(link, sizeof(link), "key");
	if (fs_replace(path, "text", 4, 0644, FS_VOLATILE, &err) < 0 || symlink("..data", link) < 0)
		BAIL("make a key");
	CHECK_OK("a link inside is followed", subpath_mount(volume, "key", target, &err), &err);
	CHECK_OK("read", fs_read(target, 100, &text, NULL, &err), &err);
	CHECK_STR("its content", text, "text");
	end();
}

TEST(what_leads_out_is_refused)
{
	static const struct {
		const char *what, *link, *sub_path;
		int code;
	} cases[] = {
		{"an absolute link", "/etc", "link", EXDEV},
		{"through an absolute link", "/etc", "link/passwd", EXDEV},
		{"making something behind it", "/tmp", "link/podnet-made-by-subpath", EXDEV},
		{"upwards", "../..", "link/x", EXDEV},
		{"a magic link", "/proc/self/cwd", "link", EXDEV},
		{"a loop", "link", "link", ELOOP},
		{"plain '..'", "x", "../volume", EXDEV},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct err err = {0};
		char link[128];

		begin();
		in_volume(link, sizeof(link), "link");
		if (symlink(cases[i].link, link) < 0)
			BAIL("symlink");
		CHECK_FAILS(cases[i].what, subpath_mount(volume, cases[i].sub_path, target, &err),
			cases[i].code, &err, "subPath");
		CHECK("no mount", !mount_is_point(target));
		end();
	}
	CHECK("nothing was made outside", access("/tmp/podnet-made-by-subpath", F_OK) < 0);
}

static atomic_bool stop;

/* A hostile container: exchanges the directory and a link to the machine's root. */
static void *exchange(void *arg)
{
	char honest[128], evil[128];

	(void)arg;
	in_volume(honest, sizeof(honest), "part");
	in_volume(evil, sizeof(evil), "evil");
	while (!stop)
		if (renameat2(AT_FDCWD, honest, AT_FDCWD, evil, RENAME_EXCHANGE) < 0)
			break;
	return NULL;
}

TEST(an_exchange_under_way_never_leads_out)
{
	unsigned mounted = 0, refused = 0, outside = 0, other = 0;
	struct stat inside, seen;
	pthread_t thread;
	char path[128];

	begin();
	in_volume(path, sizeof(path), "part/etc");
	if (fs_mkdir(path, 0755, NULL) < 0 || stat(path, &inside) < 0)
		BAIL("make the honest directory");
	in_volume(path, sizeof(path), "evil");
	if (symlink("/", path) < 0 || pthread_create(&thread, NULL, exchange, NULL) != 0)
		BAIL("start the race");
	for (int i = 0; i < ROUNDS; i++) {
		int r = subpath_mount(volume, "part/etc", target, NULL);

		refused += r == -EXDEV;
		other += r < 0 && r != -EXDEV;
		if (r < 0)
			continue;
		mounted++;
		outside += stat(target, &seen) < 0 || seen.st_ino != inside.st_ino ||
			   seen.st_dev != inside.st_dev;
		umount2(target, MNT_DETACH);
	}
	stop = true;
	pthread_join(thread, NULL);
	CHECK("the honest directory was met", mounted > 0);
	CHECK("and so was the link", refused > 0);
	CHECK_EQ("it was never mounted", outside, 0);
	CHECK_EQ("nothing else went wrong", other, 0);
	end();
}
