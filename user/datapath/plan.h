/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From what the kernel holds to what should be there: ordered edits.  After any number of them
 * every service leads to backends of its own, old or new, and to no others: a crash half-way is
 * healed by planning again.  No input or output here.
 */
#pragma once

#include "user/datapath/datapath.h"
#include "user/datapath/state.h"

enum edit_kind {
	EDIT_STATE,	      /* @state of endpoint @id */
	EDIT_ENDPOINT,	      /* a new one: @address, @state */
	EDIT_BACKEND,	      /* a new one: @endpoint, @service, @port */
	EDIT_ROW,	      /* @line_count fresh @lines from @id on; nothing refers to them yet */
	EDIT_SERVICE,	      /* a new one: @key, @row, @accepts; no key refers to it yet */
	EDIT_SERVICE_ROW,     /* @row of service @id */
	EDIT_SERVICE_ACCEPTS, /* @accepts of service @id */
	EDIT_KEY_ADD,	      /* @key leads to service @id */
	EDIT_KEY_DELETE,      /* @key */
	EDIT_BACKEND_LEAVE,   /* no row names it any more: a new generation */
	EDIT_ENDPOINT_FREE,   /* after the grace period: a new generation */
	EDIT_BACKEND_FREE,
	EDIT_SERVICE_FREE,
};

struct edit {
	enum edit_kind kind;
	uint32_t id;
	uint32_t state;
	struct in_addr address;
	uint32_t endpoint, service;
	in_port_t port;
	struct svc4_key key;
	uint64_t row;
	uint8_t accepts;
	struct row_line *lines; /* owned by the plan */
	uint32_t line_count;
};

struct plan {
	struct edit *edits;
	size_t count, room;
};

/*
 * Writes the edits, in order, to @plan, and moves @state to where they lead; what they retire is
 * added to @state->retired.  On failure (-EINVAL: @desired contradicts itself; -ENOSPC: a map is
 * full; -ENOMEM) @state is no longer true and has to be loaded again; no edit may be applied.
 */
int plan_make(
	struct state *state, const struct dp_desired *desired, struct plan *plan, struct err *err);

/* Edits that free what was retired in epochs before @epoch. */
int plan_reclaim(struct state *state, uint64_t epoch, struct plan *plan);

/* Appends a copy of @edit; its lines are the plan's from then on.  Returns 0 or -ENOMEM. */
int plan_add(struct plan *plan, const struct edit *edit);

/* Executes an edit on the memory that it needs; those of keys are the caller's. */
void edit_store(const struct image *image, const struct edit *edit);

/* Born as {}; accepts a half-built one. */
void plan_clear(struct plan *plan);
