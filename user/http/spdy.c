// SPDX-License-Identifier: Apache-2.0
#include "user/http/spdy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/http/buffer.h"
#include "user/http/carrier.h"
#include "user/http/server.h"
#include "user/http/spdyblock.h"

#define CONTROL_MOST  8192 /* bytes of a control frame's payload */
#define LOW31	      0x7fffffff
#define OPEN_FIXED    10 /* bytes before the block of a SYN_STREAM */
#define HEADERS_FIXED 4	 /* and of HEADERS */

/* Why a stream is reset, and why a connection ends. */
enum { RESET_PROTOCOL = 1, RESET_INVALID = 2, RESET_REFUSED = 3, RESET_CANCEL = 5 };
enum { AWAY_OK = 0, AWAY_PROTOCOL = 1 };

struct spdy_stream {
	struct spdy_stream *next;
	uint32_t id;
	bool peer_ended, own_ended;
};

struct spdy {
	struct carrier *carrier;
	struct spdy_blocks *blocks;
	const struct spdy_events *events;
	void *userdata;
	struct spdy_stream *streams;
	size_t stream_count;
	uint32_t last; /* the highest stream that the peer has opened */
	struct spdy_head head;
	uint8_t head_bytes[SPDY_HEAD];
	size_t head_have;
	uint32_t payload_have; /* of the frame in hand */
	uint8_t payload[CONTROL_MOST];
	struct spdy_fields fields;
	bool failed;	   /* what comes is not looked at any more */
	bool busy, doomed; /* freed by one of its own events: goes when that has returned */
};

/* --- streams --- */

static struct spdy_stream *stream_find(const struct spdy *spdy, uint32_t id)
{
	struct spdy_stream *stream = spdy->streams;

	while (stream && stream->id != id)
		stream = stream->next;
	return stream;
}

static void stream_remove(struct spdy *spdy, uint32_t id)
{
	struct spdy_stream **at = &spdy->streams, *stream;

	while (*at && (*at)->id != id)
		at = &(*at)->next;
	stream = *at;
	if (!stream)
		return;
	*at = stream->next;
	spdy->stream_count--;
	free(stream);
}

static void stream_settle(struct spdy *spdy, const struct spdy_stream *stream)
{
	if (stream->peer_ended && stream->own_ended)
		stream_remove(spdy, stream->id);
}

static int stream_add(struct spdy *spdy, uint32_t id, bool peer_ended)
{
	struct spdy_stream *stream = calloc(1, sizeof(*stream));

	if (!stream)
		return -ENOMEM;
	*stream = (struct spdy_stream){.next = spdy->streams, .id = id, .peer_ended = peer_ended};
	spdy->streams = stream;
	spdy->stream_count++;
	return 0;
}

/* --- what we say --- */

static int control_send(struct spdy *spdy, enum spdy_type type, const void *payload, size_t len)
{
	struct spdy_head head = {
		.type = (uint16_t)type, .version = SPDY_VERSION, .len = (uint32_t)len};
	uint8_t bytes[SPDY_HEAD + CONTROL_MOST];

	if (len > CONTROL_MOST)
		return -EMSGSIZE;
	spdy_head_write(&head, bytes);
	memcpy(bytes + SPDY_HEAD, payload, len);
	return carrier_send(spdy->carrier, bytes, SPDY_HEAD + len);
}

static void send_numbers(struct spdy *spdy, enum spdy_type type, uint32_t first, uint32_t second)
{
	uint8_t payload[8];

	spdy_number_write(first, payload);
	spdy_number_write(second, payload + 4);
	control_send(spdy, type, payload, sizeof(payload));
}

static int send_reply(struct spdy *spdy, uint32_t id)
{
	AUTO_BUFFER payload = {0};
	uint8_t number[4];
	int r;

	spdy_number_write(id, number);
	r = buffer_append(&payload, number, sizeof(number));
	if (r == 0)
		r = spdy_block_write(spdy->blocks, NULL, 0, &payload);
	if (r == 0)
		r = control_send(spdy, SPDY_SYN_REPLY, buffer_head(&payload), payload.len);
	return r < 0 ? r : 0;
}

