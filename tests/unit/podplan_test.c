// SPDX-License-Identifier: Apache-2.0
/* What an API server is told about one Pod, for all that it may have and all that may be here. */
#include "tests/check.h"
#include "tests/json.h"
#include "user/cluster/podplan.h"

#define NOW "2026-11-30T12:00:00Z"

/* As the server has it: a Pod that is bound, and runs. */
#define HEAD "{'metadata':{'name':'web','namespace':'default','uid':'u1','resourceVersion':'7'"
#define CONDITIONS                                                                              \
	"'conditions':[{'type':'Ready','status':'True','lastTransitionTime':'2026-11-30T11:00:" \
	"00Z'}]"
#define RUNS	 "'status':{'phase':'Running','podIP':'10.0.0.5'," CONDITIONS "}}"
#define DELETING ",'deletionTimestamp':'2026-11-30T11:59:00Z','deletionGracePeriodSeconds':"
#define MIRROR	 ",'annotations':{'kubernetes.io/config.mirror':'"

/* As it is here. */
#define LOCAL(status) "{'metadata':{'uid':'u1'},'status':" status "}"
#define MANIFEST                                                                                   \
	"{'metadata':{'name':'web','namespace':'default','uid':'m1','labels':{'a':'b'}},'spec':{'" \
	"containers':[]}}"

static const struct {
	const char *what;
	const char *object, *local, *mirrored, *refusal; /* NULL: none */
	bool over;
	enum podplan plan;
	const char *method, *target;
	const char *body; /* a part of it */
} cases[] = {
	{.what = "nothing here and nothing there", .plan = PODPLAN_NOTHING},
	{.what = "a Pod that has not begun here waits",
		.object = HEAD "}," RUNS,
		.plan = PODPLAN_NOTHING},
	{.what = "what is told already is not told again",
		.object = HEAD "}," RUNS,
		.local = LOCAL("{'phase':'Running','podIP':'10.0.0.5'," CONDITIONS "}"),
		.plan = PODPLAN_NOTHING},
	{.what = "a change is told, with what it is based on",
		.object = HEAD "}," RUNS,
		.local = LOCAL("{'phase':'Failed','podIP':'10.0.0.5'," CONDITIONS "}"),
		.plan = PODPLAN_STATUS,
		.method = "PATCH",
		.target = "/api/v1/namespaces/default/pods/web/status",
		.body = "{\"metadata\":{\"uid\":\"u1\",\"resourceVersion\":\"7\"},\"status\":{"
			"\"phase\":\"Failed\","},
	{.what = "an address that is lost is taken away",
		.object = HEAD "}," RUNS,
		.local = LOCAL("{'phase':'Running'," CONDITIONS "}"),
		.plan = PODPLAN_STATUS,
		.method = "PATCH",
		.target = "/api/v1/namespaces/default/pods/web/status",
		.body = "\"podIP\":null"},
	{.what = "a Pod that is being deleted still tells how it is",
		.object = HEAD DELETING "30}," RUNS,
		.local = LOCAL("{'phase':'Failed'}"),
		.plan = PODPLAN_STATUS,
		.method = "PATCH",
		.target = "/api/v1/namespaces/default/pods/web/status",
		.body = "\"phase\":\"Failed\""},
	{.what = "and goes when it has ended here",
		.object = HEAD DELETING "30}," RUNS,
		.over = true,
		.plan = PODPLAN_DELETE,
		.method = "DELETE",
		.target = "/api/v1/namespaces/default/pods/web",
		.body = "\"gracePeriodSeconds\":0,\"preconditions\":{\"uid\":\"u1\"}"},
	{.what = "or has never been here",
		.object = HEAD DELETING "30}," RUNS,
		.plan = PODPLAN_DELETE,
		.method = "DELETE",
		.target = "/api/v1/namespaces/default/pods/web",
		.body = "\"gracePeriodSeconds\":0"},
	{.what = "one that waits for finalizers is asked once",
		.object = HEAD DELETING "0}," RUNS,
		.over = true,
		.plan = PODPLAN_NOTHING},
	{.what = "one that was deleted here goes there",
		.object = HEAD "}," RUNS,
		.over = true,
		.plan = PODPLAN_DELETE,
		.method = "DELETE",
		.target = "/api/v1/namespaces/default/pods/web",
		.body = "\"uid\":\"u1\""},
	{.what = "a refusal is told and does not fail the Pod",
		.object = HEAD "},'status':{'phase':'Pending'}}",
		.refusal = "spec.hostNetwork: not supported",
		.plan = PODPLAN_STATUS,
		.method = "PATCH",
		.target = "/api/v1/namespaces/default/pods/web/status",
		.body = "{\"phase\":\"Pending\",\"reason\":\"Refused\",\"message\":\"spec."
			"hostNetwork: not supported\"}"},
	{.what = "a manifest's Pod gets a mirror",
		.local = LOCAL("{'phase':'Running'}"),
		.mirrored = MANIFEST,
		.plan = PODPLAN_MIRROR,
		.method = "POST",
		.target = "/api/v1/namespaces/default/pods",
		.body = "\"annotations\":{\"kubernetes.io/config.mirror\":\"m1\",\"kubernetes.io/"
			"config.hash\":\"m1\","
			"\"kubernetes.io/"
			"config.source\":\"file\"},\"labels\":{\"a\":\"b\"},\"ownerReferences\":"
			"[{\"apiVersion\":\"v1\",\"kind\":\"Node\",\"name\":\"n\",\"uid\":\"nu\","
			"\"controller\":true}]}"},
	{.what = "the mirror shows how the Pod is",
		.object = HEAD MIRROR "m1'}}," RUNS,
		.local = LOCAL("{'phase':'Pending'}"),
		.mirrored = MANIFEST,
		.plan = PODPLAN_STATUS,
		.method = "PATCH",
		.target = "/api/v1/namespaces/default/pods/web/status",
		.body = "\"phase\":\"Pending\""},
	{.what = "a mirror that is deleted goes, to be made anew",
		.object = HEAD DELETING "30" MIRROR "m1'}}," RUNS,
		.local = LOCAL("{'phase':'Running'}"),
		.mirrored = MANIFEST,
		.plan = PODPLAN_DELETE,
		.method = "DELETE",
		.target = "/api/v1/namespaces/default/pods/web",
		.body = "\"gracePeriodSeconds\":0"},
	{.what = "a mirror of an earlier Pod goes",
		.object = HEAD MIRROR "m0'}}," RUNS,
		.local = LOCAL("{'phase':'Running'}"),
		.mirrored = MANIFEST,
		.plan = PODPLAN_DELETE,
		.method = "DELETE",
		.target = "/api/v1/namespaces/default/pods/web",
		.body = "\"uid\":\"u1\""},
	{.what = "a mirror of nothing goes",
		.object = HEAD MIRROR "m1'}}," RUNS,
		.plan = PODPLAN_DELETE,
		.method = "DELETE",
		.target = "/api/v1/namespaces/default/pods/web",
		.body = "\"uid\":\"u1\""},
};

