// SPDX-License-Identifier: Apache-2.0
/* Nodes that fall silent, what they are tainted with, and who leaves them. */
#include "tests/json.h"
#include "tests/requests.h"
#include "user/base/clock.h"
#include "user/control/eviction.h"
#include "user/control/nodelife.h"
#include "user/control/podgc.h"
#include "user/control/zones.h"
#include "user/model/age.h"

#define NOW   1767225600 /* 2026-01-01T00:00:00Z */
#define ADDED "'timeAdded':'2026-01-01T00:00:00Z'"
#define K     "node.kubernetes.io/"

static json_t *node_make(const char *ready, const char *spec)
{
	char text[1024];

	snprintf(text, sizeof(text),
		"{'kind':'Node','apiVersion':'v1','metadata':{'name':'n','uid':'n',"
		"'resourceVersion':'1'},'spec':{%s},'status':{'conditions':[%s%s%s]}}",
		spec, ready ? "{'type':'Ready','status':'" : "", ready ? ready : "",
		ready ? "'}" : "");
	return json_quoted(text);
}

/* "KEY:EFFECT ..." of the taints in a patch; "-" when none is planned. */
static void taints_text(const struct requests *plan, char ret[256])
{
	const json_t *body = plan_body(plan, "PATCH"), *taint;
	const json_t *spec = json_object_get(body, "spec");
	size_t i;

	snprintf(ret, 256, "%s", spec ? "" : "-");
	json_array_foreach (json_object_get(spec, "taints"), i, taint)
		snprintf(ret + strlen(ret), 256 - strlen(ret), "%s%s:%.3s%s", i ? " " : "",
			strrchr(json_string_at(taint, "key", "/"), '/') + 1,
			json_string_at(taint, "effect", "") + 2,
			json_object_get(taint, "timeAdded") ? "" : "(no time)");
}

