/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the server: one connection and the request it carries at the moment. */
#pragma once

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "user/base/clock.h"
#include "user/base/pollset.h"
#include "user/http/buffer.h"
#include "user/http/reader.h"
#include "user/http/target.h"
#include "user/http/transport.h"

struct http_exchange;
struct http_server;
struct http_server_config;
struct timer;

#define STREAM_PATIENCE \
	(4 * 3600 * USEC_PER_SEC) /* for a reader who takes nothing: as the kubelet's streams */

enum exchange_state {
	EXCHANGE_SHAKING,   /* the TLS handshake is under way */
	EXCHANGE_READING,   /* waits for a request, or for the rest of one */
	EXCHANGE_HANDLING,  /* the handler has it */
	EXCHANGE_STREAMING, /* the handler writes */
	EXCHANGE_FLUSHING,  /* answered: what is queued goes out */
	EXCHANGE_LINGERING, /* refused before its end: the rest is read and forgotten */
	EXCHANGE_DEAD,	    /* aborted, or upgraded away: freed by the next turn of the loop */
};

/* What has taken a connection over from an exchange: its server ends it with itself. */
struct server_guest {
	struct server_guest *next, **link;
	void (*end)(struct server_guest *guest);
};

struct http_exchange {
	struct http_server *server;
	struct http_exchange **list, *next, **link;
	struct transport transport;
	sd_event *loop;
	struct pollset_entry entry;
	struct timer *timer;
	enum exchange_state state;
	struct http_reader reader;
	struct http_target target;
	struct buffer in, out; /* in: bytes beyond the current request */
	uint64_t patience;     /* microseconds without any progress of what goes out */
	bool keep_alive, chunked, full, upgraded;
	bool recognized; /* the peer has begun with TLS */
	void (*gone)(void *userdata);
	void (*drained)(void *userdata);
	void *userdata;
	void (*answered)(void *userdata, const struct http_exchange *exchange, unsigned status);
	void *answered_userdata;
	unsigned retry_after; /* seconds, for the next answer; 0: nothing is said */
};

/* Serves @fd (taken on success), watched by @set, and puts itself at the head of *@list.  0 or a negative errno. */
int exchange_new(struct http_server *server, sd_event *loop, struct pollset *set, int fd,
	struct http_exchange **list);

/* Closes the connection and leaves the list; a handler that still has the exchange hears `gone`. */
void exchange_free(struct http_exchange *exchange);

/* Waits for what its state needs. */
void exchange_watch(struct http_exchange *exchange);

/* Ends it in the next turn of the loop. */
void exchange_kill(struct http_exchange *exchange);

/* Tells who wants to know that it was answered; later calls tell nobody. */
void exchange_tell(struct http_exchange *exchange, unsigned status);

/* Answers a request that could not be read; the connection ends with it. */
void exchange_answer_unreadable(struct http_exchange *exchange, int error, const char *text);

/*
 * The connection leaves the exchange, which ends: @status was its answer.  Whoever takes it over tells the server
 * when it is closed.  What came behind the request is in exchange->in.
 */
struct transport exchange_leave(struct http_exchange *exchange, unsigned status);

/* A guest comes with a connection that has left its exchange, and goes when that is closed. */
void server_guest_add(struct http_server *server, struct server_guest *guest);
void server_guest_remove(struct http_server *server, struct server_guest *guest);

/* For the exchange: its server's limits and handler, and word that a connection ended. */
const struct http_server_config *server_config(const struct http_server *server);
void server_released(void *server);
