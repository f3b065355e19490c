// SPDX-License-Identifier: Apache-2.0
#include "user/http/address.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/err.h"

static int port_read(const char *text, uint16_t *ret)
{
	size_t len = strlen(text);
	unsigned long port;

	if (len == 0 || len > 5 || strspn(text, "0123456789") != len)
		return -EINVAL;
	port = strtoul(text, NULL, 10);
	if (port > UINT16_MAX)
		return -EINVAL;
	*ret = (uint16_t)port;
	return 0;
}

int http_address_parse(const char *text, struct http_address *ret, struct err *err)
{
	const char *host = text, *colon = strrchr(text, ':');
	size_t len = colon ? (size_t)(colon - text) : 0;

	if (len > 2 && text[0] == '[' && text[len - 1] == ']') {
		host++;
		len -= 2;
	} else if (memchr(text, ':', len) || memchr(text, '[', len)) {
		len = 0;
	}
	if (len == 0 || len >= HTTP_HOST_MAX || port_read(colon + 1, &ret->port) < 0)
		return err_refuse(err, EINVAL, "'%s' is no ADDRESS:PORT", text);
	memcpy(ret->host, host, len);
	ret->host[len] = '\0';
	return 0;
}

int http_address_of_url(const char *url, struct http_address *ret, struct err *err)
{
	static const char scheme[] = "https://";
	const char *host = url + strlen(scheme);
	char text[HTTP_ADDRESS_TEXT];
	size_t len;
	int written;

	if (strncmp(url, scheme, strlen(scheme)) != 0)
		return err_refuse(err, EINVAL, "'%s' does not begin with %s", url, scheme);
	len = strcspn(host, "/?#");
	if (host[len] && strcmp(host + len, "/") != 0)
		return err_refuse(err, EINVAL, "'%s': a server has no path", url);
	/* A colon behind the last bracket begins a port. */
	written = snprintf(text, sizeof(text), "%.*s%s", (int)len, host,
		memchr(host, ':', len) && host[len - 1] != ']' ? "" : ":443");
	if (written < 0 || (size_t)written >= sizeof(text))
		return err_refuse(err, EINVAL, "'%s' is too long", url);
	return http_address_parse(text, ret, err);
}

void http_address_text(const struct http_address *address, char ret[HTTP_ADDRESS_TEXT])
{
	bool bare = !strchr(address->host, ':');

	snprintf(ret, HTTP_ADDRESS_TEXT, "%s%s%s:%u", bare ? "" : "[", address->host,
		bare ? "" : "]", address->port);
}

bool http_address_is_literal(const struct http_address *address)
{
	unsigned char bytes[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, address->host, bytes) == 1 ||
	       inet_pton(AF_INET6, address->host, bytes) == 1;
}

int http_address_resolve(const struct http_address *address, struct sockaddr_storage *ret,
	socklen_t *ret_len, struct err *err)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV}, *found;
	char port[8];
	int r;

	snprintf(port, sizeof(port), "%u", address->port);
	r = getaddrinfo(address->host, port, &hints, &found);
	if (r != 0)
		return err_refuse(
			err, EHOSTUNREACH, "look up '%s': %s", address->host, gai_strerror(r));
	memcpy(ret, found->ai_addr, found->ai_addrlen);
	*ret_len = found->ai_addrlen;
	freeaddrinfo(found);
	return 0;
}
