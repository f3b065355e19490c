/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many descriptors behind one source of the loop.  For each source it serves, sd-event asks the kernel for all that
 * are ready: when ten thousand connections hang up at once, that is a hundred million looks.  Here each ready
 * descriptor is fetched once.  Level-triggered, as sd-event.
 */
#pragma once

#include <stdint.h>
#include <systemd/sd-event.h>

struct err;
struct pollset;

/* One descriptor, a part of what it belongs to; pollset_add fills it in. */
struct pollset_entry {
	struct pollset *set; /* NULL: it is in none */
	int fd;
	void (*fn)(uint32_t events, void *userdata);
	void *userdata;
};

/* The caller owns *@ret and frees it before the loop, but not from a function of one of its entries. */
int pollset_new(sd_event *loop, struct pollset **ret, struct err *err);

/* Accepts NULL; returns NULL.  Nobody may be in it any more. */
struct pollset *pollset_free(struct pollset *set);

/*
 * Calls @fn when @fd, which stays the caller's, has any of @events (EPOLLIN, ...; EPOLLERR and EPOLLHUP always).
 * Until pollset_remove, @entry stays where it is.  0 or a negative errno.
 */
int pollset_add(struct pollset *set, struct pollset_entry *entry, int fd, uint32_t events,
	void (*fn)(uint32_t events, void *userdata), void *userdata);

/* From now on for these events; 0: for an end alone.  0; -ENOENT: it is in none; else as before. */
int pollset_watch(struct pollset_entry *entry, uint32_t events);

/* Before its descriptor is closed; what was fetched of it already is not told.  One that is in none is left alone. */
void pollset_remove(struct pollset_entry *entry);
