// SPDX-License-Identifier: Apache-2.0
/* Which file holds which object: see sources_resolve in the header for the rules. */
#include <stdlib.h>
#include <string.h>

#include "user/agent/manifests_source.h"
#include "user/base/cleanup.h"

struct resolution {
	struct manifest_sources *sources;
	uint64_t revision;
	refuse_fn refuse;
	void *userdata;
};

#define KEY_LEN (64 + 64 + NAME_MAX_LEN + 3)

static const char *key_of(
	const char *kind, const char *namespace, const char *name, char ret[KEY_LEN])
{
	snprintf(ret, KEY_LEN, "%s/%s/%s", kind, namespace, name);
	return ret;
}

static const char *object_key(const struct object *object, char ret[KEY_LEN])
{
	return key_of(
		object_kind_name(object->kind), object->meta.namespace, object->meta.name, ret);
}

static int map_put(json_t *map, const char *key, size_t value)
{
	return json_object_set_new(map, key, json_integer((json_int_t)value)) < 0 ? -ENOMEM : 0;
}

/* The number at @key, or -1. */
static long long map_get(const json_t *map, const char *key)
{
	return json_integer_at(map, key, -1);
}

static json_t *holdings_map(const struct holdings *holdings)
{
	json_t *map = json_object();
	char key[KEY_LEN];

	for (size_t i = 0; map && i < holdings->count; i++) {
		if (map_put(map, object_key(holdings->items[i].object, key), i) < 0) {
			json_decref(map);
			return NULL;
		}
	}
	return map;
}

static int refuse_duplicate(struct resolution *resolution, const char *file,
	const struct manifest_document *document, const char *holder_file, unsigned holder_line)
{
	const struct object *object = document->object;
	struct err err;

	err_refuse(&err, EEXIST, "line %u: %s '%s/%s' is described already in %s, line %u",
		document->line, object_kind_name(object->kind), object->meta.namespace,
		object->meta.name, holder_file, holder_line);
	return resolution->refuse(resolution->userdata, file, document, &err);
}

static int keep(struct manifest_source *source, size_t i, bool kept)
{
	const struct holding *was = &source->holdings.items[i];
	int r = holdings_add(&source->next, object_share(was->object), was->index, was->line);

	if (r == 0)
		source->next.items[source->next.count - 1].kept = kept;
	return r;
}

static int keep_all(struct manifest_source *source, bool kept)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < source->holdings.count; i++)
		r = keep(source, i, kept);
	return r;
}

/* Of two documents for one name in one file the one that says what runs stays, else the first. */
static int settle_within(struct resolution *resolution, struct manifest_source *source,
	const struct manifest_document *document, struct holding *first, const struct holding *was)
{
	const struct manifest_document *loser = document;
	struct object *object;

	if (was && json_equal(was->object->json, document->object->json) &&
		!json_equal(was->object->json, first->object->json)) {
		object = object_share(document->object);
		if (!object)
			return -ENOMEM;
		loser = &source->manifest->documents[first->index];
		object_free(first->object);
		*first = (struct holding){
			.object = object, .index = document->index, .line = document->line};
	}
	return refuse_duplicate(resolution, source->file, loser, source->file, first->line);
}

/* Takes in the valid documents; *@described gets their names. */
static int take_valid(struct resolution *resolution, struct manifest_source *source,
	const json_t *before, json_t *described)
{
	char key[KEY_LEN];
	int r = 0;

	for (size_t i = 0; r == 0 && i < source->manifest->count; i++) {
		const struct manifest_document *document = &source->manifest->documents[i];
		long long first, was;

		if (!document->object)
			continue;
		object_key(document->object, key);
		first = map_get(described, key);
		was = map_get(before, key);
		if (first >= 0) {
			r = settle_within(resolution, source, document, &source->next.items[first],
				was >= 0 ? &source->holdings.items[was] : NULL);
			continue;
		}
		r = map_put(described, key, source->next.count);
		if (r == 0)
			r = holdings_add(&source->next, object_share(document->object),
				document->index, document->line);
	}
	return r;
}

/*
 * What broken documents described before stays.  One that names an object of this file keeps that;
 * one that does not may have described any, so all that nothing describes now are kept.
 */
static int keep_broken(struct resolution *resolution, struct manifest_source *source,
	const json_t *before, json_t *described)
{
	bool nameless = false;
	char key[KEY_LEN];
	int r = 0;

	for (size_t i = 0; r == 0 && i < source->manifest->count; i++) {
		const struct manifest_document *document = &source->manifest->documents[i];
		long long was;

		if (document->object)
			continue;
		r = resolution->refuse(
			resolution->userdata, source->file, document, &document->err);
		key_of(document->kind, document->namespace, document->name, key);
		was = map_get(before, key);
		if (r < 0 || was < 0 || map_get(described, key) >= 0) {
			nameless = true;
			continue;
		}
		r = map_put(described, key, source->next.count);
		if (r == 0)
			r = keep(source, (size_t)was, true);
	}
	for (size_t i = 0; r == 0 && nameless && i < source->holdings.count; i++)
		if (map_get(described, object_key(source->holdings.items[i].object, key)) < 0)
			r = keep(source, i, true);
	return r;
}

