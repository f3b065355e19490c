// SPDX-License-Identifier: Apache-2.0
/* Services and Pods in, EndpointSlices and Endpoints out. */
#include "tests/json.h"
#include "tests/requests.h"
#include "user/control/endpoint.h"
#include "user/control/endpoints.h"

#define SLICES "/apis/discovery.k8s.io/v1/namespaces/d/endpointslices"

static json_t *service_make(const char *spec)
{
	char text[1024];

	snprintf(text, sizeof(text),
		"{'kind':'Service','apiVersion':'v1','metadata':{'name':'web','namespace':'d',"
		"'uid':'s'},'spec':{'type':'ClusterIP','clusterIP':'10.96.0.20','selector':{'app':"
		"'web'},%s}}",
		spec);
	return json_quoted(text);
}

static void pod_put(json_t *pods, unsigned number, const char *more_meta, const char *ready)
{
	char text[1024], key[32];

	snprintf(key, sizeof(key), "d/p%u", number);
	snprintf(text, sizeof(text),
		"{'metadata':{'name':'p%u','namespace':'d','uid':'u%u','labels':{'app':'web'}%s},"
		"'spec':{'nodeName':'n1','containers':[{'name':'c','ports':[{'name':'http',"
		"'containerPort':%u,'protocol':'TCP'}]}]},'status':{'phase':'Running','podIP':"
		"'10.244.0.%u','conditions':[{'type':'Ready','status':'%s'}]}}",
		number, number, more_meta, number % 2 ? 8080u : 9090u, number, ready);
	json_object_set_new(pods, key, json_quoted(text));
}

/* What the server makes of a slice that was created. */
static void slice_store(json_t *slices, const char *name, const json_t *body)
{
	json_t *slice = json_deep_copy(body);
	char key[64];

	snprintf(key, sizeof(key), "d/%s", name);
	json_object_set_new(json_object_get(slice, "metadata"), "name", json_string(name));
	if (json_array_size(json_object_get(slice, "ports")) == 0)
		json_object_del(slice, "ports");
	json_object_set_new(slices, key, slice);
}

static size_t endpoint_count(const json_t *slice)
{
	return json_array_size(json_object_get(slice, "endpoints"));
}

