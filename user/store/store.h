/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The API server's store, in etcd's model: keys in order, one revision that counts all writes, conditional
 * writes of several keys at once, watches that begin at any revision the log still has.  Values are opaque.
 *
 * The present state and the latest changes are in memory; a backend makes writes durable.  An etcd may have
 * several podnet-controls: what others write comes by its watch, so reads may be behind by a moment.  Everything is
 * called on the loop and nothing blocks but opening and freeing.  Keys are text; a prefix that is to name
 * a folder ends with '/'.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "user/store/history.h"
#include "user/store/index.h"
#include "user/store/blob.h"

struct err;
struct store;
struct store_watch;
struct tls_config;

#define STORE_HISTORY_EVENTS 100000
#define STORE_HISTORY_BYTES  (32u << 20)
#define STORE_PENDING_MOST   100000 /* writes that wait for the disk; the next one is refused */

#define STORE_ETCD_PREFIX "/podnet"

struct store_config {
	const char *where;	 /* "memory", "sqlite:PATH", "etcd=URL[,URL...]" */
	const char *etcd_prefix; /* before all keys there; NULL: STORE_ETCD_PREFIX */
	const struct tls_config
		*etcd_tls;     /* borrowed while it opens; NULL: who the system trusts */
	size_t history_events; /* 0: STORE_HISTORY_EVENTS */
	size_t history_bytes;  /* values that only the log still holds; 0: STORE_HISTORY_BYTES */
};

/* The file that @where names; NULL: none.  Borrowed from it. */
const char *store_path(const char *where);

/*
 * Reads what there is.  The caller owns *@ret.  EINVAL: @where names no backend; the backend's failures.  An etcd is
 * waited for, for 20 seconds, on @loop, which must not be in one of its turns; who tells the loop to end ends that.
 */
int store_open(
	sd_event *loop, const struct store_config *config, struct store **ret, struct err *err);

/* Finishes the write in hand (an etcd may: it has been told); no callback follows.  Free watches before.  Accepts NULL; returns NULL. */
struct store *store_free(struct store *store);

/* Of the last write that is durable and seen by reads; 0: nothing was ever written.  An etcd counts those of others
 * as well, and writes whose compares did not hold. */
uint64_t store_revision(const struct store *store);

/*
 * Why nothing could be written or read anew just now, as far as is known: the last write to disk has failed, or the etcd
 * does not tell what it holds (one that falls silent is given up after 30 seconds).  Borrowed; NULL: all is well.
 */
const char *store_problem(const struct store *store);

/* Changes up to this revision are forgotten: watches and lists begin here or later. */
uint64_t store_compacted(const struct store *store);

/* --- reads, of the present revision; borrowed until the loop's next turn --- */

/* NULL: there is no such key. */
const struct store_entry *store_get(const struct store *store, const char *key);

/* The entries below @prefix, ascending, from the first one on that is behind @after (NULL: from the start). */
const struct store_entry *const *store_range(
	const struct store *store, const char *prefix, const char *after, size_t *ret_count);

/*
 * The entries below @prefix as they were at @revision.  On success *@ret must be released with
 * index_clear.  -ESTALE: compacted; -ERANGE: not yet written; -ENOMEM.
 */
int store_range_at(
	const struct store *store, const char *prefix, uint64_t revision, struct index *ret);

/* --- writes --- */

struct store_compare {
	const char *key;
	uint64_t modified; /* the revision that changed it last; 0: there is no such key */
};

struct store_change {
	const char *key;
	struct blob *value; /* NULL: delete it (which is no error where there is none) */
};

struct store_txn {
	const struct store_compare *compares;
	size_t compare_count;
	const struct store_change *changes; /* no key twice */
	size_t change_count;
};

/*
 * How a write ended: 0 with its revision; -EAGAIN: a compare did not hold; another negative errno:
 * it could not be made durable, and is not done.  An etcd's: -EFBIG, -E2BIG: too large, too many keys; -ENOSPC;
 * -ETIMEDOUT: it does not answer.
 */
typedef void (*store_done_fn)(void *userdata, int result, uint64_t revision);

/*
 * Writes all changes if all compares hold when its turn comes, else nothing.  Copies what it needs.
 * @done follows from the loop, when reads and watches see the change; those that share a key have their turns in
 * the order in which they began.  -ENOBUFS: too many wait; -ENOMEM; @done is then not called.
 */
int store_commit(
	struct store *store, const struct store_txn *txn, store_done_fn done, void *userdata);

/* --- watches --- */

/*
 * Follows the changes below @prefix behind @after.  @wake is called, once until the next call of
 * store_watch_next that answers NULL, when there is something to read; it must not free the watch.
 * -ESTALE: compacted; -ENOMEM.
 */
int store_watch_new(struct store *store, const char *prefix, uint64_t after,
	void (*wake)(void *userdata), void *userdata, struct store_watch **ret);

/*
 * The next change, in order, each once; borrowed until the loop's next turn.  NULL with *@ret_stale
 * false: none for now; true: the reader was too slow and the log has moved on: the watch is at its end.
 */
const struct store_event *store_watch_next(struct store_watch *watch, bool *ret_stale);

/* Every change up to this revision has been read. */
uint64_t store_watch_revision(const struct store_watch *watch);

/* Accepts NULL; returns NULL. */
struct store_watch *store_watch_free(struct store_watch *watch);
