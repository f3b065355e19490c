// SPDX-License-Identifier: Apache-2.0
/* Protobuf: what a real server wrote reads as its JSON, and what we write reads as what it was. */
#include <ctype.h>

#include "tests/check.h"
#include "tests/json.h"
#include "user/model/codec_json.h"
#include "user/model/codec_protobuf.h"
#include "user/model/kinds.h"
#include "user/model/schema.h"

/* The bytes of a row of hexadecimal digits, which the caller frees. */
static uint8_t *hex_bytes(const char *hex, size_t *ret_len)
{
	size_t len = strlen(hex) / 2;
	uint8_t *bytes = malloc(len + 1);
	unsigned byte;

	for (size_t i = 0; bytes && i < len; i++)
		bytes[i] = sscanf(hex + 2 * i, "%2x", &byte) == 1 ? (uint8_t)byte : 0;
	*ret_len = len;
	return bytes;
}

TEST(a_recorded_body_reads_as_its_json)
{
	static const char hex[] =
		"6b3873000a0f0a0276311209436f6e6669674d61701290020afd010a03636d3112001a076465666175"
		"6c7422"
		"292f6170692f76312f6e616d657370616365732f64656661756c742f636f6e6669676d6170732f636d"
		"312a24"
		"38666331396266662d613533662d346362302d623138632d6663623933386439646366393203313731"
		"380042"
		"0808d49e8bd80610005a080a036170701201787a008a017c0a0372656312065570646174651a027631"
		"220808"
		"d49e8bd806100032084669656c647356313a550a537b22663a64617461223a7b222e223a7b7d2c2266"
		"3a7922"
		"3a7b7d2c22663a7a223a7b7d7d2c22663a6d65746164617461223a7b22663a6c6162656c73223a7b22"
		"2e223a"
		"7b7d2c22663a617070223a7b7d7d7d7d12060a017912013312060a017a1201311a002200";
	static const char want[] =
		"{\"apiVersion\":\"v1\",\"data\":{\"y\":\"3\",\"z\":\"1\"},\"kind\":\"ConfigMap\","
		"\"metadata\":{\"creationTimestamp\":\"2026-11-22T11:17:40Z\",\"labels\":{\"app\":"
		"\"x\"},\"managedFields\":[{\"apiVersion\":\"v1\",\"fieldsType\":\"FieldsV1\","
		"\"fieldsV1\":{\"f:data\":{\".\":{},\"f:y\":{},\"f:z\":{}},\"f:metadata\":{"
		"\"f:labels\":{\".\":{},\"f:app\":{}}}},\"manager\":\"rec\",\"operation\":"
		"\"Update\",\"time\":\"2026-11-22T11:17:40Z\"}],\"name\":\"cm1\",\"namespace\":"
		"\"default\",\"resourceVersion\":\"171\",\"selfLink\":"
		"\"/api/v1/namespaces/default/configmaps/cm1\",\"uid\":"
		"\"8fc19bff-a53f-4cb0-b18c-fcb938d9dcf9\"}}";
	size_t len;
	AUTO_FREE uint8_t *bytes = hex_bytes(hex, &len);
	char api_version[PROTOBUF_TYPE_LEN], kind[PROTOBUF_TYPE_LEN];
	AUTO_JSON object = NULL;
	AUTO_FREE char *got = NULL;
	struct err err = {0};

	CHECK("it is protobuf", codec_protobuf_is(bytes, len));
	CHECK_OK("type", codec_protobuf_type(bytes, len, api_version, kind, &err), &err);
	CHECK_STR("version", api_version, "v1");
	CHECK_STR("kind", kind, "ConfigMap");
	if (!CHECK_OK("read", codec_protobuf_decode(bytes, len, &schema_config_map, &object, &err),
		    &err))
		return;
	got = json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS);
	CHECK_STR("object", got, want);
}

