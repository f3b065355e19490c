/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests to a Kubernetes API server, on the loop.  Whose server it is does not matter here: podnet-control
 * on its socket, or another.
 */
#pragma once

#include <systemd/sd-event.h>

#include "user/base/json.h"

struct client;
struct client_call;
struct err;

#define CLIENT_JSON	       "application/json"
#define CLIENT_MERGE_PATCH     "application/merge-patch+json"
#define CLIENT_STRATEGIC_PATCH "application/strategic-merge-patch+json"

#define CLIENT_ANSWER_MOST (64u << 20) /* bytes; a longer one is a failure */

/* All is copied. */
struct client_config {
	const char *socket_path; /* NULL: @server */
	const char *server;	 /* "https://NAME-OR-ADDRESS:PORT" */
	const char *authority;	 /* PEM: who signs the server's certificate; NULL: the system's */
	const char *certificate, *key; /* PEM: what the server is shown; NULL: nothing */
	const char *token;	       /* of a service account; NULL: none */
};

/* The caller owns *@ret.  Nothing is connected yet; until the resolver knows a server's name, requests fail. */
int client_new(
	sd_event *loop, const struct client_config *config, struct client **ret, struct err *err);

/* No call follows for requests under way.  Accepts NULL; returns NULL. */
struct client *client_free(struct client *client);

/* Borrowed. */
sd_event *client_loop(const struct client *client);

struct client_request {
	const char *method, *target; /* "PATCH", "/api/v1/nodes/a?fieldManager=x" */
	const char *content_type;    /* of @body; NULL: CLIENT_JSON */
	const json_t *body;	     /* NULL: none */
};

/* How a request ended.  Borrowed during the call. */
struct client_answer {
	unsigned status;    /* HTTP; 0: there was no answer, and @message says why */
	json_t *body;	    /* NULL: none, or no JSON */
	const char *reason; /* of a Status of failure: "NotFound"; "" otherwise */
	const char *message;
};

typedef void (*client_done_fn)(void *userdata, const struct client_answer *answer);

/*
 * Sends a request; what it needs is copied.  @done follows from the loop.  *@ret (may be NULL) is for
 * client_cancel until then.  -ENOMEM.
 */
int client_send(struct client *client, const struct client_request *request, client_done_fn done,
	void *userdata, struct client_call **ret);

/*
 * Reads an answer without end, one line after the other.  @line: borrowed during the call, without its
 * end.  @done is the last call; with status 200 the server has ended the stream.
 */
int client_follow(struct client *client, const char *target,
	void (*line)(void *userdata, const char *text, size_t len), client_done_fn done,
	void *userdata, struct client_call **ret);

/* No call follows.  Accepts NULL; returns NULL. */
struct client_call *client_cancel(struct client_call *call);
