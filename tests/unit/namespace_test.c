// SPDX-License-Identifier: Apache-2.0
/* What every cluster and every namespace has, and how a namespace goes. */
#include "tests/json.h"
#include "tests/requests.h"
#include "user/control/bootstrap.h"
#include "user/control/namespace.h"
#include "user/control/recorder.h"

static json_t *namespace_make(const char *more)
{
	char text[256];

	snprintf(text, sizeof(text), "{'metadata':{'name':'work','uid':'w'%s}}", more);
	return json_quoted(text);
}

TEST(a_namespace_goes_when_all_in_it_is_gone)
{
	AUTO_JSON there = namespace_make("");
	AUTO_JSON leaving = namespace_make(",'deletionTimestamp':'2026-01-01T00:00:00Z'");
	struct requests plan = {.again = UINT64_MAX};
	size_t deletions = 0, looks = 0;

	CHECK_EQ("planned", namespace_plan(there, &plan), 0);
	CHECK_EQ("nothing while nobody deletes it", plan.count, 0);
	CHECK_EQ("planned", namespace_plan(leaving, &plan), 0);
	for (size_t i = 0; i < plan.count; i++) {
		deletions += strcmp(plan.writes[i].method, "DELETE") == 0;
		looks += plan.writes[i].expects == EXPECTS_NONE;
	}
	CHECK("all kinds are deleted", deletions > 10);
	CHECK_EQ("and looked for", looks, deletions);
	CHECK_STR("before it is let go", plan.writes[plan.count - 1].target,
		"/api/v1/namespaces/work/finalize");
	requests_clear(&plan);
}

TEST(each_namespace_has_an_account_and_certificates)
{
	AUTO_JSON there = namespace_make("");
	AUTO_JSON leaving = namespace_make(",'deletionTimestamp':'2026-01-01T00:00:00Z'");
	AUTO_JSON old = json_quoted("{'data':{'ca.crt':'old'}}");
	AUTO_JSON same = json_quoted("{'data':{'ca.crt':'new'}}");
	struct requests plan = {.again = UINT64_MAX};
	char text[PLAN_TEXT];

	namespace_account_plan(there, NULL, &plan);
	namespace_certificate_plan(there, NULL, "new", &plan);
	namespace_certificate_plan(there, old, "new", &plan);
	CHECK_STR("made, and kept", plan_text(&plan, text),
		"POST /api/v1/namespaces/work/serviceaccounts\n"
		"POST /api/v1/namespaces/work/configmaps\n"
		"PATCH /api/v1/namespaces/work/configmaps/kube-root-ca.crt\n");
	requests_clear(&plan);
	namespace_account_plan(there, same, &plan);
	namespace_certificate_plan(there, same, "new", &plan);
	namespace_account_plan(leaving, NULL, &plan);
	namespace_certificate_plan(leaving, NULL, "new", &plan);
	CHECK_STR("once, and not for one that leaves", plan_text(&plan, text), "");
	requests_clear(&plan);
}

TEST(a_cluster_begins_with_its_service)
{
	static const struct {
		const char *what, *cidr, *address, *want;
		size_t endpoints;
	} rows[] = {
		{"the first address", "10.96.0.0/16", "", "10.96.0.1", 0},
		{"of any range", "192.168.7.128/25", "192.0.2.1", "192.168.7.129", 4},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct bootstrap_config config = {rows[i].cidr, rows[i].address, 6443, NULL};
		struct requests plan = {.again = UINT64_MAX};
		const char *got = "";
		size_t service = 0;

		CHECK_EQ(rows[i].what, bootstrap_plan(&config, &plan), 0);
		for (size_t j = 0; j < plan.count; j++)
			if (strcmp(plan.writes[j].target, "/api/v1/namespaces/default/services") ==
				0) {
				service = j;
				got = json_string_at(json_object_get(plan.writes[j].body, "spec"),
					"clusterIP", "");
			}
		CHECK_STR(rows[i].what, got, rows[i].want);
		CHECK_EQ("endpoints where Pods reach it", plan.count - service - 1,
			rows[i].endpoints);
		requests_clear(&plan);
	}
}

TEST(the_same_event_has_the_same_name)
{
	AUTO_JSON about = json_quoted("{'kind':'Pod','name':'p','namespace':'d','uid':'u'}");
	AUTO_JSON a = event_new("c", "Normal", "R", "m", about, "2026-01-01T00:00:00Z");
	AUTO_JSON b = event_new("c", "Normal", "R", "m", about, "2026-01-01T00:00:09Z");
	AUTO_JSON c = event_new("c", "Normal", "R", "n", about, "2026-01-01T00:00:00Z");
	const char *name = json_string_at(json_object_get(a, "metadata"), "name", "");

	CHECK_STR("whenever it is told", name,
		json_string_at(json_object_get(b, "metadata"), "name", ""));
	CHECK("another message, another event",
		strcmp(name, json_string_at(json_object_get(c, "metadata"), "name", "")) != 0);
	CHECK_EQ("it begins with the object's", strncmp(name, "p.", 2), 0);
	CHECK_STR("where the object is",
		json_string_at(json_object_get(a, "metadata"), "namespace", ""), "d");
}
