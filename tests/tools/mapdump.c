// SPDX-License-Identifier: Apache-2.0
/*
 * mapdump PIN...: all keys and values of pinned maps as they are, to compare.  In batches: bpftool
 * takes seconds of CPU for a map of 16 MiB.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <bpf/bpf.h>

#define BATCH 4096 /* elements: more than any bucket of a hash has */

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void map_print(int fd, const struct bpf_map_info *info, const char *path)
{
	void *keys = calloc(BATCH, info->key_size), *values = calloc(BATCH, info->value_size);
	uint64_t position[32], *from = NULL; /* opaque: as long as a key, or a bucket's number */
	uint32_t count;
	int r;

	if (!keys || !values || info->key_size > sizeof(position))
		fail(path);
	do {
		count = BATCH;
		r = bpf_map_lookup_batch(fd, from, position, keys, values, &count, NULL);
		if (r < 0 && r != -ENOENT)
			fail(path);
		fwrite(keys, info->key_size, count, stdout);
		fwrite(values, info->value_size, count, stdout);
		from = position;
	} while (r == 0);
	free(keys);
	free(values);
}

int main(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++) {
		struct bpf_map_info info = {0};
		uint32_t size = sizeof(info);
		int fd = bpf_obj_get(argv[i]);

		if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size) < 0)
			fail(argv[i]);
		map_print(fd, &info, argv[i]);
	}
	return fflush(stdout) == 0 ? 0 : 1;
}
