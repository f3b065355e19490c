/* SPDX-License-Identifier: Apache-2.0 */
/* The httpGet handler: one GET over one connection (one more for each redirect on the same host). */
#pragma once

#include "user/probe/attempt.h"
#include "user/probe/request.h"

struct http_probe;

#define HTTP_PROBE_MAX_BODY   (10u << 10) /* so much of a body is read, then it is enough */
#define HTTP_PROBE_MAX_HEADER (64u << 10)
#define HTTP_PROBE_REDIRECTS  10

/* @url is copied; the attempt, which goes with nobody else meanwhile, and the handler are borrowed.  The caller
 * owns *@ret.  Fails only when the prober itself does. */
int http_probe_start(struct attempt *attempt, const struct sockaddr_in *address,
	const struct probe_url *url, const struct handler *handler, attempt_done_fn done,
	void *userdata, struct http_probe **ret, struct err *err);

/* Takes in what came while the attempt was held, and releases it when the answer is not complete. */
void http_probe_look(struct http_probe *probe);

/* The deadline passed: reports the failure. */
void http_probe_expire(struct http_probe *probe);

/* Accepts NULL; returns NULL. */
struct http_probe *http_probe_free(struct http_probe *probe);
