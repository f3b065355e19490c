/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The image store on disk.  Everything in it is complete or absent:
 *
 *	layers/DIFFID/fs  a layer, unpacked once, whatever image it came with; DIFFID is 64 digits (a colon
 *			  would end a lowerdir).  The time of layers/DIFFID itself is that of its last use
 *	images/KEY	  one record per reference: digest, layers, what a container needs of the configuration;
 *			  and one per digest that a tag no longer means
 *	tmp/		  layers on their way in, and on their way out
 *	lock		  shared by everyone who works here, exclusive for those who remove
 *
 * Blobs are not kept: a layer is verified while it is unpacked.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "user/base/json.h"

struct err;
struct imagestore;

#define IMAGESTORE_RECORD "image" /* the kind of the records of images */

/*
 * Opens the store at @dir, making it if need be; removes what killed pulls left when nobody else works
 * in it (what cannot be removed waits for a collection, which fails then).  The caller owns *@ret.
 */
int imagestore_open(const char *dir, struct imagestore **ret, struct err *err);
struct imagestore *imagestore_close(struct imagestore *store);

/* The absolute path of a layer's root: the caller frees.  NULL when memory is out. */
char *imagestore_layer_path(const struct imagestore *store, const char *diff_id);
bool imagestore_has_layer(const struct imagestore *store, const char *diff_id);

/* A layer that is being unpacked. */
struct imagestore_layer {
	char path[PATH_MAX]; /* its directory in tmp/; "": none */
	int root_fd;	     /* where its content goes: an empty directory, root's, 0755 */
};

/* Makes its directory.  Ended by imagestore_layer_commit or imagestore_layer_abort. */
int imagestore_layer_begin(struct imagestore *store, struct imagestore_layer *ret, struct err *err);
/* Makes it durable under its name; when somebody was faster, theirs stays.  Ends @layer on success. */
int imagestore_layer_commit(struct imagestore *store, struct imagestore_layer *layer,
	const char *diff_id, struct err *err);
/* Ends @layer; what cannot be removed now goes when the store is opened alone. */
void imagestore_layer_abort(struct imagestore_layer *layer);

/*
 * The record of @reference (normalised): an object with reference, digest, size, layers (diff ids) and config,
 * which the caller owns.  -ENOENT: none, or one of its layers is missing.  -EBADMSG: it was damaged and has
 * been set aside.
 */
int imagestore_read(struct imagestore *store, const char *reference, json_t **ret, struct err *err);
int imagestore_write(
	struct imagestore *store, const char *reference, const json_t *image, struct err *err);
/* Notes that its layers are in use now. */
int imagestore_touch(struct imagestore *store, const json_t *image, struct err *err);

struct imagestore_collect {
	const char *const *keep; /* normalised references and digests, NULL-terminated */
	uint64_t min_age_usec;	 /* layers used later than so long ago stay */
};

/*
 * Removes all images but those to keep, then the layers that no image names.  The digest of a running
 * container's image must be among those to keep: its tag may mean another image by now.
 * -EBUSY: a pull is running, nothing was removed.
 */
int imagestore_collect(const char *dir, const struct imagestore_collect *collect, struct err *err);
