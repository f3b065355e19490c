// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <glob.h>
#include <unistd.h>

#include "tests/check.h"
#include "user/base/fs.h"
#include "user/node/logrotate.h"

#define SECOND 1000000ull

static char dir[64];

static void grow(const char *path, const char *text)
{
	FILE *file = fopen(path, "a");

	if (!file || fputs(text, file) < 0 || fclose(file) != 0)
		BAIL("cannot write a log");
}

static size_t files(void)
{
	char pattern[80];
	glob_t found = {0};
	size_t count;

	snprintf(pattern, sizeof(pattern), "%s/*", dir);
	glob(pattern, 0, NULL, &found);
	count = found.gl_pathc;
	globfree(&found);
	return count;
}

TEST(a_log_is_rotated_when_it_is_too_large_and_five_files_are_kept)
{
	struct err err;
	char path[128];

	snprintf(dir, sizeof(dir), "/tmp/podnet-test-logrotate.%d", getpid());
	if (fs_mkdir(dir, 0700, &err) < 0)
		BAIL(err.text);
	snprintf(path, sizeof(path), "%s/0.log", dir);
	CHECK_EQ("a missing log", logrotate(path, 10, 5, SECOND, &err), 0);
	grow(path, "1234567890");
	CHECK_EQ("not too large", logrotate(path, 10, 5, SECOND, &err), 0);
	for (unsigned long long i = 1; i <= 8; i++) {
		grow(path, "12345678901");
		CHECK_EQ("rotated", logrotate(path, 10, 5, i * SECOND, &err), 1);
		CHECK("the writer's name is free", access(path, F_OK) < 0);
	}
	grow(path, "new");
	CHECK_EQ("four rotated and the one being written", files(), 5);
	snprintf(path, sizeof(path), "%s/0.log.19700101-000005", dir);
	CHECK("the newest are kept", access(path, F_OK) == 0);
	snprintf(path, sizeof(path), "%s/0.log.19700101-000004", dir);
	CHECK("the oldest are gone", access(path, F_OK) < 0);
	CHECK_OK("clean up", fs_remove(dir, &err), &err);
}