/* One of each form: text, numbers, bytes, times, maps, embedded messages, quantities, lists of lists. */
static const char *const objects[] = {
	"{'apiVersion':'v1','kind':'Pod','metadata':{'name':'p','labels':{'a':'b','c':''},"
	"'deletionGracePeriodSeconds':0,'creationTimestamp':'2026-01-02T03:04:05Z','managedFields':"
	"["
	"{'manager':'m','fieldsV1':{'f:a':{}}}]},'spec':{'containers':[{'name':'c','image':'i',"
	"'command':['a',''],'livenessProbe':{'httpGet':{'port':'http'},'periodSeconds':7},'env':[{"
	"'name':'E','valueFrom':{'secretKeyRef':{'name':'s','key':'k','optional':false}}}],"
	"'resources':{'limits':{'cpu':'1500m','memory':'1Gi'}},'securityContext':{'runAsUser':0}}],"
	"'volumes':[{'name':'v','emptyDir':{}},{'name':'w','projected':{'sources':[{'downwardAPI':{"
	"}"
	"}]}}],'ephemeralContainers':[{'name':'e','targetContainerName':'c','stdin':true}],"
	"'securityContext':{'supplementalGroups':[1,-2,3000000000]}},'status':{'phase':'Running',"
	"'containerStatuses':[{'name':'c','state':{'running':{'startedAt':'1969-12-31T23:59:59Z'}},"
	"'lastState':{},'ready':false,'restartCount':3,'image':'','imageID':''}]}}",
	"{'apiVersion':'apps/v1','kind':'Deployment','metadata':{'name':'d'},'spec':{'replicas':0,"
	"'selector':{'matchExpressions':[{'key':'a','operator':'In','values':['b']}]},'strategy':{"
	"'rollingUpdate':{'maxSurge':0,'maxUnavailable':'25%'}},'template':{'spec':{'containers':[]"
	"}"
	"}}}",
	"{'apiVersion':'v1','kind':'Secret','metadata':{'name':'s'},'data':{'a':'AAEC','b':''}}",
	"{'apiVersion':'coordination.k8s.io/v1','kind':'Lease','metadata':{'name':'l'},'spec':{"
	"'renewTime':'2026-11-22T11:00:10.000456Z','leaseDurationSeconds':40}}",
	"{'apiVersion':'authentication.k8s.io/v1','kind':'TokenReview','metadata':{},'spec':{"
	"'token':'t'},'status':{'user':{'username':'u','extra':{'k':['a','b'],'l':[]}}}}",
	"{'apiVersion':'policy/v1','kind':'PodDisruptionBudget','metadata':{'name':'b'},'spec':{"
	"'minAvailable':1},'status':{'disruptedPods':{'p':'2026-01-02T03:04:05Z'}}}",
};

TEST(what_is_written_reads_as_what_it_was)
{
	for (size_t i = 0; i < COUNT(objects); i++) {
		AUTO_JSON object = json_quoted(objects[i]);
		AUTO_JSON again = NULL;
		const struct kind *kind = kind_by_type(json_string_at(object, "apiVersion", ""),
			json_string_at(object, "kind", ""));
		AUTO_FREE char *want = NULL;
		AUTO_FREE char *got = NULL;
		AUTO_FREE void *data = NULL;
		struct err err = {0};
		size_t len = 0;

		CHECK_OK("clean", codec_json_clean(object, kind->message, NULL, &err), &err);
		CHECK_OK("write", codec_protobuf_encode(object, kind->message, &data, &len, &err),
			&err);
		CHECK_OK("read", codec_protobuf_decode(data, len, kind->message, &again, &err),
			&err);
		want = json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS);
		got = again ? json_dumps(again, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
		CHECK_STR(kind->kind, got, want);
	}
}

#define HEAD "6b387300"

