/* SPDX-License-Identifier: Apache-2.0 */
/* The tcpSocket handler: a connection that opens is health, whatever follows. */
#pragma once

#include "user/probe/attempt.h"

struct tcp_probe;

/* The attempt is borrowed and goes with nobody else meanwhile.  The caller owns *@ret.  Fails only when the prober
 * itself does (no descriptor, no such netns). */
int tcp_probe_start(struct attempt *attempt, const struct sockaddr_in *address,
	attempt_done_fn done, void *userdata, struct tcp_probe **ret, struct err *err);

/* The deadline passed: reports the failure. */
void tcp_probe_expire(struct tcp_probe *probe);

/* Accepts NULL; returns NULL. */
struct tcp_probe *tcp_probe_free(struct tcp_probe *probe);
