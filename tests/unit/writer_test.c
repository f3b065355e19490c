// SPDX-License-Identifier: Apache-2.0
/* A writer against a server that takes, refuses, or cannot be reached. */
#include <stdio.h>
#include <unistd.h>

#include "tests/check.h"
#include "user/base/clock.h"
#include "user/base/fs.h"
#include "user/cluster/writer.h"
#include "user/http/server.h"

#define PACE (20 * USEC_PER_MSEC)

struct lab {
	sd_event *loop;
	char dir[32], path[64];
	struct http_server *server;
	struct client *client;
	struct writer *writer;
	unsigned status;     /* what the server answers */
	unsigned requests;   /* it has seen */
	uint64_t seen[64];   /* when */
	unsigned wanted;     /* how many writes are still to be planned */
	enum written answer; /* what done() says */
};

static void serve(void *userdata, struct http_exchange *exchange)
{
	struct lab *lab = userdata;
	AUTO_JSON body = json_object();

	if (lab->requests < COUNT(lab->seen))
		lab->seen[lab->requests] = clock_now();
	lab->requests++;
	http_answer_json(exchange, lab->status, body);
}

static bool plan(void *userdata, struct write *ret)
{
	struct lab *lab = userdata;

	if (!lab->wanted)
		return false;
	*ret = (struct write){
		.method = "POST",
		.target = writer_target("", "v1", "ns", "pods", NULL, NULL),
		.body = json_object(),
	};
	return true;
}

static enum written done(void *userdata, const struct client_answer *answer)
{
	struct lab *lab = userdata;

	(void)answer;
	if (lab->answer == WRITTEN && lab->wanted)
		lab->wanted--;
	return lab->answer;
}

static const struct writer_events events = {.plan = plan, .done = done};

static void lab_serve(struct lab *lab)
{
	struct http_server_config config = {.handle = serve, .userdata = lab};
	struct err err;
	int fd;

	if (http_listen_unix(lab->path, 0600, &fd, &err) < 0 ||
		http_server_new(lab->loop, fd, &config, &lab->server, &err) < 0)
		BAIL(err.text);
}

static void lab_open(struct lab *lab, unsigned wanted, enum written answer)
{
	struct client_config config = {.socket_path = lab->path};
	struct err err;

	*lab = (struct lab){.dir = "/tmp/writer.XXXXXX", .status = 200};
	lab->wanted = wanted;
	lab->answer = answer;
	if (!mkdtemp(lab->dir) || sd_event_new(&lab->loop) < 0)
		BAIL("no loop");
	snprintf(lab->path, sizeof(lab->path), "%s/socket", lab->dir);
	if (client_new(lab->loop, &config, &lab->client, &err) < 0 ||
		writer_new(lab->client, PACE, &events, lab, &lab->writer) < 0)
		BAIL("no writer");
}

static void lab_close(struct lab *lab)
{
	writer_free(lab->writer);
	client_free(lab->client);
	http_server_free(lab->server);
	sd_event_unref(lab->loop);
	fs_remove(lab->dir, NULL);
}

/* Turns the loop until the server has seen @requests, or for @usec. */
static void lab_run(struct lab *lab, unsigned requests, uint64_t usec)
{
	uint64_t end = clock_now() + usec;

	while (lab->requests < requests && clock_now() < end)
		sd_event_run(lab->loop, USEC_PER_MSEC);
}

TEST(it_writes_until_nothing_is_left_one_after_the_other)
{
	struct lab lab;

	lab_open(&lab, 3, WRITTEN);
	lab_serve(&lab);
	writer_look(lab.writer);
	writer_look(lab.writer);
	lab_run(&lab, 4, 500 * USEC_PER_MSEC);
	CHECK_EQ("three were wanted", lab.requests, 3);
	CHECK("not faster than its pace", lab.seen[2] - lab.seen[1] >= PACE);
	lab_close(&lab);
}

TEST(a_failure_waits_longer_each_time)
{
	struct lab lab;

	lab_open(&lab, 1, WRITTEN_FAILED);
	lab.status = 500;
	lab_serve(&lab);
	writer_look(lab.writer);
	lab_run(&lab, 3, 5 * USEC_PER_SEC);
	CHECK_EQ("it is tried again", lab.requests, 3);
	CHECK("after a wait", lab.seen[1] - lab.seen[0] >= WRITER_RETRY_FIRST);
	CHECK("that doubles", lab.seen[2] - lab.seen[1] >= 2 * WRITER_RETRY_FIRST);
	lab_close(&lab);
}

TEST(a_server_that_comes_back_is_not_waited_for)
{
	struct lab lab;
	uint64_t begin;

	lab_open(&lab, 1, WRITTEN);
	writer_look(lab.writer);
	lab_run(&lab, 1, 3 * USEC_PER_SEC); /* nobody is there: the wait is above a second by now */
	CHECK_EQ("nothing arrives", lab.requests, 0);
	lab_serve(&lab);
	begin = clock_now();
	writer_hurry(lab.writer);
	lab_run(&lab, 1, 3 * USEC_PER_SEC);
	CHECK_EQ("it arrives", lab.requests, 1);
	CHECK("at once", clock_now() - begin < 500 * USEC_PER_MSEC);
	lab_close(&lab);
}

TEST(targets)
{
	static const struct {
		const char *what, *group, *namespace, *name, *sub, *want;
	} cases[] = {
		{"a collection", "", "ns", NULL, NULL, "/api/v1/namespaces/ns/things"},
		{"an object without namespace", "", NULL, "a", NULL, "/api/v1/things/a"},
		{"a part of one in a group", "g.io", "ns", "a", "status",
			"/apis/g.io/v1/namespaces/ns/things/a/status"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		AUTO_FREE char *target = writer_target(cases[i].group, "v1", cases[i].namespace,
			"things", cases[i].name, cases[i].sub);

		CHECK_STR(cases[i].what, target, cases[i].want);
	}
}
