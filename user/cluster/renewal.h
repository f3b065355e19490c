/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The certificate by which the API server knows this node, renewed when four fifths of its life are over: a new key, a
 * request, and what comes of it in the kubeconfig and shown from then on.  Requests under way go on.
 */
#pragma once

struct client;
struct err;
struct kubeconfig;
struct renewal;
struct worker;

/*
 * @path: of the kubeconfig, borrowed; @config: what stands in it, borrowed during the call.  One without a certificate of
 * its own for @node_name is left to who made it: *@ret is NULL.  Files are written by @worker.  The caller owns *@ret and
 * frees it before the client, and after the worker.
 */
int renewal_new(struct client *client, struct worker *worker, const char *path,
	const struct kubeconfig *config, const char *node_name, struct renewal **ret,
	struct err *err);

/* Accepts NULL; returns NULL. */
struct renewal *renewal_free(struct renewal *renewal);
