// SPDX-License-Identifier: Apache-2.0
/* What a client says in SPDY/3.1, packets as it likes: parts end with 0x1e.  The header blocks that it cannot know how
 * to compress come from here: a part that begins with 0x1d opens a stream, and the rest is what its block holds. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/fuzz/fuzz.h"
#include "user/base/cleanup.h"
#include "user/http/buffer.h"
#include "user/http/spdy.h"
#include "user/http/spdyblock.h"
#include "user/http/transport.h"

static struct spdy *spdy;
static unsigned closed;

static bool on_opened(void *userdata, uint32_t stream, const struct spdy_fields *fields)
{
	(void)userdata;
	FUZZ_CHECK("a client's stream is odd", stream & 1);
	FUZZ_CHECK("there are not too many fields", fields->count <= SPDY_FIELDS_MOST);
	for (size_t i = 0; i < fields->count; i++)
		FUZZ_CHECK("fields are whole",
			strlen(fields->items[i].name) <= SPDY_BLOCK_MOST &&
				strlen(fields->items[i].value) <= SPDY_BLOCK_MOST);
	return fields->count != 2;
}

static void on_data(void *userdata, uint32_t stream, const void *data, size_t len)
{
	(void)userdata;
	FUZZ_CHECK("there are bytes", len > 0);
	spdy_send(spdy, stream, data, len);
	if (len == 1)
		spdy_end(spdy, stream);
	if (len == 2)
		spdy_reset(spdy, stream);
	if (len == 3)
		spdy_close(spdy);
	if (len == 4)
		spdy = spdy_free(spdy);
}

static void on_ended(void *userdata, uint32_t stream, bool reset)
{
	(void)userdata;
	if (!reset)
		spdy_send(spdy, stream, "end", 3);
}

static void on_drained(void *userdata)
{
	(void)userdata;
}

static void on_closed(void *userdata)
{
	(void)userdata;
	closed++;
}

static const struct spdy_events events = {
	.opened = on_opened,
	.data = on_data,
	.ended = on_ended,
	.drained = on_drained,
	.closed = on_closed,
};

static void send_opening(int fd, struct spdy_blocks *blocks, struct fuzz_input input)
{
	struct spdy_head head = {.type = SPDY_SYN_STREAM, .version = SPDY_VERSION};
	uint8_t fixed[SPDY_HEAD + 10] = {0};
	AUTO_BUFFER block = {0};

	head.flags = fuzz_byte(&input);
	spdy_number_write(fuzz_byte(&input), fixed + SPDY_HEAD);
	if (spdy_block_write_plain(blocks, input.data, input.size, &block) < 0)
		return;
	head.len = (uint32_t)block.len + 10;
	spdy_head_write(&head, fixed);
	fuzz_send(fd, (struct fuzz_input){(const char *)fixed, sizeof(fixed)});
	fuzz_send(fd, (struct fuzz_input){buffer_head(&block), block.len});
}

static void feed(sd_event *loop, int fd, struct spdy_blocks *blocks, struct fuzz_input input)
{
	while (input.size) {
		struct fuzz_input part = fuzz_part(&input, 0x1e);

		if (part.size && part.data[0] == 0x1d) {
			part.data++;
			part.size--;
			send_opening(fd, blocks, part);
		} else {
			fuzz_send(fd, part);
		}
		fuzz_loop(loop);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct transport transport = {0};
	struct spdy_blocks *blocks;
	static sd_event *loop;
	int fds[2];

	closed = 0;
	if ((!loop && sd_event_new(&loop) < 0) || spdy_blocks_new(&blocks) < 0 ||
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0)
		fuzz_broken("set up", strerror(errno));
	transport.fd = fds[0];
	if (spdy_new(loop, &transport, &events, NULL, &spdy) < 0)
		fuzz_broken("set up", strerror(errno));
	feed(loop, fds[1], blocks, (struct fuzz_input){(const char *)data, size});
	close(fds[1]);
	fuzz_loop(loop);
	FUZZ_CHECK("a connection ends with its peer, once", closed == (spdy ? 1 : closed));
	spdy = spdy_free(spdy);
	spdy_blocks_free(blocks);
	return 0;
}
