/* SPDX-License-Identifier: Apache-2.0 */
/* Typed access to the pinned maps. */
#pragma once

#include "user/datapath/state.h"

struct datapath_config;
struct err;

/*
 * Endpoints and services stay mapped; rows and backends only until maps_unmap, for all pages of a
 * mapping count as ours, and are entered one by one when it is made (1 ms for the rows).
 */
struct maps {
	int svc4_fd, rows_fd, backends_fd, peers4_fd, inits_fd;
	struct image image; /* rows and backends are NULL while they are not mapped */
};

#define MAPS_CLOSED     \
	((struct maps){ \
		.svc4_fd = -1, .rows_fd = -1, .backends_fd = -1, .peers4_fd = -1, .inits_fd = -1})

/* Opens what loader_run has pinned.  The caller owns *@ret, which starts as MAPS_CLOSED. */
int maps_open(const struct datapath_config *config, struct maps *ret, struct err *err);
/* Accepts half-opened ones. */
void maps_close(struct maps *maps);

/* Maps the rows, which must not be mapped yet, until maps_unmap. */
int maps_map_rows(struct maps *maps, struct err *err);
/* Maps the backends, which must not be mapped yet, until maps_unmap. */
int maps_map_backends(struct maps *maps, struct err *err);
/* Unmaps rows and backends, if they are mapped. */
void maps_unmap(struct maps *maps);

/* Writes @count lines from @first on; rows need not be mapped. */
int maps_write_row(const struct maps *maps, uint32_t first, const struct row_line *lines,
	uint32_t count, struct err *err);

/* All service keys.  The caller frees *@ret. */
int maps_keys(const struct maps *maps, struct image_key **ret, size_t *ret_count, struct err *err);
int maps_key_add(
	const struct maps *maps, const struct svc4_key *key, uint32_t service, struct err *err);
/* A missing key is success. */
int maps_key_delete(const struct maps *maps, const struct svc4_key *key, struct err *err);
