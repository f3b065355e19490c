// SPDX-License-Identifier: Apache-2.0
#include "user/http/streams.h"

#include <nettle/base64.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/base/loop.h"
#include "user/http/exchange.h"
#include "user/http/handshake.h"
#include "user/http/server.h"
#include "user/http/spdy.h"
#include "user/http/spdyblock.h"

#define CHANNELS     5
#define OPEN_TIMEOUT (30 * USEC_PER_SEC) /* for a client to open its streams */

enum { BY_WEBSOCKET = 1, BY_SPDY = 2 };

struct protocol {
	const char *name;
	unsigned by;
	bool forward;	 /* port-forward, not a command */
	bool base64;	 /* messages are text: a digit, then base64 */
	bool tells_json; /* the end is a Status, else its message alone */
	bool closes;	 /* a message may close a channel */
};

/* Best first. */
static const struct protocol protocols[] = {
	{.name = "v5.channel.k8s.io",
		.by = BY_WEBSOCKET | BY_SPDY,
		.tells_json = true,
		.closes = true},
	{.name = "v4.channel.k8s.io", .by = BY_WEBSOCKET | BY_SPDY, .tells_json = true},
	{.name = "v3.channel.k8s.io", .by = BY_SPDY},
	{.name = "v2.channel.k8s.io", .by = BY_SPDY},
	{.name = "channel.k8s.io", .by = BY_WEBSOCKET | BY_SPDY},
	{.name = "v4.base64.channel.k8s.io",
		.by = BY_WEBSOCKET,
		.base64 = true,
		.tells_json = true},
	{.name = "base64.channel.k8s.io", .by = BY_WEBSOCKET, .base64 = true},
	{.name = "portforward.k8s.io", .by = BY_SPDY, .forward = true},
	{.name = "SPDY/3.1+portforward.k8s.io", .by = BY_WEBSOCKET, .forward = true},
};

struct streams {
	sd_event *loop;
	const struct protocol *protocol;
	struct streams_wish wish;
	struct websocket *websocket; /* one of the two */
	struct spdy *spdy;
	uint32_t ids[CHANNELS]; /* of SPDY's streams; 0: not open */
	struct timer *timer;	/* until all are open */
	const struct streams_events *events;
	void *userdata;
	bool is_ready;
};

/* --- choosing --- */

/* A client may send one header with several names, or several headers. */
static bool spdy_offers(const struct http_exchange *exchange, const char *name)
{
	const char *value;

	for (size_t i = 0;
		(value = http_exchange_header_at(exchange, "X-Stream-Protocol-Version", i)); i++)
		if (http_list_has(value, name))
			return true;
	return false;
}

static bool websocket_offers(const struct http_exchange *exchange, const char *name)
{
	const char *value = http_exchange_header(exchange, "Sec-WebSocket-Protocol");

	return value && http_list_has(value, name);
}

static bool asks_for_spdy(const struct http_exchange *exchange)
{
	const char *connection = http_exchange_header(exchange, "Connection");
	const char *upgrade = http_exchange_header(exchange, "Upgrade");

	return connection && http_list_has(connection, "upgrade") && upgrade &&
	       http_list_has(upgrade, "SPDY/3.1");
}

/* NULL: it was answered why not. */
static const struct protocol *protocol_choose(struct http_exchange *exchange, bool forward)
{
	unsigned by = handshake_is_request(&exchange->reader) ? BY_WEBSOCKET
		      : asks_for_spdy(exchange)		      ? BY_SPDY
							      : 0;

	for (size_t i = 0; by && i < COUNT(protocols); i++) {
		const struct protocol *protocol = &protocols[i];

		if (protocol->forward == forward && protocol->by & by &&
			(by == BY_SPDY ? spdy_offers(exchange, protocol->name)
				       : websocket_offers(exchange, protocol->name)))
			return protocol;
	}
	if (by)
		http_answer_failure(exchange, 403, "Forbidden",
			"none of the stream protocols that the client offers is spoken here");
	else
		http_answer_failure(exchange, 400, "BadRequest", "Upgrade request required");
	return NULL;
}

/* --- WebSocket --- */

/* Several channels' worth of base64 in one message, decoded in place.  False: it is none. */
static bool base64_read(const unsigned char *data, size_t len, unsigned char *ret, size_t *ret_len)
{
	struct base64_decode_ctx context;

	*ret_len = BASE64_DECODE_LENGTH(len);
	base64_decode_init(&context);
	return base64_decode_update(&context, ret_len, ret, len, (const char *)data) == 1 &&
	       base64_decode_final(&context) == 1;
}

