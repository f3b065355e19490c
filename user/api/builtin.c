// SPDX-License-Identifier: Apache-2.0
#include "user/api/builtin.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/api/meta.h"
#include "user/api/stored.h"
#include "user/auth/builtin.h"
#include "user/base/cleanup.h"
#include "user/base/clock.h"
#include "user/base/err.h"
#include "user/base/log.h"
#include "user/model/kinds.h"
#include "user/store/store.h"

#define OBJECTS_MOST 64
#define AUTOUPDATE   "rbac.authorization.kubernetes.io/autoupdate"

struct batch {
	struct store_change changes[OBJECTS_MOST];
	char keys[OBJECTS_MOST][STORED_KEY_MAX];
	size_t count;
};

static void cleanup_batch(struct batch *batch)
{
	for (size_t i = 0; i < batch->count; i++)
		blob_unref(batch->changes[i].value);
}

static int batch_add(struct batch *batch, const char *key, const json_t *object)
{
	struct store_change *change = &batch->changes[batch->count];

	if (batch->count == OBJECTS_MOST)
		return -E2BIG;
	strcpy(batch->keys[batch->count], key);
	*change = (struct store_change){.key = batch->keys[batch->count]};
	if (stored_encode(object, &change->value) < 0)
		return -ENOMEM;
	batch->count++;
	return 0;
}

static int new_add(struct batch *batch, const char *key, json_t *object)
{
	json_t *meta = json_object_get(object, "metadata");
	char uid[META_UUID_LEN], now[CLOCK_RFC3339_LEN];

	if (!meta_uuid(uid))
		return -EAGAIN;
	clock_rfc3339(clock_wall(), now);
	if (json_object_set_new(meta, "uid", json_string(uid)) < 0 ||
		json_object_set_new(meta, "creationTimestamp", json_string(now)) < 0)
		return -ENOMEM;
	return batch_add(batch, key, object);
}

/* Takes over what the built-in one says; *@ret_changed: that is something else. */
static int old_update(json_t *old, const json_t *object, bool *ret_changed)
{
	static const char *const keys[] = {"rules", "aggregationRule", "subjects", "roleRef"};
	const json_t *annotations =
		json_object_get(json_object_get(old, "metadata"), "annotations");

	*ret_changed = false;
	if (strcmp(json_string_at(annotations, AUTOUPDATE, "true"), "false") == 0)
		return 0;
	for (size_t i = 0; i < COUNT(keys); i++) {
		json_t *want = json_object_get(object, keys[i]);
		json_t *have = json_object_get(old, keys[i]);

		if (!want || (have && json_equal(want, have)))
			continue;
		*ret_changed = true;
		if (json_object_set(old, keys[i], want) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int object_write(struct batch *batch, struct store *store, json_t *object)
{
	const struct kind *kind =
		kind_by_type("rbac.authorization.k8s.io/v1", json_string_at(object, "kind", ""));
	const struct store_entry *entry;
	AUTO_JSON old = NULL;
	char key[STORED_KEY_MAX];
	bool changed = false;
	int r;

	stored_key(
		kind, NULL, json_string_at(json_object_get(object, "metadata"), "name", ""), key);
	entry = store_get(store, key);
	if (!entry)
		return new_add(batch, key, object);
	r = stored_decode(entry->value, entry->modified, kind, "v1", &old);
	if (r == 0)
		r = old_update(old, object, &changed);
	return r == 0 && changed ? batch_add(batch, key, old) : r;
}

static void builtin_written(void *userdata, int result, uint64_t revision)
{
	(void)userdata;
	(void)revision;
	if (result < 0)
		log_error("cannot write the built-in roles: %s", strerror(-result));
}

int builtin_write(struct store *store, struct err *err)
{
	AUTO_JSON objects = builtin_objects();
	AUTO_CLEANUP(cleanup_batch) struct batch batch = {0};
	struct store_txn txn = {.changes = batch.changes};
	json_t *object;
	size_t i;
	int r = objects ? 0 : -ENOMEM;

	json_array_foreach (objects, i, object)
		if (r == 0)
			r = object_write(&batch, store, object);
	txn.change_count = batch.count;
	if (r == 0 && batch.count)
		r = store_commit(store, &txn, builtin_written, NULL);
	return r < 0 ? err_set(err, -r, "write the built-in roles") : 0;
}
