/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of store: the members of an etcd, one of which is asked until it does not answer; then it is the next
 * one's turn.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "user/base/json.h"
#include "user/http/transport.h"

struct buffer;
struct err;
struct etcd_call;
struct etcd_peers;
struct tls_config;

#define ETCD_PEERS_MOST	 16
#define ETCD_ANSWER_MOST (16u << 20) /* bytes: of one answer, or of one message of a watch */

/* A connection that is kept from one question to the next. */
struct etcd_line {
	struct transport transport; /* fd -1: none */
	unsigned peer;		    /* whom it leads to */
};

#define ETCD_NO_LINE ((struct etcd_line){.transport.fd = -1})

/*
 * @urls: "http://HOST:PORT,https://...", looked up at once.  @tls: for those with https; NULL: the system's
 * authorities.  EINVAL: no such list.  The caller owns *@ret.
 */
int etcd_peers_new(sd_event *loop, const char *urls, const struct tls_config *tls,
	struct etcd_peers **ret, struct err *err);
/* Free its calls before.  Accepts NULL; returns NULL. */
struct etcd_peers *etcd_peers_free(struct etcd_peers *peers);

/* How long to wait before the question that comes behind @failures in a row, in microseconds: each member is asked
 * once at once. */
uint64_t etcd_peers_pause(const struct etcd_peers *peers, unsigned failures);

/* Whoever is asked now is not, from the next question on. */
void etcd_peers_next(struct etcd_peers *peers);

/* Of the last failure: "etcd 'URL': REASON".  "" without one.  Borrowed. */
const char *etcd_peers_problem(const struct etcd_peers *peers);

struct etcd_answer {
	int result;   /* 0: json; -EREMOTEIO: etcd refused; another negative errno: nobody knows */
	json_t *json; /* borrowed */
	const char *text; /* why not */
	long long code;	  /* of the refusal, gRPC's */
	bool sent;	  /* what was asked may have been done, unless the answer says otherwise */
};

struct etcd_question {
	const char *path;	   /* "/v3/kv/txn" */
	const struct buffer *body; /* borrowed during the call of etcd_ask */
	struct etcd_line *line;	   /* borrowed until the end; NULL: none is kept */
	/* Set: the answer is a stream, and each message comes here.  1 ends it; negative: its member is no good. */
	int (*message)(void *userdata, json_t *message);
	/* The last call, always from the loop.  The call may be freed in it. */
	void (*done)(void *userdata, const struct etcd_answer *answer);
	void *userdata;
};

/* Asks whose turn it is.  The caller owns *@ret.  -ENOMEM. */
int etcd_ask(
	struct etcd_peers *peers, const struct etcd_question *question, struct etcd_call **ret);

/* Ends @call, now, as one that got no answer in time. */
void etcd_call_give_up(struct etcd_call *call);

/* Hangs up; nothing more comes of it.  Accepts NULL; returns NULL. */
struct etcd_call *etcd_call_free(struct etcd_call *call);
