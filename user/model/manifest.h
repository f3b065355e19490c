/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Manifests: the text of one file becomes objects.  YAML (several documents) or JSON; scalars resolve
 * as Kubernetes reads YAML 1.1; a `kind: List` is its items.  Each document stands for itself: a broken
 * one is reported with line, field path and reason, and its neighbours are still returned.
 */
#pragma once

#include "user/base/err.h"
#include "user/model/object.h"

#define MANIFEST_MAX_BYTES     (16u << 20)
#define MANIFEST_MAX_DOCUMENTS 10000
#define MANIFEST_MAX_DEPTH     100
#define MANIFEST_MAX_NODES     2000000 /* after expanding aliases, per file */

struct manifest_document {
	unsigned index;	       /* 0 for the first document of the file */
	unsigned line;	       /* 1-based line where the document begins */
	struct object *object; /* NULL when the document is broken or empty of meaning */
	struct err err; /* why, when object is NULL: "line 7: spec.containers[0].image: required" */
	/* Who the broken document seems to describe, as far as it could be read; "" otherwise. */
	char kind[64], namespace[64], name[NAME_MAX_LEN + 1];
};

struct manifest {
	struct manifest_document *documents;
	size_t count;
};

/*
 * Reads all documents of @text.  Returns 0 also when documents are broken; fails only when memory is
 * out.  The caller frees *@ret; objects may be taken out of it with take_ptr.
 */
int manifest_read(const char *text, size_t len, struct manifest **ret, struct err *err);

/* Accepts NULL; returns NULL. */
struct manifest *manifest_free(struct manifest *manifest);
