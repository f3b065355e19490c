// SPDX-License-Identifier: Apache-2.0
#include "user/http/websocket.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <wslay/wslay.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/base/loop.h"
#include "user/http/buffer.h"
#include "user/http/transport.h"

#define CLOSE_TIMEOUT (5 * USEC_PER_SEC)
#define PROTOCOL_MAX  64
#define TURN_BYTES    (256u << 10) /* read in one turn of the loop, so that others get theirs */

struct websocket {
	wslay_event_context_ptr wslay;
	struct transport transport;
	sd_event_source *source;
	struct timer *timer; /* runs while we wait for the peer's close frame */
	char protocol[PROTOCOL_MAX];
	struct buffer early;
	size_t turn_left;
	size_t unsent; /* when the timer was armed: less of it later means that the peer still reads */
	const struct websocket_events *events;
	void *userdata;
	void (*released)(void *userdata);
	void *released_userdata;
	bool paused, full, eof, closed;
	unsigned
		close_code; /* to be sent when the queue has emptied: wslay lets it overtake data */
	bool busy, doomed;  /* freed by one of its own events: goes when that has returned */
};

static ssize_t websocket_recv(
	wslay_event_context_ptr wslay, uint8_t *data, size_t len, int flags, void *userdata)
{
	struct websocket *websocket = userdata;
	ssize_t n;

	(void)flags;
	if (websocket->paused || websocket->doomed || websocket->turn_left == 0) {
		wslay_event_set_error(wslay, WSLAY_ERR_WOULDBLOCK);
		return -1;
	}
	if (websocket->early.len) {
		n = (ssize_t)(len < websocket->early.len ? len : websocket->early.len);
		memcpy(data, buffer_head(&websocket->early), (size_t)n);
		buffer_consume(&websocket->early, (size_t)n);
		return n;
	}
	if (len > websocket->turn_left)
		len = websocket->turn_left;
	n = transport_recv(&websocket->transport, data, len);
	if (n > 0) {
		websocket->turn_left -= (size_t)n;
		return n;
	}
	websocket->eof = n == 0 || (errno != EAGAIN && errno != EINTR);
	wslay_event_set_error(
		wslay, websocket->eof ? WSLAY_ERR_CALLBACK_FAILURE : WSLAY_ERR_WOULDBLOCK);
	return -1;
}

static ssize_t websocket_write(
	wslay_event_context_ptr wslay, const uint8_t *data, size_t len, int flags, void *userdata)
{
	struct websocket *websocket = userdata;
	ssize_t n = transport_send(&websocket->transport, data, len, flags & WSLAY_MSG_MORE);

	if (n >= 0)
		return n;
	websocket->eof = errno != EAGAIN && errno != EINTR;
	wslay_event_set_error(
		wslay, websocket->eof ? WSLAY_ERR_CALLBACK_FAILURE : WSLAY_ERR_WOULDBLOCK);
	return -1;
}

static int websocket_mask(wslay_event_context_ptr wslay, uint8_t *data, size_t len, void *userdata)
{
	(void)userdata;
	if (getrandom(data, len, 0) == (ssize_t)len)
		return 0;
	wslay_event_set_error(wslay, WSLAY_ERR_CALLBACK_FAILURE);
	return -1;
}

static void websocket_message(wslay_event_context_ptr wslay,
	const struct wslay_event_on_msg_recv_arg *arg, void *userdata)
{
	struct websocket *websocket = userdata;

	(void)wslay;
	if (!wslay_is_ctrl_frame(arg->opcode) && !websocket->doomed)
		websocket->events->message(websocket->userdata, arg->msg, arg->msg_length);
}

static bool websocket_close_is_due(const struct websocket *websocket)
{
	return websocket->close_code && !wslay_event_get_queued_msg_count(websocket->wslay) &&
	       !wslay_event_get_close_sent(websocket->wslay);
}

static void websocket_watch(struct websocket *websocket)
{
	uint32_t events = 0;

	if (wslay_event_want_read(websocket->wslay) && !websocket->paused)
		events |= EPOLLIN;
	if (wslay_event_want_write(websocket->wslay) || websocket_close_is_due(websocket) ||
		(!websocket->paused &&
			(websocket->early.len || transport_has_more(&websocket->transport))))
		events |= EPOLLOUT;
	/* On failure the loop is out of memory: the peer's time-out ends the connection. */
	sd_event_source_set_io_events(websocket->source, events);
}

