// SPDX-License-Identifier: Apache-2.0
/* Owners and what belongs to them. */
#include "tests/json.h"
#include "tests/requests.h"
#include "user/control/garbage.h"

#define POD  "/api/v1/namespaces/d/pods/p"
#define SET  "/apis/apps/v1/namespaces/d/replicasets/set"
#define NODE "/api/v1/nodes/n"

#define OWNED_BY_SET                                                                             \
	"'ownerReferences':[{'apiVersion':'apps/v1','kind':'ReplicaSet','name':'set','uid':'s'," \
	"'blockOwnerDeletion':true}]"
#define OWNED_BY_BOTH                                                                  \
	"'ownerReferences':[{'apiVersion':'apps/v1','kind':'ReplicaSet','name':'set'," \
	"'uid':'s'},{'apiVersion':'v1','kind':'Node','name':'n','uid':'n'}]"
#define LEAVING "'deletionTimestamp':'2026-01-01T00:00:00Z'"

struct world {
	json_t *objects[FOLLOWED_COUNT], *dependents;
	struct garbage_view view;
};

static void world_make(struct world *world)
{
	for (int i = 0; i < FOLLOWED_COUNT; i++) {
		world->objects[i] = json_object();
		world->view.objects[i] = world->objects[i];
	}
	world->dependents = json_object();
	world->view.dependents = world->dependents;
}

static void world_free(struct world *world)
{
	for (int i = 0; i < FOLLOWED_COUNT; i++)
		json_decref(world->objects[i]);
	json_decref(world->dependents);
}

static void put(struct world *world, enum followed kind, const char *namespace, const char *name,
	const char *uid, const char *meta)
{
	char text[1024], key[GARBAGE_KEY_MAX];
	json_t *object;

	snprintf(text, sizeof(text),
		"{'metadata':{'name':'%s','namespace':'%s','uid':'%s','resourceVersion':'1'%s%s}}",
		name, namespace, uid, meta[0] ? "," : "", meta);
	object = json_quoted(text);
	snprintf(key, sizeof(key), "%s/%s", namespace, name);
	json_object_set_new(world->objects[kind], key, object);
	garbage_key(kind, object, key);
	if (garbage_note(world->dependents, key, object, object) < 0)
		BAIL("no memory");
}

/* What is planned for the object with @uid at @kind. */
static void plan_for(
	const struct world *world, enum followed kind, const char *key, struct requests *plan)
{
	char whole[GARBAGE_KEY_MAX];

	snprintf(whole, sizeof(whole), "%d:%s", kind, key);
	CHECK_EQ("planned", garbage_plan(&world->view, whole, plan), 0);
}

TEST(what_belongs_to_others_goes_with_the_last_of_them)
{
	static const struct {
		const char *what, *pod, *set, *node; /* metadata; NULL: not there */
		const char *want;
	} rows[] = {
		{"without owners it stays", "", NULL, NULL, ""},
		{"with its owner it stays", OWNED_BY_SET, "", NULL, ""},
		{"it goes when the server, too, has no owner", OWNED_BY_SET, NULL, NULL,
			"GET " SET "\nDELETE " POD "\n"},
		{"one of two owners is gone: it is forgotten", OWNED_BY_BOTH, NULL, "",
			"GET " SET "\nPATCH " POD "\n"},
		{"both are gone", OWNED_BY_BOTH, NULL, NULL,
			"GET " SET "\nGET " NODE "\nDELETE " POD "\n"},
		{"its owner waits for it", OWNED_BY_SET,
			LEAVING ",'finalizers':['foregroundDeletion']", NULL, "DELETE " POD "\n"},
		{"one waits, the other does not", OWNED_BY_BOTH,
			LEAVING ",'finalizers':['foregroundDeletion']", "", "PATCH " POD "\n"},
		{"an owner that is deleted but not gone", OWNED_BY_SET,
			LEAVING ",'finalizers':['example.com/x']", NULL, ""},
		{"it is leaving already", OWNED_BY_SET "," LEAVING, NULL, NULL, ""},
		{"an owner of a kind that nobody follows",
			"'ownerReferences':[{'apiVersion':'example.com/v1','kind':'X','name':'x',"
			"'uid':'x'}]",
			NULL, NULL, ""},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO_CLEANUP(world_free) struct world world;
		struct requests plan = {.again = UINT64_MAX};
		char text[PLAN_TEXT];

		world_make(&world);
		put(&world, FOLLOWED_PODS, "d", "p", "p", rows[i].pod);
		if (rows[i].set)
			put(&world, FOLLOWED_REPLICA_SETS, "d", "set", "s", rows[i].set);
		if (rows[i].node)
			put(&world, FOLLOWED_NODES, "", "n", "n", rows[i].node);
		plan_for(&world, FOLLOWED_PODS, "d/p", &plan);
		CHECK_STR(rows[i].what, plan_text(&plan, text), rows[i].want);
		requests_clear(&plan);
	}
}

