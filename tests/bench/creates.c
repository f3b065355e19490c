// SPDX-License-Identifier: Apache-2.0
/*
 * creates api SOCKET | etcd HOST:PORT, then CLIENTS COUNT SIZE: makes COUNT objects of SIZE bytes over CLIENTS kept
 * connections, each with one request at a time, and prints how many a second were acknowledged.
 *
 *	api	ConfigMaps, of an API server on a unix socket
 *	etcd	keys that must not be there, by etcd's gateway
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/base64.h"
#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/base/loop.h"
#include "user/http/buffer.h"
#include "user/http/client.h"
#include "user/http/transport.h"

#define CLIENTS_MOST 256
#define COLLECTION   "/api/v1/namespaces/default/configmaps"

struct bench;

struct one {
	struct bench *bench;
	struct transport kept;
	struct http_call *call;
	struct timer *next; /* the call before must have returned */
	unsigned status;
};

struct bench {
	sd_event *loop;
	const char *socket_path; /* NULL: an etcd */
	struct http_remote remote;
	unsigned client_count, count, begun, done;
	char *value;
	struct one clients[CLIENTS_MOST];
};

static void fail(const char *what)
{
	fprintf(stderr, "creates: %s\n", what);
	exit(1);
}

static int compose(const struct bench *bench, unsigned number, struct buffer *out)
{
	char key[32];
	AUTO_FREE char *key64 = NULL;
	AUTO_FREE char *value64 = NULL;

	snprintf(key, sizeof(key), "c-%u", number);
	if (bench->socket_path)
		return buffer_printf(out,
			"{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"%"
			"s\"},"
			"\"data\":{\"k\":\"%s\"}}",
			key, bench->value);
	key64 = base64_encode(key, strlen(key));
	value64 = base64_encode(bench->value, strlen(bench->value));
	if (!key64 || !value64)
		return -ENOMEM;
	return buffer_printf(out,
		"{\"compare\":[{\"key\":\"%s\",\"target\":\"VERSION\",\"version\":\"0\"}],"
		"\"success\":[{\"request_put\":{\"key\":\"%s\",\"value\":\"%s\"}}]}",
		key64, key64, value64);
}

static void on_head(void *userdata, unsigned status)
{
	((struct one *)userdata)->status = status;
}

static void on_body(void *userdata, const char *data, size_t len)
{
	(void)userdata;
	(void)data;
	(void)len;
}

static void on_ended(void *userdata, int result, const char *reason)
{
	struct one *one = userdata;
	struct bench *bench = one->bench;

	if (result < 0)
		fail(reason);
	if (one->status != (bench->socket_path ? 201 : 200))
		fail("an object was refused");
	if (++bench->done == bench->count)
		sd_event_exit(bench->loop, 0);
	timer_arm(one->next, 0);
}

static void one_begin(void *userdata)
{
	static const struct http_call_events events = {
		.head = on_head, .body = on_body, .ended = on_ended};
	struct one *one = userdata;
	struct bench *bench = one->bench;
	AUTO_BUFFER body = {0};
	struct http_call_spec spec = {.socket_path = bench->socket_path,
		.remote = &bench->remote,
		.method = "POST",
		.target = bench->socket_path ? COLLECTION : "/v3/kv/txn",
		.content_type = "application/json",
		.kept = &one->kept};
	struct err err;

	one->call = http_call_free(one->call);
	if (bench->begun == bench->count)
		return;
	if (compose(bench, bench->begun++, &body) < 0)
		fail("out of memory");
	spec.body = buffer_head(&body);
	spec.body_len = body.len;
	if (http_call_start(bench->loop, &spec, &events, one, &one->call, &err) < 0)
		fail(err.text);
}

static void run(struct bench *bench)
{
	for (unsigned i = 0; i < bench->client_count; i++) {
		struct one *one = &bench->clients[i];

		one->bench = bench;
		one->kept.fd = -1;
		if (timer_new(bench->loop, one_begin, one, &one->next, NULL) < 0)
			fail("out of memory");
		timer_arm(one->next, 0);
	}
	sd_event_loop(bench->loop);
	for (unsigned i = 0; i < bench->client_count; i++) {
		timer_free(bench->clients[i].next);
		http_call_free(bench->clients[i].call);
		transport_close(&bench->clients[i].kept);
	}
}

static void find(struct bench *bench, const char *kind, const char *where)
{
	struct err err;

	if (strcmp(kind, "api") == 0)
		bench->socket_path = where;
	else if (http_address_parse(where, &bench->remote.name, &err) < 0 ||
		 http_address_resolve(&bench->remote.name, &bench->remote.address,
			 &bench->remote.address_len, &err) < 0)
		fail(err.text);
}

int main(int argc, char **argv)
{
	static struct bench bench;
	uint64_t began;
	size_t size;

	if (argc != 6)
		fail("usage: creates api SOCKET|etcd HOST:PORT CLIENTS COUNT SIZE");
	find(&bench, argv[1], argv[2]);
	bench.client_count = (unsigned)atoi(argv[3]);
	bench.count = (unsigned)atoi(argv[4]);
	size = (size_t)atoi(argv[5]);
	bench.value = calloc(1, size + 1);
	if (bench.client_count == 0 || bench.client_count > CLIENTS_MOST || !bench.value)
		fail("no such number");
	memset(bench.value, 'x', size);
	if (sd_event_new(&bench.loop) < 0)
		fail("out of memory");
	began = clock_now();
	run(&bench);
	printf("%.1f\n", (double)bench.count * USEC_PER_SEC / (double)(clock_now() - began));
	sd_event_unref(bench.loop);
	free(bench.value);
	return 0;
}
