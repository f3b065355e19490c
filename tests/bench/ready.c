// SPDX-License-Identifier: Apache-2.0
/*
 * ready SOCKET POD FROM TO: renames the manifest FROM to TO and waits until podnetd says that POD is
 * ready; prints the milliseconds that took.
 */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/clock.h"
#include "user/base/json.h"
#include "user/cli/api.h"

#define GIVE_UP	  (20 * USEC_PER_SEC)
#define LOOK_MSEC 1

static bool condition_holds(const json_t *pod, const char *type)
{
	const json_t *status = json_object_get(pod, "status"), *condition;
	size_t i;

	json_array_foreach (json_object_get(status, "conditions"), i, condition) {
		if (strcmp(json_string_at(condition, "type", ""), type) == 0)
			return strcmp(json_string_at(condition, "status", ""), "True") == 0;
	}
	return false;
}

/* Asks for all Pods: one that is not there yet is no error. */
static bool pod_is_ready(const char *socket, const char *name)
{
	AUTO_JSON list = NULL;
	const json_t *pod;
	size_t i;

	if (api_ask(socket, "GET", "/api/v1/namespaces/default/pods", &list) != 0)
		return false;
	json_array_foreach (json_object_get(list, "items"), i, pod) {
		const json_t *meta = json_object_get(pod, "metadata");

		if (strcmp(json_string_at(meta, "name", ""), name) == 0)
			return condition_holds(pod, "Ready");
	}
	return false;
}

int main(int argc, char **argv)
{
	uint64_t began = clock_now();

	if (argc != 5) {
		fputs("usage: ready SOCKET POD FROM TO\n", stderr);
		return 2;
	}
	if (rename(argv[3], argv[4]) < 0) {
		fprintf(stderr, "ready: %s: %s\n", argv[4], strerror(errno));
		return 1;
	}
	while (!pod_is_ready(argv[1], argv[2])) {
		if (clock_now() - began > GIVE_UP) {
			fprintf(stderr, "ready: %s is not ready\n", argv[2]);
			return 1;
		}
		poll(NULL, 0, LOOK_MSEC);
	}
	printf("%.3f\n", (double)(clock_now() - began) / (double)USEC_PER_MSEC);
	return 0;
}
