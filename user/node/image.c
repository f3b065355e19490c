// SPDX-License-Identifier: Apache-2.0
#include "user/node/image.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/base/job.h"

#define IMAGE_OUTPUT_MAX (1u << 20) /* bytes of podnet-pull's answer: configuration, layers */
#define PULLS_MAX	 8	    /* children at a time, each with a skopeo; the others queue */

struct image_wait {
	struct image_wait *next;
	struct pull *pull;
	image_done_fn done;
	void *userdata;
};

/* One podnet-pull child and all who wait for it. */
struct pull {
	struct pull *next;
	struct images *images;
	char *reference; /* as asked for */
	enum pull_policy policy;
	enum { PULL_QUEUED, PULL_RUNNING, PULL_TELLING } state;
	struct job *job;	  /* while it runs */
	struct image_wait *waits; /* oldest first */
};

struct images {
	sd_event *loop;
	char *program, *dir, *registries_conf;
	char max_bytes[24], max_files[24]; /* "": the default */
	void (*report)(void *userdata, const char *text);
	void *userdata;
	struct pull *pulls; /* queued and running, oldest first */
	unsigned running;
	struct job *collect;
};

static const char *policy_name(enum pull_policy policy)
{
	static const char *const names[] = {
		[PULL_ALWAYS] = "Always",
		[PULL_IF_NOT_PRESENT] = "IfNotPresent",
		[PULL_NEVER] = "Never",
	};

	return names[policy];
}

int images_new(
	sd_event *loop, const struct images_config *config, struct images **ret, struct err *err)
{
	struct images *images = calloc(1, sizeof(*images));

	if (!images)
		return err_set(err, ENOMEM, "prepare images");
	images->loop = loop;
	images->report = config->report;
	images->userdata = config->userdata;
	images->program = strdup(config->program);
	images->dir = strdup(config->dir);
	images->registries_conf = config->registries_conf ? strdup(config->registries_conf) : NULL;
	if (!images->program || !images->dir ||
		(config->registries_conf && !images->registries_conf)) {
		images_free(images);
		return err_set(err, ENOMEM, "prepare images");
	}
	if (config->max_bytes)
		snprintf(images->max_bytes, sizeof(images->max_bytes), "%" PRIu64,
			config->max_bytes);
	if (config->max_files)
		snprintf(images->max_files, sizeof(images->max_files), "%" PRIu64,
			config->max_files);
	*ret = images;
	return 0;
}

static void pull_unlink(struct pull *pull)
{
	struct pull **at = &pull->images->pulls;

	while (*at && *at != pull)
		at = &(*at)->next;
	if (*at)
		*at = pull->next;
}

/* The pull is in no list any more. */
static void pull_free(struct pull *pull)
{
	struct image_wait *wait;

	job_cancel(pull->job);
	while ((wait = pull->waits)) {
		pull->waits = wait->next;
		free(wait);
	}
	free(pull->reference);
	free(pull);
}

struct images *images_free(struct images *images)
{
	struct pull *pull;

	if (!images)
		return NULL;
	while ((pull = images->pulls)) {
		images->pulls = pull->next;
		pull_free(pull);
	}
	job_cancel(images->collect);
	free(images->program);
	free(images->dir);
	free(images->registries_conf);
	free(images);
	return NULL;
}

static void strings_free(char **strings)
{
	for (char **s = strings; s && *s; s++)
		free(*s);
	free(strings);
}

static void image_clear(struct image *image)
{
	free(image->reference);
	free(image->digest);
	strings_free(image->layers);
	strings_free(image->entrypoint);
	strings_free(image->cmd);
	strings_free(image->env);
	free(image->user);
	free(image->working_dir);
	free(image->stop_signal);
}

/* A NULL-terminated copy of a list of strings; NULL when it is none or memory is out. */
static char **strings_copy(const json_t *list)
{
	size_t count = json_array_size(list);
	char **copy = json_is_array(list) ? calloc(count + 1, sizeof(*copy)) : NULL;

	for (size_t i = 0; copy && i < count; i++) {
		const char *text = json_string_value(json_array_get(list, i));

		copy[i] = text ? strdup(text) : NULL;
		if (!copy[i]) {
			strings_free(copy);
			return NULL;
		}
	}
	return copy;
}

