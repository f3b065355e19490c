/* SPDX-License-Identifier: Apache-2.0 */
/* The WebSocket handshake (RFC 6455, 4): keys, and whether request and answer are fit. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct http_reader;

#define HANDSHAKE_KEY_MAX    32 /* base64 of 16 bytes, and NUL */
#define HANDSHAKE_ACCEPT_MAX 32 /* base64 of 20 bytes, and NUL */

/* A client's random key.  0 or a negative errno. */
int handshake_key(char ret[HANDSHAKE_KEY_MAX]);

/* What a server answers to @key. */
void handshake_accept(const char *key, char ret[HANDSHAKE_ACCEPT_MAX]);

/* True when the request asks for a WebSocket of version 13. */
bool handshake_is_request(const struct http_reader *request);

/* The first of @protocols (NULL-terminated) that the request offers, or NULL. */
const char *handshake_protocol(const struct http_reader *request, const char *const *protocols);

/* The one of @protocols that the answer to @key chose; NULL when the answer is no fitting 101. */
const char *handshake_chosen(
	const struct http_reader *answer, const char *key, const char *const *protocols);
