// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>

#include "tests/check.h"
#include "user/base/fs.h"
#include "user/node/passwd.h"

static const char passwd[] = "root:x:0:0:root:/root:/bin/sh\n"
			     "www:x:33:33::/var/www:/bin/sh\n"
			     "\n"
			     "broken:x:no:1::/:\n"
			     "4711:x:90:91::/:\n"
			     "app:x:1000:1001::/:";
static const char group[] = "root:x:0:\n"
			    "wheel:x:10:root,app\n"
			    "www:x:33:\n"
			    "tape:x:26:rootapp,appx\n"
			    "apps:x:1001:app\n"
			    "late:x:77:other,app";

struct wish {
	const char *what, *user;
	int64_t run_as_user, run_as_group;
	bool non_root;
};

static int find(const struct wish *wish, struct identity *ret, struct err *err)
{
	struct security security = {.user = wish->run_as_user,
		.group = wish->run_as_group,
		.run_as_non_root = wish->non_root};

	return identity_find(passwd, group, wish->user, &security, ret, err);
}

TEST(users_are_found_in_the_image)
{
	static const struct {
		struct wish wish;
		uid_t uid;
		gid_t gid;
		size_t groups;
	} cases[] = {
		{{"nothing said is root", "", -1, -1, false}, 0, 0, 2},
		{{"a name", "www", -1, -1, false}, 33, 33, 1},
		{{"a number with an entry has its group", "1000", -1, -1, false}, 1000, 1001, 3},
		{{"a name with memberships", "app", -1, -1, false}, 1000, 1001, 3},
		{{"a number without an entry", "555", -1, -1, false}, 555, 0, 1},
		{{"a number is no name", "4711", -1, -1, false}, 4711, 0, 1},
		{{"user and group names", "app:www", -1, -1, false}, 1000, 33, 4},
		{{"user and group numbers", "5:6", -1, -1, false}, 5, 6, 1},
		{{"no user, a group", ":6", -1, -1, false}, 0, 6, 2},
		{{"runAsUser replaces user and group", "app:www", 33, -1, false}, 33, 33, 1},
		{{"runAsGroup replaces the group", "app", -1, 7, false}, 1000, 7, 4},
		{{"runAsUser unknown to the image", "app", 9999, 8, false}, 9999, 8, 1},
		{{"not root, as asked", "1000", -1, -1, true}, 1000, 1001, 3},
		{{"not root by runAsUser", "app", 33, -1, true}, 33, 33, 1},
		{{"the largest number", "4294967294", -1, -1, false}, 4294967294, 0, 1},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct identity got = {0};
		struct err err = {0};

		CHECK_OK(cases[i].wish.what, find(&cases[i].wish, &got, &err), &err);
		CHECK_EQ(cases[i].wish.what, got.uid, cases[i].uid);
		CHECK_EQ(cases[i].wish.what, got.gid, cases[i].gid);
		CHECK_EQ(cases[i].wish.what, got.group_count, cases[i].groups);
		CHECK_EQ("the primary group comes first", got.groups[0], cases[i].gid);
	}
}

TEST(users_that_are_not_there_are_refused)
{
	static const struct {
		struct wish wish;
		int code;
		const char *text;
	} cases[] = {
		{{"name", "nobody", -1, -1, false}, EINVAL, "no user 'nobody' in the image"},
		{{"group", "app:staff", -1, -1, false}, EINVAL, "no group 'staff' in the image"},
		{{"damaged", "broken", -1, -1, false}, EINVAL, "damaged at user 'broken'"},
		{{"minus one", "4294967295", -1, -1, false}, EINVAL, "no user '4294967295'"},
		{{"negative", "-1", -1, -1, false}, EINVAL, "no user '-1'"},
		{{"root by default", "", -1, -1, true}, EPERM, "image will run as root"},
		{{"root by number", "0:5", -1, -1, true}, EPERM, "image will run as root"},
		{{"a name proves nothing", "app", -1, -1, true}, EPERM,
			"non-numeric user (app), cannot verify user is non-root"},
		{{"root by runAsUser", "33", 0, -1, true}, EPERM,
			"runAsUser breaks non-root policy"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct identity got;
		struct err err = {0};

		CHECK_FAILS(cases[i].wish.what, find(&cases[i].wish, &got, &err), cases[i].code,
			&err, cases[i].text);
	}
}

static int resolve(const char *root, uid_t *ret, struct err *err)
{
	struct security security = {.user = -1, .group = -1};
	struct identity got;
	int r = identity_resolve(root, "app", &security, &got, err);

	if (r == 0)
		*ret = got.uid;
	return r;
}

TEST(files_are_read_inside_the_image_only)
{
	char root[] = "/tmp/podnet-passwd.XXXXXX";
	AUTO_FREE char *etc = NULL, *file = NULL, *real = NULL;
	struct err err = {0};
	uid_t uid = 0;

	if (!mkdtemp(root))
		BAIL("mkdtemp");
	etc = fs_format("%s/etc", root);
	file = fs_format("%s/etc/passwd", root);
	real = fs_format("%s/real", root);
	CHECK_FAILS("no files: no names", resolve(root, &uid, &err), EINVAL, &err, "no user 'app'");
	if (mkdir(etc, 0755) < 0 || symlink("/real", file) < 0)
		BAIL("make the image");
	CHECK_FAILS("a dangling link is no file", resolve(root, &uid, &err), EINVAL, &err,
		"no user 'app'");
	fs_replace(real, passwd, strlen(passwd), 0600, FS_VOLATILE, &err);
	CHECK_OK("an absolute link resolves in the image", resolve(root, &uid, &err), &err);
	CHECK_EQ("to its file", uid, 1000);
	unlink(file);
	if (mkfifo(file, 0600) < 0)
		BAIL("mkfifo");
	CHECK_FAILS("a FIFO does not block", resolve(root, &uid, &err), EINVAL, &err,
		"not a regular file");
	unlink(file);
	if (symlink("../../../../../../../../etc/passwd", file) < 0)
		BAIL("symlink");
	CHECK_OK("remove what the test made", fs_remove(real, &err), &err);
	CHECK_FAILS("'..' stops at the root, which is a loop here", resolve(root, &uid, &err),
		ELOOP, &err, "etc/passwd");
	CHECK_OK("cleaned", fs_remove(root, &err), &err);
}