static char *string_copy(const json_t *object, const char *key)
{
	const char *text = json_string_at(object, key, NULL);

	return text ? strdup(text) : NULL;
}

/* On failure nothing is owned. */
static int image_parse(const json_t *json, struct image *ret, struct err *err)
{
	const json_t *config = json_object_get(json, "config");
	struct image image = {
		.reference = string_copy(json, "reference"),
		.digest = string_copy(json, "digest"),
		.layers = strings_copy(json_object_get(json, "layers")),
		.entrypoint = strings_copy(json_object_get(config, "entrypoint")),
		.cmd = strings_copy(json_object_get(config, "cmd")),
		.env = strings_copy(json_object_get(config, "env")),
		.user = string_copy(config, "user"),
		.working_dir = string_copy(config, "workingDir"),
		.stop_signal = string_copy(config, "stopSignal"),
	};

	if (!image.reference || !image.digest || !image.layers || !image.entrypoint || !image.cmd ||
		!image.env || !image.user || !image.working_dir || !image.stop_signal) {
		image_clear(&image);
		return err_refuse(err, EPROTO, "podnet-pull's answer is incomplete");
	}
	*ret = image;
	return 0;
}

/* Tells everybody who waits; each may cancel another one or ask for the next image meanwhile. */
static void pull_tell(struct pull *pull, int result, const struct image *image, const char *reason,
	const char *message)
{
	struct image_wait *wait;

	while ((wait = pull->waits)) {
		image_done_fn done = wait->done;
		void *userdata = wait->userdata;

		pull->waits = wait->next;
		free(wait);
		done(userdata, result, image, reason, message);
	}
}

static void images_report(const struct images *images, const char *text)
{
	if (images->report)
		images->report(images->userdata, text);
}

static int reason_errno(const char *reason)
{
	if (strcmp(reason, "InvalidImageName") == 0)
		return -EINVAL;
	return strcmp(reason, "ErrImageNeverPull") == 0 ? -ENOENT : -EIO;
}

/* The child ended without a word of its own. */
static void child_describe(const struct job_result *result, char *ret, size_t size)
{
	char how[64];

	job_describe(result->status, how, sizeof(how));
	snprintf(ret, size, "podnet-pull ended with %s: %.300s", how,
		result->err_len ? result->err : "no output");
}

static int pull_run(struct pull *pull, struct err *err);

/* Starts what queues, as many as may run. */
static void pulls_continue(struct images *images)
{
	struct pull *pull = images->pulls;
	struct err err;

	while (pull && images->running < PULLS_MAX) {
		if (pull->state != PULL_QUEUED || pull_run(pull, &err) == 0) {
			pull = pull->next;
			continue;
		}
		pull_unlink(pull);
		pull->state = PULL_TELLING;
		pull_tell(pull, -err.code, NULL, "ErrImagePull", err.text);
		pull_free(pull);
		pull = images->pulls; /* whoever was told may have changed the list */
	}
}

static void pull_done(const struct job_result *result, void *userdata)
{
	struct pull *pull = userdata;
	AUTO_JSON json = NULL;
	struct image image = {0};
	struct err err;
	char how[512];
	int r;

	pull->job = NULL;
	pull->state = PULL_TELLING;
	pull->images->running--;
	pull_unlink(pull);
	pulls_continue(pull->images);
	if (job_ok(result->status) && result->err_len)
		images_report(pull->images, result->err);
	r = json_parse(result->out, result->out_len, "podnet-pull's answer", &json, &err);
	if (r == 0 && job_ok(result->status))
		r = image_parse(json, &image, &err);
	if (r == 0 && job_ok(result->status)) {
		pull_tell(pull, 0, &image, "", "");
	} else if (r == 0) {
		const char *reason = json_string_at(json, "reason", "ErrImagePull");

		pull_tell(pull, reason_errno(reason), NULL, reason,
			json_string_at(json, "message", "podnet-pull gave no message"));
	} else {
		child_describe(result, how, sizeof(how));
		pull_tell(pull, r, NULL, "ErrImagePull", job_ok(result->status) ? err.text : how);
	}
	image_clear(&image);
	pull_free(pull);
}