static void websocket_end(struct websocket *websocket)
{
	unsigned code = wslay_event_get_close_received(websocket->wslay)
				? wslay_event_get_status_code_received(websocket->wslay)
				: WEBSOCKET_BROKEN;

	websocket->closed = true;
	websocket->source = source_free(websocket->source);
	websocket->timer = timer_free(websocket->timer);
	transport_close(&websocket->transport);
	websocket->events->closed(websocket->userdata, code);
}

static bool websocket_is_over(const struct websocket *websocket)
{
	return websocket->eof || (!wslay_event_want_read(websocket->wslay) &&
					 !wslay_event_want_write(websocket->wslay));
}

static void websocket_drained(struct websocket *websocket)
{
	if (!websocket->full || wslay_event_get_queued_msg_count(websocket->wslay))
		return;
	websocket->full = false;
	if (websocket->events->drained)
		websocket->events->drained(websocket->userdata);
}

/* Sends what is queued, and behind it the close frame. */
static void websocket_flush(struct websocket *websocket)
{
	int r = wslay_event_send(websocket->wslay);

	if (r == 0 && websocket_close_is_due(websocket)) {
		/* Lack of memory ends the connection like a failed write. */
		r = wslay_event_queue_close(
			websocket->wslay, (uint16_t)websocket->close_code, NULL, 0);
		websocket->close_code = 0;
		if (r == 0)
			r = wslay_event_send(websocket->wslay);
	}
	if (r != 0)
		websocket->eof = true;
}

static void websocket_turn(struct websocket *websocket)
{
	websocket->turn_left = TURN_BYTES;
	/* What wslay refuses makes it queue a close frame; what fails below it sets eof. */
	if (wslay_event_recv(websocket->wslay) != 0 && !websocket->doomed)
		wslay_event_shutdown_read(websocket->wslay);
	if (!websocket->doomed && !websocket->eof)
		websocket_flush(websocket);
	if (!websocket->doomed)
		websocket_drained(websocket);
	if (!websocket->doomed && websocket_is_over(websocket))
		websocket_end(websocket);
}

static int websocket_io(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct websocket *websocket = userdata;

	(void)source;
	(void)fd;
	if (events & (EPOLLHUP | EPOLLERR) && websocket->paused)
		websocket->eof = true;
	websocket->busy = true;
	websocket_turn(websocket);
	websocket->busy = false;
	if (websocket->doomed)
		websocket_free(websocket);
	else if (!websocket->closed)
		websocket_watch(websocket);
	return 0;
}

static void websocket_wait_close(struct websocket *websocket)
{
	websocket->unsent = wslay_event_get_queued_msg_length(websocket->wslay);
	timer_arm(websocket->timer, clock_now() + CLOSE_TIMEOUT);
}

static void websocket_expire(void *userdata)
{
	struct websocket *websocket = userdata;

	if (wslay_event_get_queued_msg_length(websocket->wslay) < websocket->unsent) {
		websocket_wait_close(websocket);
		return;
	}
	websocket->busy = true;
	websocket_end(websocket);
	websocket->busy = false;
	if (websocket->doomed)
		websocket_free(websocket);
}

static int websocket_open(struct websocket *websocket, sd_event *loop,
	const struct websocket_seed *seed, struct err *err)
{
	static const struct wslay_event_callbacks callbacks = {
		.recv_callback = websocket_recv,
		.send_callback = websocket_write,
		.genmask_callback = websocket_mask,
		.on_msg_recv_callback = websocket_message,
	};
	int r = seed->role == WEBSOCKET_SERVER
			? wslay_event_context_server_init(&websocket->wslay, &callbacks, websocket)
			: wslay_event_context_client_init(&websocket->wslay, &callbacks, websocket);

	if (r != 0 || buffer_append(&websocket->early, seed->early, seed->early_len) < 0)
		return err_set(err, ENOMEM, "open a WebSocket");
	wslay_event_config_set_max_recv_msg_length(websocket->wslay, WEBSOCKET_MAX_MESSAGE);
	r = timer_new(loop, websocket_expire, websocket, &websocket->timer, err);
	if (r < 0)
		return r;
	r = sd_event_add_io(
		loop, &websocket->source, seed->fd, EPOLLIN | EPOLLOUT, websocket_io, websocket);
	return r < 0 ? err_set(err, -r, "watch a WebSocket") : 0;
}