TEST(another_owner_with_the_same_name_is_none)
{
	AUTO_CLEANUP(world_free) struct world world;
	struct requests plan = {.again = UINT64_MAX};
	char text[PLAN_TEXT];

	world_make(&world);
	put(&world, FOLLOWED_PODS, "d", "p", "p", OWNED_BY_SET);
	put(&world, FOLLOWED_REPLICA_SETS, "d", "set", "another", "");
	plan_for(&world, FOLLOWED_PODS, "d/p", &plan);
	CHECK_STR("it goes", plan_text(&plan, text), "GET " SET "\nDELETE " POD "\n");
	requests_clear(&plan);
}

TEST(an_owner_in_the_foreground_waits_for_those_that_block)
{
	AUTO_CLEANUP(world_free) struct world world;
	struct requests plan = {.again = UINT64_MAX};
	char text[PLAN_TEXT];

	world_make(&world);
	put(&world, FOLLOWED_REPLICA_SETS, "d", "set", "s",
		LEAVING ",'finalizers':['foregroundDeletion','example.com/x']");
	put(&world, FOLLOWED_PODS, "d", "p", "p", OWNED_BY_SET);
	plan_for(&world, FOLLOWED_REPLICA_SETS, "d/set", &plan);
	CHECK_STR("it waits", plan_text(&plan, text), "");
	garbage_note(world.dependents, "2:d/p",
		json_object_get(world.objects[FOLLOWED_PODS], "d/p"), NULL);
	json_object_clear(world.objects[FOLLOWED_PODS]);
	plan_for(&world, FOLLOWED_REPLICA_SETS, "d/set", &plan);
	CHECK_STR("until they are gone", plan_text(&plan, text), "PATCH " SET "\n");
	AUTO_FREE char *left = json_short(json_object_get(
		json_object_get(plan_body(&plan, "PATCH"), "metadata"), "finalizers"));
	CHECK_STR("and leaves what is not its own", left, "[\"example.com/x\"]");
	requests_clear(&plan);
}

TEST(an_owner_that_leaves_orphans_behind_takes_its_name_off_them)
{
	AUTO_CLEANUP(world_free) struct world world;
	struct requests plan = {.again = UINT64_MAX};
	char text[PLAN_TEXT];

	world_make(&world);
	put(&world, FOLLOWED_REPLICA_SETS, "d", "set", "s", LEAVING ",'finalizers':['orphan']");
	put(&world, FOLLOWED_PODS, "d", "p", "p", OWNED_BY_BOTH);
	plan_for(&world, FOLLOWED_REPLICA_SETS, "d/set", &plan);
	CHECK_STR("first theirs, then its own", plan_text(&plan, text),
		"PATCH " POD "\nPATCH " SET "\n");
	CHECK_EQ("one owner is left",
		json_array_size(json_object_get(
			json_object_get(plan_body(&plan, "PATCH"), "metadata"), "ownerReferences")),
		1);
	requests_clear(&plan);
}

TEST(in_a_circle_nobody_waits_for_ever)
{
	AUTO_CLEANUP(world_free) struct world world;
	struct requests plan = {.again = UINT64_MAX};
	char text[PLAN_TEXT];

	world_make(&world);
	put(&world, FOLLOWED_REPLICA_SETS, "d", "set", "s",
		LEAVING ",'finalizers':['foregroundDeletion'],'ownerReferences':[{'apiVersion':"
			"'v1','kind':'Pod','name':'p','uid':'p','blockOwnerDeletion':true}]");
	put(&world, FOLLOWED_PODS, "d", "p", "p", OWNED_BY_SET);
	plan_for(&world, FOLLOWED_PODS, "d/p", &plan);
	CHECK_STR("who closes it is not waited for", plan_text(&plan, text),
		"PATCH " POD "\nDELETE " POD "\n");
	CHECK("by its own word",
		json_is_false(json_object_get(
			json_array_get(json_object_get(json_object_get(plan_body(&plan, "PATCH"),
							       "metadata"),
					       "ownerReferences"),
				0),
			"blockOwnerDeletion")));
	requests_clear(&plan);
}

TEST(a_dependent_with_dependents_is_deleted_in_the_foreground)
{
	AUTO_CLEANUP(world_free) struct world world;
	struct requests plan = {.again = UINT64_MAX};

	world_make(&world);
	put(&world, FOLLOWED_DEPLOYMENTS, "d", "dep", "dep",
		LEAVING ",'finalizers':['foregroundDeletion']");
	put(&world, FOLLOWED_REPLICA_SETS, "d", "set", "s",
		"'ownerReferences':[{'apiVersion':'apps/v1','kind':'Deployment','name':'dep',"
		"'uid':'dep'}]");
	put(&world, FOLLOWED_PODS, "d", "p", "p", OWNED_BY_SET);
	plan_for(&world, FOLLOWED_REPLICA_SETS, "d/set", &plan);
	CHECK_STR("so that all are gone before the first",
		json_string_at(plan_body(&plan, "DELETE"), "propagationPolicy", ""), "Foreground");
	requests_clear(&plan);
}