static void channel_take(
	struct streams *streams, unsigned channel, const unsigned char *data, size_t len)
{
	if (channel == CHANNEL_CLOSE && streams->protocol->closes) {
		if (len && data[0] == CHANNEL_STDIN)
			streams->events->ended(streams->userdata, CHANNEL_STDIN);
	} else if (len && ((channel == CHANNEL_STDIN && streams->wish.in) ||
				  (channel == CHANNEL_RESIZE && streams->wish.tty))) {
		streams->events->data(streams->userdata, (enum channel)channel, data, len);
	}
}

static void on_message(void *userdata, const unsigned char *data, size_t len)
{
	struct streams *streams = userdata;
	AUTO_FREE unsigned char *plain = NULL;
	size_t plain_len;

	if (!len)
		return;
	if (!streams->protocol->base64) {
		channel_take(streams, data[0], data + 1, len - 1);
		return;
	}
	plain = malloc(BASE64_DECODE_LENGTH(len) + 1);
	if (plain && base64_read(data + 1, len - 1, plain, &plain_len))
		channel_take(streams, (unsigned)data[0] - '0', plain, plain_len);
	else
		websocket_close(streams->websocket, WEBSOCKET_ERROR);
}

static int base64_send(struct streams *streams, enum channel channel, const void *data, size_t len)
{
	AUTO_FREE char *text = malloc(1 + BASE64_ENCODE_RAW_LENGTH(len));

	if (!text)
		return -ENOMEM;
	text[0] = (char)('0' + channel);
	base64_encode_raw(text + 1, len, data);
	return websocket_send_text(streams->websocket, text, 1 + BASE64_ENCODE_RAW_LENGTH(len));
}

static void on_websocket_closed(void *userdata, unsigned code)
{
	struct streams *streams = userdata;

	(void)code;
	streams->events->closed(streams->userdata);
}

/* --- SPDY --- */

static bool channel_is_wanted(const struct streams *streams, enum channel channel)
{
	const struct streams_wish *wish = &streams->wish;

	switch (channel) {
	case CHANNEL_STDIN: return wish->in;
	case CHANNEL_STDOUT: return wish->out;
	case CHANNEL_STDERR: return wish->err && !wish->tty;
	case CHANNEL_ERROR: return true;
	default: return false;
	}
}

static bool all_are_open(const struct streams *streams)
{
	for (unsigned i = 0; i < CHANNELS; i++)
		if (channel_is_wanted(streams, (enum channel)i) && !streams->ids[i])
			return false;
	return true;
}

static bool on_opened(void *userdata, uint32_t id, const struct spdy_fields *fields)
{
	static const char *const types[CHANNELS] = {"stdin", "stdout", "stderr", "error", "resize"};
	struct streams *streams = userdata;
	const char *type = spdy_field(fields, "streamtype");

	for (unsigned i = 0; type && i < CHANNELS; i++) {
		if (strcmp(type, types[i]) != 0 || streams->ids[i])
			continue;
		streams->ids[i] = id;
		if (!streams->is_ready && all_are_open(streams)) {
			streams->is_ready = true;
			streams->timer = timer_free(streams->timer);
			streams->events->ready(streams->userdata);
		}
		return true;
	}
	return false;
}

static void on_data(void *userdata, uint32_t id, const void *data, size_t len)
{
	struct streams *streams = userdata;

	if (id == streams->ids[CHANNEL_STDIN])
		streams->events->data(streams->userdata, CHANNEL_STDIN, data, len);
	else if (id == streams->ids[CHANNEL_RESIZE] && streams->wish.tty)
		streams->events->data(streams->userdata, CHANNEL_RESIZE, data, len);
}

static void on_ended(void *userdata, uint32_t id, bool reset)
{
	struct streams *streams = userdata;

	(void)reset;
	if (id == streams->ids[CHANNEL_STDIN])
		streams->events->ended(streams->userdata, CHANNEL_STDIN);
}

/* --- both --- */

static void on_drained(void *userdata)
{
	struct streams *streams = userdata;

	streams->events->drained(streams->userdata);
}

static void on_spdy_closed(void *userdata)
{
	struct streams *streams = userdata;

	streams->events->closed(streams->userdata);
}