TEST(taints_are_as_conditions_are)
{
	static const struct {
		const char *what, *ready, *spec;
		enum { FREE, ALONE, HELD } how;
		const char *want;
	} rows[] = {
		{"ready, and without taints", "True", "", FREE, "-"},
		{"not ready", "False", "", FREE, "not-ready:Sch not-ready:Exe"},
		{"unknown", "Unknown", "", FREE, "unreachable:Sch unreachable:Exe"},
		{"the last node evicts nobody", "Unknown", "", ALONE, "unreachable:Sch"},
		{"one whose turn it is not", "Unknown", "", HELD, "unreachable:Sch"},
		{"it is not asked when one is emptied already", "Unknown",
			"'taints':[{'key':'" K "not-ready','effect':'NoExecute'," ADDED "}]", FREE,
			"unreachable:Sch unreachable:Exe"},
		{"one that has not said anything", NULL, "", FREE, "not-ready:Sch"},
		{"ready again", "True",
			"'taints':[{'key':'" K "not-ready','effect':'NoSchedule'},{'key':'" K
			"unreachable','effect':'NoExecute'}]",
			FREE, ""},
		{"those of others stay", "True",
			"'taints':[{'key':'x/mine','effect':'NoSchedule'},{'key':'" K
			"not-ready','effect':'NoSchedule'}]",
			FREE, "mine:Sch(no time)"},
		{"and get a time when it counts", "True",
			"'taints':[{'key':'x/mine','effect':'NoExecute'}]", FREE, "mine:Exe"},
		{"cordoned", "True", "'unschedulable':true", FREE, "unschedulable:Sch"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO_JSON node = node_make(rows[i].ready, rows[i].spec);
		AUTO_JSON pods = json_object();
		struct nodelife life = {.node = node,
			.pods = pods,
			.grace = 40,
			.alone = rows[i].how == ALONE,
			.held = rows[i].how == HELD,
			.now = NOW};
		struct requests plan = {.again = UINT64_MAX};
		char got[256];

		CHECK_EQ(rows[i].what, nodelife_plan(&life, &plan), 0);
		taints_text(&plan, got);
		CHECK_STR(rows[i].what, got, rows[i].want);
		requests_clear(&plan);
	}
}

TEST(a_node_that_is_silent_becomes_unknown)
{
	static const struct {
		const char *what, *ready;
		int64_t silent;
		const char *want; /* reason of Ready; NULL: it stays */
	} rows[] = {
		{"39 seconds are none", "True", 39, NULL},
		{"40 are", "True", 40, "NodeStatusUnknown"},
		{"it never said anything", NULL, 40, "NodeStatusNeverUpdated"},
		{"it is known to be unknown", "Unknown", 400, NULL},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO_JSON node = node_make(rows[i].ready, "");
		AUTO_JSON pods = json_object();
		struct nodelife life = {.node = node,
			.pods = pods,
			.grace = 40,
			.silent = rows[i].silent,
			.now = NOW};
		struct requests plan = {.again = UINT64_MAX};
		const json_t *status;

		CHECK_EQ(rows[i].what, nodelife_plan(&life, &plan), 0);
		status = json_object_get(plan_body(&plan, "PATCH"), "status");
		CHECK_STR(rows[i].what,
			json_string_at(json_array_get(json_object_get(status, "conditions"), 0),
				"reason", NULL),
			rows[i].want);
		requests_clear(&plan);
	}
}

TEST(pods_of_a_node_that_is_unknown_are_not_ready)
{
	AUTO_JSON node = node_make("Unknown",
		"'taints':[{'key':'" K "unreachable','effect':'NoSchedule'," ADDED "},{'key':'" K
		"unreachable','effect':'NoExecute'," ADDED "}]");
	AUTO_JSON pods = json_quoted(
		"{'d/a':{'metadata':{'name':'a','namespace':'d'},'spec':{'nodeName':'n'},'status':"
		"{'conditions':[{'type':'Ready','status':'True'}]}},'d/b':{'metadata':{'name':'b',"
		"'namespace':'d'},'spec':{'nodeName':'n'},'status':{'conditions':[{'type':'Ready',"
		"'status':'False'}]}},'d/c':{'metadata':{'name':'c','namespace':'d'},'spec':{"
		"'nodeName':'m'},'status':{'conditions':[{'type':'Ready','status':'True'}]}}}");
	struct nodelife life = {.node = node, .pods = pods, .grace = 40, .silent = 50, .now = NOW};
	struct requests plan = {.again = UINT64_MAX};
	char text[PLAN_TEXT];

	CHECK_EQ("planned", nodelife_plan(&life, &plan), 0);
	CHECK_STR("the one that was", plan_text(&plan, text),
		"PATCH /api/v1/namespaces/d/pods/a/status\n");
	requests_clear(&plan);
}

TEST(evictions_wait_for_the_shortest_of_what_tolerates)
{
#define TAINT "{'key':'k','effect':'NoExecute'," ADDED "}"
	static const struct {
		const char *what, *taints, *tolerations;
		int64_t want;
	} rows[] = {
		{"no taint", "", "", EVICTION_NEVER},
		{"a taint that keeps out only", "{'key':'k','effect':'NoSchedule'}", "",
			EVICTION_NEVER},
		{"not tolerated", TAINT, "", 0},
		{"tolerated for ever", TAINT, "{'operator':'Exists'}", EVICTION_NEVER},
		{"for a while", TAINT, "{'key':'k','operator':'Exists','tolerationSeconds':300}",
			NOW + 300},
		{"the shortest counts", TAINT,
			"{'key':'k','operator':'Exists','tolerationSeconds':300},{'operator':"
			"'Exists','tolerationSeconds':30}",
			NOW + 30},
		{"for no time", TAINT, "{'key':'k','operator':'Exists','tolerationSeconds':0}", 0},
		{"for another effect", TAINT,
			"{'key':'k','operator':'Exists','effect':'NoSchedule'}", 0},
		{"until it has a time nothing counts", "{'key':'k','effect':'NoExecute'}",
			"{'key':'k','operator':'Exists','tolerationSeconds':300}", EVICTION_NEVER},
		{"one of two is not tolerated", TAINT ",{'key':'l','effect':'NoExecute'}",
			"{'key':'k','operator':'Exists'}", 0},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		char text[512];
		AUTO_JSON node = NULL;
		AUTO_JSON pod = NULL;

		snprintf(text, sizeof(text), "{'spec':{'taints':[%s]}}", rows[i].taints);
		node = json_quoted(text);
		snprintf(text, sizeof(text), "{'spec':{'tolerations':[%s]}}", rows[i].tolerations);
		pod = json_quoted(text);
		CHECK_EQ(rows[i].what, eviction_due(pod, node), rows[i].want);
	}
}

TEST(what_is_left_over_goes)
{
	AUTO_JSON pods = json_quoted(
		"{'d/a':{'metadata':{'name':'a','namespace':'d','uid':'a'},'spec':{'nodeName':"
		"'gone'},'status':{'phase':'Running'}},'d/b':{'metadata':{'name':'b','namespace':"
		"'d','uid':'b'},'spec':{'nodeName':'there'},'status':{'phase':'Failed'}}}");
	AUTO_JSON lost = json_quoted("{'gone':true}");
	AUTO_JSON events = json_quoted(
		"{'d/new':{'metadata':{'name':'new','namespace':'d','uid':'x'},'lastTimestamp':"
		"'2025-12-31T23:00:01Z'},'d/old':{'metadata':{'name':'old','namespace':'d','uid':"
		"'y','creationTimestamp':'2025-12-31T23:00:00Z'}}}");
	struct requests plan = {.again = UINT64_MAX};
	char text[PLAN_TEXT];

	CHECK_EQ("the clock", age_parse("2026-01-01T00:00:00Z"), NOW);
	CHECK_EQ("planned", podgc_plan(pods, lost, NOW, &plan), 0);
	CHECK_STR("a Pod whose node the server does not know, either", plan_text(&plan, text),
		"GET /api/v1/nodes/gone\nPATCH /api/v1/namespaces/d/pods/a/status\n"
		"DELETE /api/v1/namespaces/d/pods/a\n");
	requests_clear(&plan);
	CHECK_EQ("planned", events_expire_plan(events, NOW, &plan), 0);
	CHECK_STR("an event after an hour", plan_text(&plan, text),
		"DELETE /api/v1/namespaces/d/events/old\n");
	requests_clear(&plan);
}

/* Nodes of one zone: @ready of them ready, then @unready that are not. */
static json_t *zone_make(const char *zone, unsigned ready, unsigned unready, json_t *nodes)
{
	for (unsigned i = 0; i < ready + unready; i++) {
		char key[64];

		snprintf(key, sizeof(key), "/%s%u", zone, i);
		json_object_set_new(nodes, key,
			json_pack("{s:{s:s, s:{s:s}}, s:{s:[{s:s, s:s}]}}", "metadata", "name",
				key + 1, "labels", "topology.kubernetes.io/zone", zone, "status",
				"conditions", "type", "Ready", "status",
				i < ready ? "True" : "Unknown"));
	}
	return nodes;
}

TEST(how_fast_a_zone_is_emptied_depends_on_how_much_of_it_is_left)
{
	static const struct {
		const char *what;
		unsigned ready, unready;
		uint64_t want; /* between two nodes; 0: never */
	} rows[] = {
		{"most are ready", 10, 3, 10},
		{"two are not disruption", 1, 2, 10},
		{"54 in a hundred", 46, 54, 10},
		{"55 in a hundred of a large zone", 45, 55, 100},
		{"of a small one", 20, 30, 0},
		{"three of four", 1, 3, 0},
		{"all: the zone is cut off", 0, 7, 10},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO_JSON nodes = zone_make("a", rows[i].ready, rows[i].unready, json_object());
		AUTO_JSON turns = json_pack("{s:i}", "/a", 5000000);
		uint64_t again = 0;
		char key[16];

		snprintf(key, sizeof(key), "/a%u", rows[i].ready);
		zone_make("other", 5, 0, nodes);
		CHECK(rows[i].what,
			!zone_turn(turns, json_object_get(nodes, key), nodes, 5000001, &again));
		CHECK_EQ(rows[i].what, again,
			rows[i].want ? 5000000 + rows[i].want * USEC_PER_SEC : 0);
	}
}

TEST(nodes_are_emptied_one_after_the_other)
{
	AUTO_JSON nodes = zone_make("a", 9, 2, json_object());
	AUTO_JSON turns = json_object();
	const json_t *first = json_object_get(nodes, "/a9"),
		     *second = json_object_get(nodes, "/a10");
	uint64_t again = 0, now = 77 * USEC_PER_SEC;

	zone_make("b", 3, 1, nodes);
	CHECK("the first at once", zone_turn(turns, first, nodes, now, &again));
	CHECK("the second not", !zone_turn(turns, second, nodes, now, &again));
	CHECK_EQ("but later", again, now + ZONE_INTERVAL);
	CHECK("the first still, if that could not be written",
		zone_turn(turns, first, nodes, now + 1, &again));
	CHECK("another zone does not wait",
		zone_turn(turns, json_object_get(nodes, "/b3"), nodes, now, &again));
	CHECK("nor does the second any more", zone_turn(turns, second, nodes, again, &again));
	zone_turn_over(turns, "a9");
	CHECK("one that was ready again waits anew",
		!zone_turn(turns, first, nodes, again, &again));
}
