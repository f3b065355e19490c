// SPDX-License-Identifier: Apache-2.0
/*
 * What a file described validly, kept across restarts of the agent.  A record holds the objects of one
 * file: {"file": NAME, "objects": [{"index", "line", "object"}]}; a large file has several records.
 */
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "user/agent/manifests_source.h"
#include "user/agent/manifests_watch.h"
#include "user/base/cleanup.h"
#include "user/base/fs.h"
#include "user/base/record.h"
#include "user/model/place.h"

#define RECORD_KIND "manifest"
/* Objects are spread over records so that each stays well below what can be read back. */
#define RECORD_FULL (RECORD_MAX / 4)

static char *record_path(const struct manifest_records *records, unsigned number)
{
	return fs_format("%s/%u", records->dir, number);
}

/* A record file's name is its number; anything else there is not ours to read. */
static bool record_number(const char *name, unsigned *ret)
{
	char *end;
	unsigned long number = strtoul(name, &end, 10);

	if (name[0] < '1' || name[0] > '9' || *end || number >= UINT_MAX)
		return false;
	*ret = (unsigned)number;
	return true;
}

static int source_add_record(struct manifest_source *source, unsigned number)
{
	unsigned *grown =
		reallocarray(source->records, source->record_count + 1, sizeof(*source->records));

	if (!grown)
		return -ENOMEM;
	source->records = grown;
	source->records[source->record_count++] = number;
	return 0;
}

static int object_restore(struct manifest_source *source, json_t *item, struct err *err)
{
	struct object *object;
	int r;

	r = object_decode(json_object_get(item, "object"), PLACE_ROOT(NULL), &object, err);
	if (r < 0)
		return r;
	if (holdings_add(&source->holdings, object, (unsigned)json_integer_at(item, "index", 0),
		    (unsigned)json_integer_at(item, "line", 1)) < 0)
		return err_set(err, ENOMEM, "read a record");
	return 0;
}

static int record_restore(
	struct manifest_sources *sources, const json_t *json, unsigned number, struct err *err)
{
	const char *file = json_string_at(json, "file", "");
	struct manifest_source *source;
	json_t *item;
	size_t i;
	int r;

	if (!manifests_is_file(file))
		return err_refuse(err, EBADMSG, "it is about no manifest");
	source = sources_get(sources, file);
	if (!source || source_add_record(source, number) < 0)
		return err_set(err, ENOMEM, "read a record");
	json_array_foreach (json_object_get(json, "objects"), i, item) {
		r = object_restore(source, item, err);
		if (r < 0) {
			source->unsaved = true;
			return r;
		}
	}
	return 0;
}

static int record_load(struct manifest_records *records, struct manifest_sources *sources,
	unsigned number, struct err *err)
{
	AUTO_FREE char *path = record_path(records, number), *text = NULL;
	AUTO_JSON json = NULL;
	size_t len;
	int r;

	if (!path)
		return err_set(err, ENOMEM, "read a record");
	r = record_read(path, RECORD_KIND, &text, &len, NULL, err);
	if (r == 0)
		r = json_parse(text, len, "record", &json, err);
	if (r == 0)
		r = record_restore(sources, json, number, err);
	return r;
}

/* One bad record must not keep the others from being read. */
static int record_try(struct manifest_records *records, struct manifest_sources *sources,
	unsigned number, refuse_fn refuse, void *userdata, struct err *err)
{
	AUTO_FREE char *path = record_path(records, number);
	struct err reason, aside;
	int r = record_load(records, sources, number, &reason);

	if (r == 0)
		return 0;
	if (r == -ENOMEM || !path) {
		*err = reason;
		return -ENOMEM;
	}
	/* What merely cannot be read now, or is of a newer format, is not damaged. */
	if ((r == -EBADMSG || r == -EINVAL) && record_set_aside(path, &aside) < 0)
		err_wrap(&reason, "%s", aside.text);
	return refuse(userdata, path, NULL, &reason);
}

int records_load(struct manifest_records *records, struct manifest_sources *sources,
	refuse_fn refuse, void *userdata, struct err *err)
{
	AUTO_DIR dir = NULL;
	struct dirent *entry;
	unsigned number;
	int r = fs_mkdir(records->dir, 0700, err);

	if (r < 0)
		return r;
	dir = opendir(records->dir);
	if (!dir)
		return err_set(err, errno, "list '%s'", records->dir);
	while (r == 0 && (entry = readdir(dir))) {
		if (!record_number(entry->d_name, &number))
			continue;
		if (number > records->last)
			records->last = number;
		r = record_try(records, sources, number, refuse, userdata, err);
	}
	return r;
}

/* The number of the source's @part-th record, a new one when it has fewer. */
static int record_take(struct manifest_records *records, struct manifest_source *source,
	size_t part, unsigned *ret)
{
	if (part == source->record_count && source_add_record(source, ++records->last) < 0)
		return -ENOMEM;
	*ret = source->records[part];
	return 0;
}

static int part_write(struct manifest_records *records, struct manifest_source *source, size_t part,
	json_t *objects, struct err *err)
{
	AUTO_JSON json = json_pack("{s:s, s:O}", "file", source->file, "objects", objects);
	AUTO_FREE char *text = json ? json_text(json) : NULL, *path = NULL;
	unsigned number;

	if (!text || record_take(records, source, part, &number) < 0)
		return err_set(err, ENOMEM, "write a record");
	path = record_path(records, number);
	if (!path)
		return err_set(err, ENOMEM, "write a record");
	if (strlen(text) > RECORD_MAX)
		return err_refuse(err, EFBIG, "an object of %zu bytes is too large for a record",
			strlen(text));
	return record_write(path, RECORD_KIND, text, strlen(text), FS_DURABLE, err);
}

static int holding_pack(const struct holding *holding, json_t *objects, size_t *size)
{
	json_t *json = holding->object->json;
	AUTO_FREE char *text = json_text(json);
	json_t *item = json_pack("{s:I, s:I, s:O}", "index", (json_int_t)holding->index, "line",
		(json_int_t)holding->line, "object", json);

	if (!text || json_array_append_new(objects, item) < 0)
		return -ENOMEM;
	*size += strlen(text);
	return 0;
}

static int records_trim(struct manifest_records *records, struct manifest_source *source,
	size_t parts, struct err *err)
{
	while (source->record_count > parts) {
		AUTO_FREE char *path =
			record_path(records, source->records[source->record_count - 1]);

		if (!path)
			return err_set(err, ENOMEM, "remove a record");
		if (unlink(path) < 0 && errno != ENOENT)
			return err_set(err, errno, "remove '%s'", path);
		source->record_count--;
	}
	return 0;
}

int records_save(struct manifest_records *records, struct manifest_source *source, struct err *err)
{
	AUTO_JSON objects = json_array();
	size_t parts = 0, size = 0;
	int r;

	for (size_t i = 0; i < source->holdings.count; i++) {
		if (!objects || holding_pack(&source->holdings.items[i], objects, &size) < 0)
			return err_set(err, ENOMEM, "write a record");
		if (size < RECORD_FULL && i + 1 < source->holdings.count)
			continue;
		r = part_write(records, source, parts++, objects, err);
		if (r < 0)
			return r;
		json_array_clear(objects);
		size = 0;
	}
	r = records_trim(records, source, parts, err);
	if (r == 0)
		source->unsaved = false;
	return r;
}