static int pull_run(struct pull *pull, struct err *err)
{
	struct images *images = pull->images;
	const char *argv[16] = {
		images->program, "--dir", images->dir, "--policy", policy_name(pull->policy)};
	size_t n = 5;
	int r;

	if (images->registries_conf) {
		argv[n++] = "--registries-conf";
		argv[n++] = images->registries_conf;
	}
	if (images->max_bytes[0]) {
		argv[n++] = "--max-bytes";
		argv[n++] = images->max_bytes;
	}
	if (images->max_files[0]) {
		argv[n++] = "--max-files";
		argv[n++] = images->max_files;
	}
	argv[n++] = "--"; /* a reference may look like an option */
	argv[n] = pull->reference;
	r = job_start(images->loop,
		&(struct job_spec){.argv = argv, .max_output = IMAGE_OUTPUT_MAX}, pull_done, pull,
		&pull->job, err);
	if (r < 0)
		return r;
	pull->state = PULL_RUNNING;
	images->running++;
	return 0;
}

static int pull_new(struct images *images, const char *reference, enum pull_policy policy,
	struct pull **ret, struct err *err)
{
	struct pull *pull = calloc(1, sizeof(*pull)), **at;
	int r = 0;

	if (!pull)
		return err_set(err, ENOMEM, "pull '%.100s'", reference);
	pull->images = images;
	pull->policy = policy;
	pull->reference = strdup(reference);
	if (!pull->reference)
		r = err_set(err, ENOMEM, "pull '%.100s'", reference);
	else if (images->running < PULLS_MAX)
		r = pull_run(pull, err);
	if (r < 0) {
		pull_free(pull);
		return r;
	}
	for (at = &images->pulls; *at;)
		at = &(*at)->next;
	*at = pull;
	*ret = pull;
	return 0;
}

static struct pull *pull_find(
	const struct images *images, const char *reference, enum pull_policy policy)
{
	struct pull *pull = images->pulls;

	while (pull && (pull->policy != policy || strcmp(pull->reference, reference) != 0))
		pull = pull->next;
	return pull;
}

int images_ensure(struct images *images, const char *reference, enum pull_policy policy,
	image_done_fn done, void *userdata, struct image_wait **ret, struct err *err)
{
	struct pull *pull = pull_find(images, reference, policy);
	struct image_wait *wait = calloc(1, sizeof(*wait)), **at;
	int r = wait ? 0 : err_set(err, ENOMEM, "pull '%.100s'", reference);

	if (r == 0 && !pull)
		r = pull_new(images, reference, policy, &pull, err);
	if (r < 0) {
		free(wait);
		return r;
	}
	wait->pull = pull;
	wait->done = done;
	wait->userdata = userdata;
	for (at = &pull->waits; *at;)
		at = &(*at)->next;
	*at = wait;
	if (ret)
		*ret = wait;
	return 0;
}

struct image_wait *image_wait_cancel(struct image_wait *wait)
{
	struct image_wait **at;
	struct pull *pull;

	if (!wait)
		return NULL;
	pull = wait->pull;
	for (at = &pull->waits; *at != wait;)
		at = &(*at)->next;
	*at = wait->next;
	free(wait);
	if (pull->waits || pull->state == PULL_TELLING)
		return NULL;
	if (pull->state == PULL_RUNNING)
		pull->images->running--;
	pull_unlink(pull);
	pulls_continue(pull->images);
	pull_free(pull);
	return NULL;
}

static void collect_done(const struct job_result *result, void *userdata)
{
	struct images *images = userdata;
	char how[512];

	images->collect = NULL;
	if (job_ok(result->status))
		return;
	child_describe(result, how, sizeof(how));
	images_report(images, how);
}

int images_collect(struct images *images, const char *const *keep, struct err *err)
{
	AUTO_FREE char *lines = NULL;
	size_t len = 0;
	FILE *file;

	if (images->pulls || images->collect)
		return err_refuse(err, EBUSY, "images are being pulled or collected");
	file = open_memstream(&lines, &len);
	if (!file)
		return err_set(err, errno, "collect images");
	for (; *keep; keep++)
		fprintf(file, "%s\n", *keep);
	if (fclose(file) != 0)
		return err_set(err, ENOMEM, "collect images");
	return job_start(images->loop,
		&(struct job_spec){
			.argv = (const char *const[]){images->program, "--dir", images->dir,
				"--collect", NULL},
			.input = lines,
			.input_len = len,
			.max_output = 4096,
		},
		collect_done, images, &images->collect, err);
}
