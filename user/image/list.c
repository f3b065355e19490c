// SPDX-License-Identifier: Apache-2.0
#include "user/image/list.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/base/fs.h"
#include "user/base/record.h"
#include "user/image/reference.h"
#include "user/image/store.h"

/* "docker.io/library/a:1" or "...@sha256:...": "docker.io/library/a@DIGEST". */
static void name_by_digest(const char *reference, const char *digest, char *ret, size_t size)
{
	const char *at = strchr(reference, '@'), *colon = strrchr(reference, ':');
	const char *slash = strrchr(reference, '/');
	size_t len = strlen(reference);

	if (at)
		len = (size_t)(at - reference);
	else if (colon && (!slash || colon > slash))
		len = (size_t)(colon - reference);
	snprintf(ret, size, "%.*s@%s", (int)len, reference, digest);
}

static int name_add(json_t *names, const char *name)
{
	return json_array_has(names, name) ? 0 : json_array_append_new(names, json_string(name));
}

/* What a tag meant before is named by its digest alone, which is no name. */
static int image_add(json_t *by_digest, const json_t *record)
{
	const char *reference = json_string_at(record, "reference", "");
	const char *digest = json_string_at(record, "digest", "");
	json_t *image = json_object_get(by_digest, digest), *names;
	char name[2 * REFERENCE_MAX];

	if (!digest[0] || strcmp(reference, digest) == 0)
		return 0;
	if (!image) {
		image = json_pack("{s:[], s:I}", "names", "sizeBytes",
			(json_int_t)json_integer_at(record, "size", 0));
		if (json_object_set_new(by_digest, digest, image) < 0)
			return -ENOMEM;
	}
	names = json_object_get(image, "names");
	name_by_digest(reference, digest, name, sizeof(name));
	return name_add(names, name) < 0 || name_add(names, reference) < 0 ? -ENOMEM : 0;
}

static int record_add(const char *path, json_t *by_digest)
{
	AUTO_FREE char *text = NULL;
	AUTO_JSON record = NULL;
	struct err ignored;
	size_t len;

	if (record_read(path, IMAGESTORE_RECORD, &text, &len, NULL, &ignored) < 0 ||
		json_parse(text, len, path, &record, &ignored) < 0)
		return 0;
	return image_add(by_digest, record);
}

static int records_read(const char *dir, json_t *by_digest, struct err *err)
{
	AUTO_FREE char *images = fs_format("%s/images", dir);
	AUTO_DIR stream = images ? opendir(images) : NULL;
	const struct dirent *entry;

	if (!stream)
		return !images || errno != ENOENT
			       ? err_set(err, images ? errno : ENOMEM, "list images of '%s'", dir)
			       : 0;
	while ((entry = readdir(stream))) {
		AUTO_FREE char *path = NULL;

		if (entry->d_name[0] == '.' || record_is_aside(entry->d_name))
			continue;
		path = fs_format("%s/%s", images, entry->d_name);
		if (!path || record_add(path, by_digest) < 0)
			return err_set(err, ENOMEM, "list images of '%s'", dir);
	}
	return 0;
}

/* The order of equal ones must not change from one look to the next. */
static int image_order(const void *first, const void *second)
{
	const json_t *a = *(json_t *const *)first, *b = *(json_t *const *)second;
	long long of_a = json_integer_at(a, "sizeBytes", 0);
	long long of_b = json_integer_at(b, "sizeBytes", 0);
	const json_t *names_a = json_object_get(a, "names"), *names_b = json_object_get(b, "names");

	if (of_a != of_b)
		return of_a < of_b ? 1 : -1;
	return strcmp(json_string_value(json_array_get(names_a, 0)),
		json_string_value(json_array_get(names_b, 0)));
}

int imagestore_list(const char *dir, size_t most, json_t **ret, struct err *err)
{
	AUTO_JSON by_digest = json_object();
	AUTO_JSON list = json_array();
	AUTO_FREE json_t **sorted = NULL;
	const char *digest;
	json_t *image;
	size_t count = 0;
	int r;

	if (!by_digest || !list)
		return err_set(err, ENOMEM, "list images of '%s'", dir);
	r = records_read(dir, by_digest, err);
	if (r < 0)
		return r;
	sorted = calloc(json_object_size(by_digest) + 1, sizeof(sorted[0]));
	if (!sorted)
		return err_set(err, ENOMEM, "list images of '%s'", dir);
	json_object_foreach (by_digest, digest, image)
		sorted[count++] = image;
	qsort(sorted, count, sizeof(sorted[0]), image_order);
	for (size_t i = 0; i < count && i < most; i++)
		if (json_array_append(list, sorted[i]) < 0)
			return err_set(err, ENOMEM, "list images of '%s'", dir);
	*ret = json_incref(list);
	return 0;
}
