// SPDX-License-Identifier: Apache-2.0
#include "user/image/manifest_oci.h"

#include "tests/check.h"

#define HEX_A		 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HEX_B		 "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define LAYER(hex, size) "{\"digest\":\"sha256:" hex "\",\"size\":" size "}"
#define DIFF_IDS(list)	 "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[" list "]}"

TEST(a_manifest_gives_layers_in_order)
{
	static const char text[] =
		"{\"schemaVersion\":2,\"layers\":[" LAYER(HEX_A, "10") "," LAYER(HEX_B, "20") "]}";
	struct oci_image image;
	struct err err;

	if (!CHECK_OK("it is read", oci_manifest_parse(text, strlen(text), &image, &err), &err))
		return;
	CHECK_EQ("two layers", image.count, 2);
	CHECK_STR("the lowest first", image.layers[0].digest, "sha256:" HEX_A);
	CHECK_EQ("with its size", image.layers[0].size, 10);
	CHECK_STR("no diff id yet", image.layers[0].diff_id, "");
	CHECK_STR("then the next", image.layers[1].digest, "sha256:" HEX_B);
}

TEST(a_bad_manifest_is_refused)
{
	static const struct {
		const char *what, *text;
		int code;
		const char *part;
	} cases[] = {
		{"no JSON", "{", EINVAL, "manifest: line 1"},
		{"no object", "[]", EINVAL, "no layers"},
		{"no layers", "{\"layers\":[]}", EINVAL, "no layers"},
		{"layers that are none", "{\"layers\":{}}", EINVAL, "no layers"},
		{"a layer that is a string", "{\"layers\":[\"x\"]}", EINVAL, "no sha256 digest"},
		{"a digest that is a path",
			"{\"layers\":[{\"digest\":\"sha256:../../x\",\"size\":1}]}", EINVAL,
			"no sha256 digest"},
		{"a negative size", "{\"layers\":[" LAYER(HEX_A, "-1") "]}", EINVAL, "has no size"},
		{"a size in words", "{\"layers\":[" LAYER(HEX_A, "\"1\"") "]}", EINVAL,
			"has no size"},
		{"duplicate keys", "{\"layers\":[],\"layers\":[]}", EINVAL, "duplicate"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct oci_image image;
		struct err err = {0};

		CHECK_FAILS(cases[i].what,
			oci_manifest_parse(cases[i].text, strlen(cases[i].text), &image, &err),
			cases[i].code, &err, cases[i].part);
	}
}

TEST(the_number_of_layers_is_limited)
{
	AUTO_FREE char *text = malloc(256 * 200);
	char *at = text + sprintf(text, "{\"layers\":[" LAYER(HEX_A, "1"));
	struct oci_image image;
	struct err err = {0};

	for (int i = 0; i < OCI_LAYERS_MAX; i++)
		at += sprintf(at, "," LAYER(HEX_A, "1"));
	strcpy(at, "]}");
	CHECK_FAILS("128 layers", oci_manifest_parse(text, strlen(text), &image, &err), E2BIG, &err,
		"128 layers, at most 127");
}

TEST(a_configuration_gives_what_a_container_needs)
{
	static const char text[] =
		"{\"os\":\"linux\",\"config\":{\"Entrypoint\":[\"/e\",\"x\"],\"Cmd\":null,"
		"\"Env\":[\"A=1\"],\"User\":\"101:101\",\"WorkingDir\":\"/w\","
		"\"StopSignal\":\"SIGQUIT\",\"Labels\":{\"a\":\"b\"}}," DIFF_IDS(
			"\"sha256:" HEX_B "\"") "}";
	struct oci_image image = {.count = 1};
	AUTO_FREE char *got = NULL;
	AUTO_JSON config = NULL;
	struct err err;

	if (!CHECK_OK("it is read", oci_config_parse(text, strlen(text), &image, &config, &err),
		    &err))
		return;
	CHECK_STR("the diff id", image.layers[0].diff_id, "sha256:" HEX_B);
	got = json_text(config);
	CHECK_STR("only what matters", got,
		"{\"entrypoint\":[\"/e\",\"x\"],\"cmd\":[],\"env\":[\"A=1\"],\"user\":\"101:101\","
		"\"workingDir\":\"/w\",\"stopSignal\":\"SIGQUIT\"}");
}

TEST(an_empty_configuration_is_complete)
{
	static const char text[] = "{" DIFF_IDS("\"sha256:" HEX_B "\"") "}";
	struct oci_image image = {.count = 1};
	AUTO_FREE char *got = NULL;
	AUTO_JSON config = NULL;
	struct err err;

	if (!CHECK_OK("it is read", oci_config_parse(text, strlen(text), &image, &config, &err),
		    &err))
		return;
	got = json_text(config);
	CHECK_STR("every field is there", got,
		"{\"entrypoint\":[],\"cmd\":[],\"env\":[],\"user\":\"\",\"workingDir\":\"\","
		"\"stopSignal\":\"\"}");
}

TEST(a_bad_configuration_is_refused)
{
#define GOOD_IDS DIFF_IDS("\"sha256:" HEX_A "\"")
	static const struct {
		const char *what, *text, *part;
	} cases[] = {
		{"no diff ids", "{\"config\":{}}", "0 diff ids for 1 layers"},
		{"too many", "{" DIFF_IDS("\"a\",\"b\"") "}", "2 diff ids for 1 layers"},
		{"a diff id that is a path", "{" DIFF_IDS("\"sha256:../x\"") "}",
			"diff id 0 is no sha256 digest"},
		{"another system", "{\"os\":\"windows\"," GOOD_IDS "}", "is for 'windows'"},
		{"a command that is a string", "{\"config\":{\"Cmd\":\"sh\"}," GOOD_IDS "}",
			"Cmd is no list"},
		{"an environment of numbers", "{\"config\":{\"Env\":[1]}," GOOD_IDS "}",
			"Env holds a non-string"},
		{"a user that is a number", "{\"config\":{\"User\":0}," GOOD_IDS "}",
			"User is no string"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct oci_image image = {.count = 1};
		AUTO_JSON config = NULL;
		struct err err = {0};

		CHECK_FAILS(cases[i].what,
			oci_config_parse(
				cases[i].text, strlen(cases[i].text), &image, &config, &err),
			EINVAL, &err, cases[i].part);
	}
}

TEST(an_environment_has_a_limit)
{
	AUTO_FREE char *value = malloc(OCI_RUNTIME_MAX + 1);
	AUTO_FREE char *text = malloc(OCI_RUNTIME_MAX + 512);
	struct oci_image image = {.count = 1};
	AUTO_JSON config = NULL;
	struct err err = {0};

	memset(value, 'x', OCI_RUNTIME_MAX);
	value[OCI_RUNTIME_MAX] = '\0';
	sprintf(text, "{\"config\":{\"Env\":[\"%s\"]}," GOOD_IDS "}", value);
	CHECK_FAILS("256 KiB", oci_config_parse(text, strlen(text), &image, &config, &err), E2BIG,
		&err, "larger than 262144 bytes");
}
