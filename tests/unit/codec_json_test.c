// SPDX-License-Identifier: Apache-2.0
/* Bodies in JSON: what is refused with which words, what is only told, and what is left of them. */
#include "tests/check.h"
#include "user/model/codec_json.h"
#include "user/model/schema.h"

/* The object, or the refusal in @err and NULL. */
static json_t *decode(
	const struct schema_message *message, const char *text, json_t **problems, struct err *err)
{
	json_t *object = NULL;

	return codec_json_decode(text, strlen(text), message, &object, problems, err) < 0 ? NULL
											  : object;
}

TEST(unknown_and_repeated_fields_are_told_by_path)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{"{\"spec\":{\"foo\":1}}", "unknown field \"spec.foo\""},
		{"{\"Spec\":{}}", "unknown field \"Spec\""},
		{"{\"spec\":{\"containers\":[{\"name\":\"a\"},{\"imag\":\"b\"}]}}",
			"unknown field \"spec.containers[1].imag\""},
		{"{\"spec\":{\"nodeName\":\"a\",\"nodeName\":\"b\"}}",
			"duplicate field \"spec.nodeName\""},
		{"{\"kind\":\"Pod\", \"ki\\u006ed\" : \"Pod\"}", "duplicate field \"kind\""},
		{"{\"spec\":{\"containers\":[ {\"name\":\"a\",\"env\":[],\"env\" :[ {}, {} ]} ]}}",
			"duplicate field \"spec.containers[0].env\""},
		{"{\"metadata\":{\"labels\":{\"a.b/c\":\"1\",\"a.b/c\":\"2\"}}}",
			"duplicate field \"metadata.labels.a.b/c\""},
		{"{\"a\":{\"b\":1,\"b\":2},\"spec\":{\"x\":[1,{\"y\":\"}]\\\"\"}]}}",
			"duplicate field \"a.b\", unknown field \"a\", unknown field \"spec.x\""},
		{"{\"spec\":{\"volumes\":[{\"name\":\"v\",\"emptyDir\":{}}]}}", ""},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO_JSON problems = NULL;
		struct err err = {0};
		AUTO_JSON object = decode(&schema_pod, rows[i].text, &problems, &err);
		AUTO_FREE char *text = problems ? codec_problems_text(problems) : NULL;
		char want[256];

		snprintf(want, sizeof(want), "strict decoding error: %s", rows[i].want);
		if (CHECK_STR(rows[i].text, err.text, ""))
			CHECK_STR(rows[i].text, text, want);
	}
}

TEST(a_wrong_type_is_refused_as_go_does)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{"{\"spec\":{\"containers\":\"x\"}}", "json: cannot unmarshal string into Go "
						      "struct field PodSpec.spec.containers of "
						      "type []v1.Container"},
		{"{\"metadata\":{\"labels\":{\"a\":1}}}", "json: cannot unmarshal number into Go "
							  "struct field ObjectMeta.metadata.labels "
							  "of type string"},
		{"{\"spec\":{\"containers\":[{\"name\":true}]}}",
			"json: cannot unmarshal bool into Go struct field "
			"Container.spec.containers.name of type string"},
		{"{\"spec\":{\"priority\":99999999999}}", "json: cannot unmarshal number into Go "
							  "struct field PodSpec.spec.priority of "
							  "type int32"},
		{"{\"spec\":[]}", "json: cannot unmarshal array into Go struct field Pod.spec of "
				  "type v1.PodSpec"},
		{"{\"metadata\":{\"creationTimestamp\":\"yesterday\"}}", "parsing time"},
		{"{\"spec\":{\"overhead\":{\"cpu\":\"lots\"}}}",
			"quantities must match the regular expression"},
		{"{\"spec\":", "json parse error: unexpected end of JSON input"},
		{"{\"spec\":}", "json parse error: "},
		{"[]", "json: cannot unmarshal array into Go value of type v1.Pod"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct err err = {0};
		AUTO_JSON object = decode(&schema_pod, rows[i].text, NULL, &err);

		CHECK(rows[i].text, object == NULL);
		CHECK_HAS(rows[i].text, err.text, rows[i].want);
		CHECK_EQ(rows[i].text, err.code, EINVAL);
	}
}

