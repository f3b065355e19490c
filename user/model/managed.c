// SPDX-License-Identifier: Apache-2.0
#include "user/model/managed.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/model/fields.h"

#define BEFORE	     "before-first-apply"
#define ANCIENT	     "ancient-changes"
#define LAST_APPLIED "kubectl.kubernetes.io/last-applied-configuration"

static json_t *meta_of(const json_t *object)
{
	return json_object_get(object, "metadata");
}

static const json_t *entries_of(const json_t *object)
{
	return json_object_get(meta_of(object), "managedFields");
}

static json_t *entry_set(const json_t *entry)
{
	return json_object_get(entry, "fieldsV1");
}

/* Takes @set. */
static json_t *entry_new(const char *operation, const struct managed_by *by, json_t *set)
{
	json_t *entry = json_pack("{s:s, s:s, s:s, s:s, s:s, s:o}", "manager", by->manager,
		"operation", operation, "apiVersion", by->api_version, "time", by->now,
		"fieldsType", "FieldsV1", "fieldsV1", set);

	if (entry && by->subresource[0])
		json_object_set_new(entry, "subresource", json_string(by->subresource));
	return entry;
}

static bool entry_is(const json_t *entry, const char *operation, const struct managed_by *by)
{
	return strcmp(json_string_at(entry, "operation", ""), operation) == 0 &&
	       strcmp(json_string_at(entry, "manager", ""), by->manager) == 0 &&
	       strcmp(json_string_at(entry, "subresource", ""), by->subresource) == 0 &&
	       (strcmp(operation, "Apply") == 0 ||
		       strcmp(json_string_at(entry, "apiVersion", ""), by->api_version) == 0);
}

/* A copy of @entry with @set, which it takes, in @entries; one that owns nothing any more is left out. */
static int entry_keep(json_t *entries, const json_t *entry, json_t *set)
{
	json_t *copy;

	if (!set)
		return -ENOMEM;
	if (json_object_size(set) == 0) {
		json_decref(set);
		return 0;
	}
	copy = json_copy((json_t *)entry);
	if (!copy || json_object_set_new(copy, "fieldsV1", set) < 0) {
		json_decref(copy);
		return -ENOMEM;
	}
	return json_array_append_new(entries, copy) < 0 ? -ENOMEM : 0;
}

/* As upstream sorts them: who applies before who updates, by time, then by name. */
static int entry_order(const void *first, const void *second)
{
	static const char *const keys[] = {
		"operation", "time", "manager", "apiVersion", "subresource"};
	const json_t *a = *(json_t *const *)first, *b = *(json_t *const *)second;
	int order = 0;

	for (size_t i = 0; i < COUNT(keys) && order == 0; i++)
		order = strcmp(json_string_at(a, keys[i], ""), json_string_at(b, keys[i], ""));
	return order;
}

/* The caller owns it; NULL: no memory. */
static json_t *entries_sorted(const json_t *entries)
{
	size_t count = json_array_size(entries);
	AUTO_FREE json_t **list = calloc(count + 1, sizeof(list[0]));
	json_t *sorted = list ? json_array() : NULL;

	if (!sorted)
		return NULL;
	for (size_t i = 0; i < count; i++)
		list[i] = json_array_get(entries, i);
	qsort(list, count, sizeof(list[0]), entry_order);
	for (size_t i = 0; i < count; i++)
		json_array_append(sorted, list[i]);
	return sorted;
}

static int entries_put(json_t *object, json_t *entries)
{
	if (json_array_size(entries) == 0) {
		json_object_del(meta_of(object), "managedFields");
		return 0;
	}
	return json_object_set_new(meta_of(object), "managedFields", entries_sorted(entries)) < 0
		       ? -ENOMEM
		       : 0;
}

/* --- other writes than apply --- */

