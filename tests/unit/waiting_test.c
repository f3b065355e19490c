// SPDX-License-Identifier: Apache-2.0
/* Whose turn it is to be given a node, and what brings those back that found none. */
#include "tests/cluster.h"
#include "user/control/waiting.h"
#include "user/control/wakeup.h"

#define SECOND UINT64_C(1000000)

static void put(struct waiting *waiting, const char *name, int priority, uint64_t now)
{
	char spec[64], key[64];
	AUTO_JSON pod = NULL;

	snprintf(spec, sizeof(spec), "'priority':%d", priority);
	snprintf(key, sizeof(key), "d/%s", name);
	pod = pod_make(name, name, "", spec);
	if (waiting_put(waiting, key, pod, now) < 0)
		BAIL("no memory");
}

static const char *next(struct waiting *waiting, uint64_t now)
{
	const json_t *pod = waiting_next(waiting, now);

	return pod ? meta_text(pod, "name") : "-";
}

static void cleanup_waiting(struct waiting **waiting)
{
	waiting_free(*waiting);
}

#define AUTO_WAITING AUTO_CLEANUP(cleanup_waiting) struct waiting *

TEST(those_that_matter_more_come_first)
{
	AUTO_WAITING waiting = waiting_new();

	put(waiting, "low", 1, 1);
	put(waiting, "high", 9, 2);
	put(waiting, "first", 5, 3);
	put(waiting, "second", 5, 4);
	put(waiting, "gone", 7, 4);
	waiting_remove(waiting, "d/gone");
	CHECK_STR("the most important", next(waiting, 5), "high");
	CHECK_STR("the longest waiting", next(waiting, 5), "first");
	CHECK_STR("who came later", next(waiting, 5), "second");
	CHECK_STR("the least important", next(waiting, 5), "low");
	CHECK_STR("nobody", next(waiting, 5), "-");
	put(waiting, "low", 1, 6);
	CHECK_STR("who has his turn does not wait besides", next(waiting, 6), "-");
}

TEST(who_found_nothing_waits_for_what_kept_him_off)
{
	AUTO_WAITING waiting = waiting_new();

	put(waiting, "p", 0, 0);
	next(waiting, 0);
	waiting_park(waiting, "d/p", CAUSE_RESOURCES | CAUSE_TAINTS, 0);
	CHECK("he waits for long", waiting_due(waiting) == WAITING_PARKED_MOST);
	waiting_wake(waiting, CAUSE_PORTS, 2 * SECOND);
	CHECK_STR("something else changed", next(waiting, 2 * SECOND), "-");
	waiting_wake(waiting, CAUSE_TAINTS, 2 * SECOND);
	CHECK_STR("that changed", next(waiting, 2 * SECOND), "p");
	waiting_park(waiting, "d/p", CAUSE_RESOURCES, 2 * SECOND);
	CHECK_STR(
		"at last he is tried anyway", next(waiting, 2 * SECOND + WAITING_PARKED_MOST), "p");
}

TEST(who_fails_waits_longer_each_time)
{
	static const uint64_t want[] = {1, 2, 4, 8, 10, 10};
	AUTO_WAITING waiting = waiting_new();
	uint64_t now = 0;

	put(waiting, "p", 0, 0);
	next(waiting, 0);
	for (size_t i = 0; i < COUNT(want); i++) {
		waiting_park(waiting, "d/p", CAUSE_PORTS, now);
		waiting_wake(waiting, CAUSE_PORTS, now);
		CHECK_EQ("seconds", (waiting_due(waiting) - now) / SECOND, want[i]);
		CHECK_STR("not before", next(waiting, now + want[i] * SECOND - 1), "-");
		now += want[i] * SECOND;
		CHECK_STR("then", next(waiting, now), "p");
	}
	waiting_again(waiting, "d/p", now);
	CHECK_STR("what could not be written waits, too", next(waiting, now + 9 * SECOND), "-");
	CHECK_STR("for time alone", next(waiting, now + 10 * SECOND), "p");
}

