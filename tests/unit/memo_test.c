// SPDX-License-Identifier: Apache-2.0
/* What one watcher has read, others have: as long as it is the same, and within a bound. */
#include "tests/check.h"
#include "user/api/memo.h"
#include "user/model/kinds.h"
#include "user/store/blob.h"

static struct blob *map_new(size_t size)
{
	AUTO_FREE char *text = malloc(size + 64);
	struct blob *blob;

	if (!text)
		BAIL("no memory");
	memset(text, 'x', size + 64);
	memcpy(text, "{\"metadata\":{\"name\":\"", 21);
	memcpy(text + 21 + size, "\"}}", 4);
	blob = blob_new(text, strlen(text));
	if (!blob)
		BAIL("no memory");
	return blob;
}

static struct memo_key key_of(struct blob *blob, uint64_t revision)
{
	return (struct memo_key){blob, revision, kind_by_type("v1", "ConfigMap"), "v1"};
}

static json_t *read_one(struct memo *memo, struct blob *blob, uint64_t revision)
{
	struct memo_key key = key_of(blob, revision);
	json_t *object = NULL;

	CHECK_EQ("read", memo_read(memo, &key, &object), 0);
	return object;
}

TEST(what_is_the_same_is_read_once)
{
	struct memo *memo = memo_new();
	struct blob *blob = map_new(3), *other = map_new(4);
	struct memo_key key = key_of(blob, 7);

	CHECK("nobody has read it", !memo_find(memo, &key));
	{
		AUTO_JSON first = read_one(memo, blob, 7);
		AUTO_JSON second = read_one(memo, blob, 7);
		AUTO_JSON later = read_one(memo, blob, 8);
		AUTO_JSON another = read_one(memo, other, 7);

		CHECK("the same object", first == second);
		CHECK_STR("its revision",
			json_string_at(json_object_get(first, "metadata"), "resourceVersion", ""),
			"7");
		CHECK_STR("a later one has its own",
			json_string_at(json_object_get(later, "metadata"), "resourceVersion", ""),
			"8");
		CHECK_STR("so has another object",
			json_string_at(json_object_get(another, "metadata"), "name", ""), "xxxx");
	}
	memo_clear(memo);
	CHECK("forgotten", !memo_find(memo, &key));
	CHECK_EQ("nobody holds it", blob->references, 1);
	blob_unref(blob);
	blob_unref(other);
	memo_free(memo);
}

TEST(a_body_is_written_once)
{
	struct memo *memo = memo_new();
	struct blob *blob = map_new(3);
	struct memo_key key = key_of(blob, 7);
	const void *first = NULL, *second = NULL;
	size_t len = 0;

	CHECK_EQ("written", memo_body(memo, &key, &first, &len), 0);
	CHECK_EQ("again", memo_body(memo, &key, &second, &len), 0);
	CHECK("the same", first == second);
	CHECK("it is one", len > 4 && memcmp(first, "k8s", 4) == 0);
	memo_free(memo);
	CHECK_EQ("nobody holds it", blob->references, 1);
	blob_unref(blob);
}

TEST(what_is_kept_is_bounded)
{
	struct memo *memo = memo_new();
	struct blob *blobs[5];
	unsigned held = 0;

	for (size_t i = 0; i < COUNT(blobs); i++) {
		blobs[i] = map_new(MEMO_BYTES / 2 - 100);
		json_decref(read_one(memo, blobs[i], i));
	}
	for (size_t i = 0; i < COUNT(blobs); i++)
		held += blobs[i]->references - 1;
	CHECK("some are held", held > 0);
	CHECK("not more than the bound", held <= 2);
	memo_free(memo);
	for (size_t i = 0; i < COUNT(blobs); i++)
		blob_unref(blobs[i]);
}

TEST(what_is_no_object_is_told)
{
	struct memo *memo = memo_new();
	struct blob *blob = blob_new("{", 1);
	struct memo_key key = key_of(blob, 7);
	json_t *object = NULL;

	CHECK_EQ("refused", memo_read(memo, &key, &object), -EUCLEAN);
	CHECK("and not kept", !memo_find(memo, &key));
	blob_unref(blob);
	memo_free(memo);
}
