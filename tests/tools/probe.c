// SPDX-License-Identifier: Apache-2.0
/*
 * probe NETNS ADDRESS PORT http|tcp PATH LINES: probes readiness once a second, with a timeout of a second
 * and a failureThreshold of 2, from inside the network namespace pinned at NETNS.  Prints a line for each
 * verdict ("ready", "unready: WHY") and each bad run ("Readiness probe failed: ..."); ends after so many.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "user/base/cleanup.h"
#include "user/base/clock.h"
#include "user/base/err.h"
#include "user/net/netns.h"
#include "user/probe/probe.h"
#include "user/probe/turns.h"

struct probe {
	sd_event *loop;
	unsigned lines;
};

static void probe_line(struct probe *probe)
{
	fflush(stdout);
	if (--probe->lines == 0)
		sd_event_exit(probe->loop, 0);
}

static void probe_changed(void *userdata, bool ok, const char *message)
{
	printf("%s%s\n", ok ? "ready" : "unready: ", message);
	probe_line(userdata);
}

static void probe_unhealthy(void *userdata, const char *message)
{
	struct probe *probe = userdata;

	if (probe->lines == 0)
		return;
	printf("%s\n", message);
	probe_line(probe);
}

static int probe_run(struct probe *probe, const struct prober_config *config, struct err *err)
{
	struct prober *prober;
	struct turns *turns = NULL;
	int r = sd_event_new(&probe->loop);

	if (r < 0)
		return err_set(err, -r, "make a loop");
	r = turns_new(probe->loop, &turns, err);
	if (r == 0)
		r = prober_start(turns, config, &prober, err);
	if (r == 0) {
		r = sd_event_loop(probe->loop);
		if (r < 0)
			err_set(err, -r, "run the loop");
		prober_free(prober);
	}
	turns_free(turns);
	sd_event_unref(probe->loop);
	return r;
}

int main(int argc, char **argv)
{
	static const struct container container = {.name = "web"};
	struct probe_spec spec = {
		.timeout = 1, .period = 1, .success_threshold = 1, .failure_threshold = 2};
	struct probe probe = {0};
	struct prober_config config = {
		.kind = PROBE_READINESS,
		.spec = &spec,
		.container = &container,
		.started_at = clock_now(),
		.changed = probe_changed,
		.unhealthy = probe_unhealthy,
		.userdata = &probe,
	};
	AUTO_FD netns = -1;
	struct err err;

	if (argc != 7 || inet_pton(AF_INET, argv[2], &config.address) != 1) {
		fprintf(stderr, "usage: probe NETNS ADDRESS PORT http|tcp PATH LINES\n");
		return EX_USAGE;
	}
	spec.handler.kind = strcmp(argv[4], "tcp") == 0 ? HANDLER_TCP : HANDLER_HTTP;
	spec.handler.port.number = (uint16_t)atoi(argv[3]);
	spec.handler.path = argv[5];
	probe.lines = (unsigned)atoi(argv[6]);
	if (netns_open(argv[1], &netns, &err) < 0) {
		fprintf(stderr, "probe: %s\n", err.text);
		return EXIT_FAILURE;
	}
	config.netns_fd = netns;
	if (probe_run(&probe, &config, &err) < 0) {
		fprintf(stderr, "probe: %s\n", err.text);
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
