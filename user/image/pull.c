// SPDX-License-Identifier: Apache-2.0
#include "user/image/pull.h"

#include <stdio.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/clock.h"
#include "user/base/err.h"
#include "user/image/manifest_oci.h"
#include "user/image/proxy.h"
#include "user/image/reference.h"
#include "user/image/store.h"
#include "user/image/stream.h"
#include "user/image/unpack.h"

#define PULL_STALL_USEC (300 * USEC_PER_SEC) /* without a byte from the registry */

struct pull {
	const struct pull_config *config;
	struct reference reference;
	struct imagestore *store;
	struct proxy *proxy;
	struct unpack_budget budget;
	struct oci_image image;
};

/* Reads one layer from the stream; ends with both digests checked. */
static int layer_unpack(struct pull *pull, const struct oci_layer *layer, struct stream *stream,
	int root_fd, struct err *err)
{
	char digest[DIGEST_SIZE], diff_id[DIGEST_SIZE];
	int r;

	r = unpack_layer(stream, root_fd, &pull->budget, err);
	if (r == 0)
		r = stream_finish(stream, digest, diff_id, err);
	if (r < 0)
		return r;
	if (strcmp(digest, layer->digest) != 0)
		return err_refuse(err, EBADMSG, "its digest is %s", digest);
	if (strcmp(diff_id, layer->diff_id) != 0)
		return err_refuse(
			err, EBADMSG, "its diff id is %s instead of %s", diff_id, layer->diff_id);
	return 0;
}

static int layer_fetch(
	struct pull *pull, const struct oci_layer *layer, int root_fd, struct err *err)
{
	struct stream_source source = {
		.fd = -1,
		.size = layer->size,
		.max_plain = pull->budget.bytes,
		.stall_usec = PULL_STALL_USEC,
	};
	AUTO_FD fd = -1;
	struct err finish_err;
	struct stream *stream;
	bool ended;
	int r, finished;

	r = proxy_blob(pull->proxy, layer->digest, layer->size, &fd, err);
	if (r < 0)
		return r;
	source.fd = fd;
	r = stream_open(&source, &stream, err);
	if (r < 0)
		return r;
	r = layer_unpack(pull, layer, stream, root_fd, err);
	ended = stream_ended(stream);
	stream_free(stream);
	if (r < 0 && !ended)
		return r;
	/* When the data came to an end, skopeo knows best why it was not the right one. */
	finished = proxy_blob_finish(pull->proxy, &finish_err);
	if (finished < 0) {
		*err = finish_err;
		return finished;
	}
	return r;
}

static int layer_ensure(struct pull *pull, const struct oci_layer *layer, struct err *err)
{
	struct imagestore_layer temp;
	int r;

	if (imagestore_has_layer(pull->store, layer->diff_id))
		return 0;
	r = imagestore_layer_begin(pull->store, &temp, err);
	if (r < 0)
		return r;
	r = layer_fetch(pull, layer, temp.root_fd, err);
	if (r < 0)
		err_wrap(err, "layer %s", layer->digest);
	if (r == 0)
		r = imagestore_layer_commit(pull->store, &temp, layer->diff_id, err);
	if (r < 0)
		imagestore_layer_abort(&temp);
	return r;
}

static json_t *record_make(const struct pull *pull, const char *digest, json_t *config)
{
	json_t *layers = json_array();
	uint64_t size = 0;

	for (size_t i = 0; i < pull->image.count; i++) {
		json_array_append_new(layers, json_string(pull->image.layers[i].diff_id));
		size += pull->image.layers[i].size;
	}
	return json_pack("{s:s, s:s, s:I, s:o, s:O}", "reference", pull->reference.text, "digest",
		digest, "size", (json_int_t)size, "layers", layers, "config", config);
}

static int layers_ensure(struct pull *pull, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < pull->image.count; i++)
		r = layer_ensure(pull, &pull->image.layers[i], err);
	return r;
}

/* Fetches what the manifest names and records it as *@ret. */
static int pull_content(struct pull *pull, const char *manifest, size_t manifest_len,
	const char *digest, json_t **ret, struct err *err)
{
	AUTO_FREE char *text = NULL;
	AUTO_JSON config = NULL;
	AUTO_JSON record = NULL;
	size_t len = 0;
	int r;

	r = oci_manifest_parse(manifest, manifest_len, &pull->image, err);
	if (r == 0)
		r = proxy_config(pull->proxy, OCI_DOCUMENT_MAX, &text, &len, err);
	if (r == 0)
		r = oci_config_parse(text, len, &pull->image, &config, err);
	if (r == 0)
		r = layers_ensure(pull, err);
	if (r < 0)
		return r;
	record = record_make(pull, digest, config);
	if (!record)
		return err_set(err, ENOMEM, "record the image");
	r = imagestore_write(pull->store, pull->reference.text, record, err);
	if (r < 0)
		return r;
	*ret = take_ptr(record);
	return 0;
}

