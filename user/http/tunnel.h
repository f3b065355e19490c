/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hands a request on to another server, and what that answers back, byte by byte: whole answers, streams without
 * end, and upgraded connections whose frames nobody here understands.
 */
#pragma once

struct err;
struct http_exchange;
struct http_remote;

struct http_tunnel_spec {
	const struct http_remote *remote; /* its tls until the end of the server */
	const char *
		target; /* "/exec/NS/POD/C?command=ls"; method, headers and body are the client's */
	const char *
		prefix; /* X-Forwarded-Prefix; NULL: it is told nothing about where the client was */
};

/*
 * Takes @exchange on and answers it, now or later.  Who the client is stays here: neither its token nor whom it
 * acts as is handed on.  A server that cannot be reached is a Status of 500.  Bytes of the client follow its
 * request only when the server has agreed to an upgrade that the client asked for.
 */
void http_tunnel(struct http_exchange *exchange, const struct http_tunnel_spec *spec);
