/* SPDX-License-Identifier: Apache-2.0 */
/* The objects that every cluster begins with. */
#pragma once

struct bootstrap;
struct client;
struct requests;

struct bootstrap_config {
	const char *service_cidr; /* the Service default/kubernetes gets its first address */
	const char *address;	  /* at which Pods reach the API server; "": at none */
	unsigned port;
	const char *ca; /* certificates (PEM) by which others know it; NULL: nobody is told */
};

/*
 * Makes those that are missing, one after the other, as long as it takes; @done once all are there, or
 * refused.  What it needs of @config is copied.  The caller owns *@ret, and frees it before the client.
 * -ENOMEM.
 */
int bootstrap_new(struct client *client, const struct bootstrap_config *config,
	void (*done)(void *userdata), void *userdata, struct bootstrap **ret);

/* Accepts NULL; returns NULL. */
struct bootstrap *bootstrap_free(struct bootstrap *bootstrap);

/* bootstrap_objects.c: what is created, in order; what has been created before stays.  -ENOMEM.  Pure. */
int bootstrap_plan(const struct bootstrap_config *config, struct requests *plan);