/* Asks the registry; @stored (NULL: none) is the answer when the digest is still the same. */
static int pull_registry(struct pull *pull, json_t *stored, json_t **ret, struct err *err)
{
	struct proxy_config proxy = {
		.skopeo = pull->config->skopeo,
		.registries_conf = pull->config->registries_conf,
		.stall_usec = PULL_STALL_USEC,
	};
	AUTO_FREE char *manifest = NULL;
	char digest[DIGEST_SIZE];
	size_t len = 0;
	int r;

	r = proxy_start(&proxy, &pull->proxy, err);
	if (r == 0)
		r = proxy_open(pull->proxy, pull->reference.source, err);
	if (r == 0)
		r = proxy_manifest(pull->proxy, OCI_DOCUMENT_MAX, &manifest, &len, digest, err);
	if (r < 0)
		return r;
	if (stored && strcmp(json_string_at(stored, "digest", ""), digest) == 0) {
		*ret = json_incref(stored);
		return 0;
	}
	return pull_content(pull, manifest, len, digest, ret, err);
}

static int pull_stored(struct pull *pull, json_t **ret, struct err *err)
{
	int r = imagestore_read(pull->store, pull->reference.text, ret, err);

	if (r == -EBADMSG) {
		pull->config->warn(err->text);
		return err_refuse(err, ENOENT, "its record was damaged");
	}
	return r;
}

static int pull_by_policy(struct pull *pull, json_t **ret, const char **reason, struct err *err)
{
	AUTO_JSON stored = NULL;
	int r;

	*reason = "ErrImagePull";
	r = imagestore_open(pull->config->dir, &pull->store, err);
	if (r == 0)
		r = pull_stored(pull, &stored, err);
	if (r == 0 && pull->config->when != PULL_WHEN_ALWAYS) {
		*ret = take_ptr(stored);
		return 0;
	}
	if (r < 0 && r != -ENOENT)
		return r;
	if (pull->config->when == PULL_WHEN_NEVER) {
		*reason = "ErrImageNeverPull";
		return err_refuse(err, ENOENT,
			"Container image \"%.150s\" is not present with pull policy of Never",
			pull->reference.text);
	}
	return pull_registry(pull, stored, ret, err);
}

/* What the caller gets: the record, with paths in place of diff ids. */
static int result_make(struct pull *pull, json_t *record, json_t **ret, struct err *err)
{
	AUTO_JSON result = json_copy(record);
	json_t *paths = json_array(), *diff_id;
	size_t i;

	if (!result || !paths || json_object_set_new(result, "layers", paths) < 0)
		return err_set(err, ENOMEM, "describe the image");
	json_array_foreach (json_object_get(record, "layers"), i, diff_id) {
		AUTO_FREE char *path =
			imagestore_layer_path(pull->store, json_string_value(diff_id));

		if (!path || json_array_append_new(paths, json_string(path)) < 0)
			return err_set(err, ENOMEM, "describe the image");
	}
	*ret = take_ptr(result);
	return 0;
}

/* Names in images and answers of registries are bytes; a message is text. */
static void failure_set(
	struct pull_failure *failure, const char *reason, const char *prefix, const char *text)
{
	failure->reason = reason;
	snprintf(failure->message, sizeof(failure->message), "%s%s", prefix, text);
	for (char *c = failure->message; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
}

int pull_image(const struct pull_config *config, const char *reference, json_t **ret,
	struct pull_failure *failure)
{
	struct pull pull = {
		.config = config,
		.budget = {.bytes = config->max_bytes, .files = config->max_files},
	};
	AUTO_JSON record = NULL;
	const char *reason;
	struct err err;
	int r;

	r = reference_parse(reference, &pull.reference, &err);
	if (r < 0) {
		failure_set(failure, "InvalidImageName", "", err.text);
		return r;
	}
	r = pull_by_policy(&pull, &record, &reason, &err);
	if (r == 0)
		r = imagestore_touch(pull.store, record, &err);
	if (r == 0)
		r = result_make(&pull, record, ret, &err);
	if (r < 0) {
		const char *complaint = pull.proxy ? proxy_complaint(pull.proxy) : "";
		char prefix[REFERENCE_MAX + 8] = "";

		if (strcmp(reason, "ErrImagePull") == 0)
			snprintf(prefix, sizeof(prefix), "pull %s: ", pull.reference.text);
		failure_set(failure, reason, prefix, complaint[0] ? complaint : err.text);
	}
	proxy_free(pull.proxy);
	imagestore_close(pull.store);
	return r;
}
