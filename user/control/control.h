/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The controllers, as clients of an API: each follows some kinds, is told which key to look at, makes a
 * plan of it (a pure function) and has it written.
 */
#pragma once

#include <systemd/sd-event.h>

struct client;
struct control;
struct err;

struct control_config {
	const char *
		ca; /* certificates (PEM) by which Pods know the API server; NULL: there are none */
	const char *ca_key;	      /* signs with the first of them; NULL: nobody signs */
	unsigned certificate_seconds; /* that a certificate of a node holds at most */
	unsigned node_grace; /* seconds: a node that says nothing for longer is taken for lost */
};

/* Starts all controllers.  @client and the config's strings must outlive it.  The caller owns *@ret. */
int control_new(sd_event *loop, struct client *client, const struct control_config *config,
	struct control **ret, struct err *err);

/* What is being written may still be done.  Accepts NULL; returns NULL. */
struct control *control_free(struct control *control);
