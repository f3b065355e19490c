/* SPDX-License-Identifier: Apache-2.0 */
/* What a cgroup has used, as its files say. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct cgroups;

struct usage {
	bool has_cpu, has_memory; /* what cannot be read is not there */
	uint64_t cpu;		  /* microseconds, since it was made */
	uint64_t memory;	  /* bytes, the page cache included */
	uint64_t working_set;	  /* without pages of files that could go at once */
};

/* Of the cgroup at @path ("/kubepods/.../podUID/web.0") below each hierarchy's root. */
void usage_read(const struct cgroups *cgroups, const char *path, struct usage *ret);

/* The number behind @key ("usage_usec") in lines "KEY NUMBER"; false: there is none.  Pure. */
bool usage_number(const char *text, const char *key, uint64_t *ret);
