// SPDX-License-Identifier: Apache-2.0
#include "tests/check.h"
#include "user/agent/incarnations.h"

static const char *used; /* the only name in use; NULL: none */

static bool is_used(const char *name, const void *userdata)
{
	(void)userdata;
	return used && strcmp(name, used) == 0;
}

TEST(a_name_keeps_its_number_whatever_others_do)
{
	AUTO_JSON record = json_object();

	CHECK("a name is new once", incarnations_keep(record, "default/web"));
	CHECK("and known then", !incarnations_keep(record, "default/web"));
	CHECK_EQ("it begins at 0", incarnations_get(record, "default/web"), 0);
	incarnations_keep(record, "default/job");
	for (int i = 0; i < 5; i++)
		incarnations_raise(record, "default/job");
	used = "default/web";
	CHECK("the other is forgotten", incarnations_forget(record, is_used, NULL));
	CHECK_EQ("which changes nothing for this one", incarnations_get(record, "default/web"), 0);
	CHECK("nothing more can be forgotten", !incarnations_forget(record, is_used, NULL));
}

TEST(a_deletion_raises_the_number)
{
	AUTO_JSON record = json_object();

	incarnations_keep(record, "default/web");
	incarnations_raise(record, "default/web");
	CHECK_EQ("of the name", incarnations_get(record, "default/web"), 1);
	incarnations_raise(record, "default/web");
	CHECK_EQ("each time", incarnations_get(record, "default/web"), 2);
	incarnations_raise(record, "default/new");
	CHECK_EQ("also of one that was never kept", incarnations_get(record, "default/new"), 1);
}

TEST(a_forgotten_name_never_gets_a_number_again_that_it_had)
{
	AUTO_JSON record = json_object();
	uint64_t last = 0;

	used = NULL;
	for (int i = 0; i < 20; i++) {
		uint64_t number;

		incarnations_keep(record, "default/web");
		number = incarnations_get(record, "default/web");
		if (i && number <= last)
			CHECK_EQ("the number grows", number, last + 1);
		last = number;
		if (i % 3 == 0) {
			incarnations_raise(record, "default/web");
			last = incarnations_get(record, "default/web");
		}
		incarnations_forget(record, is_used, NULL);
	}
	CHECK("the mark is above all of them", incarnations_get(record, "default/web") > last);
}

TEST(the_record_is_bounded_by_the_names_in_use)
{
	AUTO_JSON record = json_object();
	char name[32];

	used = "default/pod-7";
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "default/pod-%d", i);
		incarnations_keep(record, name);
		incarnations_raise(record, name);
		incarnations_forget(record, is_used, NULL);
	}
	CHECK_EQ("the name in use and the mark", json_object_size(record), 2);
}

TEST(a_record_of_before_the_mark_is_read)
{
	AUTO_JSON record = json_pack("{s:i, s:i}", "default/old", 41, "default/web", 3);

	used = "default/web";
	incarnations_forget(record, is_used, NULL);
	CHECK_EQ("a name in use keeps its number", incarnations_get(record, "default/web"), 3);
	CHECK_EQ("what was forgotten begins above", incarnations_get(record, "default/old"), 42);
}
