// SPDX-License-Identifier: Apache-2.0
/* An informer against a server whose store was replaced: it lists anew. */
#include <stdio.h>
#include <unistd.h>

#include "tests/check.h"
#include "user/base/clock.h"
#include "user/base/fs.h"
#include "user/client/client.h"
#include "user/client/informer.h"
#include "user/http/server.h"

struct lab {
	sd_event *loop;
	char dir[32], path[64];
	struct http_server *server;
	struct client *client;
	struct informer *informer;
	unsigned lists, watches; /* asked for */
	unsigned refusal;	 /* what a watch is answered with */
	char told[128];
};

static void serve(void *userdata, struct http_exchange *exchange)
{
	struct lab *lab = userdata;
	AUTO_JSON list = NULL;

	if (http_exchange_query(exchange, "watch", 0)) {
		lab->watches++;
		http_answer_failure(exchange, lab->refusal, "Timeout", "refused");
		return;
	}
	/* The second list is of another store: what was there has gone. */
	list = json_pack("{s:s, s:s, s:{s:s}, s:[{s:{s:s, s:s, s:s}}]}", "kind", "PodList",
		"apiVersion", "v1", "metadata", "resourceVersion", lab->lists ? "3" : "700",
		"items", "metadata", "namespace", "ns", "name", lab->lists ? "b" : "a",
		"resourceVersion", lab->lists ? "2" : "600");
	lab->lists++;
	http_answer_json(exchange, 200, list);
}

static void changed(void *userdata, const json_t *object, const json_t *old)
{
	struct lab *lab = userdata;
	size_t len = strlen(lab->told);
	char key[INFORMER_KEY_MAX];

	informer_key(object ? object : old, key);
	snprintf(lab->told + len, sizeof(lab->told) - len, "%c%s ", object ? '+' : '-', key);
}

static const struct informer_events events = {.changed = changed};

static void lab_open(struct lab *lab, unsigned refusal)
{
	struct http_server_config server = {.handle = serve, .userdata = lab};
	struct client_config config = {.socket_path = lab->path};
	struct err err;
	int fd;

	*lab = (struct lab){.dir = "/tmp/informer.XXXXXX", .refusal = refusal};
	if (!mkdtemp(lab->dir) || sd_event_new(&lab->loop) < 0)
		BAIL("no loop");
	snprintf(lab->path, sizeof(lab->path), "%s/socket", lab->dir);
	if (http_listen_unix(lab->path, 0600, &fd, &err) < 0 ||
		http_server_new(lab->loop, fd, &server, &lab->server, &err) < 0 ||
		client_new(lab->loop, &config, &lab->client, &err) < 0 ||
		informer_new(lab->client, "/api/v1/pods", "", &events, lab, &lab->informer) < 0)
		BAIL("no informer");
}

static void lab_close(struct lab *lab)
{
	informer_free(lab->informer);
	client_free(lab->client);
	http_server_free(lab->server);
	sd_event_unref(lab->loop);
	fs_remove(lab->dir, NULL);
}

TEST(a_watch_that_is_refused_ends_in_a_list)
{
	static const struct {
		const char *what;
		unsigned status;
	} cases[] = {
		{"410: its revision is too old", 410},
		{"504: or of another store", 504},
		{"500: or who knows", 500},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		uint64_t end = clock_now() + 5 * USEC_PER_SEC;
		struct lab lab;

		lab_open(&lab, cases[i].status);
		while (lab.lists < 2 && clock_now() < end)
			sd_event_run(lab.loop, USEC_PER_MSEC);
		while (!strchr(lab.told, '-') && clock_now() < end)
			sd_event_run(lab.loop, USEC_PER_MSEC);
		CHECK_EQ(cases[i].what, lab.lists, 2);
		CHECK_STR(cases[i].what, lab.told, "+ns/a -ns/a +ns/b ");
		CHECK("it knows what there is", informer_get(lab.informer, "ns", "b") != NULL);
		lab_close(&lab);
	}
}
