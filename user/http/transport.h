/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of http: the bytes of one connection, plain or in TLS.  Sockets are non-blocking. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct err;
struct tls_session;

struct transport {
	int fd;
	struct tls_session *tls; /* NULL: plain */
};

/* 0: bytes can flow; -EAGAIN: again when transport_events are there; else why not. */
int transport_handshake(struct transport *transport, struct err *err);
/* EPOLLIN or EPOLLOUT: what the handshake waits for. */
unsigned transport_events(const struct transport *transport);

/* As recv(2) and send(2), errno included; after EAGAIN a send must begin with the same bytes.  @more: others
 * follow at once. */
ssize_t transport_recv(struct transport *transport, void *data, size_t len);
ssize_t transport_send(struct transport *transport, const void *data, size_t len, bool more);

/* Bytes have been read that epoll will not tell of again. */
bool transport_has_more(const struct transport *transport);

/* Closes both; it is then closed. */
void transport_close(struct transport *transport);

/* Moves it out: the caller owns it, *@transport is closed. */
struct transport transport_take(struct transport *transport);
