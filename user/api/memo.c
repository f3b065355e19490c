// SPDX-License-Identifier: Apache-2.0
#include "user/api/memo.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/api/stored.h"
#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/model/codec_protobuf.h"
#include "user/model/kinds.h"
#include "user/store/blob.h"

struct slot {
	struct memo_key key; /* with a reference; blob NULL: it is empty */
	json_t *object;
	void *body; /* NULL: nobody has asked for it */
	size_t body_len;
};

struct memo {
	struct slot slots[MEMO_SLOTS];
	size_t bytes;
};

struct memo *memo_new(void)
{
	return calloc(1, sizeof(struct memo));
}

struct memo *memo_free(struct memo *memo)
{
	if (memo)
		memo_clear(memo);
	free(memo);
	return NULL;
}

static void slot_clear(struct memo *memo, struct slot *slot)
{
	if (!slot->key.blob)
		return;
	memo->bytes -= slot->key.blob->size;
	blob_unref(slot->key.blob);
	json_decref(slot->object);
	free(slot->body);
	*slot = (struct slot){0};
}

void memo_clear(struct memo *memo)
{
	for (size_t i = 0; memo->bytes && i < MEMO_SLOTS; i++)
		slot_clear(memo, &memo->slots[i]);
}

/* Its only place: revisions follow each other, so that the latest changes have places of their own. */
static struct slot *slot_of(struct memo *memo, const struct memo_key *key)
{
	return &memo->slots[key->revision % MEMO_SLOTS];
}

static bool slot_holds(const struct slot *slot, const struct memo_key *key)
{
	return slot->key.blob == key->blob && slot->key.revision == key->revision &&
	       slot->key.kind == key->kind && slot->key.version == key->version;
}

static struct slot *slot_put(struct memo *memo, const struct memo_key *key, json_t *object)
{
	struct slot *slot = slot_of(memo, key);

	slot_clear(memo, slot);
	if (memo->bytes + key->blob->size > MEMO_BYTES)
		memo_clear(memo);
	*slot = (struct slot){.key = *key, .object = json_incref(object)};
	blob_ref(key->blob);
	memo->bytes += key->blob->size;
	return slot;
}

json_t *memo_find(struct memo *memo, const struct memo_key *key)
{
	struct slot *slot = slot_of(memo, key);

	return slot_holds(slot, key) ? json_incref(slot->object) : NULL;
}

int memo_read(struct memo *memo, const struct memo_key *key, json_t **ret)
{
	int r;

	*ret = memo_find(memo, key);
	if (*ret)
		return 0;
	r = stored_decode(key->blob, key->revision, key->kind, key->version, ret);
	if (r == 0)
		slot_put(memo, key, *ret);
	return r;
}

int memo_body(struct memo *memo, const struct memo_key *key, const void **ret, size_t *ret_len)
{
	struct slot *slot = slot_of(memo, key);
	AUTO_JSON object = NULL;
	int r = memo_read(memo, key, &object);

	if (r == 0 && !slot->body)
		r = codec_protobuf_encode(
			object, key->kind->message, &slot->body, &slot->body_len, NULL);
	if (r < 0)
		return r == -ENOMEM ? r : -EUCLEAN;
	*ret = slot->body;
	*ret_len = slot->body_len;
	return 0;
}
