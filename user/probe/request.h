/* SPDX-License-Identifier: Apache-2.0 */
/* What an HTTP probe asks for, and where a redirect leads.  Pure. */
#pragma once

#include <stdint.h>

#include "user/http/buffer.h"
#include "user/model/pod.h"

struct err;

#define PROBE_USER_AGENT "kube-probe/1.32"
#define PROBE_HOST_MAX	 256
#define PROBE_PATH_MAX	 2048

struct probe_url {
	char host[PROBE_HOST_MAX];
	uint16_t port;
	char path[PROBE_PATH_MAX]; /* with the query, escaped as HTTP wants it; starts with '/' */
	bool redirected_host; /* came from an absolute redirect: a Host header given does not count */
};

/* The URL of a handler on @host.  -EINVAL: path too long, or a header that would break the request. */
int probe_url_init(const struct handler *handler, const char *host, uint16_t port,
	struct probe_url *ret, struct err *err);

/* "http://10.0.0.1:80/healthz" */
void probe_url_text(const struct probe_url *url, char *ret, size_t size);

enum redirect { REDIRECT_FOLLOW, REDIRECT_ELSEWHERE, REDIRECT_BROKEN };
/* Where a Location header leads, seen from @base: another host, or another scheme, is ELSEWHERE. */
enum redirect probe_url_redirect(
	const struct probe_url *base, const char *location, struct probe_url *ret);

/* Appends the GET request.  0 or -ENOMEM. */
int probe_request(const struct probe_url *url, const struct handler *handler, struct buffer *ret);
