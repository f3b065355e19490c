// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "user/agent/state.h"
#include "user/base/cleanup.h"
#include "user/base/fs.h"
#include "user/base/log.h"
#include "user/base/record.h"

#define STORE_RETRY (10 * USEC_PER_SEC)

/* What comes with Secrets is not written to a disk: it lasts as long as the boot. */
static const struct {
	const char *name;
	bool in_run;
} stores[] = {
	[STORE_SERVICES] = {"services", false},
	[STORE_INCARNATIONS] = {"incarnations", false},
	[STORE_CLUSTER] = {"cluster", false},
	[STORE_SOURCES] = {"sources", true},
};

static char *store_path(const struct agent *agent, enum store store)
{
	const struct options *options = agent->options;

	return fs_format("%s/%s", stores[store].in_run ? options->run_dir : options->state_dir,
		stores[store].name);
}

struct store_write {
	struct agent *agent;
	enum store store;
	char *path, *text;
	int result;
	struct err err;
};

int store_read(const struct agent *agent, enum store store, json_t **ret, struct err *err)
{
	const char *name = stores[store].name;
	AUTO_FREE char *path = store_path(agent, store);
	AUTO_FREE char *text = NULL;
	size_t len;
	int r;

	if (!path)
		return err_set(err, ENOMEM, "read record '%s'", name);
	r = record_read(path, name, &text, &len, NULL, err);
	if (r == 0)
		r = json_parse(text, len, path, ret, err);
	if (r == -EBADMSG || r == -EINVAL) {
		log_error("%s; it is set aside", err->text);
		r = record_set_aside(path, err);
		if (r < 0)
			return r;
		r = -ENOENT;
	}
	if (r == -ENOENT) {
		*ret = json_object();
		return *ret ? 0 : err_set(err, ENOMEM, "read record '%s'", name);
	}
	return r;
}

static void store_work(void *arg)
{
	struct store_write *write = arg;

	write->result = record_write(write->path, stores[write->store].name, write->text,
		strlen(write->text), stores[write->store].in_run ? FS_VOLATILE : FS_DURABLE,
		&write->err);
}

static void store_free(void *arg)
{
	struct store_write *write = arg;

	if (!write)
		return;
	free(write->path);
	free(write->text);
	free(write);
}

/* A restart without the record would give Services other addresses and Pods other UIDs. */
static void store_failed(struct agent *agent, enum store store, const char *reason)
{
	if (!agent->store_failed[store])
		log_error("%s; it is kept in memory and written again", reason);
	agent->store_failed[store] = true;
	timer_arm(agent->store_timer, clock_now() + STORE_RETRY);
}

static void store_done(void *arg)
{
	struct store_write *write = arg;

	if (write->result < 0)
		store_failed(write->agent, write->store, write->err.text);
	else
		write->agent->store_failed[write->store] = false;
	store_free(write);
}

/* What could not be read back would keep podnetd from starting: the record stays as it was. */
static bool store_fits(struct agent *agent, enum store store, const char *text)
{
	bool fits = strlen(text) <= RECORD_MAX;

	if (!fits && !agent->store_large[store])
		log_error("record '%s' would have %zu bytes, more than %u: it stays as it was",
			stores[store].name, strlen(text), RECORD_MAX);
	agent->store_large[store] = !fits;
	return fits;
}

void store_write(struct agent *agent, enum store store, const json_t *json)
{
	struct store_write *write = calloc(1, sizeof(*write));

	if (write) {
		write->agent = agent;
		write->store = store;
		write->path = store_path(agent, store);
		write->text = json ? json_text(json) : NULL;
	}
	if (write && write->text && !store_fits(agent, store, write->text)) {
		store_free(write);
		return;
	}
	if (write && write->path && write->text &&
		worker_post(agent->worker, store_work, store_done, store_free, write) == 0)
		return;
	store_free(write);
	store_failed(agent, store, "no memory to write a record");
}

void store_retry(void *userdata)
{
	struct agent *agent = userdata;

	if (agent->store_failed[STORE_SERVICES])
		services_save(agent);
	if (agent->store_failed[STORE_INCARNATIONS])
		store_write(agent, STORE_INCARNATIONS, agent->incarnations);
	if (agent->store_failed[STORE_CLUSTER] || agent->store_failed[STORE_SOURCES])
		cluster_save(agent);
}
