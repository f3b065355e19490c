// SPDX-License-Identifier: Apache-2.0
#include "tests/check.h"

#include "user/api/definitions.h"
#include "user/api/gnostic.h"
#include "user/model/describe.h"
#include "user/model/kinds.h"
#include "user/model/wire.h"

#define REFERENCE "#/definitions/"

static const json_t *at(const json_t *json, const char *path)
{
	AUTO_FREE char *copy = strdup(path);
	char *rest = copy, *key;

	while ((key = strsep(&rest, " ")) != NULL)
		json = json_is_array(json) ? json_array_get(json, strtoul(key, NULL, 10))
					   : json_object_get(json, key);
	return json;
}

static const char *text_at(const json_t *json, const char *path)
{
	const char *text = json_string_value(at(json, path));

	return text ? text : "";
}

TEST(every_kind_is_described)
{
	for (size_t i = 0; i < kinds_count; i++)
		if (kinds[i].stored_as)
			CHECK(kinds[i].kind, describe(kinds[i].kind, NULL));
	CHECK("nothing else is", !describe("Nothing", NULL) && !describe("Pod", "nothing"));
}

TEST(a_kind_is_found_and_patched_by_its_schema)
{
	static const struct {
		const char *what, *path, *want;
	} cases[] = {
		{"whose it is", "io.k8s.Deployment x-kubernetes-group-version-kind 0 group",
			"apps"},
		{"which one", "io.k8s.Deployment x-kubernetes-group-version-kind 0 kind",
			"Deployment"},
		{"a part", "io.k8s.Deployment properties spec $ref",
			"#/definitions/io.k8s.DeploymentSpec"},
		{"text", "io.k8s.Deployment properties kind type", "string"},
		{"a list", "io.k8s.PodSpec properties containers type", "array"},
		{"of what", "io.k8s.PodSpec properties containers items $ref",
			"#/definitions/io.k8s.Container"},
		{"merged", "io.k8s.PodSpec properties containers x-kubernetes-patch-strategy",
			"merge"},
		{"by a key", "io.k8s.PodSpec properties containers x-kubernetes-patch-merge-key",
			"name"},
		{"a map", "io.k8s.ObjectMeta properties labels additionalProperties type",
			"string"},
		{"a number or a word", "io.k8s.ServicePort properties targetPort format",
			"int-or-string"},
		{"what is embedded stands beside the rest", "io.k8s.Probe properties httpGet $ref",
			"#/definitions/io.k8s.HTTPGetAction"},
		{"what it is for", "io.k8s.Taint description",
			"Keeps Pods away that do not tolerate it."},
		{"what a field is for", "io.k8s.Taint properties key description", "Its name."},
		{"of whatever", "io.k8s.Lease properties spec description", "What is wanted."},
		{"also beside a reference", "io.k8s.Probe properties httpGet description",
			"A request: 200 to 399 are successes."},
		{"two versions of one kind",
			"io.k8s.EndpointSlice x-kubernetes-group-version-kind 1 version",
			"v1beta1"},
	};
	AUTO_JSON json = definitions_json(NULL, NULL, REFERENCE);

	for (size_t i = 0; i < COUNT(cases); i++)
		CHECK_STR(cases[i].what, text_at(json, cases[i].path), cases[i].want);
}

/* Counts references that lead nowhere. */
static unsigned dangling(const json_t *all, const json_t *json)
{
	const char *key, *reference = json_string_at(json, "$ref", NULL);
	unsigned count = 0;
	json_t *value;

	if (reference && !json_object_get(all, reference + strlen(REFERENCE)))
		count++;
	json_object_foreach ((json_t *)json, key, value)
		count += dangling(all, value);
	return count;
}

TEST(no_reference_leads_nowhere)
{
	AUTO_JSON all = definitions_json(NULL, NULL, REFERENCE);
	AUTO_JSON apps = definitions_json("apps", "v1", REFERENCE);

	CHECK_EQ("of all kinds", dangling(all, all), 0);
	CHECK_EQ("of one group version", dangling(apps, apps), 0);
	CHECK("which has its kinds", at(apps, "io.k8s.ReplicaSet"));
	CHECK("and not those of others", !at(apps, "io.k8s.Service"));
}

/* The first field @number; its bytes replace *@wire. */
static bool enter(struct wire *wire, unsigned number)
{
	struct wire_field field;

	while (wire_next(wire, &field) > 0)
		if (field.number == number && field.type == WIRE_BYTES) {
			*wire = field.bytes;
			return true;
		}
	return false;
}

static bool holds(struct wire wire, unsigned number, const char *text)
{
	return enter(&wire, number) && (size_t)(wire.end - wire.at) == strlen(text) &&
	       memcmp(wire.at, text, strlen(text)) == 0;
}

TEST(old_clients_get_the_same_in_protobuf)
{
	AUTO_JSON document = json_pack("{s:s, s:{s:s}, s:{s:{s:{s:[{s:s, s:s}], s:{s:s}}}}, "
				       "s:{s:{s:s, s:{s:{s:s}}, s:s}}}",
		"swagger", "2.0", "info", "title", "T", "paths", "/a", "patch", "parameters", "in",
		"query", "name", "dryRun", "x-of", "kind", "K", "definitions", "D", "type",
		"object", "properties", "p", "$ref", "#/definitions/E", "x-more", "y");
	AUTO_FREE void *bytes = NULL;
	struct wire all, schema, inner, operation;
	size_t len;

	if (!document || gnostic_encode(document, &bytes, &len) < 0)
		BAIL("encode");
	all = (struct wire){bytes, (uint8_t *)bytes + len};
	CHECK("swagger", holds(all, 1, "2.0"));
	schema = all;
	CHECK("definitions", enter(&schema, 9) && enter(&schema, 1));
	CHECK("by name", holds(schema, 1, "D"));
	CHECK("a schema", enter(&schema, 2));
	inner = schema;
	CHECK("its type", enter(&inner, 22) && holds(inner, 1, "object"));
	inner = schema;
	CHECK("its properties", enter(&inner, 25) && enter(&inner, 1) && holds(inner, 1, "p") &&
					enter(&inner, 2) && holds(inner, 1, "#/definitions/E"));
	inner = schema;
	CHECK("what else is said, in YAML", enter(&inner, 31) && holds(inner, 1, "x-more") &&
						    enter(&inner, 2) && holds(inner, 2, "\"y\""));
	operation = all;
	CHECK("an operation", enter(&operation, 8) && enter(&operation, 2) &&
				      holds(operation, 1, "/a") && enter(&operation, 2) &&
				      enter(&operation, 8));
	inner = operation;
	CHECK("its parameter", enter(&inner, 8) && enter(&inner, 1) && enter(&inner, 2) &&
				       enter(&inner, 3) && holds(inner, 4, "dryRun"));
	CHECK("its kind", enter(&operation, 13) && holds(operation, 1, "x-of"));
}
