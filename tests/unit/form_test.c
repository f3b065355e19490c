// SPDX-License-Identifier: Apache-2.0
/* What an Accept header asks for. */
#include "tests/check.h"

#include "user/api/form.h"

#define TYPES (FORM_HAS_PROTOBUF | FORM_HAS_YAML)
#define ALL   (TYPES | FORM_HAS_PARTS)
#define WATCH (FORM_HAS_PROTOBUF | FORM_HAS_PARTS)
#define TABLES                                                                                \
	"application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=" \
	"meta.k8s.io,application/json"
#define PARTS                                                                             \
	"application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;g=meta.k8s.io;" \
	"v=v1,application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"

TEST(the_first_form_that_is_there_is_chosen)
{
	static const struct {
		const char *accept;
		unsigned has;
		enum form_type type;
		enum form_as as;
	} cases[] = {
		{NULL, 0, FORM_JSON, FORM_OBJECT},
		{"", 0, FORM_JSON, FORM_OBJECT},
		{"*/*", 0, FORM_JSON, FORM_OBJECT},
		{"text/html, application/*;q=0.8", 0, FORM_JSON, FORM_OBJECT},
		{"application/json", ALL, FORM_JSON, FORM_OBJECT},
		{"application/json;stream=watch", 0, FORM_JSON, FORM_OBJECT},
		{"application/yaml", ALL, FORM_YAML, FORM_OBJECT},
		{"application/vnd.kubernetes.protobuf,application/json", ALL, FORM_PROTOBUF,
			FORM_OBJECT},
		{"application/vnd.kubernetes.protobuf,application/json", FORM_HAS_PARTS, FORM_JSON,
			FORM_OBJECT},
		{TABLES, ALL, FORM_JSON, FORM_TABLE},
		{TABLES, TYPES, FORM_JSON, FORM_OBJECT},
		{PARTS, ALL, FORM_PROTOBUF, FORM_METADATA},
		{PARTS, FORM_HAS_PARTS, FORM_JSON, FORM_METADATA},
		{"application/vnd.kubernetes.protobuf;stream=watch", WATCH, FORM_PROTOBUF,
			FORM_OBJECT},
		{"application/yaml, application/json;q=0.5", WATCH, FORM_JSON, FORM_OBJECT},
		{"application/yaml;as=Table;v=v1;g=meta.k8s.io", ALL, FORM_YAML, FORM_TABLE},
		{"application/vnd.kubernetes.protobuf;as=Table;v=v1;g=meta.k8s.io," TABLES, ALL,
			FORM_JSON, FORM_TABLE},
		{PARTS, 0, FORM_JSON, FORM_OBJECT},
		{"application/json;as=Nothing,*/*", ALL, FORM_JSON, FORM_OBJECT},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct form form;
		const char *what = cases[i].accept ? cases[i].accept : "none";

		if (!CHECK(what, form_parse(cases[i].accept, cases[i].has, &form)))
			continue;
		CHECK_EQ(what, form.type, cases[i].type);
		CHECK_EQ(what, form.as, cases[i].as);
		CHECK(what, !form.version == (form.as == FORM_OBJECT));
	}
}

TEST(what_is_not_there_is_not_acceptable)
{
	static const struct {
		const char *accept;
		unsigned has;
	} cases[] = {
		{"text/plain", ALL},
		{"application/jsonx", ALL},
		{"application/yaml", FORM_HAS_PARTS},
		{"application/yaml;stream=watch", WATCH},
		{"application/json;as=Table;v=v1;g=meta.k8s.io", TYPES},
		{"application/vnd.kubernetes.protobuf;as=Table;v=v1;g=meta.k8s.io", ALL},
		{"application/json;as=Nothing", ALL},
		{", ;", ALL},
	};
	struct form form;

	for (size_t i = 0; i < COUNT(cases); i++)
		CHECK(cases[i].accept, !form_parse(cases[i].accept, cases[i].has, &form));
}

TEST(the_version_of_the_parts_is_told)
{
	struct form form;

	CHECK("v1beta1",
		form_parse("application/json;as=Table;g=meta.k8s.io;v=v1beta1", ALL, &form));
	CHECK_STR("version", form.version, "v1beta1");
}
