/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of store: what the files of the etcd backend share.
 *
 * What is in memory follows etcd's watch, and it alone: a write of ours has ended when its answer is there and
 * the watch has come to its revision.  etcd decides compares, and syncs writes that come at a time together: so
 * several connections write, each with one attempt at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "user/base/err.h"
#include "user/store/etcdpeers.h"
#include "user/store/etcdwire.h"
#include "user/store/request.h"
#include "user/store/state.h"

struct etcd_call;
struct etcd_reader;
struct timer;

#define ETCD_SLOTS 16
#define ETCD_ANSWERED_MOST \
	1000 /* writes whose revision the watch has not reached; then no more begin */

/* One connection that writes. */
struct etcd_slot {
	struct etcd *etcd;
	struct etcd_attempt attempt;
	char key[ETCD_KEY_MAX];	 /* the attempt's */
	uint64_t counter;	 /* of attempts */
	struct request *request; /* NULL: it is free */
	struct etcd_call *call;
	struct etcd_line line;
	struct timer *retry;
	unsigned failures;
	bool unsure; /* the attempt may have been made, or may yet be */
};

/* What is done beside reading and writing, one thing at a time. */
struct etcd_keeper {
	struct etcd_call *call;
	struct etcd_line line;
	struct timer *retry;
	unsigned failures;
	uint64_t compacting; /* up to this revision */
};

struct etcd {
	sd_event *loop;
	struct store *store;
	struct etcd_peers *peers;
	char *folder, *objects, *writers; /* "PREFIX/", "PREFIX/objects", "PREFIX/writers/" */
	uint64_t log_most;		  /* revisions that are read back at the start */
	struct etcd_slot slots[ETCD_SLOTS];
	struct backlog answered;
	bool starting; /* inside of etcd_write_start */
	struct etcd_reader *reader;
	struct etcd_keeper keeper;
	bool open;	    /* the first write has come back by the watch */
	struct err refused; /* code 0: nothing says that it never will */
};

/* etcdwrite.c */
int etcd_slots_init(struct etcd *etcd, const char *id);
void etcd_slots_clear(struct etcd *etcd);
/* Begins what waits, as far as there are slots. */
void etcd_write_start(struct etcd *etcd);
/* The watch has come further: ends writes that it has reached. */
void etcd_write_seen(struct etcd *etcd);

/* etcdread.c */
int etcd_reader_new(struct etcd *etcd);
struct etcd_reader *etcd_reader_free(struct etcd_reader *reader);
/* Reads the state at @revision, then follows it; once. */
void etcd_reader_begin(struct etcd_reader *reader, uint64_t revision);
/* The watch is there. */
bool etcd_reader_follows(const struct etcd_reader *reader);
/* The watch must come to @revision before long, or its member is given up. */
void etcd_reader_expect(struct etcd_reader *reader, uint64_t revision);

/* etcd.c */
/* The watch has come further: etcd may have to forget. */
void etcd_keep(struct etcd *etcd);