static size_t updaters_count(const json_t *entries)
{
	size_t i, count = 0;
	json_t *entry;

	json_array_foreach (entries, i, entry)
		count += strcmp(json_string_at(entry, "operation", ""), "Update") == 0;
	return count;
}

static json_t *updater_oldest(const json_t *entries, const json_t *but)
{
	json_t *entry, *oldest = NULL;
	size_t i;

	json_array_foreach (entries, i, entry)
		if (entry != but && strcmp(json_string_at(entry, "operation", ""), "Update") == 0 &&
			(!oldest || strcmp(json_string_at(entry, "time", ""),
					    json_string_at(oldest, "time", "")) < 0))
			oldest = entry;
	return oldest;
}

/* The two that are oldest become one. */
static int updaters_limit(json_t *entries)
{
	while (updaters_count(entries) > MANAGED_UPDATERS_MOST) {
		json_t *first = updater_oldest(entries, NULL);
		json_t *second = updater_oldest(entries, first);
		json_t *set = fields_union(entry_set(first), entry_set(second));

		if (!set || json_object_set_new(second, "fieldsV1", set) < 0 ||
			json_object_set_new(second, "manager", json_string(ANCIENT)) < 0)
			return -ENOMEM;
		for (size_t i = 0; i < json_array_size(entries); i++)
			if (json_array_get(entries, i) == first) {
				json_array_remove(entries, i);
				break;
			}
	}
	return 0;
}

static int update_entries(const json_t *old, const json_t *changed, const json_t *removed,
	const struct managed_by *by, json_t *entries)
{
	AUTO_JSON lost = fields_union(changed, removed);
	AUTO_JSON own = json_incref((json_t *)changed);
	json_t *entry;
	size_t i;
	int r = 0;

	json_array_foreach (entries_of(old), i, entry) {
		json_t *set = fields_without(
			entry_set(entry), entry_is(entry, "Update", by) ? removed : lost);

		if (!entry_is(entry, "Update", by)) {
			r = entry_keep(entries, entry, set);
		} else {
			json_t *sum = fields_union(set, own);

			json_decref(set);
			json_decref(own);
			own = sum;
		}
		if (r < 0 || !own)
			return -ENOMEM;
	}
	if (json_object_size(own) > 0 &&
		json_array_append_new(entries, entry_new("Update", by, json_incref(own))) < 0)
		return -ENOMEM;
	return updaters_limit(entries);
}

/* Somebody asks to forget all owners by a list of nobody. */
static bool is_reset(const json_t *object)
{
	const json_t *entries = entries_of(object);

	return json_array_size(entries) == 1 && json_object_size(json_array_get(entries, 0)) == 0;
}

int managed_create(json_t *object, const struct managed_by *by,
	const struct schema_message *message, bool has_status)
{
	AUTO_JSON set = fields_written(object, message);
	AUTO_JSON entries = json_array();

	if (!set || !entries)
		return -ENOMEM;
	if (has_status)
		json_object_del(set, "f:status");
	if (json_object_size(set) == 0)
		return 0;
	if (json_array_append_new(entries, entry_new("Update", by, json_incref(set))) < 0)
		return -ENOMEM;
	return entries_put(object, entries);
}

int managed_update(json_t *object, const json_t *old, const struct managed_by *by,
	const struct schema_message *message)
{
	AUTO_JSON before = fields_written(old, message);
	AUTO_JSON after = fields_written(object, message);
	AUTO_JSON changed = fields_differing(after, old, object, message);
	AUTO_JSON removed = fields_without(before, after);
	AUTO_JSON entries = json_array();

	if (!entries_of(old) || is_reset(object)) {
		json_object_del(meta_of(object), "managedFields");
		return 0;
	}
	if (!changed || !removed || !entries)
		return -ENOMEM;
	if (json_object_size(changed) == 0 && json_object_size(removed) == 0)
		return entries_put(object, (json_t *)entries_of(old));
	if (update_entries(old, changed, removed, by, entries) < 0)
		return -ENOMEM;
	return entries_put(object, entries);
}

