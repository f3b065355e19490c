// SPDX-License-Identifier: Apache-2.0
#include "user/agent/manifests.h"

#include <string.h>

#include "user/agent/manifests_source.h"
#include "user/agent/manifests_watch.h"
#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/base/fs.h"
#include "user/base/log.h"
#include "user/base/loop.h"

/*
 * Changes come in bunches.  What may take something away waits this long for the rest of its bunch, that
 * may bring it back; what only adds waits this long after the scan before.
 */
#define SETTLE_USEC (20 * USEC_PER_MSEC)
#define RETRY_USEC  USEC_PER_SEC

struct refusals {
	struct manifests_refusal *items;
	size_t count;
	json_t *seen; /* text -> revision of the scan that met it first */
};

struct manifests {
	char *dir;
	size_t max_bytes;
	manifests_changed_fn fn;
	void *userdata;
	struct timer *timer;
	bool planned;
	uint64_t scanned; /* when the last scan ended */
	struct manifests_watch watch;
	struct manifest_records records;
	struct manifest_sources sources;
	struct refusals damaged, refusals; /* damaged: records, met at the start */
	struct manifests_entry *entries;
	size_t entry_count;
	json_t *index; /* KIND/NAMESPACE/NAME -> place in entries */
	uint64_t revision;
};

static void plan(struct manifests *manifests, uint64_t delay)
{
	if (manifests->planned)
		return;
	manifests->planned = true;
	timer_arm(manifests->timer, clock_now() + delay);
}

/* What is in files that were not there before takes nothing away. */
static bool change_only_adds(const struct manifests *manifests)
{
	const char *file;
	json_t *writing;

	if (manifests->watch.beyond)
		return false;
	json_object_foreach (manifests->watch.touched, file, writing) {
		if (sources_find(&manifests->sources, file))
			return false;
	}
	return true;
}

static void noticed(void *userdata)
{
	struct manifests *manifests = userdata;
	uint64_t now = clock_now(), from = now;

	if (change_only_adds(manifests))
		from = manifests->scanned < now ? manifests->scanned : now;
	from += SETTLE_USEC;
	plan(manifests, from > now ? from - now : 0);
}

/* --- refusals --------------------------------------------------------------- */

/* The strings of one refusal, in one block that its file name begins. */
static char *refusal_strings(const char *file, const struct manifest_document *document,
	const char *text, struct manifests_refusal *ret)
{
	const char *parts[] = {file, document ? document->kind : "",
		document ? document->namespace : "", document ? document->name : "", text};
	const char **fields[] = {&ret->file, &ret->kind, &ret->namespace, &ret->name, &ret->text};
	size_t size = 0;
	char *block, *p;

	for (size_t i = 0; i < COUNT(parts); i++)
		size += strlen(parts[i]) + 1;
	block = p = malloc(size);
	for (size_t i = 0; block && i < COUNT(parts); i++) {
		*fields[i] = p;
		p = stpcpy(p, parts[i]) + 1;
	}
	return block;
}

static int refusals_add(struct refusals *refusals, const char *file,
	const struct manifest_document *document, const struct err *err)
{
	AUTO_FREE char *text = fs_format("%s: %s", file, err->text);
	struct manifests_refusal *grown, refusal = {.line = document ? document->line : 0};

	if (!text || !refusal_strings(file, document, text, &refusal))
		return -ENOMEM;
	grown = reallocarray(refusals->items, refusals->count + 1, sizeof(*grown));
	if (!grown) {
		free((char *)refusal.file);
		return -ENOMEM;
	}
	refusals->items = grown;
	grown[refusals->count++] = refusal;
	return 0;
}

static void refusals_free(struct refusals *refusals)
{
	for (size_t i = 0; i < refusals->count; i++)
		free((char *)refusals->items[i].file);
	free(refusals->items);
	json_decref(refusals->seen);
	*refusals = (struct refusals){0};
}

