/* SPDX-License-Identifier: Apache-2.0 */
/* Options of sockets, as tables. */
#pragma once

#include <stddef.h>

/* As for setsockopt(2); all of those used here are integers. */
struct socket_option {
	int level, name, value;
};

/* Sets all of them, or fails with -errno of the first that was refused. */
int socket_options_set(int fd, const struct socket_option *options, size_t count);
