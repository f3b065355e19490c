/* SPDX-License-Identifier: Apache-2.0 */
/* The objects that every cluster begins with. */
#pragma once

struct bootstrap;
struct client;

/* Makes those that are missing, one after the other, as long as it takes; @done once all are there.  The
 * caller owns *@ret, and frees it before the client.  -ENOMEM. */
int bootstrap_new(struct client *client, void (*done)(void *userdata), void *userdata,
	struct bootstrap **ret);

/* Accepts NULL; returns NULL. */
struct bootstrap *bootstrap_free(struct bootstrap *bootstrap);