static json_t *quoted(const char *text)
{
	return text ? json_quoted(text) : NULL;
}

TEST(what_is_written)
{
	for (size_t i = 0; i < COUNT(cases); i++) {
		AUTO_JSON object = quoted(cases[i].object);
		AUTO_JSON local = quoted(cases[i].local);
		AUTO_JSON mirrored = quoted(cases[i].mirrored);
		struct podplan_input input = {
			.namespace = "default",
			.name = "web",
			.object = object,
			.local = local,
			.mirrored = mirrored,
			.node_name = "n",
			.node_uid = "nu",
			.over = cases[i].over,
			.refusal = cases[i].refusal,
			.now = NOW,
			.sent_revision = "",
		};
		struct write write = {0};
		AUTO_FREE char *body = NULL;

		CHECK_EQ(cases[i].what, podplan(&input, &write), cases[i].plan);
		if (!write.target || !cases[i].method)
			continue;
		body = json_text(write.body);
		CHECK_STR(cases[i].what, write.method, cases[i].method);
		CHECK_STR(cases[i].what, write.target, cases[i].target);
		CHECK_HAS(cases[i].what, body, cases[i].body);
		free(write.target);
		json_decref(write.body);
	}
}

/* A server that drops what it does not know is not asked for ever. */
TEST(what_the_server_made_of_it_is_not_asked_again)
{
	AUTO_JSON object = json_quoted(HEAD "}," RUNS);
	AUTO_JSON local =
		json_quoted(LOCAL("{'phase':'Failed','podIP':'10.0.0.5'," CONDITIONS "}"));
	AUTO_JSON sent = podplan_status(object, local, NOW);
	struct podplan_input input = {
		.namespace = "default",
		.name = "web",
		.object = object,
		.local = local,
		.now = NOW,
		.sent = sent,
		.sent_revision = "7",
	};
	struct write write = {0};

	CHECK_EQ("the answer to it was this object", podplan(&input, &write), PODPLAN_NOTHING);
	input.sent_revision = "6";
	CHECK_EQ("somebody has changed it since", podplan(&input, &write), PODPLAN_STATUS);
	free(write.target);
	json_decref(write.body);
}

