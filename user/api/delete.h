/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of api: what a deletion asks for, of one object or of many. */
#pragma once

#include <stdbool.h>

struct api_request;
struct collection;
struct failure;

struct deletion {
	long long grace;	       /* seconds; -1: the object's own */
	const char *finalizer;	       /* what its dependents ask for; NULL: none */
	bool dry_run;		       /* said in the body */
	char uid[64], revision[32];    /* preconditions; "": none */
	struct collection *collection; /* of which it is a part; NULL: alone */
};

/* From query and body.  -1: refused. */
int deletion_read(
	const struct api_request *request, struct deletion *deletion, struct failure *failure);

/* Starts it; takes @deletion. */
void deletion_begin(const struct api_request *request, struct deletion *deletion);

/* collection.c: a part is over with each deletion; it has failed before if it was refused. */
void collection_part_failed(struct collection *collection, const struct failure *failure);
void collection_part_done(struct collection *collection);
