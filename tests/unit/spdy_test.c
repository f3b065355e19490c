// SPDX-License-Identifier: Apache-2.0
#include "tests/check.h"

#include <sys/socket.h>

#include "user/base/clock.h"
#include "user/http/buffer.h"
#include "user/http/spdy.h"
#include "user/http/spdyblock.h"
#include "user/http/transport.h"

/* --- frames and blocks --- */

TEST(heads_of_frames_are_read_and_written)
{
	static const struct {
		const char *what;
		uint8_t bytes[SPDY_HEAD];
		struct spdy_head head;
	} cases[] = {
		{"data", {0, 0, 0, 5, 0, 0, 1, 2}, {.stream = 5, .len = 258}},
		{"the last data", {0x7f, 0xff, 0xff, 0xff, 1, 0, 0, 0},
			{.stream = 0x7fffffff, .flags = SPDY_FIN}},
		{"the longest", {0, 0, 0, 1, 0, 0xff, 0xff, 0xff}, {.stream = 1, .len = 0xffffff}},
		{"an opening", {0x80, 3, 0, 1, 1, 0, 0, 10},
			{.type = SPDY_SYN_STREAM, .version = 3, .flags = SPDY_FIN, .len = 10}},
		{"another version", {0x80, 2, 0, 7, 0, 0, 0, 8},
			{.type = SPDY_GOAWAY, .version = 2, .len = 8}},
		{"an unknown type", {0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0},
			{.type = 0xffff, .version = 0x7fff}},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct spdy_head head = spdy_head_read(cases[i].bytes);
		uint8_t again[SPDY_HEAD];

		CHECK_EQ(cases[i].what, head.type, cases[i].head.type);
		CHECK_EQ(cases[i].what, head.version, cases[i].head.version);
		CHECK_EQ(cases[i].what, head.stream, cases[i].head.stream);
		CHECK_EQ(cases[i].what, head.flags, cases[i].head.flags);
		CHECK_EQ(cases[i].what, head.len, cases[i].head.len);
		spdy_head_write(&head, again);
		CHECK(cases[i].what, memcmp(again, cases[i].bytes, sizeof(again)) == 0);
	}
}

static struct spdy_blocks *blocks_new(void)
{
	struct spdy_blocks *blocks;

	if (spdy_blocks_new(&blocks) < 0)
		BAIL("memory");
	return blocks;
}

TEST(blocks_name_the_dictionary_of_the_protocol)
{
	static const unsigned char begins[] = {0xe3, 0xc6, 0xa7, 0xc2};
	struct spdy_blocks *blocks = blocks_new();
	AUTO_BUFFER out = {0};

	CHECK_EQ("written", spdy_block_write(blocks, NULL, 0, &out), 0);
	CHECK("Adler-32 of SPDY/3's", out.len > 6 && memcmp(out.data + 2, begins, 4) == 0);
	spdy_blocks_free(blocks);
}

TEST(blocks_build_upon_the_ones_before)
{
	static const struct spdy_field fields[] = {
		{"streamtype", "error"}, {"port", "80"}, {"empty", ""}};
	struct spdy_blocks *from = blocks_new(), *to = blocks_new();
	struct spdy_fields got;

	for (size_t count = 0; count <= COUNT(fields); count++) {
		AUTO_BUFFER out = {0};

		CHECK_EQ("written", spdy_block_write(from, fields, count, &out), 0);
		CHECK_EQ("read", spdy_block_read(to, buffer_head(&out), out.len, &got), 0);
		CHECK_EQ("all of it", got.count, count);
	}
	CHECK_STR("whatever its case", spdy_field(&got, "StreamType"), "error");
	CHECK_STR("the second", spdy_field(&got, "port"), "80");
	CHECK_STR("an empty one", spdy_field(&got, "empty"), "");
	CHECK("none", !spdy_field(&got, "host"));
	spdy_blocks_free(from);
	spdy_blocks_free(to);
}

/* A block with these bytes in it, whatever they mean. */
static int read_plain(const char *plain, size_t len)
{
	struct spdy_blocks *from = blocks_new(), *to = blocks_new();
	AUTO_BUFFER out = {0};
	struct spdy_fields got;
	int r = spdy_block_write_plain(from, plain, len, &out);

	if (r == 0)
		r = spdy_block_read(to, buffer_head(&out), out.len, &got);
	spdy_blocks_free(from);
	spdy_blocks_free(to);
	return r;
}

