// SPDX-License-Identifier: Apache-2.0
#include "user/image/manifest_oci.h"

#include <inttypes.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"

static int layer_parse(const json_t *json, struct oci_layer *ret, struct err *err)
{
	const char *digest = json_string_at(json, "digest", "");
	long long size = json_integer_at(json, "size", -1);

	if (!digest_is_valid(digest))
		return err_refuse(err, EINVAL, "manifest: a layer has no sha256 digest");
	if (size < 0)
		return err_refuse(err, EINVAL, "manifest: layer %s has no size", digest);
	memcpy(ret->digest, digest, DIGEST_SIZE);
	ret->diff_id[0] = '\0';
	ret->size = (uint64_t)size;
	return 0;
}

int oci_manifest_parse(const char *text, size_t len, struct oci_image *ret, struct err *err)
{
	AUTO_JSON json = NULL;
	json_t *layers;
	int r;

	r = json_parse(text, len, "manifest", &json, err);
	if (r < 0)
		return r;
	layers = json_object_get(json, "layers");
	if (!json_is_array(layers) || json_array_size(layers) == 0)
		return err_refuse(err, EINVAL, "manifest: it lists no layers");
	if (json_array_size(layers) > OCI_LAYERS_MAX)
		return err_refuse(err, E2BIG, "manifest: %zu layers, at most %d are supported",
			json_array_size(layers), OCI_LAYERS_MAX);
	ret->count = json_array_size(layers);
	for (size_t i = 0; i < ret->count; i++) {
		r = layer_parse(json_array_get(layers, i), &ret->layers[i], err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int diff_ids_parse(const json_t *config, struct oci_image *image, struct err *err)
{
	const json_t *ids = json_object_get(json_object_get(config, "rootfs"), "diff_ids");

	if (json_array_size(ids) != image->count)
		return err_refuse(err, EINVAL, "image configuration: %zu diff ids for %zu layers",
			json_array_size(ids), image->count);
	for (size_t i = 0; i < image->count; i++) {
		const char *id = json_string_value(json_array_get(ids, i));

		if (!id || !digest_is_valid(id))
			return err_refuse(err, EINVAL,
				"image configuration: diff id %zu is no sha256 digest", i);
		memcpy(image->layers[i].diff_id, id, DIGEST_SIZE);
	}
	return 0;
}

/* Copies a list of strings; missing and null are the empty list. */
static int list_copy(
	const json_t *from, const char *key, json_t *to, const char *to_key, struct err *err)
{
	const json_t *list = json_object_get(from, key);
	json_t *copy = json_array();

	if (!copy || json_object_set_new(to, to_key, copy) < 0)
		return err_set(err, ENOMEM, "image configuration");
	if (list && !json_is_null(list) && !json_is_array(list))
		return err_refuse(err, EINVAL, "image configuration: %s is no list", key);
	for (size_t i = 0; i < json_array_size(list); i++) {
		json_t *item = json_array_get(list, i);

		if (!json_is_string(item))
			return err_refuse(
				err, EINVAL, "image configuration: %s holds a non-string", key);
		if (json_array_append(copy, item) < 0)
			return err_set(err, ENOMEM, "image configuration");
	}
	return 0;
}

static int string_copy(
	const json_t *from, const char *key, json_t *to, const char *to_key, struct err *err)
{
	const json_t *value = json_object_get(from, key);

	if (value && !json_is_null(value) && !json_is_string(value))
		return err_refuse(err, EINVAL, "image configuration: %s is no string", key);
	if (json_object_set_new(to, to_key, json_string(json_string_at(from, key, ""))) < 0)
		return err_set(err, ENOMEM, "image configuration");
	return 0;
}

static int runtime_check_size(const json_t *runtime, struct err *err)
{
	AUTO_FREE char *text = json_text(runtime);

	if (!text)
		return err_set(err, ENOMEM, "image configuration");
	if (strlen(text) > OCI_RUNTIME_MAX)
		return err_refuse(err, E2BIG,
			"image configuration: entrypoint, cmd and env are larger than %u bytes",
			OCI_RUNTIME_MAX);
	return 0;
}

static int runtime_parse(const json_t *config, json_t **ret, struct err *err)
{
	typedef int (*copy_fn)(const json_t *, const char *, json_t *, const char *, struct err *);
	static const struct {
		const char *key, *to;
		copy_fn copy;
	} fields[] = {
		{"Entrypoint", "entrypoint", list_copy},
		{"Cmd", "cmd", list_copy},
		{"Env", "env", list_copy},
		{"User", "user", string_copy},
		{"WorkingDir", "workingDir", string_copy},
		{"StopSignal", "stopSignal", string_copy},
	};
	AUTO_JSON runtime = json_object();
	int r;

	if (!runtime)
		return err_set(err, ENOMEM, "image configuration");
	for (size_t i = 0; i < COUNT(fields); i++) {
		r = fields[i].copy(config, fields[i].key, runtime, fields[i].to, err);
		if (r < 0)
			return r;
	}
	r = runtime_check_size(runtime, err);
	if (r < 0)
		return r;
	*ret = take_ptr(runtime);
	return 0;
}

int oci_config_parse(
	const char *text, size_t len, struct oci_image *image, json_t **ret, struct err *err)
{
	AUTO_JSON json = NULL;
	const char *os;
	int r;

	r = json_parse(text, len, "image configuration", &json, err);
	if (r < 0)
		return r;
	os = json_string_at(json, "os", "linux");
	if (os[0] && strcmp(os, "linux") != 0)
		return err_refuse(err, EINVAL, "image configuration: the image is for '%.40s'", os);
	r = diff_ids_parse(json, image, err);
	if (r < 0)
		return r;
	return runtime_parse(json_object_get(json, "config"), ret, err);
}
