/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of client: where a server is, asked of the system's resolver without waiting for it. */
#pragma once

#include <systemd/sd-event.h>

struct err;
struct http_remote;
struct lookup;

/*
 * Fills @remote's address (borrowed until lookup_free): at once when its name is an address, else as soon as the
 * resolver answers; until then address_len is 0.  The caller owns *@ret.
 */
int lookup_new(sd_event *loop, struct http_remote *remote, struct lookup **ret, struct err *err);

/* The server was not reached: asks again, but not while that is under way, nor twice in ten seconds. */
void lookup_again(struct lookup *lookup);

/* Why the address is not known.  Borrowed; good until the next call from the loop. */
const char *lookup_problem(const struct lookup *lookup);

/* Accepts NULL; returns NULL. */
struct lookup *lookup_free(struct lookup *lookup);
