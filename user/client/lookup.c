// SPDX-License-Identifier: Apache-2.0
#include "user/client/lookup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/clock.h"
#include "user/base/err.h"
#include "user/base/job.h"
#include "user/http/client.h"

#define LOOKUP_PAUSE   (10 * USEC_PER_SEC)
#define LOOKUP_TIMEOUT (30 * USEC_PER_SEC)
#define LOOKUP_OUTPUT  4096

struct lookup {
	sd_event *loop;
	struct http_remote *remote;
	struct job *job;
	uint64_t began; /* monotonic, microseconds */
	struct err err;
};

/* "ADDRESS STREAM NAME" lines, the best one first. */
static void lookup_take(struct lookup *lookup, const char *lines)
{
	struct http_remote *remote = lookup->remote;
	struct http_address found = {.port = remote->name.port};
	size_t len = strcspn(lines, " \t\n");

	if (len < sizeof(found.host))
		memcpy(found.host, lines, len);
	if (!http_address_is_literal(&found))
		err_refuse(&lookup->err, EHOSTUNREACH, "look up '%s': the resolver gave no address",
			remote->name.host);
	else
		http_address_resolve(&found, &remote->address, &remote->address_len, &lookup->err);
}

static void lookup_done(const struct job_result *result, void *userdata)
{
	struct lookup *lookup = userdata;
	char how[64];

	lookup->job = NULL;
	if (job_ok(result->status)) {
		lookup_take(lookup, result->out);
		return;
	}
	job_describe(result->status, how, sizeof(how));
	err_refuse(&lookup->err, EHOSTUNREACH, "look up '%s': getent: %s",
		lookup->remote->name.host, how);
}

static int lookup_begin(struct lookup *lookup)
{
	const char *host = lookup->remote->name.host;
	const char *const argv[] = {"getent", "ahosts", "--", host, NULL};
	struct job_spec spec = {
		.argv = argv, .max_output = LOOKUP_OUTPUT, .timeout_usec = LOOKUP_TIMEOUT};

	lookup->began = clock_now();
	err_refuse(&lookup->err, EAGAIN, "look up '%s': the resolver has not answered yet", host);
	return job_start(lookup->loop, &spec, lookup_done, lookup, &lookup->job, &lookup->err);
}

int lookup_new(sd_event *loop, struct http_remote *remote, struct lookup **ret, struct err *err)
{
	struct lookup *lookup = calloc(1, sizeof(*lookup));
	int r;

	if (!lookup)
		return err_set(err, ENOMEM, "look up '%s'", remote->name.host);
	lookup->loop = loop;
	lookup->remote = remote;
	if (http_address_is_literal(&remote->name))
		r = http_address_resolve(
			&remote->name, &remote->address, &remote->address_len, &lookup->err);
	else
		r = lookup_begin(lookup);
	if (r < 0) {
		*err = lookup->err;
		lookup_free(lookup);
		return r;
	}
	*ret = lookup;
	return 0;
}

void lookup_again(struct lookup *lookup)
{
	if (http_address_is_literal(&lookup->remote->name) || lookup->job ||
		clock_now() < lookup->began + LOOKUP_PAUSE)
		return;
	lookup_begin(lookup);
}

const char *lookup_problem(const struct lookup *lookup)
{
	return lookup->err.text;
}

struct lookup *lookup_free(struct lookup *lookup)
{
	if (!lookup)
		return NULL;
	job_cancel(lookup->job);
	free(lookup);
	return NULL;
}
