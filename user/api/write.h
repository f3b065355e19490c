/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes of one object: read what is there, make of it what shall be, write it if nothing has changed
 * in between, else once more.  What shall be is said by a step; the rest is the same for all requests.
 */
#pragma once

#include <stdbool.h>

#include "user/api/claim.h"
#include "user/api/failure.h"
#include "user/api/request.h"
#include "user/base/json.h"
#include "user/model/managed.h"

struct store_entry;
struct timer;
struct write;

enum write_effect {
	WRITE_PUT,    /* write->object replaces what is there */
	WRITE_DELETE, /* the object goes; write->object is its last state */
	WRITE_NONE,   /* nothing changes; write->object is the answer */
};

struct write_steps {
	/*
	 * @old: the whole object, or NULL.  Sets write->object and write->effect, and may add to
	 * write->claims.  -1: refused.  May be called again with another @old.
	 */
	int (*step)(struct write *write, json_t *old, struct failure *failure);
	/* It has changed since: false: the client said which state it meant, so that is a conflict. */
	bool (*retries)(struct write *write);
	/* What the client gets; NULL: the object. */
	json_t *(*answer)(struct write *write);
	/* It was refused, or could not be written; NULL: only the client is told. */
	void (*failed)(struct write *write, const struct failure *failure);
	void (*release)(struct write *write); /* frees write->data; NULL: nothing to free */
	bool manages; /* who changes fields by it owns them; else the step says so itself, or nobody does */
};

struct write {
	struct write *next, **link; /* all that are under way */
	struct api_request request; /* request.exchange is NULL once the client has gone */
	const struct write_steps *steps;
	void *data;	  /* the step's own */
	unsigned success; /* HTTP status */
	json_t *object;	  /* owned */
	enum write_effect effect;
	struct claims claims; /* what goes along with it */
	struct timer *timer;  /* what the step needs may come soon */
	uint64_t waits_until; /* 0: it did not have to wait yet */
	uint64_t modified;    /* of the state that the last try began with; 0: there was none */
	unsigned tries;
	char manager[MANAGED_MANAGER_MAX + 1]; /* who owns what is changed */
};

/*
 * Starts a change of the object that @request names.  @data is the step's, released when all is over.
 * Answers in any case, if @request has an exchange.
 */
void write_begin(const struct api_request *request, const struct write_steps *steps, void *data,
	unsigned success);

/* An answer: a Status of success alone. */
json_t *write_answer_success(struct write *write);

/* Drops all that wait for the store: it calls nobody any more. */
void writes_free(struct api *api);
