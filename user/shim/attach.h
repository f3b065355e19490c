/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clients that hear what a container says from now on, beside its log, and may speak to it.  A client that does not
 * take what is said loses a part of it: nobody makes a container wait.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "include/podnet/shimwire.h"

struct attach;
struct container;
struct keeper;
struct origin;

#define ATTACH_MOST 16 /* of one container */

/* Answers with pipes, or with a failure; the end is an event as that of an exec. */
void attach_start(
	struct keeper *keeper, struct origin origin, const struct shimwire_attach *request);

/* Hands on what the container said. */
void attach_feed(const struct container *container, bool is_err, const char *data, size_t len);

/* The container has ended: so do all who listen. */
void attach_end_all(struct container *container);

/* The client leaves: what it had attached ends without a word; @number 0: all of it. */
void attach_drop(struct keeper *keeper, uint32_t client, uint32_t number);