TEST(who_changes_has_his_turn)
{
	AUTO_WAITING waiting = waiting_new();
	AUTO_JSON pod = pod_make("p", "p", "", "");
	AUTO_JSON status = json_deep_copy(pod);
	AUTO_JSON label = json_deep_copy(pod);
	AUTO_JSON another = json_deep_copy(pod);

	json_object_set_new(json_object_get(status, "status"), "x", json_true());
	json_object_set_new(meta_labels(label), "x", json_string("y"));
	json_object_set_new(json_object_get(another, "metadata"), "uid", json_string("other"));
	json_object_set_new(meta_labels(another), "x", json_string("y"));
	waiting_put(waiting, "d/p", pod, 0);
	next(waiting, 0);
	waiting_park(waiting, "d/p", CAUSE_PORTS, 0);
	waiting_put(waiting, "d/p", status, 1);
	CHECK_STR("not by its status", next(waiting, 1), "-");
	waiting_put(waiting, "d/p", label, 2);
	CHECK_STR("by a label", next(waiting, 2), "p");
	waiting_put(waiting, "d/p", another, 3);
	CHECK_STR("one of the same name is another one", next(waiting, 3), "p");
}

TEST(one_thing_at_a_time_is_written_of_a_pod)
{
	AUTO_WAITING waiting = waiting_new();

	put(waiting, "p", 0, 0);
	next(waiting, 0);
	waiting_hold(waiting, "d/p", CAUSE_WRITING);
	CHECK_STR("he is held", next(waiting, 1000 * SECOND), "-");
	waiting_wake_one(waiting, "d/p", CAUSE_WRITING, 1);
	CHECK_STR("until it is written", next(waiting, 1), "p");
}

TEST(many_come_in_order)
{
	AUTO_WAITING waiting = waiting_new();
	int last = 1000;
	char name[16];

	for (int i = 0; i < 500; i++) {
		snprintf(name, sizeof(name), "p%d", i);
		put(waiting, name, i * 7919 % 1000, 0);
	}
	for (int i = 0; i < 500; i += 3) {
		snprintf(name, sizeof(name), "d/p%d", i);
		waiting_remove(waiting, name);
	}
	for (int i = 0; i < 333; i++) {
		const json_t *pod = waiting_next(waiting, 0);
		int priority = (int)pod_priority(pod);

		CHECK("never a more important one", priority <= last);
		last = priority;
	}
	CHECK_STR("that was all", next(waiting, 0), "-");
}

TEST(changes_wake_whom_they_may_help)
{
#define NODE(labels, spec, cpu)                                                 \
	"{'metadata':{'labels':{" labels "}},'spec':{" spec "},'status':{'allo" \
	"catable':{'cpu':'" cpu "'}}}"
#define PLACED(labels, status) \
	"{'metadata':{'labels':{" labels "}},'spec':{'nodeName':'n'},'status':{" status "}}"
	static const struct {
		const char *what;
		bool node;
		const char *was, *is;
		unsigned want;
	} rows[] = {
		{"a new node may help everybody", true, NULL, NODE("", "", "1"),
			CAUSE_ANY & ~CAUSE_WRITING},
		{"a node that says the same", true, NODE("", "", "1"), NODE("", "", "1"), 0},
		{"room", true, NODE("", "", "1"), NODE("", "", "2"), CAUSE_RESOURCES},
		{"labels", true, NODE("", "", "1"), NODE("'a':'b'", "", "1"),
			CAUSE_PLACEMENT | CAUSE_SPREAD | CAUSE_NEIGHBOURS},
		{"taints", true, NODE("", "'taints':[{'key':'a'}]", "1"), NODE("", "", "1"),
			CAUSE_TAINTS | CAUSE_SPREAD},
		{"uncordoned", true, NODE("", "'unschedulable':true", "1"), NODE("", "", "1"),
			CAUSE_UNSCHEDULABLE},
		{"a node goes", true, NODE("", "", "1"), NULL, CAUSE_SPREAD},
		{"a Pod comes", false, NULL, PLACED("", ""), CAUSE_NEIGHBOURS | CAUSE_SPREAD},
		{"a Pod goes", false, PLACED("", ""), NULL, WAKEUP_ROOM},
		{"a Pod ends", false, PLACED("", ""), PLACED("", "'phase':'Failed'"), WAKEUP_ROOM},
		{"a Pod's label", false, PLACED("", ""), PLACED("'a':'b'", ""),
			CAUSE_NEIGHBOURS | CAUSE_SPREAD},
		{"a Pod's status", false, PLACED("", ""), PLACED("", "'phase':'Running'"), 0},
		{"a Pod without a node", false, NULL, "{'spec':{}}", 0},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO_JSON was = rows[i].was ? json_quoted(rows[i].was) : NULL;
		AUTO_JSON is = rows[i].is ? json_quoted(rows[i].is) : NULL;

		CHECK_EQ(rows[i].what,
			rows[i].node ? wakeup_of_node(was, is) : wakeup_of_pod(was, is),
			rows[i].want);
	}
}