static const struct {
	const char *what, *have, *local, *want;
} times[] = {
	{"no change: the server's time stands",
		"[{'type':'Ready','status':'True','lastTransitionTime':'2026-11-30T11:00:00Z'}]",
		"[{'type':'Ready','status':'True','lastTransitionTime':'2026-11-30T10:00:00Z'}]",
		"[{'type':'Ready','status':'True','lastTransitionTime':'2026-11-30T11:00:00Z'}]"},
	{"a change has the time it happened",
		"[{'type':'Ready','status':'False','lastTransitionTime':'2026-11-30T11:00:00Z'}]",
		"[{'type':'Ready','status':'True','lastTransitionTime':'2026-11-30T11:30:00Z'}]",
		"[{'type':'Ready','status':'True','lastTransitionTime':'2026-11-30T11:30:00Z'}]"},
	{"which cannot be before the last one",
		"[{'type':'Ready','status':'False','lastTransitionTime':'2026-11-30T11:00:00Z'}]",
		"[{'type':'Ready','status':'True','lastTransitionTime':'2026-11-30T10:00:00Z'}]",
		"[{'type':'Ready','status':'True','lastTransitionTime':'" NOW "'}]"},
	{"conditions of others are kept", "[{'type':'DisruptionTarget','status':'True'}]",
		"[{'type':'Ready','status':'True','lastTransitionTime':'2026-11-30T10:00:00Z'}]",
		"[{'type':'Ready','status':'True','lastTransitionTime':'2026-11-30T10:00:00Z'},"
		"{'type':'DisruptionTarget','status':'True'}]"},
};

TEST(conditions_have_the_times_of_their_changes)
{
	for (size_t i = 0; i < COUNT(times); i++) {
		AUTO_JSON have = json_quoted(times[i].have);
		AUTO_JSON conditions = json_quoted(times[i].local);
		AUTO_JSON want = json_quoted(times[i].want);
		AUTO_JSON object = json_pack("{s:{s:O}}", "status", "conditions", have);
		AUTO_JSON local = json_pack("{s:{s:O}}", "status", "conditions", conditions);
		AUTO_JSON status = podplan_status(object, local, NOW);
		AUTO_FREE char *got = json_text(json_object_get(status, "conditions"));
		AUTO_FREE char *wanted = json_text(want);

		CHECK_STR(times[i].what, got, wanted);
	}
}

static const struct {
	const char *what, *have, *want;
	bool covers;
} covered[] = {
	{"the same", "{'a':1}", "{'a':1}", true},
	{"more than is wanted", "{'a':1,'b':2}", "{'a':1}", true},
	{"less", "{}", "{'a':1}", false},
	{"null is not there", "{}", "{'a':null}", true},
	{"and not something", "{'a':1}", "{'a':null}", false},
	{"false and empty are left out by Go", "{}", "{'a':false,'b':'','c':{}}", true},
	{"true is not", "{}", "{'a':true}", false},
	{"a state that is another one", "{'state':{'waiting':{}}}",
		"{'state':{'running':{'startedAt':'x'}}}", false},
	{"a longer list is another", "[1,2]", "[1]", false},
	{"a shorter one, too", "[1]", "[1,2]", false},
};

TEST(a_status_that_is_there_is_recognized)
{
	for (size_t i = 0; i < COUNT(covered); i++) {
		AUTO_JSON have = json_quoted(covered[i].have);
		AUTO_JSON want = json_quoted(covered[i].want);

		CHECK_EQ(covered[i].what, podplan_covers(have, want), covered[i].covers);
	}
}

TEST(a_mirror_is_named_after_its_node)
{
	AUTO_FREE char *name = mirror_name("web", "node-1");
	size_t len = 0;

	CHECK_STR("both names", name, "web-node-1");
	CHECK_EQ("and back", mirror_of("web-node-1", "node-1", &len), 0);
	CHECK_EQ("as much as is the Pod's", len, 3);
	CHECK_EQ("another node's", mirror_of("web-node-2", "node-1", &len), -ENOENT);
	CHECK_EQ("no name is left", mirror_of("-node-1", "node-1", &len), -ENOENT);
	CHECK_EQ("no dash", mirror_of("webnode-1", "node-1", &len), -ENOENT);
}
