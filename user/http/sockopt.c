// SPDX-License-Identifier: Apache-2.0
#include "user/http/sockopt.h"

#include <errno.h>
#include <sys/socket.h>

int socket_options_set(int fd, const struct socket_option *options, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (setsockopt(fd, options[i].level, options[i].name, &options[i].value,
			    sizeof(options[i].value)) < 0)
			return -errno;
	return 0;
}
