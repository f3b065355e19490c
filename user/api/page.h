/* SPDX-License-Identifier: Apache-2.0 */
/* Which part of a list is asked for, at which revision. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "user/api/stored.h"

struct api_request;
struct failure;

struct page {
	size_t limit;		    /* 0: all */
	char after[STORED_KEY_MAX]; /* "": from the start */
	bool exact;		    /* as it was at @revision; else as it is now */
	uint64_t revision;
};

/*
 * From limit, continue, resourceVersion and resourceVersionMatch.  -1: refused, 400, 410 or 504.
 */
int page_read(const struct api_request *request, struct page *ret, struct failure *failure);

#define PAGE_TOKEN_MAX (2 * STORED_KEY_MAX)

/* The token for what follows behind the key @after of a list as of @revision. */
int page_token(
	uint64_t revision, const char *after, char ret[PAGE_TOKEN_MAX], struct failure *failure);

/* Reads a decimal revision.  False: it is none. */
bool page_revision(const char *text, uint64_t *ret);

/* A revision that is not yet written: 504. */
int page_too_new(uint64_t revision, uint64_t now, struct failure *failure);
/* A revision that is forgotten: 410. */
int page_too_old(uint64_t revision, uint64_t oldest, struct failure *failure);
