/* SPDX-License-Identifier: Apache-2.0 */
/* The terminal of a container that has one: the runtime makes it, and hands its master over. */
#pragma once

struct container;
struct err;

#define CONSOLE_NAME "console.sock" /* in the bundle, where the runtime connects to it */

/* Waits in directory @bundle for the master, which becomes the container's output and, with @speaks, its input. */
int console_open(struct container *container, const char *bundle, struct err *err);

/* Waits no more.  Accepts one that never did. */
void console_close(struct container *container);