/* What @source would hold if it were alone. */
static int source_claim(struct resolution *resolution, struct manifest_source *source)
{
	AUTO_JSON before = NULL;
	AUTO_JSON described = NULL;
	int r = 0;

	holdings_free(&source->next);
	if (!source->present)
		return 0;
	if (source->err.code)
		r = resolution->refuse(resolution->userdata, source->file, NULL, &source->err);
	if (r < 0 || source->err.code || !source->manifest)
		return r < 0 ? r : keep_all(source, source->err.code != 0);
	before = holdings_map(&source->holdings);
	described = json_object();
	if (!before || !described)
		return -ENOMEM;
	r = take_valid(resolution, source, before, described);
	return r == 0 ? keep_broken(resolution, source, before, described) : r;
}

/* Who held each object before: its source and the place there, in one number. */
static json_t *held_map(const struct manifest_sources *sources)
{
	json_t *held = json_object();
	char key[KEY_LEN];

	for (size_t s = 0; held && s < sources->count; s++) {
		const struct holdings *holdings = &sources->items[s]->holdings;

		for (size_t i = 0; held && i < holdings->count; i++) {
			object_key(holdings->items[i].object, key);
			if (map_get(held, key) >= 0 || map_put(held, key, s << 32 | i) == 0)
				continue;
			json_decref(held);
			held = NULL;
		}
	}
	return held;
}

static long long held_by(const json_t *held, const char *key)
{
	long long place = map_get(held, key);

	return place < 0 ? place : place >> 32;
}

/* Names the holder of each object: first who held it before and still does, then by order. */
static int name_holders(const struct manifest_sources *sources, const json_t *held, json_t *holder)
{
	char key[KEY_LEN];

	for (int pass = 0; pass < 2; pass++) {
		for (size_t s = 0; s < sources->count; s++) {
			const struct holdings *next = &sources->items[s]->next;

			for (size_t i = 0; i < next->count; i++) {
				object_key(next->items[i].object, key);
				if (map_get(holder, key) >= 0 ||
					(pass == 0 && held_by(held, key) != (long long)s))
					continue;
				if (map_put(holder, key, s) < 0)
					return -ENOMEM;
			}
		}
	}
	return 0;
}

static const struct holding *holding_find(const struct manifest_source *source, const char *name)
{
	char key[KEY_LEN];

	for (size_t i = 0; i < source->next.count; i++)
		if (strcmp(object_key(source->next.items[i].object, key), name) == 0)
			return &source->next.items[i];
	return NULL;
}

/* Refuses what another file holds.  A kept object was held here, so only documents can lose. */
static int drop_losers(
	struct resolution *resolution, struct manifest_source *source, size_t self, json_t *holder)
{
	struct holdings *next = &source->next;
	char key[KEY_LEN];
	size_t left = 0;
	int r = 0;

	for (size_t i = 0; i < next->count; i++) {
		long long other = map_get(holder, object_key(next->items[i].object, key));
		const struct manifest_source *winner = resolution->sources->items[other];
		const struct holding *holding;

		if ((size_t)other == self) {
			next->items[left++] = next->items[i];
			continue;
		}
		holding = holding_find(winner, key);
		if (r == 0 && holding && !next->items[i].kept && source->manifest)
			r = refuse_duplicate(resolution, source->file,
				&source->manifest->documents[next->items[i].index], winner->file,
				holding->line);
		object_free(next->items[i].object);
	}
	next->count = left;
	return r;
}

/* Content that was there before keeps its revision, whichever file it came from. */
static void set_revisions(
	struct resolution *resolution, struct manifest_source *source, const json_t *held)
{
	char key[KEY_LEN];

	for (size_t i = 0; i < source->next.count; i++) {
		struct holding *holding = &source->next.items[i];
		long long place = map_get(held, object_key(holding->object, key));
		const struct manifest_source *other;
		const struct holding *was;

		holding->revision = resolution->revision;
		if (place < 0)
			continue;
		other = resolution->sources->items[place >> 32];
		was = &other->holdings.items[place & UINT32_MAX];
		if (was->revision && json_equal(was->object->json, holding->object->json))
			holding->revision = was->revision;
	}
}

static bool holdings_equal(const struct holdings *a, const struct holdings *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (!json_equal(a->items[i].object->json, b->items[i].object->json))
			return false;
	return true;
}

static void commit(struct manifest_sources *sources)
{
	for (size_t s = 0; s < sources->count; s++) {
		struct manifest_source *source = sources->items[s];

		source->unsaved |= !holdings_equal(&source->holdings, &source->next);
		holdings_free(&source->holdings);
		source->holdings = source->next;
		source->next = (struct holdings){0};
	}
}

static int resolve(struct resolution *resolution)
{
	struct manifest_sources *sources = resolution->sources;
	AUTO_JSON held = held_map(sources);
	AUTO_JSON holder = json_object();
	int r = held && holder ? 0 : -ENOMEM;

	for (size_t s = 0; r == 0 && s < sources->count; s++)
		r = source_claim(resolution, sources->items[s]);
	if (r == 0)
		r = name_holders(sources, held, holder);
	for (size_t s = 0; r == 0 && s < sources->count; s++)
		r = drop_losers(resolution, sources->items[s], s, holder);
	for (size_t s = 0; r == 0 && s < sources->count; s++)
		set_revisions(resolution, sources->items[s], held);
	return r;
}

int sources_resolve(struct manifest_sources *sources, uint64_t revision, refuse_fn refuse,
	void *userdata, struct err *err)
{
	struct resolution resolution = {sources, revision, refuse, userdata};
	int r = resolve(&resolution);

	if (r < 0)
		return err_set(err, -r, "read manifests");
	commit(sources);
	return 0;
}
