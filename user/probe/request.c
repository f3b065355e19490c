// SPDX-License-Identifier: Apache-2.0
#include "user/probe/request.h"

#include <http_parser.h>
#include <string.h>
#include <strings.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"

/* Copies @path up to a fragment, escaping what may not stand in a request line. */
static int path_copy(const char *path, size_t len, char ret[PROBE_PATH_MAX])
{
	size_t n = 0;

	if (len == 0 || path[0] != '/')
		ret[n++] = '/';
	for (size_t i = 0; i < len && path[i] != '#'; i++) {
		unsigned char c = (unsigned char)path[i];

		if (n + 4 > PROBE_PATH_MAX)
			return -EINVAL;
		if (c <= ' ' || c >= 0x7f)
			n += (size_t)sprintf(ret + n, "%%%02X", c);
		else
			ret[n++] = (char)c;
	}
	ret[n] = '\0';
	return 0;
}

static bool header_is_safe(const struct http_header *header)
{
	return header->name[0] && !strpbrk(header->name, ":\r\n \t") &&
	       !strpbrk(header->value, "\r\n");
}

int probe_url_init(const struct handler *handler, const char *host, uint16_t port,
	struct probe_url *ret, struct err *err)
{
	const char *path = handler->path ? handler->path : "/";

	for (size_t i = 0; i < handler->header_count; i++)
		if (!header_is_safe(&handler->headers[i]))
			return err_refuse(err, EINVAL, "probe header '%s' cannot be sent",
				handler->headers[i].name);
	*ret = (struct probe_url){.port = port};
	if (path_copy(path, strlen(path), ret->path) < 0)
		return err_refuse(
			err, EINVAL, "probe path is longer than %d bytes", PROBE_PATH_MAX);
	if ((size_t)snprintf(ret->host, sizeof(ret->host), "%s", host) >= sizeof(ret->host))
		return err_refuse(err, EINVAL, "probe host is too long");
	return 0;
}

void probe_url_text(const struct probe_url *url, char *ret, size_t size)
{
	snprintf(ret, size, "http://%s:%u%s", url->host, url->port, url->path);
}

/* RFC 3986, 5.2.4, on the part before the query. */
static void path_remove_dots(char *path)
{
	size_t end = strcspn(path, "?");
	size_t in = 0, out = 0;

	while (in < end) {
		size_t len = 1 + strcspn(path + in + 1, "/?");
		bool last = in + len >= end;

		if (len == 2 && path[in + 1] == '.') {
			if (last)
				path[out++] = '/';
		} else if (len == 3 && memcmp(path + in + 1, "..", 2) == 0) {
			while (out > 0 && path[--out] != '/')
				;
			if (last)
				path[out++] = '/';
		} else {
			memmove(path + out, path + in, len);
			out += len;
		}
		in += len;
	}
	memmove(path + out, path + end, strlen(path + end) + 1);
}

/* "http://host[:port]/path?query" or "//host/path". */
static enum redirect redirect_absolute(
	const struct probe_url *base, const char *location, struct probe_url *ret)
{
	char full[PROBE_PATH_MAX];
	struct http_parser_url url;
	const char *path;
	int n = snprintf(full, sizeof(full), "%s%s", location[0] == '/' ? "http:" : "", location);

	if (n < 0 || (size_t)n >= sizeof(full))
		return REDIRECT_BROKEN;
	full[strcspn(full, "#")] = '\0';
	http_parser_url_init(&url);
	if (http_parser_parse_url(full, strlen(full), 0, &url) || !(url.field_set & (1 << UF_HOST)))
		return REDIRECT_BROKEN;
	if (strncasecmp(full, "http://", 7) != 0 ||
		url.field_data[UF_HOST].len != strlen(base->host) ||
		strncasecmp(full + url.field_data[UF_HOST].off, base->host, strlen(base->host)))
		return REDIRECT_ELSEWHERE;
	*ret = *base;
	ret->redirected_host = true;
	ret->port = url.field_set & (1 << UF_PORT) ? url.port : 80;
	path = full + url.field_data[UF_HOST].off + url.field_data[UF_HOST].len;
	path += strcspn(path, "/?");
	return path_copy(path, strlen(path), ret->path) < 0 ? REDIRECT_BROKEN : REDIRECT_FOLLOW;
}

/* The part of the base's path that a relative reference replaces begins here. */
static size_t redirect_keep(const char *path, const char *location)
{
	size_t end = strcspn(path, "?");

	if (location[0] == '?' || location[0] == '\0' || location[0] == '#')
		return end;
	while (end > 0 && path[end - 1] != '/')
		end--;
	return end;
}

enum redirect probe_url_redirect(
	const struct probe_url *base, const char *location, struct probe_url *ret)
{
	char path[PROBE_PATH_MAX];
	size_t colon = strcspn(location, ":/?#");
	int n;

	if (location[colon] == ':' || strncmp(location, "//", 2) == 0)
		return redirect_absolute(base, location, ret);
	n = location[0] == '/'
		    ? snprintf(path, sizeof(path), "%s", location)
		    : snprintf(path, sizeof(path), "%.*s%s",
			      (int)redirect_keep(base->path, location), base->path, location);
	if (n < 0 || (size_t)n >= sizeof(path))
		return REDIRECT_BROKEN;
	*ret = *base;
	if (path_copy(path, strlen(path), ret->path) < 0)
		return REDIRECT_BROKEN;
	path_remove_dots(ret->path);
	return REDIRECT_FOLLOW;
}

/* The first header of that name, which counts when it has a default; NULL: not given. */
static const char *header_given(const struct handler *handler, const char *name)
{
	for (size_t i = 0; i < handler->header_count; i++)
		if (strcasecmp(handler->headers[i].name, name) == 0)
			return handler->headers[i].value;
	return NULL;
}

/* A header with a default: given empty, it is not sent at all. */
static int request_default(
	const struct handler *handler, const char *name, const char *fallback, struct buffer *ret)
{
	const char *value = header_given(handler, name);

	if (!value)
		value = fallback;
	return value[0] ? buffer_printf(ret, "%s: %s\r\n", name, value) : 0;
}

static bool header_is_ours(const char *name)
{
	static const char *const ours[] = {
		"Host", "User-Agent", "Accept", "Content-Length", "Transfer-Encoding", "Trailer"};

	for (size_t i = 0; i < COUNT(ours); i++)
		if (strcasecmp(name, ours[i]) == 0)
			return true;
	return false;
}

int probe_request(const struct probe_url *url, const struct handler *handler, struct buffer *ret)
{
	const char *host = url->redirected_host ? NULL : header_given(handler, "Host");
	int r;

	if (host && host[0])
		r = buffer_printf(ret, "GET %s HTTP/1.1\r\nHost: %s\r\n", url->path, host);
	else
		r = buffer_printf(
			ret, "GET %s HTTP/1.1\r\nHost: %s:%u\r\n", url->path, url->host, url->port);
	if (r >= 0)
		r = request_default(handler, "User-Agent", PROBE_USER_AGENT, ret);
	if (r >= 0)
		r = request_default(handler, "Accept", "*/*", ret);
	for (size_t i = 0; r >= 0 && i < handler->header_count; i++)
		if (!header_is_ours(handler->headers[i].name))
			r = buffer_printf(ret, "%s: %s\r\n", handler->headers[i].name,
				handler->headers[i].value);
	return r < 0 ? r : buffer_printf(ret, "Connection: close\r\n\r\n");
}