/* --- apply --- */

struct applying {
	const json_t *live, *applied;
	const struct managed_by *by;
	const struct schema_message *message;
	json_t *merged;	   /* what is applied, laid over it */
	json_t *set;	   /* what is applied */
	json_t *changed;   /* of it, what is not so yet */
	json_t *granted;   /* what kubectl applied by itself before: it takes that over */
	json_t *others;	   /* what others still own */
	json_t *prior;	   /* what the manager applied before */
	json_t *entries;   /* of the new object, without its own */
	json_t *conflicts; /* {"manager", "path"} */
	const char *since; /* of its own entry before */
};

static void cleanup_applying(struct applying *applying)
{
	json_decref(applying->merged);
	json_decref(applying->set);
	json_decref(applying->changed);
	json_decref(applying->granted);
	json_decref(applying->others);
	json_decref(applying->prior);
	json_decref(applying->entries);
	json_decref(applying->conflicts);
}

/* What is still as kubectl applied it: not what somebody has changed since. */
static json_t *last_applied_fields(const struct applying *applying)
{
	const char *text = json_string_at(
		json_object_get(meta_of(applying->live), "annotations"), LAST_APPLIED, NULL);
	AUTO_JSON object = NULL;
	AUTO_JSON set = NULL;
	AUTO_JSON changed = NULL;

	if (text && strcmp(applying->by->manager, "kubectl") == 0)
		object = json_loads(text, 0, NULL);
	if (!json_is_object(object))
		return json_object();
	set = fields_of(object, applying->message);
	changed = fields_differing(set, applying->live, object, applying->message);
	return fields_without(set, changed);
}

/* `"kubectl" using apps/v1 at 2026-11-30T12:00:00Z`, as upstream writes it. */
static json_t *manager_text(const json_t *entry)
{
	const char *subresource = json_string_at(entry, "subresource", "");
	bool update = strcmp(json_string_at(entry, "operation", ""), "Update") == 0;
	const char *time = update ? json_string_at(entry, "time", "") : "";

	return json_sprintf("\"%s\"%s%s%s%s%s%s%s", json_string_at(entry, "manager", ""),
		subresource[0] ? " with subresource \"" : "", subresource,
		subresource[0] ? "\"" : "", update ? " using " : "",
		update ? json_string_at(entry, "apiVersion", "") : "", time[0] ? " at " : "", time);
}

static int conflicts_add(struct applying *applying, const json_t *entry, const json_t *set)
{
	AUTO_JSON paths = json_array();
	json_t *path;
	size_t i;

	if (!paths || fields_paths(set, paths) < 0)
		return -ENOMEM;
	json_array_foreach (paths, i, path)
		if (json_array_append_new(applying->conflicts,
			    json_pack("{s:o, s:O}", "manager", manager_text(entry), "path", path)) <
			0)
			return -ENOMEM;
	return 0;
}

/* kubectl by itself, as it updated before it applied here. */
static bool entry_is_kubectls(const json_t *entry)
{
	const char *manager = json_string_at(entry, "manager", "");

	return strcmp(json_string_at(entry, "operation", ""), "Update") == 0 &&
	       (strcmp(manager, BEFORE) == 0 || strcmp(manager, "kubectl-client-side-apply") == 0);
}

/* What somebody else owns and is now different is taken from him, or a conflict. */
static int apply_to_other(struct applying *applying, const json_t *entry)
{
	AUTO_JSON taken = fields_common(applying->changed, entry_set(entry));
	AUTO_JSON disputed = fields_without(taken, applying->granted);
	AUTO_JSON left = fields_without(entry_set(entry), taken);
	json_t *others;

	if (left && entry_is_kubectls(entry) && applying->prior == applying->granted) {
		json_t *rest = fields_without(left, applying->granted);

		json_decref(left);
		left = rest;
	}
	if (!disputed || !left)
		return -ENOMEM;
	if (!applying->by->force && conflicts_add(applying, entry, disputed) < 0)
		return -ENOMEM;
	others = fields_union(applying->others, left);
	json_decref(applying->others);
	applying->others = others;
	return others ? entry_keep(applying->entries, entry, json_incref(left)) : -ENOMEM;
}

