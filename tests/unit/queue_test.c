// SPDX-License-Identifier: Apache-2.0
/* Keys come each once, the first that is due first. */
#include "tests/check.h"
#include "user/base/clock.h"
#include "user/control/queue.h"

struct heard {
	sd_event *loop;
	char text[256];
	size_t count, until;
};

static void hear(void *userdata, const char *key)
{
	struct heard *heard = userdata;

	snprintf(heard->text + strlen(heard->text), sizeof(heard->text) - strlen(heard->text),
		"%s ", key);
	if (++heard->count == heard->until)
		sd_event_exit(heard->loop, 0);
}

static struct queue *queue_make(struct heard *heard, size_t until)
{
	struct queue *queue;

	*heard = (struct heard){.until = until};
	if (sd_event_new(&heard->loop) < 0 || queue_new(heard->loop, hear, heard, &queue) < 0)
		BAIL("no memory");
	return queue;
}

static void queue_end(struct heard *heard, struct queue *queue)
{
	queue_free(queue);
	sd_event_unref(heard->loop);
}

TEST(the_first_that_is_due_comes_first)
{
	struct heard heard;
	struct queue *queue = queue_make(&heard, 4);
	uint64_t now = clock_now();

	queue_add_at(queue, "late", now + 30 * USEC_PER_MSEC);
	queue_add_at(queue, "later", now + 40 * USEC_PER_MSEC);
	queue_add(queue, "a");
	queue_add(queue, "b");
	sd_event_loop(heard.loop);
	CHECK_STR("in order", heard.text, "a b late later ");
	queue_end(&heard, queue);
}

TEST(a_key_comes_once_however_often_it_is_asked_for)
{
	struct heard heard;
	struct queue *queue = queue_make(&heard, 3);
	uint64_t now = clock_now();

	queue_add_at(queue, "x", now + 20 * USEC_PER_MSEC);
	queue_add(queue, "x");
	queue_add(queue, "x");
	queue_add_at(queue, "x", now + 20 * USEC_PER_MSEC);
	queue_add(queue, "y");
	queue_add_at(queue, "end", now + 50 * USEC_PER_MSEC);
	sd_event_loop(heard.loop);
	CHECK_STR("at its earliest", heard.text, "x y end ");
	queue_end(&heard, queue);
}

TEST(many_keys_keep_their_order)
{
	struct heard heard;
	struct queue *queue = queue_make(&heard, 1);
	char key[16];

	for (unsigned i = 0; i < 1000; i++) {
		snprintf(key, sizeof(key), "k%u", i * 7919 % 1000);
		queue_add_at(queue, key, 1000 + i * 7919 % 1000);
	}
	sd_event_loop(heard.loop);
	CHECK_STR("the least of a thousand", heard.text, "k0 ");
	queue_end(&heard, queue);
}

TEST(what_fails_waits_longer_each_time)
{
	struct heard heard;
	struct queue *queue = queue_make(&heard, 2);
	uint64_t before = clock_now();

	queue_retry(queue, "x");
	queue_retry(queue, "y");
	sd_event_loop(heard.loop);
	CHECK("not at once", clock_now() >= before + QUEUE_RETRY_FIRST);
	CHECK_STR("each", heard.text, "x y ");
	queue_end(&heard, queue);
}
