/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS 1.2 and 1.3 for both ends, without blocking: what a listener or a client shows and whom it trusts, and
 * one connection's session.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct err;
struct tls;
struct tls_session;

/* Texts in PEM, borrowed during the call of tls_new. */
struct tls_config {
	const char *authority; /* who may have signed the peer's certificate; NULL: the system's */
	const char *certificate, *key; /* NULL: none, which only a client may have */
};

/* Credentials for many connections.  The caller owns *@ret, and frees it after the last session. */
int tls_new(const struct tls_config *config, struct tls **ret, struct err *err);

/* Accepts NULL; returns NULL. */
struct tls *tls_free(struct tls *tls);

/* A server's end upon @fd (borrowed).  A client's certificate is asked for, not demanded. */
int tls_accept(const struct tls *tls, int fd, struct tls_session **ret, struct err *err);

/* A client's end: the server's certificate must be trusted, and be one for @host (a name or an address). */
int tls_connect(
	const struct tls *tls, int fd, const char *host, struct tls_session **ret, struct err *err);

/* Says farewell if it can do so at once.  Accepts NULL; returns NULL. */
struct tls_session *tls_session_free(struct tls_session *session);

/* 0: done; -EAGAIN: call again when the socket is ready (tls_wants_write); else why it failed. */
int tls_handshake(struct tls_session *session, struct err *err);

/* What the handshake waits for. */
bool tls_wants_write(const struct tls_session *session);

/* As recv(2) and send(2) of a non-blocking socket, errno included.  What was not sent must come again. */
ssize_t tls_recv(struct tls_session *session, void *data, size_t len);
ssize_t tls_send(struct tls_session *session, const void *data, size_t len);

/* Bytes wait that the socket does not know of any more. */
bool tls_has_more(const struct tls_session *session);

/* Who the client said it is.  name and organizations are there when `trusted`. */
struct tls_peer {
	bool presented; /* it sent a certificate */
	bool trusted;	/* which our authority signed, for clients, and whose time it is */
	char *name;	/* the subject's common name */
	char **organizations;
	size_t organization_count;
	char problem[128]; /* why it is not trusted */
};

#define TLS_ORGANIZATIONS_MOST 64

/* After a server's handshake.  Borrowed from the session. */
const struct tls_peer *tls_peer(const struct tls_session *session);
