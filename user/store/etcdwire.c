// SPDX-License-Identifier: Apache-2.0
#include "user/store/etcdwire.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/base64.h"
#include "user/base/cleanup.h"
#include "user/http/buffer.h"
#include "user/store/blob.h"
#include "user/store/request.h"

/* gRPC's numbers */
#define CODE_INVALID	  3
#define CODE_DENIED	  7
#define CODE_EXHAUSTED	  8
#define CODE_UNKNOWN_USER 16

/* --- what is said --- */

static int add_bytes(struct buffer *out, const char *name, const void *data, size_t len)
{
	AUTO_FREE char *text = base64_encode(data, len);

	return text ? buffer_printf(out, "\"%s\":\"%s\"", name, text) : -ENOMEM;
}

static int add_text(struct buffer *out, const char *name, const char *text)
{
	return add_bytes(out, name, text, strlen(text));
}

static int add(struct buffer *out, const char *text)
{
	return buffer_append(out, text, strlen(text));
}

/* "key":"...", of what lies at @key below @root. */
static int add_key(struct buffer *out, const char *root, const char *key)
{
	char whole[ETCD_KEY_MAX];
	int len = snprintf(whole, sizeof(whole), "%s%s", root, key);

	if (len < 0 || (size_t)len >= sizeof(whole))
		return -ENAMETOOLONG;
	return add_bytes(out, "key", whole, (size_t)len);
}

/* The keys that begin with @folder end before the first that has the next character in place of its last. */
static int add_end(struct buffer *out, const char *folder)
{
	char end[ETCD_KEY_MAX];
	size_t len = strlen(folder);

	if (len == 0 || len >= sizeof(end))
		return -ENAMETOOLONG;
	memcpy(end, folder, len);
	end[len - 1]++;
	return add_bytes(out, "range_end", end, len);
}

static int add_put(
	struct buffer *out, const char *root, const char *key, const void *data, size_t len)
{
	int r = add(out, "{\"request_put\":{");

	if (r == 0)
		r = add_key(out, root, key);
	if (r == 0)
		r = add(out, ",");
	if (r == 0)
		r = add_bytes(out, "value", data, len);
	return r == 0 ? add(out, "}}") : r;
}

static int add_mark(struct buffer *out, const struct etcd_attempt *attempt, char sign)
{
	char mark[ETCD_MARK_MAX];
	int len = snprintf(mark, sizeof(mark), "%s%c", attempt->next, sign);

	return add_put(out, "", attempt->key, mark, (size_t)len);
}

static int add_deletion(struct buffer *out, const char *root, const char *key)
{
	int r = add(out, "{\"request_delete_range\":{");

	if (r == 0)
		r = add_key(out, root, key);
	return r == 0 ? add(out, "}}") : r;
}

static int add_change(struct buffer *out, const char *root, const struct store_change *change)
{
	const struct blob *value = change->value;

	return value ? add_put(out, root, change->key, value->data, value->size)
		     : add_deletion(out, root, change->key);
}

static int add_compares(struct buffer *out, const char *root, const struct request *request)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < request->compare_count; i++) {
		r = add(out, i ? ",{" : "{");
		if (r == 0)
			r = add_key(out, root, request->compares[i].key);
		if (r == 0)
			r = buffer_printf(out,
				",\"target\":\"MOD\",\"mod_revision\":\"%" PRIu64 "\"}",
				request->compares[i].modified);
	}
	return r;
}

/* {"compare":[the mark is as it was],"success":[ */
static int add_condition(struct buffer *out, const struct etcd_attempt *attempt)
{
	int r = add(out, "{\"compare\":[{");

	if (r == 0)
		r = add_key(out, "", attempt->key);
	if (r == 0 && attempt->mark[0])
		r = add(out, ",\"target\":\"VALUE\",");
	if (r == 0)
		r = attempt->mark[0] ? add_text(out, "value", attempt->mark)
				     : add(out, ",\"target\":\"VERSION\",\"version\":\"0\"");
	return r == 0 ? add(out, "}],\"success\":[") : r;
}

/* ],"failure":[read the mark]} */
static int add_otherwise(struct buffer *out, const char *key)
{
	int r = add(out, "],\"failure\":[{\"request_range\":{");

	if (r == 0)
		r = add_key(out, "", key);
	return r == 0 ? add(out, "}}]}") : r;
}