TEST(blocks_that_are_none_are_refused)
{
	static const char many[] = {0, 0, 0, SPDY_FIELDS_MOST + 1};
	static const struct {
		const char *what, *plain;
		size_t len;
		int want;
	} cases[] = {
		{"nothing", "", 0, -EBADMSG},
		{"half a number", "\0\0", 2, -EBADMSG},
		{"fewer fields than it says", "\0\0\0\1", 4, -EBADMSG},
		{"a name longer than the block", "\0\0\0\1\0\0\0\5ab", 10, -EBADMSG},
		{"a length that wraps",
			"\0\0\0\1\xff\xff\xff\xff"
			"ab",
			10, -EBADMSG},
		{"a name without a value", "\0\0\0\1\0\0\0\2ab", 10, -EBADMSG},
		{"bytes behind the last field", "\0\0\0\0x", 5, -EBADMSG},
		{"too many fields", many, sizeof(many), -EMSGSIZE},
		{"one field", "\0\0\0\1\0\0\0\1a\0\0\0\1b", 14, 0},
	};
	struct spdy_blocks *blocks = blocks_new();
	struct spdy_fields got;

	for (size_t i = 0; i < COUNT(cases); i++)
		CHECK_EQ(cases[i].what, read_plain(cases[i].plain, cases[i].len), cases[i].want);
	CHECK_EQ("what is not compressed", spdy_block_read(blocks, "garbage", 7, &got), -EBADMSG);
	spdy_blocks_free(blocks);
}

TEST(a_block_that_grows_without_end_is_refused)
{
	char plain[2 * SPDY_BLOCK_MOST] = {0};

	CHECK_EQ("zeros", read_plain(plain, sizeof(plain)), -EMSGSIZE);
}

/* --- a connection --- */

struct end {
	sd_event *loop;
	struct spdy *spdy;
	struct spdy_blocks *blocks; /* of the client, which is this test */
	int fd;
	unsigned opened, ended, reset, closed;
	uint32_t last;
	char data[64], type[32];
	bool refuses, frees;
};

static bool on_opened(void *userdata, uint32_t stream, const struct spdy_fields *fields)
{
	struct end *end = userdata;
	const char *type = spdy_field(fields, "streamtype");

	end->opened++;
	end->last = stream;
	snprintf(end->type, sizeof(end->type), "%s", type ? type : "");
	return !end->refuses;
}

static void on_data(void *userdata, uint32_t stream, const void *data, size_t len)
{
	struct end *end = userdata;
	size_t have = strlen(end->data);

	end->last = stream;
	snprintf(end->data + have, sizeof(end->data) - have, "%.*s", (int)len, (const char *)data);
	if (end->frees)
		end->spdy = spdy_free(end->spdy);
}

static void on_ended(void *userdata, uint32_t stream, bool reset)
{
	struct end *end = userdata;

	end->last = stream;
	end->ended += !reset;
	end->reset += reset;
}

static void on_drained(void *userdata)
{
	(void)userdata;
}

static void on_closed(void *userdata)
{
	struct end *end = userdata;

	end->closed++;
}

static void end_start(struct end *end)
{
	static const struct spdy_events events = {
		.opened = on_opened,
		.data = on_data,
		.ended = on_ended,
		.drained = on_drained,
		.closed = on_closed,
	};
	struct transport transport = {0};
	int fds[2];

	*end = (struct end){.blocks = blocks_new()};
	if (sd_event_new(&end->loop) < 0 ||
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0)
		BAIL("set up");
	transport.fd = fds[0];
	end->fd = fds[1];
	if (spdy_new(end->loop, &transport, &events, end, &end->spdy) < 0)
		BAIL("set up");
}

static void end_stop(struct end *end)
{
	spdy_free(end->spdy);
	spdy_blocks_free(end->blocks);
	close_fd(&end->fd);
	sd_event_unref(end->loop);
}

static void turn(struct end *end)
{
	for (unsigned i = 0; i < 10; i++)
		sd_event_run(end->loop, USEC_PER_MSEC);
}

static void say(struct end *end, const void *bytes, size_t len)
{
	if (send(end->fd, bytes, len, MSG_NOSIGNAL) != (ssize_t)len)
		BAIL("send");
	turn(end);
}

static void say_control(
	struct end *end, enum spdy_type type, uint8_t flags, const void *payload, size_t len)
{
	struct spdy_head head = {
		.type = type, .version = SPDY_VERSION, .flags = flags, .len = (uint32_t)len};
	uint8_t bytes[SPDY_HEAD + 512];

