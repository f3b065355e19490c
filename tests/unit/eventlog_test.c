// SPDX-License-Identifier: Apache-2.0
/* Events: what is the same is counted, what is too much is dropped, oldest first. */
#include "tests/check.h"
#include "user/base/clock.h"
#include "user/cluster/eventlog.h"

#define WALL (UINT64_C(1700000000) * USEC_PER_SEC) /* 2023-11-14T22:13:20Z */

static struct event started = {
	.kind = "Pod",
	.namespace = "default",
	.name = "web",
	.uid = "u1",
	.field = "spec.containers{a}",
	.reason = "Started",
	.message = "Started container a",
};

static void add(struct eventlog *log, const char *message, uint64_t wall)
{
	struct event event = started;

	event.message = message;
	if (eventlog_add(log, &event, wall) < 0)
		BAIL("no memory");
}

static const char *message_of(const json_t *event)
{
	return json_string_at(event, "message", "");
}

static long long count_of(const json_t *event)
{
	return json_integer_at(event, "count", 0);
}

TEST(an_event_says_all)
{
	struct eventlog *log = eventlog_new("node-1");
	AUTO_FREE char *text = NULL;
	bool posted = true;

	add(log, started.message, WALL);
	text = json_text(eventlog_take(log, &posted));
	CHECK("the server does not have it", !posted);
	CHECK_STR("as an API server wants it", text,
		"{\"kind\":\"Event\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":"
		"\"web.17979cfe362a0000\",\"namespace\":\"default\"},\"involvedObject\":{\"kind\":"
		"\"Pod\",\"apiVersion\":\"v1\",\"name\":\"web\",\"uid\":\"u1\",\"namespace\":"
		"\"default\",\"fieldPath\":\"spec.containers{a}\"},\"reason\":\"Started\","
		"\"message\":\"Started container a\",\"type\":\"Normal\",\"source\":{\"component\":"
		"\"kubelet\",\"host\":\"node-1\"},\"reportingComponent\":\"kubelet\","
		"\"reportingInstance\":\"node-1\",\"count\":1,\"firstTimestamp\":"
		"\"2023-11-14T22:13:20Z\",\"lastTimestamp\":\"2023-11-14T22:13:20Z\"}");
	eventlog_free(log);
}

TEST(the_same_again_is_counted)
{
	struct eventlog *log = eventlog_new("node-1");
	const json_t *event;
	bool posted;

	add(log, "a", WALL);
	add(log, "a", WALL + USEC_PER_SEC);
	event = eventlog_take(log, &posted);
	CHECK_EQ("twice", count_of(event), 2);
	add(log, "a", WALL + 2 * USEC_PER_SEC);
	eventlog_written(log);
	event = eventlog_take(log, &posted);
	CHECK_EQ("what came while it was written is written next", count_of(event), 3);
	CHECK("as a change", posted);
	CHECK_STR("of the time, too", json_string_at(event, "lastTimestamp", ""),
		"2023-11-14T22:13:22Z");
	eventlog_written(log);
	CHECK("then nothing waits", !eventlog_take(log, &posted));
	add(log, "a", WALL + 2 * USEC_PER_SEC + EVENTLOG_SAME);
	event = eventlog_take(log, &posted);
	CHECK("long after it is another event", event && !posted);
	CHECK_EQ("that counts anew", count_of(event), 1);
	eventlog_free(log);
}

TEST(the_order_is_kept)
{
	struct eventlog *log = eventlog_new("node-1");
	bool posted;

	add(log, "a", WALL);
	add(log, "b", WALL);
	CHECK_STR("first", message_of(eventlog_take(log, &posted)), "a");
	eventlog_drop(log);
	CHECK_STR("then", message_of(eventlog_take(log, &posted)), "b");
	eventlog_written(log);
	add(log, "b", WALL);
	eventlog_take(log, &posted);
	CHECK("it is there", posted);
	eventlog_unposted(log);
	CHECK("until the server forgets it", eventlog_take(log, &posted) && !posted);
	eventlog_free(log);
}

TEST(too_many_lose_the_oldest)
{
	struct eventlog *log = eventlog_new("node-1");
	char message[16];
	bool posted;

	for (int i = 0; i < EVENTLOG_WAITING_MOST + 2; i++) {
		snprintf(message, sizeof(message), "%d", i);
		add(log, message, WALL);
		if (i == 0)
			eventlog_take(log, &posted);
	}
	CHECK_EQ("two are lost", eventlog_lost(log), 2);
	eventlog_written(log);
	CHECK_STR("the first two, though one was being written",
		message_of(eventlog_take(log, &posted)), "2");
	CHECK("what comes next is not taken for what was lost", !posted);
	eventlog_free(log);
}
