/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Membership in a cluster: the Node object of this machine, its status, and the Lease that is renewed while
 * podnetd lives.  Goes on by itself, and by itself again after the API server was away.
 */
#pragma once

#include <netinet/in.h>

#include "user/base/json.h"

struct client;
struct err;
struct membership;

/* All strings are borrowed and must outlive it. */
struct membership_config {
	const char *node_name, *pod_cidr, *state_dir, *version;
	struct in_addr address;
	/* The Node object is there, with another uid than before.  May be NULL. */
	void (*registered)(void *userdata);
	/* The images that the machine has, for status.images; borrowed until the next call.  NULL: not known. */
	json_t *(*images)(void *userdata);
	void *userdata;
};

/* The caller owns *@ret and frees it before the client. */
int membership_new(struct client *client, const struct membership_config *config,
	struct membership **ret, struct err *err);

/* The node's API listens at @port: the Node object says so from its next status on. */
void membership_serve(struct membership *membership, unsigned port);

/* The Node object stays; its Lease runs out.  Accepts NULL; returns NULL. */
struct membership *membership_free(struct membership *membership);

/* The uid of the Node object; "": not known (yet).  Borrowed until the loop's next turn. */
const char *membership_node_uid(const struct membership *membership);

/* The server can be reached again. */
void membership_hurry(struct membership *membership);
