/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel holds, as user space remembers it: which ids and lines are in use, by whom.  No
 * state file: it is read back from the maps.  Ids and lines that nothing refers to any more are
 * retired, and free again only after a grace period: a program may still be on its way through
 * them.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "podnet/abi.h"

struct err;

/* The flat maps as memory.  Borrowed. */
struct image {
	struct endpoint *endpoints;
	struct backend *backends;
	struct service *services;
	struct row_line *rows;
	uint32_t endpoint_max, backend_max, service_max, line_max; /* elements */
};

struct image_key {
	struct svc4_key key;
	uint32_t service;
};

enum use {
	USE_FREE,
	USE_LIVE,
	USE_RETIRED,
};

struct state_endpoint {
	struct in_addr address;
	uint32_t state;
	uint8_t use; /* enum use */
};

struct state_backend {
	uint32_t endpoint, service;
	in_port_t port;
	uint8_t use;
};

struct state_service {
	struct svc4_key key;
	uint64_t row;	   /* ROW_WORD */
	uint32_t *members; /* ids of the backends in the row, ascending; owned */
	size_t member_count;
	uint8_t accepts;
	uint8_t use;
};

/* Gives out ids: those never used first, until enough wait to be reused first-in-first-out. */
struct id_pool {
	uint32_t max, fresh;
	uint32_t *queue; /* ring of @max */
	uint32_t head, count;
};

enum retired_kind { RETIRED_ENDPOINT, RETIRED_BACKEND, RETIRED_SERVICE, RETIRED_ROW };

#define EPOCH_OPEN UINT64_MAX /* retired by edits that are still to be applied */

struct retired {
	enum retired_kind kind;
	uint32_t id;	/* for a row its first line */
	uint32_t count; /* lines of a row */
	uint64_t epoch; /* free once a grace period that ended this epoch is over */
};

struct state {
	struct state_endpoint *endpoints;
	struct state_backend *backends;
	struct state_service *services;
	bool *lines; /* in use or retired */
	uint32_t endpoint_max, backend_max, service_max, line_max;
	struct id_pool endpoint_ids, backend_ids, service_ids;
	uint32_t line_cursor;
	struct svc4_key *strays; /* keys in the kernel that name no service of theirs */
	size_t stray_count;
	struct retired *retired; /* ascending epochs, EPOCH_OPEN last */
	size_t retired_count, retired_room;
};

/* Reads the maps back.  The caller frees *@ret with state_free. */
int state_load(const struct image *image, const struct image_key *keys, size_t key_count,
	struct state **ret, struct err *err);

/* Accepts NULL; returns NULL. */
struct state *state_free(struct state *state);

/* 0: none is left. */
uint32_t id_take(struct id_pool *pool);
void id_put(struct id_pool *pool, uint32_t id);

/* The first of @count free lines in a row, now in use; @line_max: there are none. */
uint32_t lines_take(struct state *state, uint32_t count);

/* Lines of the row that @word names; 0 when it names none. */
uint32_t row_lines(uint64_t word);

/* Remembers that something awaits a grace period, from the epoch on that state_date will give. */
int state_retire(struct state *state, enum retired_kind kind, uint32_t id, uint32_t count);

/* The edits are applied: what they retired is so since @epoch. */
void state_date(struct state *state, uint64_t epoch);