/* In one piece: half a frame would spoil all that follows. */
static int data_send(struct spdy *spdy, uint32_t id, uint8_t flags, const void *data, size_t len)
{
	struct spdy_head head = {.stream = id, .flags = flags, .len = (uint32_t)len};
	AUTO_FREE uint8_t *frame = malloc(SPDY_HEAD + len);

	if (!frame)
		return -ENOMEM;
	spdy_head_write(&head, frame);
	if (len)
		memcpy(frame + SPDY_HEAD, data, len);
	return carrier_send(spdy->carrier, frame, SPDY_HEAD + len);
}

/* The peer does not speak as it should. */
static void spdy_fail(struct spdy *spdy)
{
	send_numbers(spdy, SPDY_GOAWAY, spdy->last, AWAY_PROTOCOL);
	spdy->failed = true;
	carrier_close(spdy->carrier);
}

/* --- what the peer says --- */

static void peer_ends(struct spdy *spdy, uint32_t id)
{
	struct spdy_stream *stream = stream_find(spdy, id);

	if (!stream || stream->peer_ended)
		return;
	stream->peer_ended = true;
	spdy->events->ended(spdy->userdata, id, false);
	/* It may have gone in the event. */
	stream = stream_find(spdy, id);
	if (stream)
		stream_settle(spdy, stream);
}

static int read_fields(struct spdy *spdy, size_t fixed)
{
	return spdy_block_read(
		spdy->blocks, spdy->payload + fixed, spdy->head.len - fixed, &spdy->fields);
}

static void take_opening(struct spdy *spdy)
{
	uint32_t id = spdy_number_read(spdy->payload) & LOW31;

	/* The block must be read whatever comes of the stream: the next one builds upon it. */
	if (read_fields(spdy, OPEN_FIXED) < 0 || id % 2 == 0 || id <= spdy->last) {
		spdy_fail(spdy);
		return;
	}
	spdy->last = id;
	if (spdy->stream_count >= SPDY_STREAMS_MOST || stream_add(spdy, id, false) < 0) {
		send_numbers(spdy, SPDY_RST_STREAM, id, RESET_REFUSED);
		return;
	}
	if (send_reply(spdy, id) < 0) {
		spdy_fail(spdy);
		return;
	}
	if (!spdy->events->opened(spdy->userdata, id, &spdy->fields)) {
		send_numbers(spdy, SPDY_RST_STREAM, id, RESET_REFUSED);
		stream_remove(spdy, id);
	} else if (spdy->head.flags & SPDY_FIN) {
		peer_ends(spdy, id);
	}
}

static void take_reset(struct spdy *spdy)
{
	uint32_t id = spdy_number_read(spdy->payload) & LOW31;

	if (!stream_find(spdy, id))
		return;
	stream_remove(spdy, id);
	spdy->events->ended(spdy->userdata, id, true);
}

static void take_headers(struct spdy *spdy)
{
	if (read_fields(spdy, HEADERS_FIXED) < 0)
		spdy_fail(spdy);
	else if (spdy->head.flags & SPDY_FIN)
		peer_ends(spdy, spdy_number_read(spdy->payload) & LOW31);
}

/* A client's pings have odd numbers; others would be answers to ours. */
static void take_ping(struct spdy *spdy)
{
	if (spdy->payload[3] & 1)
		control_send(spdy, SPDY_PING, spdy->payload, 4);
}