static void open_expired(void *userdata)
{
	struct streams *streams = userdata;

	spdy_close(streams->spdy);
}

static const struct spdy_events spdy_events = {
	.opened = on_opened,
	.data = on_data,
	.ended = on_ended,
	.drained = on_drained,
	.closed = on_spdy_closed,
};

static int begin_spdy(struct streams *streams, struct http_exchange *exchange)
{
	int r = timer_new(streams->loop, open_expired, streams, &streams->timer, NULL);

	if (r < 0) {
		http_answer_failure(exchange, 500, "InternalError", "out of memory");
		return r;
	}
	timer_arm(streams->timer, clock_now() + OPEN_TIMEOUT);
	return spdy_upgrade(
		exchange, streams->protocol->name, &spdy_events, streams, &streams->spdy);
}

static int begin_websocket(struct streams *streams, struct http_exchange *exchange)
{
	static const struct websocket_events events = {
		.message = on_message, .drained = on_drained, .closed = on_websocket_closed};
	const char *const names[] = {streams->protocol->name, NULL};

	return http_upgrade_websocket(exchange, names, &events, streams, &streams->websocket);
}

int streams_upgrade(struct http_exchange *exchange, const struct streams_wish *wish,
	const struct streams_events *events, void *userdata, struct streams **ret)
{
	const struct protocol *protocol = protocol_choose(exchange, false);
	bool spdy = !handshake_is_request(&exchange->reader);
	struct streams *streams;
	int r;

	if (!protocol)
		return -ENOPROTOOPT;
	streams = calloc(1, sizeof(*streams));
	if (!streams) {
		http_answer_failure(exchange, 500, "InternalError", "out of memory");
		return -ENOMEM;
	}
	*streams = (struct streams){.loop = exchange->loop,
		.protocol = protocol,
		.wish = *wish,
		.events = events,
		.userdata = userdata};
	r = spdy ? begin_spdy(streams, exchange) : begin_websocket(streams, exchange);
	if (r < 0) {
		streams_free(streams);
		return r;
	}
	*ret = streams;
	if (!spdy)
		events->ready(userdata);
	return 0;
}

int streams_upgrade_forward(struct http_exchange *exchange, const struct spdy_events *events,
	void *userdata, struct spdy **ret)
{
	const struct protocol *protocol = protocol_choose(exchange, true);

	if (!protocol)
		return -ENOPROTOOPT;
	if (protocol->by == BY_WEBSOCKET)
		return spdy_upgrade_websocket(exchange, protocol->name, events, userdata, ret);
	return spdy_upgrade(exchange, protocol->name, events, userdata, ret);
}

int streams_send(struct streams *streams, enum channel channel, const void *data, size_t len)
{
	if (channel != CHANNEL_ERROR && !channel_is_wanted(streams, channel))
		return 0;
	if (streams->spdy)
		return spdy_send(streams->spdy, streams->ids[channel], data, len);
	if (streams->protocol->base64)
		return base64_send(streams, channel, data, len);
	return websocket_send_channel(streams->websocket, channel, data, len);
}

void streams_pause(struct streams *streams, bool paused)
{
	if (streams->spdy)
		spdy_pause(streams->spdy, paused);
	else
		websocket_pause(streams->websocket, paused);
}

/* What is said of the end: all of it, or (before v4) why it failed. */
static char *status_words(const struct streams *streams, const json_t *status)
{
	bool failed = strcmp(json_string_at(status, "status", ""), "Failure") == 0;

	if (streams->protocol->tells_json)
		return json_text(status);
	return strdup(failed ? json_string_at(status, "message", "") : "");
}

void streams_finish(struct streams *streams, const json_t *status)
{
	AUTO_FREE char *text = status ? status_words(streams, status) : NULL;

	if (text && text[0])
		streams_send(streams, CHANNEL_ERROR, text, strlen(text));
	if (!streams->spdy) {
		websocket_close(streams->websocket, WEBSOCKET_NORMAL);
		return;
	}
	for (unsigned i = 0; i < CHANNELS; i++)
		if (streams->ids[i])
			spdy_end(streams->spdy, streams->ids[i]);
	spdy_close(streams->spdy);
}

struct streams *streams_free(struct streams *streams)
{
	if (streams) {
		timer_free(streams->timer);
		spdy_free(streams->spdy);
		websocket_free(streams->websocket);
		free(streams);
	}
	return NULL;
}
