/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A certificate for the node's own API that the API server has signed (kubernetes.io/kubelet-serving), once somebody has
 * approved it: kept in a directory, and renewed when four fifths of its life are over.
 */
#pragma once

struct certificate;
struct client;
struct err;
struct serving;
struct worker;

struct serving_config {
	const char *directory; /* which is there */
	const char *node_name;
	const char *const *subject_names; /* NULL-terminated: by which the node is asked */
	/* There is one, or another; borrowed during the call, which may come in serving_new. */
	void (*changed)(void *userdata, const struct certificate *certificate);
	void *userdata;
};

/*
 * What @config points to is borrowed until the end.  Files are written by @worker.  The caller owns *@ret and frees it
 * before the client, and lets the loop do nothing between that and the worker's end.
 */
int serving_new(struct client *client, struct worker *worker, const struct serving_config *config,
	struct serving **ret, struct err *err);

/* Accepts NULL; returns NULL. */
struct serving *serving_free(struct serving *serving);
