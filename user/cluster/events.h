/* SPDX-License-Identifier: Apache-2.0 */
/* Tells the API server what happens to Pods, as Events of component "kubelet"; later, when it is away. */
#pragma once

#include "user/cluster/eventlog.h"

struct client;
struct err;
struct events;

/* @node: the name of this node, borrowed.  The caller owns *@ret and frees it before the client. */
int events_new(struct client *client, const char *node, struct events **ret, struct err *err);

/* What waits is lost.  Accepts NULL; returns NULL. */
struct events *events_free(struct events *events);

/* Without memory it is lost, and that is logged. */
void events_add(struct events *events, const struct event *event);

/* The server can be reached again. */
void events_hurry(struct events *events);