static const json_t *entry_own(const struct applying *applying, const json_t *entries)
{
	json_t *entry;
	size_t i;

	json_array_foreach (entries, i, entry)
		if (entry_is(entry, "Apply", applying->by))
			return entry;
	return NULL;
}

/* Who applies for the first time has applied before what is granted. */
static int apply_to_entries(struct applying *applying, const json_t *entries)
{
	const json_t *own = entry_own(applying, entries);
	json_t *entry;
	size_t i;

	applying->prior = json_incref(own ? entry_set(own) : applying->granted);
	applying->since = json_string_at(own, "time", NULL);
	json_array_foreach (entries, i, entry)
		if (entry != own && apply_to_other(applying, entry) < 0)
			return -ENOMEM;
	return 0;
}

static json_t *entries_before(const struct applying *applying)
{
	struct managed_by before = *applying->by;

	if (entries_of(applying->live))
		return json_incref((json_t *)entries_of(applying->live));
	if (!applying->live)
		return json_array();
	before.manager = BEFORE;
	before.subresource = "";
	return json_pack(
		"[o]", entry_new("Update", &before, fields_of(applying->live, applying->message)));
}

static int apply_begin(struct applying *applying)
{
	AUTO_JSON before = entries_before(applying);

	applying->merged = fields_merge(applying->live, applying->applied, applying->message);
	applying->set = fields_of(applying->applied, applying->message);
	applying->changed = fields_differing(
		applying->set, applying->live, applying->merged, applying->message);
	applying->granted = last_applied_fields(applying);
	applying->others = json_object();
	applying->entries = json_array();
	applying->conflicts = json_array();
	if (!before || !applying->merged || !applying->changed || !applying->granted ||
		!applying->others || !applying->entries || !applying->conflicts)
		return -ENOMEM;
	return apply_to_entries(applying, before);
}

static int apply_removals(const struct applying *applying, json_t *object)
{
	AUTO_JSON kept = fields_union(applying->set, applying->others);
	AUTO_JSON gone = fields_without(applying->prior, kept);

	return gone ? fields_remove(object, gone, kept, applying->message) : -ENOMEM;
}

static int apply_own_entry(const struct applying *applying, json_t *object)
{
	struct managed_by by = *applying->by;
	json_t *meta = json_copy(meta_of(object));

	if (applying->since && json_equal(applying->prior, applying->set) &&
		json_object_size(applying->changed) == 0)
		by.now = applying->since;
	if (!meta || json_object_set_new(object, "metadata", meta) < 0 ||
		json_array_append_new(
			applying->entries, entry_new("Apply", &by, json_incref(applying->set))) < 0)
		return -ENOMEM;
	return entries_put(object, applying->entries);
}

int managed_apply(const json_t *live, const json_t *applied, const struct managed_by *by,
	const struct schema_message *message, json_t **ret, json_t **ret_conflicts)
{
	AUTO_CLEANUP(cleanup_applying)
	struct applying applying = {.live = live, .applied = applied, .by = by, .message = message};
	AUTO_JSON object = NULL;

	if (apply_begin(&applying) < 0)
		return -ENOMEM;
	*ret_conflicts = json_incref(applying.conflicts);
	if (json_array_size(applying.conflicts) > 0)
		return 0;
	object = take_ptr(applying.merged);
	if (apply_removals(&applying, object) < 0 || apply_own_entry(&applying, object) < 0)
		return -ENOMEM;
	*ret = take_ptr(object);
	return 0;
}
