/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the API server has to be told about one Pod of this node: its status, that it has ended, or
 * that a Pod of a manifest is here (its mirror).  Pure: the same question always has the same
 * answer.
 */
#pragma once

#include <stdbool.h>

#include "user/base/json.h"
#include "user/cluster/writer.h"

#define MIRROR_ANNOTATION "kubernetes.io/config.mirror" /* the UID of the Pod that it mirrors */

struct podplan_input {
	const char *namespace, *name; /* as the server knows it */
	const json_t *object;	      /* what the server has; NULL: nothing */
	/* The Pod that runs (or ends) here, with its status; NULL: none. */
	const json_t *local;
	/* What a mirror is to be made of: a manifest's Pod as it was admitted; NULL: no mirror is wanted. */
	const json_t *mirrored;
	const char *node_name, *node_uid; /* @node_uid "": not known yet */
	bool over;			  /* the Pod that is @object has ended here for good */
	const char *refusal;		  /* why @object cannot run here; NULL: it can */
	const char *now;		  /* RFC 3339 */
	/* The status that was sent last and the revision it made; NULL, "" before the first. */
	const json_t *sent;
	const char *sent_revision;
};

/* What kind of request it is: the answers mean different things. */
enum podplan {
	PODPLAN_NOTHING,
	PODPLAN_STATUS, /* the body's status is what to remember as sent */
	PODPLAN_DELETE,
	PODPLAN_MIRROR,
};

/* The next request, if there is one: the caller owns what is in *@ret then. */
enum podplan podplan(const struct podplan_input *input, struct write *ret);

/* A Pod that stands for one of a manifest. */
bool pod_is_mirror(const json_t *object);

/* "web-NODE": what the mirror of "web" is called.  The caller frees it; NULL when memory is out. */
char *mirror_name(const char *name, const char *node_name);

/*
 * The name of the Pod that the mirror @name stands for, as it were: 0 and *@ret_len, how much of
 * @name it is; or -ENOENT.
 */
int mirror_of(const char *name, const char *node_name, size_t *ret_len);

/*
 * The status to write: @local's with conditions of others kept, and times of change where nothing
 * has changed; null for what is gone.  The caller owns it; NULL when memory is out.
 */
json_t *podplan_status(const json_t *object, const json_t *local, const char *now);

/* Whether @have is what writing @want would make of it. */
bool podplan_covers(const json_t *have, const json_t *want);
