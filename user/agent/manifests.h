/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The manifest directory as a source of desired state: every *.yaml, *.yml and *.json in it (not
 * dot files), read again when it changes.  A broken document is refused and its neighbours count;
 * the object that it last described validly stays desired, unchanged, until the document is valid
 * again or its file is removed - also across a restart, through records in the state directory.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "user/model/object.h"

struct err;
struct manifests;

struct manifests_config {
	const char *dir; /* may be missing, appear later, be replaced; missing counts as empty */
	const char *state_dir; /* for the records, STATE/manifests; made when missing */
	size_t max_bytes;      /* a larger file is refused as a whole */
};

/* One desired object.  Valid until the next call of manifests_changed_fn or manifests_free. */
struct manifests_entry {
	const struct object *object; /* its JSON is shared: read only */
	const char *file;	     /* name inside the directory */
	unsigned line;		     /* where its document began when it was last valid */
	uint64_t revision; /* of the scan that brought this content; equal revision: equal object */
	bool kept;	   /* its document is broken now: this is what it last described */
};

/* A document, a file or a record that does not count, and why. */
struct manifests_refusal {
	const char *file; /* name inside the directory, or the path of a record */
	unsigned line;	  /* 0: the file as a whole */
	const char *kind, *namespace, *name; /* "" when not readable */
	const char *text;  /* "FILE: line 7: spec.containers[0].image: required" */
	uint64_t revision; /* of the scan that met it first: report it once */
};

/*
 * Called on the loop after each complete scan, changed or not; the first is the scan at the loop's
 * first turn.  It may not free @manifests.
 */
typedef void (*manifests_changed_fn)(struct manifests *manifests, void *userdata);

/*
 * Reads the records, starts to watch and plans the first scan.  @config's strings are copied.
 * A damaged record is set aside and shows up as a refusal.  The caller owns *@ret.
 */
int manifests_new(sd_event *loop, const struct manifests_config *config, manifests_changed_fn fn,
	void *userdata, struct manifests **ret, struct err *err);

/* Accepts NULL; returns NULL. */
struct manifests *manifests_free(struct manifests *manifests);

/* Counts scans from 1; what a scan found new has its number. */
uint64_t manifests_revision(const struct manifests *manifests);

/* The desired objects, ordered by file.  Borrowed; see struct manifests_entry. */
const struct manifests_entry *manifests_entries(
	const struct manifests *manifests, size_t *ret_count);

/* What is refused now, ordered by file and line.  Borrowed like the entries. */
const struct manifests_refusal *manifests_refusals(
	const struct manifests *manifests, size_t *ret_count);

/* The desired object of this name, or NULL. */
const struct manifests_entry *manifests_find(const struct manifests *manifests,
	enum object_kind kind, const char *namespace, const char *name);
