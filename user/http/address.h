/* SPDX-License-Identifier: Apache-2.0 */
/* Where a server listens or is reached: "127.0.0.1:6443", "[::1]:6443", "api.example:6443". */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct err;

#define HTTP_HOST_MAX 254

struct http_address {
	char host[HTTP_HOST_MAX]; /* without brackets */
	uint16_t port;
};

/* EINVAL: no host, no port, or none that could be one. */
int http_address_parse(const char *text, struct http_address *ret, struct err *err);

/* "https://api.example:6443", as a kubeconfig says it: port 443 unless it is given, and no path. */
int http_address_of_url(const char *url, struct http_address *ret, struct err *err);

/* "host:port", with brackets where they are needed. */
#define HTTP_ADDRESS_TEXT (HTTP_HOST_MAX + 10)
void http_address_text(const struct http_address *address, char ret[HTTP_ADDRESS_TEXT]);

/* It is an address, no name. */
bool http_address_is_literal(const struct http_address *address);

/* Asks the resolver for a name, which may take its time; an address needs no asking. */
int http_address_resolve(const struct http_address *address, struct sockaddr_storage *ret,
	socklen_t *ret_len, struct err *err);
