// SPDX-License-Identifier: Apache-2.0
/* The kinds as clients see them: by path, by body, and what discovery says of each. */
#include "tests/check.h"
#include "user/model/kinds.h"
#include "user/model/schema.h"

TEST(a_kind_is_found_by_its_path_and_by_its_body)
{
	static const struct {
		const char *group, *version, *plural, *api_version, *kind;
	} rows[] = {
		{"", "v1", "pods", "v1", "Pod"},
		{"", "v1", "events", "v1", "Event"},
		{"events.k8s.io", "v1", "events", "events.k8s.io/v1", "Event"},
		{"apps", "v1", "deployments", "apps/v1", "Deployment"},
		{"discovery.k8s.io", "v1beta1", "endpointslices", "discovery.k8s.io/v1beta1",
			"EndpointSlice"},
		{"rbac.authorization.k8s.io", "v1", "clusterroles", "rbac.authorization.k8s.io/v1",
			"ClusterRole"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct kind *kind =
			kind_by_resource(rows[i].group, rows[i].version, rows[i].plural);

		if (CHECK(rows[i].plural, kind != NULL)) {
			CHECK_STR("kind", kind->kind, rows[i].kind);
			CHECK(rows[i].kind,
				kind_by_type(rows[i].api_version, rows[i].kind) == kind);
		}
	}
}

TEST(what_is_not_served_is_not_found)
{
	CHECK("another version", !kind_by_resource("apps", "v1beta1", "deployments"));
	CHECK("another group", !kind_by_resource("", "v1", "deployments"));
	CHECK("the singular", !kind_by_resource("", "v1", "pod"));
	CHECK("another version of a body", !kind_by_type("v2", "Pod"));
	CHECK("a body without its group", !kind_by_type("v1", "Deployment"));
	CHECK("a part of the group", !kind_by_type("app/v1", "Deployment"));
	CHECK("a list", !kind_by_type("v1", "PodList"));
}

TEST(subresources_say_what_kind_their_body_is)
{
	const struct kind *pods = kind_by_resource("", "v1", "pods");
	const struct kind_subresource *eviction = kind_subresource(pods, "eviction");
	const struct kind_subresource *scale =
		kind_subresource(kind_by_resource("apps", "v1", "deployments"), "scale");

	if (CHECK("eviction", eviction != NULL)) {
		CHECK_STR("its group", eviction->group, "policy");
		CHECK_STR("its kind", eviction->kind, "Eviction");
		CHECK_EQ("its verbs", eviction->verbs, VERB_CREATE);
	}
	if (CHECK("scale", scale != NULL))
		CHECK("its message", scale->message == &schema_scale);
	CHECK("log reads no body", !kind_subresource(pods, "log")->message);
	CHECK("no such thing", !kind_subresource(pods, "scale"));
}

TEST(field_selectors_are_a_matter_of_the_kind)
{
	const struct kind *pods = kind_by_resource("", "v1", "pods");
	const struct kind *nodes = kind_by_resource("", "v1", "nodes");

	CHECK("a name", kind_is_selectable(pods, "metadata.name"));
	CHECK("a namespace", kind_is_selectable(pods, "metadata.namespace"));
	CHECK("no namespace without one", !kind_is_selectable(nodes, "metadata.namespace"));
	CHECK("a Pod's node", kind_is_selectable(pods, "spec.nodeName"));
	CHECK("no node of a node", !kind_is_selectable(nodes, "spec.nodeName"));
	CHECK("no part of a path", !kind_is_selectable(pods, "spec"));
}

TEST(discovery_has_what_clients_ask_for)
{
	for (size_t i = 0; i < kinds_count; i++) {
		const struct kind *kind = &kinds[i];

		CHECK(kind->kind, kind->versions[0] && strcmp(kind->versions[0], "v1") == 0);
		CHECK(kind->kind, kind->verbs != 0);
		CHECK(kind->kind, (kind->name_rule != NULL) == (kind->stored_as != NULL));
		CHECK(kind->kind, schema_field_find(kind->message, "metadata") != NULL);
		for (size_t j = i + 1; j < kinds_count; j++)
			CHECK(kind->kind,
				strcmp(kind->group, kinds[j].group) != 0 ||
					(strcmp(kind->kind, kinds[j].kind) != 0 &&
						strcmp(kind->plural, kinds[j].plural) != 0));
	}
}

/* Names and field numbers must differ within a message, or neither form would be clear. */
static void check_message(const struct schema_message *message, unsigned depth)
{
	if (!CHECK(message->name, depth < 20))
		return;
	if (message->embedded) {
		CHECK(message->name, message->embedded_number != 0);
		check_message(message->embedded, depth + 1);
	}
	for (const struct schema_field *a = message->fields; a->name; a++) {
		for (const struct schema_field *b = a + 1; b->name; b++) {
			CHECK(a->name, strcmp(a->name, b->name) != 0);
			CHECK(a->name, !a->number || a->number != b->number);
		}
		CHECK(a->name, !message->embedded || a->number != message->embedded_number);
		CHECK(a->name,
			!message->embedded || !schema_field_find(message->embedded, a->name));
		CHECK(a->name, (a->type == SCHEMA_MESSAGE) == (a->message != NULL));
		CHECK(a->name, !a->unique || a->merge_key);
		CHECK(a->name, !a->merge || (a->shape == SCHEMA_LIST && !a->message));
		if (a->message)
			check_message(a->message, depth + 1);
		if (a->message && a->merge_key)
			CHECK(a->name, schema_field_find(a->message, a->merge_key) != NULL);
	}
}

TEST(the_tables_are_sound)
{
	for (size_t i = 0; i < kinds_count; i++) {
		check_message(kinds[i].message, 0);
		for (const struct kind_subresource *sub = kinds[i].subresources; sub->name; sub++)
			if (sub->message)
				check_message(sub->message, 0);
	}
	check_message(&schema_delete_options, 0);
	check_message(&schema_create_options, 0);
	check_message(&schema_update_options, 0);
	check_message(&schema_patch_options, 0);
	check_message(&schema_status, 0);
}