TEST(conditions_say_who_serves_and_who_gets_something_new)
{
	static const struct {
		const char *what, *service, *meta, *ready, *want;
	} rows[] = {
		{"a Pod that is ready", "'ports':[{'port':80}]", "", "True",
			"{\"ready\":true,\"serving\":true,\"terminating\":false}"},
		{"one that is not", "'ports':[{'port':80}]", "", "False",
			"{\"ready\":false,\"serving\":false,\"terminating\":false}"},
		{"one that leaves and still serves", "'ports':[{'port':80}]",
			",'deletionTimestamp':'2026-01-01T00:00:00Z'", "True",
			"{\"ready\":false,\"serving\":true,\"terminating\":true}"},
		{"where those that are not ready are wanted",
			"'ports':[{'port':80}],'publishNotReadyAddresses':true",
			",'deletionTimestamp':'2026-01-01T00:00:00Z'", "False",
			"{\"ready\":true,\"serving\":false,\"terminating\":true}"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO_JSON service = service_make(rows[i].service);
		AUTO_JSON pods = json_object();
		AUTO_JSON none = json_object();
		struct endpoint_view view = {pods, none, none};
		struct requests plan = {.again = UINT64_MAX};
		AUTO_FREE char *got = NULL;

		pod_put(pods, 1, rows[i].meta, rows[i].ready);
		CHECK_EQ(rows[i].what, slices_plan(service, &view, &plan), 0);
		got = json_short(json_object_get(
			json_array_get(json_object_get(plan_body(&plan, "POST"), "endpoints"), 0),
			"conditions"));
		CHECK_STR(rows[i].what, got, rows[i].want);
		requests_clear(&plan);
	}
}

TEST(named_ports_split_slices_by_what_pods_call_them)
{
	AUTO_JSON service = service_make("'ports':[{'name':'w','port':80,'targetPort':'http'}]");
	AUTO_JSON pods = json_object();
	AUTO_JSON none = json_object();
	struct endpoint_view view = {pods, none, none};
	struct requests plan = {.again = UINT64_MAX};

	for (unsigned i = 1; i <= 4; i++)
		pod_put(pods, i, "", "True");
	CHECK_EQ("planned", slices_plan(service, &view, &plan), 0);
	CHECK_EQ("one for each number", plan.count, 2);
	CHECK_EQ("with its Pods", endpoint_count(plan.writes[0].body), 2);
	CHECK_EQ("with its Pods", endpoint_count(plan.writes[1].body), 2);
	requests_clear(&plan);
}

TEST(a_slice_has_a_hundred_and_what_stays_is_not_written)
{
	AUTO_JSON service = service_make("'ports':[{'port':80}]");
	AUTO_JSON pods = json_object();
	AUTO_JSON slices = json_object();
	AUTO_JSON none = json_object();
	struct endpoint_view view = {pods, none, slices};
	struct requests plan = {.again = UINT64_MAX};
	char text[PLAN_TEXT];

	for (unsigned i = 1; i <= 150; i++)
		pod_put(pods, i, "", "True");
	CHECK_EQ("planned", slices_plan(service, &view, &plan), 0);
	CHECK_EQ("two slices", plan.count, 2);
	CHECK_EQ("a full one", endpoint_count(plan.writes[0].body), SLICE_MOST);
	CHECK_EQ("and the rest", endpoint_count(plan.writes[1].body), 50);
	slice_store(slices, "a", plan.writes[0].body);
	slice_store(slices, "b", plan.writes[1].body);
	requests_clear(&plan);

	CHECK_EQ("planned", slices_plan(service, &view, &plan), 0);
	CHECK_EQ("nothing has changed", plan.count, 0);
	requests_clear(&plan);

	json_object_del(pods, "d/p1");
	CHECK_EQ("planned", slices_plan(service, &view, &plan), 0);
	CHECK_STR(
		"the slice that had it is written", plan_text(&plan, text), "PATCH " SLICES "/a\n");
	CHECK_EQ("without it", endpoint_count(plan_body(&plan, "PATCH")), 99);
	requests_clear(&plan);

	json_object_clear(pods);
	CHECK_EQ("planned", slices_plan(service, &view, &plan), 0);
	CHECK_STR("without Pods one is left", plan_text(&plan, text),
		"PATCH " SLICES "/a\nDELETE " SLICES "/b\n");
	CHECK_EQ("that says so", endpoint_count(plan_body(&plan, "PATCH")), 0);
	requests_clear(&plan);
}

TEST(services_without_selector_are_somebody_elses)
{
	static const char *const rows[] = {
		"{'metadata':{'name':'a','namespace':'d'},'spec':{'type':'ClusterIP'}}",
		"{'metadata':{'name':'a','namespace':'d'},'spec':{'type':'ExternalName','selector':"
		"{'a':'b'}}}",
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO_JSON service = json_quoted(rows[i]);
		AUTO_JSON none = json_object();
		struct endpoint_view view = {none, none, none};
		struct requests plan = {.again = UINT64_MAX};

		CHECK_EQ(rows[i], slices_plan(service, &view, &plan), 0);
		CHECK_EQ(rows[i], endpoints_plan(service, NULL, none, &plan), 0);
		CHECK_EQ(rows[i], plan.count, 0);
		requests_clear(&plan);
	}
}

#define MIRRORED(meta, subsets)                                                                \
	"{'kind':'Endpoints','apiVersion':'v1','metadata':{'name':'db','namespace':'d','uid':" \
	"'e'" meta "},'subsets':[" subsets "]}"
#define ONE "{'addresses':[{'ip':'10.0.0.1'}],'ports':[{'port':80,'protocol':'TCP'}]}"

static json_t *slice_stored(const char *name, const char *manager, const char *ip)
{
	char text[512];

	snprintf(text, sizeof(text),
		"{'metadata':{'name':'%s','namespace':'d','uid':'%s','labels':{'" SLICE_SERVICE
		"':'db','" SLICE_MANAGER "':'%s'}},'addressType':'IPv4','endpoints':[{'addresses':"
		"['%s'],'conditions':{'ready':true}}],'ports':[{'name':'','port':80,'protocol':"
		"'TCP'}]}",
		name, name, manager, ip);
	return json_quoted(text);
}

TEST(what_others_keep_is_mirrored)
{
	static const struct {
		const char *what, *selector, *endpoints, *slice, *manager, *want;
	} rows[] = {
		{"made", "", MIRRORED("", ONE), NULL, NULL, "POST " SLICES "\n"},
		{"kept", "", MIRRORED("", ONE), "10.0.0.1", SLICE_MIRROR, ""},
		{"changed", "", MIRRORED("", ONE), "10.0.0.2", SLICE_MIRROR,
			"PATCH " SLICES "/s\n"},
		{"a label more", "", MIRRORED(",'labels':{'a':'b'}", ONE), "10.0.0.1", SLICE_MIRROR,
			"PATCH " SLICES "/s\n"},
		{"what kubectl notes is not one", "",
			MIRRORED(",'annotations':{'kubectl.kubernetes.io/"
				 "last-applied-configuration':'x'}",
				ONE),
			"10.0.0.1", SLICE_MIRROR, ""},
		{"gone", "", NULL, "10.0.0.1", SLICE_MIRROR, "DELETE " SLICES "/s\n"},
		{"empty", "", MIRRORED("", ""), "10.0.0.1", SLICE_MIRROR, "DELETE " SLICES "/s\n"},
		{"a Service that selects", "'app':'db'", MIRRORED("", ONE), "10.0.0.1",
			SLICE_MIRROR, "DELETE " SLICES "/s\n"},
		{"a Service that is gone", NULL, MIRRORED("", ONE), "10.0.0.1", SLICE_MIRROR,
			"DELETE " SLICES "/s\n"},
		{"told to be skipped", "",
			MIRRORED(",'labels':{'endpointslice.kubernetes.io/skip-mirror':'true'}",
				ONE),
			"10.0.0.1", SLICE_MIRROR, "DELETE " SLICES "/s\n"},
		{"a lock", "",
			MIRRORED(",'annotations':{'control-plane.alpha.kubernetes.io/leader':'{}'}",
				ONE),
			NULL, NULL, ""},
		{"those of others stay", "", MIRRORED("", ""), "10.0.0.1", SLICE_SELF, ""},
		{"two families are two slices", "",
			MIRRORED("", "{'addresses':[{'ip':'10.0.0.1'},{'ip':'fd00::1'}]}"), NULL,
			NULL, "POST " SLICES "\nPOST " SLICES "\n"},
		{"other ports are another slice", "",
			MIRRORED("", "{'addresses':[{'ip':'10.0.0.1'}],'ports':[{'port':81,"
				     "'protocol':'TCP'}]}"),
			"10.0.0.1", SLICE_MIRROR, "DELETE " SLICES "/s\nPOST " SLICES "\n"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		char service[128], text[PLAN_TEXT];
		AUTO_JSON slices = json_object();
		AUTO_JSON endpoints = rows[i].endpoints ? json_quoted(rows[i].endpoints) : NULL;
		AUTO_JSON before = NULL;
		struct requests plan = {.again = UINT64_MAX};

		snprintf(service, sizeof(service), "{'spec':{'selector':{%s}}}",
			rows[i].selector ? rows[i].selector : "");
		before = rows[i].selector ? json_quoted(service) : NULL;
		if (rows[i].slice)
			json_object_set_new(
				slices, "d/s", slice_stored("s", rows[i].manager, rows[i].slice));
		CHECK_EQ(rows[i].what, mirror_plan("d", "db", before, endpoints, slices, &plan), 0);
		CHECK_STR(rows[i].what, plan_text(&plan, text), rows[i].want);
		requests_clear(&plan);
	}
}

/* @count addresses of each sort. */
static json_t *endpoints_many(unsigned ready, unsigned unready)
{
	json_t *endpoints = json_quoted(MIRRORED(",'labels':{'a':'b'}", "{}"));
	json_t *subset = json_array_get(json_object_get(endpoints, "subsets"), 0);
	json_t *lists[2] = {json_array(), json_array()};

	for (unsigned i = 0; i < ready + unready; i++)
		json_array_append_new(lists[i >= ready],
			json_pack("{s:o}", "ip", json_sprintf("10.0.%u.%u", i / 250, i % 250 + 1)));
	json_object_set_new(subset, "addresses", lists[0]);
	json_object_set_new(subset, "notReadyAddresses", lists[1]);
	return endpoints;
}

TEST(a_mirror_has_a_thousand_of_a_subset_and_those_that_are_ready_first)
{
	AUTO_JSON service = json_quoted("{'spec':{}}");
	AUTO_JSON endpoints = endpoints_many(999, 7);
	AUTO_JSON none = json_object();
	AUTO_FREE char *labels = NULL;
	struct requests plan = {.again = UINT64_MAX};
	char text[PLAN_TEXT];
	const json_t *body, *last;

	CHECK_EQ("plan", mirror_plan("d", "db", service, endpoints, none, &plan), 0);
	CHECK_STR("one slice", plan_text(&plan, text), "POST " SLICES "\n");
	body = plan_body(&plan, "POST");
	last = json_array_get(json_object_get(body, "endpoints"), 999);
	CHECK_EQ("of a thousand", endpoint_count(body), 1000);
	CHECK("the last is not ready",
		json_is_false(json_object_get(json_object_get(last, "conditions"), "ready")));
	labels = json_short(json_object_get(json_object_get(body, "metadata"), "labels"));
	CHECK_STR("labels", labels,
		"{\"a\":\"b\",\"" SLICE_MANAGER "\":\"" SLICE_MIRROR "\",\"" SLICE_SERVICE
		"\":\"db\"}");
	requests_clear(&plan);
}

TEST(endpoints_are_in_the_order_of_their_addresses)
{
	AUTO_JSON service = service_make("'ports':[{'name':'w','port':80}]");
	AUTO_JSON pods = json_object();
	AUTO_JSON stored = NULL;
	AUTO_FREE char *got = NULL;
	struct requests plan = {.again = UINT64_MAX};

	pod_put(pods, 10, "", "True");
	pod_put(pods, 9, "", "True");
	pod_put(pods, 3, "", "False");
	pod_put(pods, 4, ",'deletionTimestamp':'2026-01-01T00:00:00Z'", "True");
	CHECK_EQ("planned", endpoints_plan(service, NULL, pods, &plan), 0);
	got = json_short(json_object_get(plan_body(&plan, "POST"), "subsets"));
	CHECK_STR("by numbers, those that are not ready apart, without those that leave", got,
		"[{\"addresses\":[{\"ip\":\"10.244.0.9\",\"nodeName\":\"n1\",\"targetRef\":{"
		"\"kind\":\"Pod\",\"name\":\"p9\",\"namespace\":\"d\",\"uid\":\"u9\"}},{\"ip\":"
		"\"10.244.0.10\",\"nodeName\":\"n1\",\"targetRef\":{\"kind\":\"Pod\",\"name\":"
		"\"p10\",\"namespace\":\"d\",\"uid\":\"u10\"}}],\"notReadyAddresses\":[{\"ip\":"
		"\"10.244.0.3\",\"nodeName\":\"n1\",\"targetRef\":{\"kind\":\"Pod\",\"name\":"
		"\"p3\",\"namespace\":\"d\",\"uid\":\"u3\"}}],\"ports\":[{\"name\":\"w\","
		"\"port\":80,\"protocol\":\"TCP\"}]}]");
	stored = json_deep_copy(plan_body(&plan, "POST"));
	requests_clear(&plan);
	CHECK_EQ("planned", endpoints_plan(service, stored, pods, &plan), 0);
	CHECK_EQ("they are written once", plan.count, 0);
	CHECK_EQ("planned", endpoints_plan(NULL, stored, pods, &plan), 0);
	CHECK_EQ("and go with the Service", plan.count, 1);
	requests_clear(&plan);
	json_object_del(json_object_get(stored, "metadata"), "labels");
	CHECK_EQ("planned", endpoints_plan(NULL, stored, pods, &plan), 0);
	CHECK_EQ("those of others stay", plan.count, 0);
	requests_clear(&plan);
}
