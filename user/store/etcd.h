/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of store: an etcd's v3 gateway as the one who decides; see etcdstate.h. */
#pragma once

#include <systemd/sd-event.h>

struct err;
struct etcd;
struct store;
struct store_config;

/*
 * Reads what is below the prefix, running @loop; @store is being opened.  Who is told to stop while it waits ends with
 * ECANCELED.  The caller owns *@ret.
 */
int etcd_open(sd_event *loop, struct store *store, const char *urls,
	const struct store_config *config, struct etcd **ret, struct err *err);

/* Why what is in memory does not follow it now.  Borrowed; NULL: it does. */
const char *etcd_problem(const struct etcd *etcd);

/* Begins what waits in the store. */
void etcd_start(struct etcd *etcd);

/* What is under way may yet be done.  Accepts NULL; returns NULL. */
struct etcd *etcd_free(struct etcd *etcd);