/* Gives each refusal the revision of the scan that met it first. */
static int refusals_date(struct refusals *now, const struct refusals *before, uint64_t revision)
{
	now->seen = json_object();
	for (size_t i = 0; i < now->count; i++) {
		struct manifests_refusal *refusal = &now->items[i];

		refusal->revision =
			(uint64_t)json_integer_at(before->seen, refusal->text, (long long)revision);
		if (json_object_set_new(now->seen, refusal->text,
			    json_integer((json_int_t)refusal->revision)) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int refuse_damaged(void *userdata, const char *file,
	const struct manifest_document *document, const struct err *err)
{
	struct manifests *manifests = userdata;

	return refusals_add(&manifests->damaged, file, document, err);
}

static int refuse(void *userdata, const char *file, const struct manifest_document *document,
	const struct err *err)
{
	return refusals_add(userdata, file, document, err);
}

/* --- files ------------------------------------------------------------------ */

static bool same_content(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* Replaces what was read of @source by its file's content now, unless that is being changed. */
static int source_read(struct manifests *manifests, struct manifest_source *source,
	const char *path, const struct stat *stamp, struct err *err)
{
	json_t *touched = manifests->watch.touched;
	struct manifest *manifest = NULL;
	AUTO_FREE char *text = NULL;
	struct err reason = {0};
	size_t len;
	int r;

	json_object_del(touched, source->file);
	r = fs_read(path, manifests->max_bytes, &text, &len, &reason);
	if (manifests_watch_drain(&manifests->watch))
		plan(manifests, SETTLE_USEC);
	if (json_object_get(touched, source->file))
		return 0;
	if (r == 0)
		r = manifest_read(text, len, &manifest, &reason);
	if (r == -ENOMEM) {
		*err = reason;
		return r;
	}
	manifest_free(source->manifest);
	source->manifest = manifest;
	source->err = reason;
	source->stamp = *stamp;
	source->stamped = true;
	return 0;
}

static int source_refresh(
	struct manifests *manifests, struct manifest_source *source, struct err *err)
{
	AUTO_FREE char *path = fs_format("%s/%s", manifests->dir, source->file);
	const json_t *touched = json_object_get(manifests->watch.touched, source->file);
	struct stat stamp;

	if (!path)
		return err_set(err, ENOMEM, "read manifests");
	source->present = true;
	if (json_is_true(touched))
		return 0;
	if (stat(path, &stamp) < 0) {
		/* A link that leads nowhere, most likely: the name is there, so nothing is removed. */
		err_set(&source->err, errno, "read");
		source->stamped = false;
		return 0;
	}
	if (!S_ISREG(stamp.st_mode)) {
		err_refuse(&source->err, EINVAL, "not a regular file");
		source->stamped = false;
		return 0;
	}
	if (!touched && source->stamped && same_content(&stamp, &source->stamp))
		return 0;
	return source_read(manifests, source, path, &stamp, err);
}

static int file_compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The manifest files there are now, sorted; the caller frees them. */
static int list_files(const char *path, char ***ret, size_t *ret_count, struct err *err)
{
	AUTO_DIR dir = opendir(path);
	struct dirent *entry;
	char **files = NULL;
	size_t count = 0;

	if (!dir && errno != ENOENT)
		return err_set(err, errno, "list '%s'", path);
	while (dir && (errno = 0, entry = readdir(dir))) {
		char **grown;

		if (!manifests_is_file(entry->d_name))
			continue;
		grown = reallocarray(files, count + 1, sizeof(*files));
		if (grown) {
			files = grown;
			files[count] = strdup(entry->d_name);
		}
		if (!grown || !files[count++]) {
			errno = ENOMEM;
			break;
		}
	}
	*ret = files;
	*ret_count = count;
	if (dir && errno)
		return err_set(err, errno, "list '%s'", path);
	if (count)
		qsort(files, count, sizeof(*files), file_compare);
	return 0;
}

static int refresh_files(struct manifests *manifests, char **files, size_t count, struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < manifests->sources.count; i++)
		manifests->sources.items[i]->present = false;
	for (size_t i = 0; r == 0 && i < count; i++) {
		struct manifest_source *source = sources_get(&manifests->sources, files[i]);

		r = source ? source_refresh(manifests, source, err)
			   : err_set(err, ENOMEM, "read manifests");
	}
	return r;
}

/* Marks of files that are not there any more; a file being written is there. */
static void forget_touched(struct manifests *manifests)
{
	const char *file;
	json_t *writing;
	void *next;

	json_object_foreach_safe (manifests->watch.touched, next, file, writing) {
		if (!json_is_true(writing) && !sources_find(&manifests->sources, file))
			json_object_del(manifests->watch.touched, file);
	}
}

/* While the directory cannot be listed, all that is known stays. */
static int keep_files(
	struct manifests *manifests, struct refusals *refusals, const struct err *reason)
{
	for (size_t i = 0; i < manifests->sources.count; i++)
		manifests->sources.items[i]->present = true;
	plan(manifests, RETRY_USEC);
	return refuse(refusals, manifests->dir, NULL, reason);
}

static int read_directory(struct manifests *manifests, struct refusals *refusals, struct err *err)
{
	char **files = NULL;
	struct err reason;
	size_t count = 0;
	int r;

	r = manifests_watch_arm(&manifests->watch, &reason);
	manifests_watch_drain(&manifests->watch);
	manifests->watch.beyond = false;
	if (r < 0) {
		/* Without a watch there is still looking. */
		plan(manifests, RETRY_USEC);
		if (refuse(refusals, manifests->dir, NULL, &reason) < 0)
			return err_set(err, ENOMEM, "read manifests");
	}
	r = list_files(manifests->dir, &files, &count, &reason);
	if (r == 0)
		r = refresh_files(manifests, files, count, err);
	else if (keep_files(manifests, refusals, &reason) < 0)
		r = err_set(err, ENOMEM, "read manifests");
	else
		r = 0;
	for (size_t i = 0; i < count; i++)
		free(files[i]);
	free(files);
	forget_touched(manifests);
	return r;
}

/* Writes the records of what changed and lets go of files that are gone. */
static int save(struct manifests *manifests, struct refusals *refusals)
{
	struct manifest_sources *sources = &manifests->sources;
	size_t left = 0;
	int r = 0;

	for (size_t i = 0; i < sources->count; i++) {
		struct manifest_source *source = sources->items[i];
		struct err reason;

		if (source->unsaved && records_save(&manifests->records, source, &reason) < 0 &&
			refuse(refusals, manifests->records.dir, NULL, &reason) < 0)
			r = -ENOMEM;
		if (source->present || source->unsaved)
			sources->items[left++] = source;
		else
			source_drop(source);
	}
	sources->count = left;
	return r;
}

static int refusal_compare(const void *a, const void *b)
{
	const struct manifests_refusal *x = a, *y = b;
	int order = strcmp(x->file, y->file);

	if (order == 0)
		order = x->line < y->line ? -1 : x->line > y->line;
	return order ? order : strcmp(x->text, y->text);
}

static int refusals_finish(struct manifests *manifests, struct refusals *refusals)
{
	for (size_t i = 0; i < manifests->damaged.count; i++) {
		const struct manifests_refusal *damaged = &manifests->damaged.items[i];
		struct err reason;

		err_refuse(&reason, EBADMSG, "%s", damaged->text + strlen(damaged->file) + 2);
		if (refuse(refusals, damaged->file, NULL, &reason) < 0)
			return -ENOMEM;
	}
	if (refusals->count)
		qsort(refusals->items, refusals->count, sizeof(*refusals->items), refusal_compare);
	return refusals_date(refusals, &manifests->refusals, manifests->revision);
}

/* --- what is given out ------------------------------------------------------ */

static int index_entry(json_t *index, const struct manifests_entry *entry, size_t place)
{
	const struct object *object = entry->object;
	AUTO_FREE char *key = fs_format("%s/%s/%s", object_kind_name(object->kind),
		object->meta.namespace, object->meta.name);

	return key ? json_object_set_new(index, key, json_integer((json_int_t)place)) : -1;
}

static void entries_free(struct manifests_entry *entries, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		object_free((struct object *)entries[i].object);
		free((char *)entries[i].file);
	}
	free(entries);
}

/* Entries own what they show: they stay good while the next scan works, even when it fails. */
static int entry_fill(
	struct manifests_entry *entry, const char *file, const struct holding *holding)
{
	*entry = (struct manifests_entry){
		.object = object_share(holding->object),
		.file = strdup(file),
		.line = holding->line,
		.revision = holding->revision,
		.kept = holding->kept,
	};
	return entry->object && entry->file ? 0 : -ENOMEM;
}

static int entries_fill(
	const struct manifest_sources *sources, struct manifests_entry *entries, json_t *index)
{
	size_t place = 0;

	for (size_t s = 0; s < sources->count; s++) {
		const struct manifest_source *source = sources->items[s];

		for (size_t i = 0; i < source->holdings.count; i++, place++) {
			if (entry_fill(&entries[place], source->file, &source->holdings.items[i]) <
					0 ||
				index_entry(index, &entries[place], place) < 0)
				return -ENOMEM;
		}
	}
	return 0;
}

static int publish(struct manifests *manifests)
{
	const struct manifest_sources *sources = &manifests->sources;
	struct manifests_entry *entries;
	AUTO_JSON index = json_object();
	size_t count = 0;

	for (size_t s = 0; s < sources->count; s++)
		count += sources->items[s]->holdings.count;
	entries = calloc(count + 1, sizeof(*entries));
	if (!entries || !index || entries_fill(sources, entries, index) < 0) {
		if (entries)
			entries_free(entries, count);
		return -ENOMEM;
	}
	entries_free(manifests->entries, manifests->entry_count);
	manifests->entries = entries;
	manifests->entry_count = count;
	json_decref(manifests->index);
	manifests->index = json_incref(index);
	return 0;
}

static int scan(struct manifests *manifests, struct refusals *refusals, struct err *err)
{
	int r = read_directory(manifests, refusals, err);

	if (r == 0)
		r = sources_resolve(
			&manifests->sources, manifests->revision, refuse, refusals, err);
	if (r < 0)
		return r;
	if (save(manifests, refusals) < 0 || refusals_finish(manifests, refusals) < 0 ||
		publish(manifests) < 0)
		return err_set(err, ENOMEM, "read manifests");
	return 0;
}

static void scan_due(void *userdata)
{
	struct manifests *manifests = userdata;
	struct refusals refusals = {0};
	struct err err;
	int r;

	manifests->planned = false;
	manifests->revision++;
	r = scan(manifests, &refusals, &err);
	manifests->scanned = clock_now();
	if (r < 0) {
		log_error("%s; trying again", err.text);
		refusals_free(&refusals);
		plan(manifests, RETRY_USEC);
		return;
	}
	refusals_free(&manifests->refusals);
	manifests->refusals = refusals;
	manifests->fn(manifests, manifests->userdata);
}

static int manifests_start(struct manifests *manifests, sd_event *loop,
	const struct manifests_config *config, struct err *err)
{
	int r;

	manifests->dir = strdup(config->dir);
	manifests->records.dir = strdup(config->state_dir);
	if (!manifests->dir || !manifests->records.dir)
		return err_set(err, ENOMEM, "watch '%s'", config->dir);
	r = manifests_watch_start(&manifests->watch, loop, config->dir, noticed, manifests, err);
	if (r == 0)
		r = timer_new(loop, scan_due, manifests, &manifests->timer, err);
	if (r == 0)
		r = records_load(
			&manifests->records, &manifests->sources, refuse_damaged, manifests, err);
	if (r == 0)
		plan(manifests, 0);
	return r;
}

int manifests_new(sd_event *loop, const struct manifests_config *config, manifests_changed_fn fn,
	void *userdata, struct manifests **ret, struct err *err)
{
	struct manifests *manifests = calloc(1, sizeof(*manifests));
	int r;

	if (!manifests)
		return err_set(err, ENOMEM, "watch '%s'", config->dir);
	manifests->watch.fd = -1;
	manifests->max_bytes = config->max_bytes;
	manifests->fn = fn;
	manifests->userdata = userdata;
	r = manifests_start(manifests, loop, config, err);
	if (r < 0) {
		manifests_free(manifests);
		return r;
	}
	*ret = manifests;
	return 0;
}

struct manifests *manifests_free(struct manifests *manifests)
{
	if (!manifests)
		return NULL;
	timer_free(manifests->timer);
	manifests_watch_stop(&manifests->watch);
	sources_free(&manifests->sources);
	refusals_free(&manifests->damaged);
	refusals_free(&manifests->refusals);
	entries_free(manifests->entries, manifests->entry_count);
	json_decref(manifests->index);
	free(manifests->records.dir);
	free(manifests->dir);
	free(manifests);
	return NULL;
}

uint64_t manifests_revision(const struct manifests *manifests)
{
	return manifests->revision;
}

const struct manifests_entry *manifests_entries(
	const struct manifests *manifests, size_t *ret_count)
{
	*ret_count = manifests->entry_count;
	return manifests->entries;
}

const struct manifests_refusal *manifests_refusals(
	const struct manifests *manifests, size_t *ret_count)
{
	*ret_count = manifests->refusals.count;
	return manifests->refusals.items;
}

const struct manifests_entry *manifests_find(const struct manifests *manifests,
	enum object_kind kind, const char *namespace, const char *name)
{
	char key[64 + 64 + NAME_MAX_LEN + 3];
	long long place;

	snprintf(key, sizeof(key), "%s/%s/%s", object_kind_name(kind), namespace, name);
	place = json_integer_at(manifests->index, key, -1);
	return place < 0 ? NULL : &manifests->entries[place];
}
