/* SPDX-License-Identifier: Apache-2.0 */
/* The files of the manifest directory, what each holds, and the records of that. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "user/base/err.h"
#include "user/model/manifest.h"

/* An object that a file describes, or last described validly. */
struct holding {
	struct object *object; /* owned */
	unsigned index, line;
	uint64_t revision;
	bool kept;
};

struct holdings {
	struct holding *items;
	size_t count;
};

struct manifest_source {
	char *file;
	bool present;
	struct stat stamp; /* of the content that was read */
	bool stamped;
	struct manifest *manifest;	/* as last read; NULL: not yet, or it could not be read */
	struct err err;			/* why it could not be read; code 0: it could */
	struct holdings holdings, next; /* next: while it is being decided */
	bool unsaved;			/* the records do not say what holdings say */
	unsigned *records;		/* numbers of its record files */
	size_t record_count;
};

/* Sorted by file name. */
struct manifest_sources {
	struct manifest_source **items;
	size_t count;
};

/* Finds the source of @file. */
struct manifest_source *sources_find(const struct manifest_sources *sources, const char *file);
/* Finds it or makes it; NULL when memory is out. */
struct manifest_source *sources_get(struct manifest_sources *sources, const char *file);
/* Frees all sources. */
void sources_free(struct manifest_sources *sources);
/* Accepts NULL. */
void source_drop(struct manifest_source *source);

/* Takes ownership of @object, also when it fails. */
int holdings_add(struct holdings *holdings, struct object *object, unsigned index, unsigned line);
void holdings_free(struct holdings *holdings);

/* Another struct for the same JSON; NULL when memory is out. */
struct object *object_share(const struct object *object);

/* A refusal is given out as (file, line, whom it was about, reason). */
typedef int (*refuse_fn)(void *userdata, const char *file, const struct manifest_document *document,
	const struct err *err);

/*
 * Decides what each source holds now: valid documents, and what broken ones described before.
 * The source that holds a name already keeps it; else the first by file and place.  Others are
 * refused, like broken documents and files, through @refuse.  Only a lack of memory fails.
 */
int sources_resolve(struct manifest_sources *sources, uint64_t revision, refuse_fn refuse,
	void *userdata, struct err *err);

/* The records: files with numbers as names below @dir. */
struct manifest_records {
	char *dir;
	unsigned last; /* highest number in use */
};

/* Reads all records into sources and their holdings.  Damaged ones are set aside and refused. */
int records_load(struct manifest_records *records, struct manifest_sources *sources,
	refuse_fn refuse, void *userdata, struct err *err);

/* Makes the records of @source say what it holds. */
int records_save(struct manifest_records *records, struct manifest_source *source, struct err *err);