	spdy_head_write(&head, bytes);
	memcpy(bytes + SPDY_HEAD, payload, len);
	say(end, bytes, SPDY_HEAD + len);
}

static void open_stream(struct end *end, uint32_t id, const char *type, uint8_t flags)
{
	const struct spdy_field field = {"streamtype", type};
	AUTO_BUFFER block = {0};
	uint8_t fixed[10] = {0};

	spdy_number_write(id, fixed);
	if (buffer_append(&block, fixed, sizeof(fixed)) < 0 ||
		spdy_block_write(end->blocks, &field, 1, &block) < 0)
		BAIL("memory");
	say_control(end, SPDY_SYN_STREAM, flags, buffer_head(&block), block.len);
}

static void say_data(struct end *end, uint32_t id, uint8_t flags, const char *text)
{
	struct spdy_head head = {.stream = id, .flags = flags, .len = (uint32_t)strlen(text)};
	uint8_t bytes[SPDY_HEAD + 64];

	spdy_head_write(&head, bytes);
	memcpy(bytes + SPDY_HEAD, text, head.len);
	say(end, bytes, SPDY_HEAD + head.len);
}

static void say_reset(struct end *end, uint32_t id)
{
	uint8_t payload[8] = {0};

	spdy_number_write(id, payload);
	payload[7] = 5;
	say_control(end, SPDY_RST_STREAM, 0, payload, sizeof(payload));
}

