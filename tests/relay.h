/* SPDX-License-Identifier: Apache-2.0 */
/* For tests: between an etcd and those who ask it, a relay that loses what it is told to lose. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <systemd/sd-event.h>

struct link;

enum fault {
	FAULT_NONE,
	FAULT_ANSWER,  /* the request arrives, its answer does not */
	FAULT_REQUEST, /* the request does not arrive */
	FAULT_LATE,    /* the request arrives when its sender has long been told that it is lost */
};

struct relay {
	sd_event *loop;
	int fd;
	sd_event_source *source;
	char url[64];
	bool down;		  /* new connections are closed at once */
	const enum fault *faults; /* of transactions, in turn; NULL: none */
	size_t fault_count, fault_at;
	unsigned lost;
	char *late; /* a request that is held back */
	size_t late_len;
	struct link *links;
};

/* Listens at relay->url, on @loop, with etcd_url() behind it. */
void relay_start(struct relay *relay, sd_event *loop);

/* What was held back reaches etcd, on a connection of its own, and is carried out. */
void relay_deliver_late(struct relay *relay);

/* Ends all connections. */
void relay_cut(struct relay *relay);

/* Ends everything. */
void relay_stop(struct relay *relay);
