/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of api: what a deletion asks for, of one object or of many. */
#pragma once

#include <stdbool.h>

#include "user/base/json.h"

struct api_request;
struct collection;
struct failure;
struct write;

struct deletion {
	long long grace;	       /* seconds; -1: the object's own */
	const char *finalizer;	       /* what its dependents ask for; NULL: none */
	bool background;	       /* they ask for nothing, whatever was said before */
	bool dry_run;		       /* said in the body */
	char uid[64], revision[32];    /* preconditions; "": none */
	struct collection *collection; /* of which it is a part; NULL: alone */
};

/* From query and body.  -1: refused. */
int deletion_read(
	const struct api_request *request, struct deletion *deletion, struct failure *failure);

/* From DeleteOptions, NULL for none, and the query.  -1: refused. */
int deletion_read_options(const struct api_request *request, const json_t *options,
	struct deletion *deletion, struct failure *failure);

/* The step of a write whose data begin with a deletion. */
int deletion_step(struct write *write, json_t *old, struct failure *failure);

/* Starts it; takes @deletion. */
void deletion_begin(const struct api_request *request, struct deletion *deletion);

/* collection.c: a part is over with each deletion; it has failed before if it was refused. */
void collection_part_failed(struct collection *collection, const struct failure *failure);
void collection_part_done(struct collection *collection);
