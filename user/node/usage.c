// SPDX-License-Identifier: Apache-2.0
#include "user/node/usage.h"

#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/fs.h"
#include "user/node/cgroup_tree.h"

#define FILE_MOST (64u << 10)

/* NULL: it is not there. */
static char *file_text(const struct hierarchy *hierarchy, const char *path, const char *name)
{
	AUTO_FREE char *full = fs_format("%s%s/%s", hierarchy->mount, path, name);
	char *text = NULL;

	if (full)
		fs_read(full, FILE_MOST, &text, NULL, NULL);
	return text;
}

bool usage_number(const char *text, const char *key, uint64_t *ret)
{
	size_t len = strlen(key);

	while (text && *text) {
		if (strncmp(text, key, len) == 0 && text[len] == ' ') {
			*ret = strtoull(text + len + 1, NULL, 10);
			return true;
		}
		text = strchr(text, '\n');
		text += text != NULL;
	}
	return false;
}

static void read_cpu(const struct hierarchy *hierarchy, const char *path, struct usage *ret)
{
	AUTO_FREE char *text =
		file_text(hierarchy, path, hierarchy->v2 ? "cpu.stat" : "cpuacct.usage");

	if (!text)
		return;
	if (hierarchy->v2) {
		ret->has_cpu = usage_number(text, "usage_usec", &ret->cpu);
	} else {
		ret->has_cpu = true;
		ret->cpu = strtoull(text, NULL, 10) / 1000;
	}
}

static void read_memory(const struct hierarchy *hierarchy, const char *path, struct usage *ret)
{
	bool v2 = hierarchy->v2;
	AUTO_FREE char *text =
		file_text(hierarchy, path, v2 ? "memory.current" : "memory.usage_in_bytes");
	AUTO_FREE char *stat = file_text(hierarchy, path, "memory.stat");
	uint64_t inactive = 0;

	if (!text)
		return;
	ret->has_memory = true;
	ret->memory = strtoull(text, NULL, 10);
	usage_number(stat, v2 ? "inactive_file" : "total_inactive_file", &inactive);
	ret->working_set = ret->memory > inactive ? ret->memory - inactive : 0;
}

void usage_read(const struct cgroups *cgroups, const char *path, struct usage *ret)
{
	*ret = (struct usage){0};
	for (size_t i = 0; i < cgroups->count; i++) {
		const struct hierarchy *hierarchy = &cgroups->list[i];

		if (!ret->has_cpu && (hierarchy->v2 || hierarchy_has(hierarchy, "cpuacct")))
			read_cpu(hierarchy, path, ret);
		if (!ret->has_memory && (hierarchy->v2 || hierarchy_has(hierarchy, "memory")))
			read_memory(hierarchy, path, ret);
	}
}
