// SPDX-License-Identifier: Apache-2.0
#include "tests/check.h"

#include <sys/stat.h>

#include "user/base/fs.h"
#include "user/node/cgroup_tree.h"
#include "user/node/usage.h"

TEST(numbers_stand_behind_their_key)
{
	static const struct {
		const char *what, *text, *key;
		long long want; /* -1: there is none */
	} cases[] = {
		{"the first line", "usage_usec 12\nuser_usec 3\n", "usage_usec", 12},
		{"another line", "usage_usec 12\nuser_usec 3\n", "user_usec", 3},
		{"a line without an end", "a 1\nb 2", "b", 2},
		{"a longer key", "total_inactive_file 7\ninactive_file 8\n", "inactive_file", 8},
		{"a key that goes on", "inactive_file_x 7\n", "inactive_file", -1},
		{"none", "a 1\n", "b", -1},
		{"no text", NULL, "a", -1},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		uint64_t got = 0;
		bool found = usage_number(cases[i].text, cases[i].key, &got);

		CHECK_EQ(cases[i].what, found ? (long long)got : -1, cases[i].want);
	}
}

static void put(const char *dir, const char *name, const char *text)
{
	AUTO_FREE char *path = fs_format("%s/%s", dir, name);
	struct err err;

	if (!path || fs_replace(path, text, strlen(text), 0600, FS_VOLATILE, &err) < 0)
		BAIL("write a file");
}

TEST(both_kinds_of_cgroups_are_read)
{
	static const struct {
		const char *what, *controllers;
		bool v2;
		struct usage want;
	} cases[] = {
		{"v2", "", true, {true, true, 1500, 1000, 900}},
		{"v1 cpu", ",rw,cpu,cpuacct,", false, {true, false, 2, 0, 0}},
		{"v1 memory", ",rw,memory,", false, {false, true, 0, 2000, 0}},
		{"v1 of something else", ",rw,pids,", false, {0}},
	};
	char dir[] = "/tmp/podnet-usage-XXXXXX";
	AUTO_FREE char *below = mkdtemp(dir) ? fs_format("%s/pod", dir) : NULL;
	struct err err;

	if (!below || mkdir(below, 0700) < 0)
		BAIL("set up");
	put(below, "cpu.stat", "usage_usec 1500\n");
	put(below, "memory.current", "1000\n");
	put(below, "memory.stat", "inactive_file 100\ntotal_inactive_file 3000\n");
	put(below, "cpuacct.usage", "2500\n");
	put(below, "memory.usage_in_bytes", "2000\n");
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct hierarchy hierarchy = {.mount = dir,
			.controllers = (char *)cases[i].controllers,
			.v2 = cases[i].v2};
		struct cgroups cgroups = {.list = &hierarchy, .count = 1};
		struct usage got;

		usage_read(&cgroups, "/pod", &got);
		CHECK_EQ(cases[i].what, got.has_cpu, cases[i].want.has_cpu);
		CHECK_EQ(cases[i].what, got.has_memory, cases[i].want.has_memory);
		CHECK_EQ(cases[i].what, got.cpu, cases[i].want.cpu);
		CHECK_EQ(cases[i].what, got.memory, cases[i].want.memory);
		CHECK_EQ(cases[i].what, got.working_set, cases[i].want.working_set);
		usage_read(&cgroups, "/gone", &got);
		CHECK("one that is not there", !got.has_cpu && !got.has_memory);
	}
	CHECK_OK("removed", fs_remove(dir, &err), &err);
}
