/* SPDX-License-Identifier: Apache-2.0 */
/* podnetctl's talk with an API server: one request after the other, each waited for. */
#pragma once

#include <stdint.h>

#include "user/base/json.h"

struct client_config;
struct err;
struct apiserver;

struct apiserver_answer {
	unsigned status; /* HTTP */
	json_t *body;	 /* owned; NULL: none */
};

/* Looks up its name.  The caller owns *@ret.  Nothing is sent yet. */
int apiserver_open(const struct client_config *config, struct apiserver **ret, struct err *err);

/* Accepts NULL; returns NULL. */
struct apiserver *apiserver_close(struct apiserver *server);

/*
 * Asks, and waits for the answer.  @body is borrowed, NULL: none.  Whatever the server says is success; what was said is
 * released by apiserver_forget.  ETIMEDOUT: it said nothing for too long.
 */
int apiserver_ask(struct apiserver *server, const char *method, const char *target,
	const json_t *body, struct apiserver_answer *ret, struct err *err);
void apiserver_forget(struct apiserver_answer *answer);

/* Lets @usec pass. */
void apiserver_wait(struct apiserver *server, uint64_t usec);

#define AUTO_ANSWER __attribute__((cleanup(apiserver_forget))) struct apiserver_answer