int etcd_compose_write(
	const struct etcd_attempt *attempt, const struct request *request, struct buffer *out)
{
	int r = add_condition(out, attempt);

	if (r == 0)
		r = add(out, "{\"request_txn\":{\"compare\":[");
	if (r == 0)
		r = add_compares(out, attempt->objects, request);
	if (r == 0)
		r = add(out, "],\"success\":[");
	if (r == 0)
		r = add_mark(out, attempt, '+');
	for (size_t i = 0; r == 0 && i < request->change_count; i++) {
		r = add(out, ",");
		if (r == 0)
			r = add_change(out, attempt->objects, &request->changes[i]);
	}
	if (r == 0)
		r = add(out, "],\"failure\":[");
	if (r == 0)
		r = add_mark(out, attempt, '-');
	if (r == 0)
		r = add(out, "]}}");
	return r == 0 ? add_otherwise(out, attempt->key) : r;
}

int etcd_compose_fence(const struct etcd_attempt *attempt, struct buffer *out)
{
	int r = add_condition(out, attempt);

	if (r == 0)
		r = add_mark(out, attempt, '!');
	return r == 0 ? add_otherwise(out, attempt->key) : r;
}

int etcd_compose_claim(const char *key, const char *value, struct buffer *out)
{
	struct etcd_attempt absent = {.key = key};
	int r = add_condition(out, &absent);

	if (r == 0)
		r = add_put(out, "", key, value, strlen(value));
	return r == 0 ? add_otherwise(out, key) : r;
}

int etcd_compose_range(
	const char *folder, const char *from, uint64_t revision, unsigned limit, struct buffer *out)
{
	int r = add(out, "{");

	if (r == 0)
		r = add_key(out, "", from);
	if (r == 0)
		r = add(out, ",");
	if (r == 0)
		r = add_end(out, folder);
	return r == 0 ? buffer_printf(out, ",\"revision\":\"%" PRIu64 "\",\"limit\":\"%u\"}",
				revision, limit)
		      : r;
}

int etcd_compose_watch(const char *folder, uint64_t revision, struct buffer *out)
{
	int r = add(out, "{\"create_request\":{");

	if (r == 0)
		r = add_key(out, "", folder);
	if (r == 0)
		r = add(out, ",");
	if (r == 0)
		r = add_end(out, folder);
	return r == 0 ? buffer_printf(out,
				",\"start_revision\":\"%" PRIu64 "\",\"fragment\":true}}", revision)
		      : r;
}

int etcd_compose_compaction(uint64_t revision, struct buffer *out)
{
	return buffer_printf(out, "{\"revision\":\"%" PRIu64 "\"}", revision);
}

int etcd_compose_deletions(char *const *keys, size_t count, struct buffer *out)
{
	int r = add(out, "{\"success\":[");

	for (size_t i = 0; r == 0 && i < count; i++) {
		r = i ? add(out, ",") : 0;
		if (r == 0)
			r = add_deletion(out, "", keys[i]);
	}
	return r == 0 ? add(out, "]}") : r;
}

/* --- what is answered --- */

uint64_t etcd_number(const json_t *object, const char *key)
{
	return strtoull(json_string_at(object, key, "0"), NULL, 10);
}

uint64_t etcd_revision(const json_t *answer)
{
	return etcd_number(json_object_get(answer, "header"), "revision");
}

/* The key that a transaction's other branch has read; NULL: there is none. */
static const json_t *answer_kv(const json_t *answer)
{
	const json_t *first = json_array_get(json_object_get(answer, "responses"), 0);
	const json_t *range = json_object_get(first, "response_range");

	return json_array_get(json_object_get(range, "kvs"), 0);
}

/* Its value as text, cut.  "" when there is none.  -EBADMSG; -ENOMEM. */
static int kv_text(const json_t *kv, char ret[ETCD_MARK_MAX])
{
	AUTO_FREE void *value = NULL;
	size_t len = 0;
	int r = kv ? base64_decode(json_string_at(kv, "value", ""), &value, &len) : 0;

	if (r < 0)
		return r == -ENOMEM ? r : -EBADMSG;
	snprintf(ret, ETCD_MARK_MAX, "%s", value ? (const char *)value : "");
	return 0;
}

