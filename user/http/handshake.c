// SPDX-License-Identifier: Apache-2.0
#include "user/http/handshake.h"

#include <errno.h>
#include <nettle/base64.h>
#include <nettle/sha1.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "user/http/reader.h"

#define KEY_BYTES 16
#define MAGIC	  "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

static void base64(const uint8_t *data, size_t len, char *ret)
{
	base64_encode_raw(ret, len, data);
	ret[BASE64_ENCODE_RAW_LENGTH(len)] = '\0';
}

int handshake_key(char ret[HANDSHAKE_KEY_MAX])
{
	uint8_t random[KEY_BYTES];

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return -errno;
	base64(random, sizeof(random), ret);
	return 0;
}

void handshake_accept(const char *key, char ret[HANDSHAKE_ACCEPT_MAX])
{
	uint8_t digest[SHA1_DIGEST_SIZE];
	struct sha1_ctx sha1;

	sha1_init(&sha1);
	sha1_update(&sha1, strlen(key), (const uint8_t *)key);
	sha1_update(&sha1, strlen(MAGIC), (const uint8_t *)MAGIC);
	sha1_digest(&sha1, sizeof(digest), digest);
	base64(digest, sizeof(digest), ret);
}

static const char *field_or_empty(const struct http_reader *message, const char *name)
{
	const char *value = http_reader_field(message, name);

	return value ? value : "";
}

bool handshake_is_request(const struct http_reader *request)
{
	return request->parser.method == HTTP_GET &&
	       http_list_has(field_or_empty(request, "Connection"), "upgrade") &&
	       http_list_has(field_or_empty(request, "Upgrade"), "websocket") &&
	       strcmp(field_or_empty(request, "Sec-WebSocket-Version"), "13") == 0 &&
	       field_or_empty(request, "Sec-WebSocket-Key")[0];
}

const char *handshake_protocol(const struct http_reader *request, const char *const *protocols)
{
	const char *offered = field_or_empty(request, "Sec-WebSocket-Protocol");

	for (; *protocols; protocols++)
		if (http_list_has(offered, *protocols))
			return *protocols;
	return NULL;
}

const char *handshake_chosen(
	const struct http_reader *answer, const char *key, const char *const *protocols)
{
	char accept[HANDSHAKE_ACCEPT_MAX];

	handshake_accept(key, accept);
	if (answer->parser.status_code != 101 ||
		strcmp(field_or_empty(answer, "Sec-WebSocket-Accept"), accept) != 0)
		return NULL;
	return handshake_protocol(answer, protocols);
}
