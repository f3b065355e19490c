/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps the API server's Pods of this node as they are here: one writer for each, see podplan.h. */
#pragma once

#include "user/cluster/podplan.h"

struct client;
struct podwrites;

struct podwrites_events {
	/*
	 * Fills all of @ret but now, sent and sent_revision for the Pod called @key
	 * ("namespace/name").  What it borrows stays until the next call.  *@ret_local (born NULL)
	 * is what @ret->local borrows, to be released.
	 */
	void (*look)(
		void *userdata, const char *key, struct podplan_input *ret, json_t **ret_local);
};

/* @events and @userdata are borrowed.  The caller owns *@ret and frees it before the client.  -ENOMEM. */
int podwrites_new(struct client *client, const struct podwrites_events *events, void *userdata,
	struct podwrites **ret);

/* Accepts NULL; returns NULL. */
struct podwrites *podwrites_free(struct podwrites *writes);

/* Something about the Pod @key changed, here or there.  Not from look(). */
void podwrites_look(struct podwrites *writes, const char *key);

/* The server told of it: no wait for an answer is worth while. */
void podwrites_hurry(struct podwrites *writes, const char *key);
/* It can be reached again. */
void podwrites_hurry_all(struct podwrites *writes);