/* The next frame that the server has sent; false: there is none. */
static bool hear(struct end *end, struct spdy_head *ret, uint8_t payload[256])
{
	uint8_t bytes[SPDY_HEAD];

	if (recv(end->fd, bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return false;
	*ret = spdy_head_read(bytes);
	return !ret->len ||
	       (ret->len <= 256 && recv(end->fd, payload, ret->len, 0) == (ssize_t)ret->len);
}

static void hears(struct end *end, const char *what, unsigned type, uint32_t stream)
{
	struct spdy_head head = {.type = 0xffff};
	uint8_t payload[256] = {0};

	CHECK(what, hear(end, &head, payload));
	CHECK_EQ(what, head.type, type);
	if (type == SPDY_DATA)
		CHECK_EQ(what, head.stream, stream);
	else
		CHECK_EQ(what, spdy_number_read(payload), stream);
}

TEST(a_stream_is_opened_written_and_ended_by_both)
{
	struct end end;

	end_start(&end);
	open_stream(&end, 1, "stdin", 0);
	CHECK_STR("its field", end.type, "stdin");
	hears(&end, "it is answered", SPDY_SYN_REPLY, 1);
	say_data(&end, 1, 0, "he");
	say_data(&end, 1, SPDY_FIN, "llo");
	CHECK_STR("its bytes", end.data, "hello");
	CHECK_EQ("its end", end.ended, 1);
	say_data(&end, 1, 0, "more");
	CHECK_STR("nothing comes behind that", end.data, "hello");
	CHECK_EQ("we may still write", spdy_send(end.spdy, 1, "ok", 2), 0);
	spdy_end(end.spdy, 1);
	turn(&end);
	hears(&end, "our bytes", SPDY_DATA, 1);
	hears(&end, "our end", SPDY_DATA, 1);
	CHECK_EQ("then it is no more", spdy_send(end.spdy, 1, "lost", 4), 0);
	turn(&end);
	CHECK("and nothing is sent", recv(end.fd, end.data, 1, 0) < 0);
	end_stop(&end);
}

TEST(frames_may_come_byte_by_byte)
{
	static const uint8_t frame[] = {0, 0, 0, 1, 0, 0, 0, 2, 'o', 'k', 0, 0, 0, 1, 1, 0, 0, 0};
	struct end end;

	end_start(&end);
	open_stream(&end, 1, "stdin", 0);
	for (size_t i = 0; i < sizeof(frame); i++)
		say(&end, frame + i, 1);
	CHECK_STR("its bytes", end.data, "ok");
	CHECK_EQ("its end", end.ended, 1);
	end_stop(&end);
}

TEST(a_stream_that_is_reset_is_no_more)
{
	struct end end;

	end_start(&end);
	open_stream(&end, 1, "data", 0);
	say_reset(&end, 1);
	CHECK_EQ("told", end.reset, 1);
	say_data(&end, 1, 0, "late");
	CHECK_STR("what comes late is dropped", end.data, "");
	say_reset(&end, 7);
	CHECK_EQ("one that never was", end.reset, 1);
	end.refuses = true;
	open_stream(&end, 3, "data", 0);
	hears(&end, "the first", SPDY_SYN_REPLY, 1);
	hears(&end, "the second", SPDY_SYN_REPLY, 3);
	hears(&end, "which is refused", SPDY_RST_STREAM, 3);
	CHECK_EQ("the connection goes on", end.closed, 0);
	end_stop(&end);
}

TEST(pings_are_answered_and_what_is_unknown_passed_over)
{
	static const uint8_t ours[] = {0, 0, 0, 2}, theirs[] = {0, 0, 0, 9};
	struct end end;

	end_start(&end);
	say_control(&end, SPDY_SETTINGS, 0, "1234", 4);
	say_control(&end, SPDY_WINDOW_UPDATE, 0, "12345678", 8);
	say_control(&end, 42, 0, "", 0);
	say_control(&end, SPDY_PING, 0, ours, sizeof(ours));
	say_control(&end, SPDY_PING, 0, theirs, sizeof(theirs));
	hears(&end, "the one of the client", SPDY_PING, 9);
	CHECK_EQ("the connection goes on", end.closed, 0);
	end_stop(&end);
}

TEST(who_does_not_speak_spdy_is_sent_away)
{
	static const struct {
		const char *what;
		uint8_t bytes[24];
		size_t len;
	} cases[] = {
		{"another version", {0x80, 2, 0, 6, 0, 0, 0, 4, 0, 0, 0, 1}, 12},
		{"a control frame that is too long", {0x80, 3, 0, 4, 0, 1, 0, 0}, 8},
		{"an opening without a block", {0x80, 3, 0, 1, 0, 0, 0, 10, 0, 0, 0, 1}, 18},
		{"one that is too short", {0x80, 3, 0, 1, 0, 0, 0, 4, 0, 0, 0, 1}, 12},
		{"a reset that is too short", {0x80, 3, 0, 3, 0, 0, 0, 4, 0, 0, 0, 1}, 12},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct end end;

		end_start(&end);
		say(&end, cases[i].bytes, cases[i].len);
		hears(&end, cases[i].what, SPDY_GOAWAY, 0);
		shutdown(end.fd, SHUT_WR);
		turn(&end);
		CHECK_EQ(cases[i].what, end.closed, 1);
		end_stop(&end);
	}
}

TEST(streams_have_odd_numbers_that_grow)
{
	static const uint32_t numbers[] = {2, 3, 1};

	for (size_t i = 0; i < COUNT(numbers); i++) {
		struct end end;

		end_start(&end);
		open_stream(&end, 3, "data", 0);
		hears(&end, "the first", SPDY_SYN_REPLY, 3);
		open_stream(&end, numbers[i], "data", 0);
		hears(&end, "the second", SPDY_GOAWAY, 3);
		CHECK_EQ("is not opened", end.opened, 1);
		end_stop(&end);
	}
}

TEST(one_stream_too_many_is_refused)
{
	struct end end;
	uint8_t drop[4096];

	end_start(&end);
	for (uint32_t i = 0; i < SPDY_STREAMS_MOST; i++) {
		open_stream(&end, 2 * i + 1, "data", 0);
		recv(end.fd, drop, sizeof(drop), 0);
	}
	CHECK_EQ("all are open", end.opened, SPDY_STREAMS_MOST);
	open_stream(&end, 2 * SPDY_STREAMS_MOST + 1, "data", 0);
	hears(&end, "the next", SPDY_RST_STREAM, 2 * SPDY_STREAMS_MOST + 1);
	CHECK_EQ("is not", end.opened, SPDY_STREAMS_MOST);
	end_stop(&end);
}

TEST(a_connection_may_be_freed_in_its_own_event)
{
	struct end end;

	end_start(&end);
	open_stream(&end, 1, "stdin", 0);
	end.frees = true;
	say_data(&end, 1, 0, "x");
	CHECK_STR("it was told", end.data, "x");
	CHECK("and is gone", !end.spdy);
	end_stop(&end);
}

TEST(a_peer_that_leaves_ends_it)
{
	struct end end;

	end_start(&end);
	open_stream(&end, 1, "stdin", 0);
	close_fd(&end.fd);
	turn(&end);
	CHECK_EQ("told", end.closed, 1);
	CHECK_EQ("nobody hears us any more", spdy_send(end.spdy, 1, "x", 1), -EPIPE);
	end_stop(&end);
}
