// SPDX-License-Identifier: Apache-2.0
/* What etcd's gateway is told and what its answers mean, without an etcd. */
#include "tests/check.h"
#include "user/http/buffer.h"
#include "user/store/blob.h"
#include "user/store/etcdwire.h"

#define HEADER "\"header\":{\"revision\":\"7\"}"
/* "5.1+", "5.1-", "5.1!", "4.9+" */
#define READ(value)                                                                         \
	"{" HEADER ",\"responses\":[{\"response_range\":{\"kvs\":[{\"key\":\"YQ==\",\"mod_" \
	"revision\":\"6\",\"value\":\"" value "\"}]}}]}"

static json_t *parse(const char *text)
{
	json_t *json;

	if (json_parse(text, strlen(text), "answer", &json, NULL) < 0)
		BAIL(text);
	return json;
}

TEST(what_became_of_an_attempt_is_read_from_its_mark)
{
	static const struct {
		const char *what, *answer, *mark;
		int result;
		enum etcd_outcome outcome;
		uint64_t revision;
	} rows[] = {
		{"made",
			"{" HEADER ",\"succeeded\":true,\"responses\":[{\"response_txn\":{"
			"\"succeeded\":true}}]}",
			"5.1+", 0, ETCD_WRITTEN, 7},
		{"compares did not hold",
			"{" HEADER ",\"succeeded\":true,\"responses\":[{\"response_txn\":{}}]}",
			"5.1-", 0, ETCD_UNEQUAL, 7},
		{"fenced", "{" HEADER ",\"succeeded\":true,\"responses\":[{\"response_put\":{}}]}",
			"5.1!", 0, ETCD_FENCED, 7},
		{"found made", READ("NS4xKw=="), "5.1+", 0, ETCD_WRITTEN, 6},
		{"found undone", READ("NS4xLQ=="), "5.1-", 0, ETCD_UNEQUAL, 6},
		{"found fenced", READ("NS4xIQ=="), "5.1!", 0, ETCD_FENCED, 6},
		{"another's mark", READ("NC45Kw=="), "4.9+", 0, ETCD_LOST, 6},
		{"one that begins like it", READ("NS4xMis="), "5.12+", 0, ETCD_LOST, 6},
		{"no mark", "{" HEADER ",\"responses\":[{\"response_range\":{}}]}", "", 0,
			ETCD_LOST, 0},
		{"no answer", "{}", "4.1+", -EBADMSG, 0, 0},
		{"no object", "[]", "4.1+", -EBADMSG, 0, 0},
		{"success without more", "{" HEADER ",\"succeeded\":true}", "4.1+", -EBADMSG, 0, 0},
		{"no base64", READ("%%"), "4.1+", -EBADMSG, 0, 0},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct etcd_attempt attempt = {.key = "/w", .mark = "4.1+", .next = "5.1"};
		enum etcd_outcome outcome = 0;
		AUTO_JSON answer = parse(rows[i].answer);
		uint64_t revision = 0;

		CHECK_EQ(rows[i].what, etcd_parse_outcome(answer, &attempt, &outcome, &revision),
			rows[i].result);
		CHECK_EQ(rows[i].what, outcome, rows[i].outcome);
		CHECK_EQ(rows[i].what, revision, rows[i].revision);
		CHECK_STR(rows[i].what, attempt.mark, rows[i].mark);
	}
}

TEST(a_key_has_a_name_and_a_value)
{
	static const struct {
		const char *what, *kv, *key, *value;
		int result;
	} rows[] = {
		{"both", "{\"key\":\"L2E=\",\"value\":\"eA==\",\"mod_revision\":\"3\"}", "/a", "x",
			0},
		{"an empty value", "{\"key\":\"L2E=\",\"mod_revision\":\"3\"}", "/a", "", 0},
		{"no key", "{\"value\":\"eA==\"}", NULL, NULL, -EBADMSG},
		{"a NUL in it", "{\"key\":\"YQBi\"}", NULL, NULL, -EBADMSG},
		{"no base64", "{\"key\":\"L2E=\",\"value\":\"e\"}", NULL, NULL, -EBADMSG},
		{"a list", "[]", NULL, NULL, -EBADMSG},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO_JSON json = parse(rows[i].kv);
		struct etcd_kv kv;

		if (!CHECK_EQ(rows[i].what, etcd_parse_kv(json, &kv), rows[i].result) ||
			rows[i].result < 0)
			continue;
		CHECK_STR(rows[i].what, kv.key, rows[i].key);
		CHECK_STR(rows[i].what, kv.value->data, rows[i].value);
		CHECK_EQ(rows[i].what, kv.modified, 3);
		etcd_kv_clear(&kv);
	}
}

TEST(a_range_is_all_that_begins_with_a_folder)
{
	AUTO_BUFFER out = {0};
	char *text;

	CHECK_EQ("composed", etcd_compose_range("/p/", "/p/a", 9, 5, &out), 0);
	text = strndup(buffer_head(&out), out.len);
	/* "/p/a" to "/p0" */
	CHECK_STR("from and end", text,
		"{\"key\":\"L3AvYQ==\",\"range_end\":\"L3Aw\",\"revision\":\"9\",\"limit\":\"5\"}");
	free(text);
}

TEST(only_what_is_certainly_not_done_is_a_refusal)
{
	static const struct {
		const char *what, *text;
		long long code;
		int want;
	} rows[] = {
		{"too large", "etcdserver: request is too large", 3, EFBIG},
		{"for the gateway", "grpc: received message larger than max (2 vs. 1)", 8, EFBIG},
		{"too many", "etcdserver: too many operations in txn request", 3, E2BIG},
		{"full", "etcdserver: mvcc: database space exceeded", 8, ENOSPC},
		{"busy", "etcdserver: too many requests", 8, EBUSY},
		{"not allowed", "etcdserver: permission denied", 7, EACCES},
		{"nobody", "etcdserver: invalid auth token", 16, EACCES},
		{"lost its leader", "etcdserver: leader changed", 14, 0},
		{"late", "etcdserver: request timed out", 14, 0},
		{"unknown", "context deadline exceeded", 2, 0},
		{"nothing", "", 0, 0},
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		CHECK_EQ(rows[i].what, etcd_refusal(rows[i].code, rows[i].text), rows[i].want);
}
