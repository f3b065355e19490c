/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The node's own API, as a kubelet serves it, over TLS to the API server: logs, exec, attach, port-forward, Pods
 * and numbers.  The control socket has the same paths for root.
 */
#pragma once

#include <stdbool.h>

struct agent;
struct err;
struct http_exchange;
struct nodeapi;

/*
 * Begins to serve, when this machine is a node of an API server, and has the Node object say where.  A port or
 * certificates that cannot be used are told in the log: Pods matter more.
 */
void nodeapi_open(struct agent *agent);

/* Ends all connections.  Accepts NULL; returns NULL. */
struct nodeapi *nodeapi_free(struct nodeapi *api);

/* Answers what is below the paths of a kubelet; false: it is none of them. */
bool nodeapi_route(struct agent *agent, struct http_exchange *exchange);