/* What the mark says about the attempt. */
static enum etcd_outcome mark_outcome(const struct etcd_attempt *attempt, const char *mark)
{
	size_t len = strlen(attempt->next);

	if (strncmp(mark, attempt->next, len) != 0 || strlen(mark) != len + 1)
		return ETCD_LOST;
	switch (mark[len]) {
	case '+': return ETCD_WRITTEN;
	case '-': return ETCD_UNEQUAL;
	case '!': return ETCD_FENCED;
	default: return ETCD_LOST;
	}
}

static void attempt_leave(struct etcd_attempt *attempt, enum etcd_outcome outcome)
{
	static const char signs[] = {
		[ETCD_WRITTEN] = '+', [ETCD_UNEQUAL] = '-', [ETCD_FENCED] = '!'};

	snprintf(attempt->mark, sizeof(attempt->mark), "%s%c", attempt->next, signs[outcome]);
}

static int outcome_made(const json_t *answer, struct etcd_attempt *attempt, enum etcd_outcome *ret,
	uint64_t *ret_revision)
{
	const json_t *first = json_array_get(json_object_get(answer, "responses"), 0);
	const json_t *inner = json_object_get(first, "response_txn");

	if (!first)
		return -EBADMSG;
	if (!inner)
		*ret = ETCD_FENCED;
	else
		*ret = json_is_true(json_object_get(inner, "succeeded")) ? ETCD_WRITTEN
									 : ETCD_UNEQUAL;
	*ret_revision = etcd_revision(answer);
	attempt_leave(attempt, *ret);
	return 0;
}

int etcd_parse_outcome(const json_t *answer, struct etcd_attempt *attempt, enum etcd_outcome *ret,
	uint64_t *ret_revision)
{
	char mark[ETCD_MARK_MAX];
	int r;

	if (!etcd_revision(answer))
		return -EBADMSG;
	if (json_is_true(json_object_get(answer, "succeeded")))
		return outcome_made(answer, attempt, ret, ret_revision);
	r = kv_text(answer_kv(answer), mark);
	if (r < 0)
		return r;
	*ret = mark_outcome(attempt, mark);
	*ret_revision = etcd_number(answer_kv(answer), "mod_revision");
	snprintf(attempt->mark, sizeof(attempt->mark), "%s", mark);
	return 0;
}

int etcd_parse_claim(const json_t *answer, char ret[ETCD_MARK_MAX], uint64_t *ret_revision)
{
	*ret_revision = etcd_revision(answer);
	if (!*ret_revision)
		return -EBADMSG;
	ret[0] = '\0';
	if (json_is_true(json_object_get(answer, "succeeded")))
		return 0;
	return kv_text(answer_kv(answer), ret);
}

int etcd_parse_kv(const json_t *kv, struct etcd_kv *ret)
{
	AUTO_FREE void *key = NULL;
	AUTO_FREE void *value = NULL;
	struct blob *blob;
	size_t key_len, len;
	int r = base64_decode(json_string_at(kv, "key", ""), &key, &key_len);

	if (r == 0)
		r = base64_decode(json_string_at(kv, "value", ""), &value, &len);
	if (r < 0)
		return r == -ENOMEM ? r : -EBADMSG;
	if (key_len == 0 || strlen(key) != key_len)
		return -EBADMSG;
	blob = blob_new(value, len);
	if (!blob)
		return -ENOMEM;
	*ret = (struct etcd_kv){
		.key = take_ptr(key),
		.value = blob,
		.created = etcd_number(kv, "create_revision"),
		.modified = etcd_number(kv, "mod_revision"),
	};
	return 0;
}

void etcd_kv_clear(struct etcd_kv *kv)
{
	free(kv->key);
	blob_unref(kv->value);
	*kv = (struct etcd_kv){0};
}

int etcd_refusal(long long code, const char *text)
{
	/* By etcd, or by what carries the message. */
	if (strstr(text, "too large") || strstr(text, "larger than max"))
		return EFBIG;
	switch (code) {
	case CODE_INVALID: return E2BIG;
	case CODE_EXHAUSTED: return strstr(text, "space") ? ENOSPC : EBUSY;
	case CODE_DENIED:
	case CODE_UNKNOWN_USER: return EACCES;
	default: return 0;
	}
}