TEST(what_is_no_protobuf_is_refused)
{
	static const struct {
		const char *what, *hex, *want;
	} rows[] = {
		{"another beginning", "6b387301", "does not appear to be a protobuf message"},
		{"cut within a length", HEAD "12", "a broken field in Unknown"},
		{"longer than the body", HEAD "120561", "a broken field in Unknown"},
		{"a group", HEAD "0b", "a broken field in Unknown"},
		{"a varint without end", HEAD "08ffffffffffffffffffff", "a broken field"},
		{"text as a number", HEAD "12040a020801", "a bad wire type in name"},
		{"text that is not UTF-8", HEAD "12050a030a01ff", "a bad value in name"},
		{"a NUL in a text", HEAD "12050a030a0100", "a bad value in name"},
		{"a NUL in a map's key", HEAD "120812060a010012016b", "a bad entry in data"},
		{"a NUL in a map's value", HEAD "120812060a016b120100", "a bad entry in data"},
		{"a map's entry without text", HEAD "1206120412020aff", "proto: "},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		size_t len;
		AUTO_FREE uint8_t *bytes = hex_bytes(rows[i].hex, &len);
		AUTO_JSON object = NULL;
		struct err err = {0};

		CHECK_FAILS(rows[i].what,
			codec_protobuf_decode(bytes, len, &schema_config_map, &object, &err),
			EINVAL, &err, rows[i].want);
	}
}

TEST(unknown_numbers_are_skipped)
{
	/* metadata {name: "a"; 100: 5; 101: "x"}, 99: fixed64 */
	static const char hex[] = HEAD "1216"
				       "0a0a0a0161a00605aa060178"
				       "99060000000000000000";
	size_t len;
	AUTO_FREE uint8_t *bytes = hex_bytes(hex, &len);
	AUTO_JSON object = NULL;
	struct err err = {0};

	if (CHECK_OK("read", codec_protobuf_decode(bytes, len, &schema_config_map, &object, &err),
		    &err))
		CHECK_STR("name", json_string_at(json_object_get(object, "metadata"), "name", ""),
			"a");
}

/* --- lists and watches --- */

static void check_bytes(const char *what, const void *data, size_t len, const char *hex)
{
	char got[512] = "";

	for (size_t i = 0; i < len && i < sizeof(got) / 2 - 1; i++)
		sprintf(got + 2 * i, "%02x", ((const uint8_t *)data)[i]);
	CHECK_STR(what, got, hex);
}

#define NAMESPACE_LIST   \
	"6b387300"       \
	"0a130a02763112" \
	"0d"             \
	"4e616d6573706163654c697374" /* what it is */

TEST(a_list_is_its_head_and_its_items)
{
	AUTO_JSON head =
		json_quoted("{'apiVersion':'v1','kind':'NamespaceList','metadata':{"
			    "'resourceVersion':'7','continue':'t','remainingItemCount':3}}");
	AUTO_JSON one = json_quoted("{'metadata':{'name':'a'}}");
	AUTO_FREE void *item = NULL, *list = NULL, *empty = NULL;
	struct err err = {0};
	size_t item_len, len;

	if (!CHECK_OK("item", codec_protobuf_item(one, &schema_namespace, &item, &item_len, &err),
		    &err))
		return;
	check_bytes("an item", item, item_len, "12050a030a0161");
	CHECK_OK("list", codec_protobuf_list(head, item, item_len, &list, &len, &err), &err);
	check_bytes("a list", list, len,
		NAMESPACE_LIST "1211"
			       "0a08"
			       "120137"
			       "1a0174"
			       "2003"
			       "12050a030a0161"
			       "1a002200");
	json_object_set_new(head, "metadata", json_object());
	CHECK_OK("empty", codec_protobuf_list(head, NULL, 0, &empty, &len, &err), &err);
	check_bytes("an empty one", empty, len,
		NAMESPACE_LIST "1202"
			       "0a00"
			       "1a002200");
}

TEST(an_event_is_a_frame_around_the_body_of_its_object)
{
	AUTO_FREE void *frame = NULL, *large = NULL;
	AUTO_FREE char *body = calloc(1, 70000);
	struct err err = {0};
	size_t len;

	CHECK_OK("event", codec_protobuf_event("ADDED", "k8s", 4, &frame, &len, &err), &err);
	check_bytes("length, type, object", frame, len,
		"0000000f"
		"0a054144444544"
		"1206"
		"0a046b387300");
	CHECK_OK("large", codec_protobuf_event("ADDED", body, 70000, &large, &len, &err), &err);
	CHECK_EQ("a large one", len, 4 + 7 + 4 + 4 + 70000);
	check_bytes("its length", large, 4, "0001117f");
}