/* Managed fields of so many objects in each other. */
static char *deep_body(unsigned depth)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		BAIL("memory");
	fputs("{\"metadata\":{\"managedFields\":[{\"fieldsV1\":", out);
	for (unsigned i = 1; i < depth; i++)
		fputs("{\"a\":", out);
	fputs("{}", out);
	for (unsigned i = 1; i < depth; i++)
		fputc('}', out);
	fputs("}]}}", out);
	if (fclose(out) != 0)
		BAIL("memory");
	return text;
}

TEST(what_is_nested_deeper_than_a_list_could_hold_is_refused)
{
	static const struct {
		const char *what;
		unsigned depth;
		bool good;
	} rows[] = {
		{"as managed fields are", 20, true},
		{"as deep as may be", 128, true},
		{"deeper", 129, false},
		{"as deep as the parser goes", 2040, false},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO_FREE char *text = deep_body(rows[i].depth);
		struct err err = {0};
		AUTO_JSON object = decode(&schema_pod, text, NULL, &err);

		CHECK_STR(rows[i].what, err.text, rows[i].good ? "" : "json: exceeded max depth");
		CHECK_EQ(rows[i].what, object != NULL, rows[i].good);
	}
}

TEST(what_is_kept_is_canonical)
{
	static const struct {
		const char *what, *text, *want;
	} rows[] = {
		{"unknown fields go", "{\"foo\":1,\"spec\":{\"foo\":1}}", "{\"spec\":{}}"},
		{"null is not given", "{\"spec\":null,\"metadata\":{\"labels\":null}}",
			"{\"metadata\":{}}"},
		{"nor is what is empty",
			"{\"metadata\":{\"labels\":{},\"name\":\"\",\"finalizers\":[]}}",
			"{\"metadata\":{}}"},
		{"a message is",
			"{\"spec\":{\"securityContext\":{},\"volumes\":[{\"name\":\"a\","
			"\"emptyDir\":{}}]}}",
			"{\"spec\":{\"securityContext\":{},\"volumes\":[{\"emptyDir\":{},"
			"\"name\":\"a\"}]}}"},
		{"zero is where it means something",
			"{\"spec\":{\"priority\":0,\"hostNetwork\":false}}",
			"{\"spec\":{\"priority\":0}}"},
		{"a null value of a map is empty", "{\"metadata\":{\"annotations\":{\"a\":null}}}",
			"{\"metadata\":{\"annotations\":{\"a\":\"\"}}}"},
		{"quantities", "{\"spec\":{\"overhead\":{\"cpu\":\"1000m\",\"memory\":1024}}}",
			"{\"spec\":{\"overhead\":{\"cpu\":\"1\",\"memory\":\"1024\"}}}"},
		{"the last of two counts", "{\"kind\":\"A\",\"kind\":\"B\"}", "{\"kind\":\"B\"}"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct err err = {0};
		AUTO_JSON object = decode(&schema_pod, rows[i].text, NULL, &err);
		AUTO_FREE char *got =
			object ? json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS) : NULL;

		CHECK_STR(rows[i].what, got ? got : err.text, rows[i].want);
	}
}

TEST(a_body_may_be_yaml)
{
	static const char text[] = "kind: ConfigMap\nmetadata: {name: a}\ndata: {k: v}\nfoo: 1\n";
	AUTO_JSON object = NULL;
	AUTO_JSON problems = NULL;
	struct err err = {0};
	int r = codec_yaml_decode(text, strlen(text), &schema_config_map, &object, &problems, &err);

	if (!CHECK_OK("read", r, &err))
		return;
	CHECK_STR("data", json_string_at(json_object_get(object, "data"), "k", ""), "v");
	CHECK_EQ("problems", json_array_size(problems), 1);
	CHECK_FAILS("an empty body",
		codec_yaml_decode("", 0, &schema_config_map, &object, NULL, &err), EINVAL, &err,
		"the body is empty");
}
