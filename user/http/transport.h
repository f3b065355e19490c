/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of http: the bytes of one connection, plain or in TLS.  Sockets are non-blocking. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct err;
struct tls_ops;
struct tls_peer;

/* Credentials, and a session that was made with them.  Who never makes the first does not load the library. */
struct tls {
	const struct tls_ops *ops;
};

struct tls_session {
	const struct tls_ops *ops;
};

struct tls_ops {
	/* A server's end upon @fd (borrowed).  A client's certificate is asked for, not demanded. */
	int (*accept)(const struct tls *tls, int fd, struct tls_session **ret, struct err *err);
	/* A client's end: the server's certificate must be trusted, and be one for @host (a name or an address). */
	int (*connect)(const struct tls *tls, int fd, const char *host, struct tls_session **ret,
		struct err *err);
	/* 0: done; -EAGAIN: again when the socket is ready (wants_write says for what); else why it failed. */
	int (*handshake)(struct tls_session *session, struct err *err);
	bool (*wants_write)(const struct tls_session *session);
	ssize_t (*recv)(struct tls_session *session, void *data, size_t len);
	ssize_t (*send)(struct tls_session *session, const void *data, size_t len);
	bool (*has_more)(const struct tls_session *session);
	/* After a server's handshake.  Borrowed from the session. */
	const struct tls_peer *(*peer)(const struct tls_session *session);
	/* Says farewell if it can do so at once. */
	void (*free)(struct tls_session *session);
	void (*credentials_free)(struct tls *tls);
};

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

/* Says that nothing more will be sent; what comes is then read as it is on the wire. */
void transport_finish(struct transport *transport);

/* Closes both; it is then closed. */
void transport_close(struct transport *transport);

/* Moves it out: the caller owns it, *@transport is closed. */
struct transport transport_take(struct transport *transport);