/* Which bytes each frame has at least, and what becomes of it; others are of no concern. */
static const struct {
	uint32_t least;
	void (*take)(struct spdy *spdy);
} controls[] = {
	[SPDY_SYN_STREAM] = {OPEN_FIXED, take_opening},
	[SPDY_RST_STREAM] = {8, take_reset},
	[SPDY_PING] = {4, take_ping},
	[SPDY_HEADERS] = {HEADERS_FIXED, take_headers},
	[SPDY_SYN_REPLY] = {HEADERS_FIXED, take_headers},
};

static void take_control(struct spdy *spdy)
{
	unsigned type = spdy->head.type;

	if (type >= COUNT(controls) || !controls[type].take)
		return;
	if (spdy->head.len < controls[type].least)
		spdy_fail(spdy);
	else
		controls[type].take(spdy);
}

/* --- frames --- */

static void frame_over(struct spdy *spdy)
{
	spdy->head_have = 0;
	spdy->payload_have = 0;
}

/* Its head is there. */
static void frame_begin(struct spdy *spdy)
{
	spdy->head = spdy_head_read(spdy->head_bytes);
	if (spdy->head.type != SPDY_DATA &&
		(spdy->head.version != SPDY_VERSION || spdy->head.len > CONTROL_MOST))
		spdy_fail(spdy);
}

static size_t take_head(struct spdy *spdy, const uint8_t *data, size_t len)
{
	size_t want = SPDY_HEAD - spdy->head_have;

	if (len > want)
		len = want;
	memcpy(spdy->head_bytes + spdy->head_have, data, len);
	spdy->head_have += len;
	if (spdy->head_have == SPDY_HEAD)
		frame_begin(spdy);
	return len;
}

static void take_payload(struct spdy *spdy, const uint8_t *data, size_t len)
{
	const struct spdy_stream *stream;

	if (spdy->head.type != SPDY_DATA) {
		memcpy(spdy->payload + spdy->payload_have, data, len);
		return;
	}
	stream = stream_find(spdy, spdy->head.stream);
	if (stream && !stream->peer_ended && len)
		spdy->events->data(spdy->userdata, spdy->head.stream, data, len);
}

/* Takes of @data what belongs to the frame in hand. */
static size_t take_frame(struct spdy *spdy, const uint8_t *data, size_t len)
{
	uint32_t want = spdy->head.len - spdy->payload_have;

	if (len > want)
		len = want;
	take_payload(spdy, data, len);
	if (spdy->doomed)
		return len;
	spdy->payload_have += (uint32_t)len;
	if (spdy->payload_have < spdy->head.len)
		return len;
	if (spdy->head.type != SPDY_DATA)
		take_control(spdy);
	else if (spdy->head.flags & SPDY_FIN)
		peer_ends(spdy, spdy->head.stream);
	frame_over(spdy);
	return len;
}

static void spdy_feed(struct spdy *spdy, const uint8_t *data, size_t len)
{
	while (len && !spdy->failed && !spdy->doomed) {
		size_t used = 0;

		if (spdy->head_have < SPDY_HEAD)
			used = take_head(spdy, data, len);
		if (spdy->head_have == SPDY_HEAD && !spdy->failed)
			used += take_frame(spdy, data + used, len - used);
		data += used;
		len -= used;
	}
}

/* --- the carrier --- */

static void on_bytes(void *userdata, const void *data, size_t len)
{
	struct spdy *spdy = userdata;

	spdy->busy = true;
	spdy_feed(spdy, data, len);
	spdy->busy = false;
	if (spdy->doomed)
		spdy_free(spdy);
}

static void on_drained(void *userdata)
{
	struct spdy *spdy = userdata;

	spdy->events->drained(spdy->userdata);
}

static void on_closed(void *userdata)
{
	struct spdy *spdy = userdata;

	spdy->events->closed(spdy->userdata);
}

static const struct carrier_events carrier_events = {
	.bytes = on_bytes, .drained = on_drained, .closed = on_closed};

/* --- life --- */

