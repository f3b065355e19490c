/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shim's socket: DIR/shim.sock, root only.  Several clients may be connected.  A client
 * that does not read is disconnected rather than waited for: SHIMWIRE_LIST tells it all when it is back.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "include/podnet/shimwire.h"
#include "user/shim/reactor.h"

#define SERVER_CLIENTS_MAX 4

struct err;
struct keeper;

/* Who asked.  Clients are numbered from 1 and never again, so an answer cannot reach a stranger. */
struct origin {
	uint32_t client;
	uint32_t seq;
};

struct server {
	struct source listener;
	struct server_client {
		struct source source;
		struct keeper *keeper;
		uint32_t number;
	} clients[SERVER_CLIENTS_MAX];
	uint32_t numbers; /* given out so far */
};

/* Listens in @dir. */
int server_open(struct keeper *keeper, const char *dir, struct err *err);
/* Takes over a connected socket. */
int server_adopt(struct keeper *keeper, int fd, struct err *err);
void server_close(struct keeper *keeper);

/* Answers.  The header and, for failures, the reason are filled in here.  Clients that left are ignored. */
void server_answer(struct keeper *keeper, struct origin origin, struct shimwire_answer *answer,
	size_t size, const int *fds, size_t fd_count);
void server_done(struct keeper *keeper, struct origin origin);
void server_fail(struct keeper *keeper, struct origin origin, int result, const char *reason);
/* To all clients, or to one (client != 0). */
void server_event(struct keeper *keeper, uint32_t client, const void *message, size_t size);
