// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "user/agent/state.h"
#include "user/base/cleanup.h"
#include "user/base/fs.h"
#include "user/base/log.h"
#include "user/base/record.h"

struct store_write {
	char *path, *text;
	const char *kind;
	int result;
	struct err err;
};

int store_read(const struct agent *agent, const char *name, json_t **ret, struct err *err)
{
	AUTO_FREE char *path = fs_format("%s/%s", agent->options->state_dir, name);
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

	write->result = record_write(write->path, write->kind, write->text, strlen(write->text),
		FS_DURABLE, &write->err);
}

static void store_done(void *arg)
{
	struct store_write *write = arg;

	if (write->result < 0)
		log_error("%s; it is kept in memory until the next change", write->err.text);
	free(write->path);
	free(write->text);
	free(write);
}

void store_write(struct agent *agent, const char *name, const json_t *json)
{
	struct store_write *write = calloc(1, sizeof(*write));

	if (write) {
		write->kind = name;
		write->path = fs_format("%s/%s", agent->options->state_dir, name);
		write->text = json_text(json);
	}
	if (!write || !write->path || !write->text ||
		worker_post(agent->worker, store_work, store_done, write) < 0)
		log_error("no memory to write record '%s'", name);
}