static int spdy_bare(const struct spdy_events *events, void *userdata, struct spdy **ret)
{
	struct spdy *spdy = calloc(1, sizeof(*spdy));

	if (!spdy)
		return -ENOMEM;
	spdy->events = events;
	spdy->userdata = userdata;
	if (spdy_blocks_new(&spdy->blocks) < 0) {
		free(spdy);
		return -ENOMEM;
	}
	*ret = spdy;
	return 0;
}

/* After an attempt to get it a carrier. */
static int spdy_made(struct spdy *spdy, int result, struct spdy **ret)
{
	if (result < 0)
		spdy_free(spdy);
	else
		*ret = spdy;
	return result;
}

int spdy_upgrade(struct http_exchange *exchange, const char *protocol,
	const struct spdy_events *events, void *userdata, struct spdy **ret)
{
	AUTO_FREE char *fields = NULL;
	struct spdy *spdy = NULL;
	int r = spdy_bare(events, userdata, &spdy);

	if (r == 0 && asprintf(&fields, "X-Stream-Protocol-Version: %s\r\n", protocol) < 0) {
		fields = NULL;
		r = -ENOMEM;
	}
	if (r < 0) {
		http_answer_failure(exchange, 500, "InternalError", "out of memory");
		spdy_free(spdy);
		return r;
	}
	r = carrier_upgrade(exchange, "SPDY/3.1", fields, &carrier_events, spdy, &spdy->carrier);
	return spdy_made(spdy, r, ret);
}

int spdy_upgrade_websocket(struct http_exchange *exchange, const char *protocol,
	const struct spdy_events *events, void *userdata, struct spdy **ret)
{
	struct spdy *spdy = NULL;
	int r = spdy_bare(events, userdata, &spdy);

	if (r < 0) {
		http_answer_failure(exchange, 500, "InternalError", "out of memory");
		return r;
	}
	r = carrier_upgrade_websocket(exchange, protocol, &carrier_events, spdy, &spdy->carrier);
	return spdy_made(spdy, r, ret);
}

int spdy_new(sd_event *loop, struct transport *transport, const struct spdy_events *events,
	void *userdata, struct spdy **ret)
{
	struct spdy *spdy = NULL;
	int r = spdy_bare(events, userdata, &spdy);

	if (r < 0)
		return r;
	r = carrier_new(loop, transport, NULL, 0, &carrier_events, spdy, &spdy->carrier);
	return spdy_made(spdy, r, ret);
}

int spdy_send(struct spdy *spdy, uint32_t id, const void *data, size_t len)
{
	const struct spdy_stream *stream = stream_find(spdy, id);

	if (!stream || stream->own_ended || !len)
		return 0;
	return data_send(spdy, id, 0, data, len);
}

void spdy_end(struct spdy *spdy, uint32_t id)
{
	struct spdy_stream *stream = stream_find(spdy, id);

	if (!stream || stream->own_ended)
		return;
	stream->own_ended = true;
	data_send(spdy, id, SPDY_FIN, NULL, 0);
	stream_settle(spdy, stream);
}

void spdy_reset(struct spdy *spdy, uint32_t id)
{
	if (!stream_find(spdy, id))
		return;
	stream_remove(spdy, id);
	send_numbers(spdy, SPDY_RST_STREAM, id, RESET_CANCEL);
}

void spdy_pause(struct spdy *spdy, bool paused)
{
	carrier_pause(spdy->carrier, paused);
}

void spdy_close(struct spdy *spdy)
{
	send_numbers(spdy, SPDY_GOAWAY, spdy->last, AWAY_OK);
	carrier_close(spdy->carrier);
}

struct spdy *spdy_free(struct spdy *spdy)
{
	if (!spdy)
		return NULL;
	if (spdy->busy) {
		spdy->doomed = true;
		return NULL;
	}
	carrier_free(spdy->carrier);
	while (spdy->streams)
		stream_remove(spdy, spdy->streams->id);
	spdy_blocks_free(spdy->blocks);
	free(spdy);
	return NULL;
}