int websocket_new(sd_event *loop, const struct websocket_seed *seed,
	const struct websocket_events *events, void *userdata, struct websocket **ret,
	struct err *err)
{
	struct websocket *websocket = calloc(1, sizeof(*websocket));
	int r;

	if (!websocket)
		return err_set(err, ENOMEM, "open a WebSocket");
	websocket->transport.fd = -1;
	websocket->events = events;
	websocket->userdata = userdata;
	snprintf(websocket->protocol, sizeof(websocket->protocol), "%s", seed->protocol);
	r = websocket_open(websocket, loop, seed, err);
	if (r < 0) {
		websocket_free(websocket);
		return r;
	}
	websocket->transport = (struct transport){seed->fd, seed->tls};
	websocket->released = seed->released;
	websocket->released_userdata = seed->released_userdata;
	*ret = websocket;
	return 0;
}

const char *websocket_protocol(const struct websocket *websocket)
{
	return websocket->protocol;
}

static int websocket_queue(
	struct websocket *websocket, uint8_t opcode, const uint8_t *data, size_t len)
{
	struct wslay_event_msg msg = {.opcode = opcode, .msg = data, .msg_length = len};
	int r = wslay_event_queue_msg(websocket->wslay, &msg);

	if (r != 0)
		return r == WSLAY_ERR_NO_MORE_MSG ? -EPIPE : -ENOMEM;
	if (!websocket->busy)
		websocket_watch(websocket);
	if (wslay_event_get_queued_msg_length(websocket->wslay) < WEBSOCKET_HIGH)
		return 0;
	websocket->full = true;
	return 1;
}

static int websocket_say(struct websocket *websocket, uint8_t opcode, const void *data, size_t len)
{
	if (websocket->closed || websocket->close_code)
		return -EPIPE;
	if (wslay_event_get_queued_msg_length(websocket->wslay) + len > WEBSOCKET_LIMIT)
		return -ENOBUFS;
	return websocket_queue(websocket, opcode, data, len);
}

int websocket_send(struct websocket *websocket, const void *data, size_t len)
{
	return websocket_say(websocket, WSLAY_BINARY_FRAME, data, len);
}

int websocket_send_text(struct websocket *websocket, const void *text, size_t len)
{
	return websocket_say(websocket, WSLAY_TEXT_FRAME, text, len);
}

int websocket_send_channel(
	struct websocket *websocket, enum channel channel, const void *data, size_t len)
{
	AUTO_FREE uint8_t *message = malloc(len + 1);

	if (!message)
		return -ENOMEM;
	message[0] = (uint8_t)channel;
	if (len)
		memcpy(message + 1, data, len);
	return websocket_send(websocket, message, len + 1);
}

void websocket_pause(struct websocket *websocket, int paused)
{
	websocket->paused = paused;
	if (!websocket->busy && !websocket->closed)
		websocket_watch(websocket);
}

void websocket_close(struct websocket *websocket, unsigned code)
{
	if (websocket->closed || websocket->close_code)
		return;
	websocket->close_code = code;
	websocket_wait_close(websocket);
	if (!websocket->busy)
		websocket_watch(websocket);
}

struct websocket *websocket_free(struct websocket *websocket)
{
	if (!websocket)
		return NULL;
	if (websocket->busy) {
		websocket->doomed = true;
		return NULL;
	}
	source_free(websocket->source);
	timer_free(websocket->timer);
	if (websocket->wslay)
		wslay_event_context_free(websocket->wslay);
	buffer_clear(&websocket->early);
	transport_close(&websocket->transport);
	if (websocket->released)
		websocket->released(websocket->released_userdata);
	free(websocket);
	return NULL;
}
