/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is said to etcd's JSON gateway and what it answers: texts and trees, nothing is sent here.
 *
 * Below a prefix, which ends without '/':
 *	PREFIX/format		the version of this layout
 *	PREFIX/objects/KEY	what the store holds, its bytes as they are
 *	PREFIX/writers/ID/SLOT	the mark of one of the connections that write
 *
 * A write is an attempt: a transaction that goes through if the mark is what it was, and leaves another in
 * either case: NEXT+ when the compares held and the changes are made, NEXT- when they did not.  So who has lost
 * an answer can read what became of the attempt; and after it has set the mark to NEXT! in the same way (a
 * fence), an attempt that still travels can do nothing any more.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "user/base/json.h"
#include "user/store/store.h"

struct blob;
struct buffer;
struct request;

#define ETCD_FORMAT   "1"
#define ETCD_KEY_MAX  1024 /* of prefix, folder, id and slot together */
#define ETCD_NEXT_MAX 48
#define ETCD_MARK_MAX 64 /* a sign, and room for what somebody else has put there */

struct etcd_attempt {
	const char *objects;	  /* "PREFIX/objects": the store's keys follow it */
	const char *key;	  /* of the mark */
	char mark[ETCD_MARK_MAX]; /* as it is; "": it is not there */
	char next[ETCD_NEXT_MAX]; /* without its sign */
};

enum etcd_outcome {
	ETCD_WRITTEN,
	ETCD_UNEQUAL, /* a compare did not hold */
	ETCD_FENCED,  /* the attempt was not made and never will be */
	ETCD_LOST,    /* the mark is neither what it was nor what the attempt would leave */
};

/* --- bodies of requests, appended to @out: 0, -ENOMEM, or -ENAMETOOLONG for a key --- */

/* An attempt at @request. */
int etcd_compose_write(
	const struct etcd_attempt *attempt, const struct request *request, struct buffer *out);

/* Ends the attempt, if it has not been made. */
int etcd_compose_fence(const struct etcd_attempt *attempt, struct buffer *out);

/* Makes @key with @value where there is none, else reads it. */
int etcd_compose_claim(const char *key, const char *value, struct buffer *out);

/* At most @limit of the keys from @from on that begin with @folder, which ends with '/'; @revision 0: as they are. */
int etcd_compose_range(const char *folder, const char *from, uint64_t revision, unsigned limit,
	struct buffer *out);

/* Follows all below @folder from @revision on. */
int etcd_compose_watch(const char *folder, uint64_t revision, struct buffer *out);

/* Forgets the changes up to @revision. */
int etcd_compose_compaction(uint64_t revision, struct buffer *out);

/* Deletes @count keys. */
int etcd_compose_deletions(char *const *keys, size_t count, struct buffer *out);

/* --- answers --- */

/*
 * What came of a write or a fence: *@ret_revision is the one it has made.  The attempt's mark becomes what it is now.
 * -EBADMSG: that is no answer.
 */
int etcd_parse_outcome(const json_t *answer, struct etcd_attempt *attempt, enum etcd_outcome *ret,
	uint64_t *ret_revision);

/* The value that a claimed key has, "" when this claim has made it; cut to @ret's size.  -EBADMSG. */
int etcd_parse_claim(const json_t *answer, char ret[ETCD_MARK_MAX], uint64_t *ret_revision);

/* A number, which the gateway writes as text and leaves out when it is 0. */
uint64_t etcd_number(const json_t *object, const char *key);

/* The revision in an answer's header. */
uint64_t etcd_revision(const json_t *answer);

struct etcd_kv {
	char *key;	    /* owned */
	struct blob *value; /* a reference */
	uint64_t created, modified;
};

/* -EBADMSG: no key with a value; -ENOMEM.  On success release it with etcd_kv_clear. */
int etcd_parse_kv(const json_t *kv, struct etcd_kv *ret);
void etcd_kv_clear(struct etcd_kv *kv);

/* A refusal's errno, if what was asked is then certainly not done; 0: it may be.  @code: as gRPC counts them. */
int etcd_refusal(long long code, const char *text);
