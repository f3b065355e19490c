// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/check.h"
#include "user/base/clock.h"
#include "user/base/fs.h"
#include "user/net/ipam.h"

/* A pool of four addresses, 10.1.0.2 to 10.1.0.5, in a directory of its own. */
static char dir[PATH_MAX];
static const struct ipam_range four = {0x0a010002, 0x0a010005};

static struct ipam_pool pool_new(void)
{
	snprintf(dir, sizeof(dir), "/tmp/podnet-ipam-XXXXXX");
	if (!mkdtemp(dir))
		BAIL("mkdtemp");
	return (struct ipam_pool){dir, &four, 1};
}

static void pool_end(void)
{
	struct err err;

	if (fs_remove(dir, &err) < 0)
		BAIL(err.text);
}

static const char *tag_of(unsigned number)
{
	static char tag[IPAM_TAG_LEN + 1];

	snprintf(tag, sizeof(tag), "%012x", number);
	return tag;
}

/* The address that owner @number gets, or what went wrong. */
static const char *take(const struct ipam_pool *pool, unsigned number)
{
	const struct ipam_owner owner = {tag_of(number), "{}"};
	static char text[INET_ADDRSTRLEN];
	static struct err err;
	struct in_addr address;

	if (ipam_take(pool, &owner, &address, &err) < 0)
		return err.text;
	return inet_ntop(AF_INET, &address, text, sizeof(text));
}

static int release(unsigned number)
{
	struct err err;

	return ipam_release(dir, tag_of(number), &err);
}

static const char *path_of(const char *name)
{
	static char path[PATH_MAX + NAME_MAX + 2];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void write_file(const char *name, const char *content)
{
	struct err err;

	if (fs_replace(path_of(name), content, strlen(content), 0600, FS_VOLATILE, &err) < 0)
		BAIL(err.text);
}

/* As if the machine had been started anew since. */
static void reboot(void)
{
	static const char other[] = "00000000-0000-0000-0000-000000000000";
	AUTO_DIR list = opendir(dir);
	struct dirent *file;

	while ((file = readdir(list))) {
		AUTO_FREE char *text = NULL;
		char *boot;
		struct err err;

		if (file->d_type != DT_REG ||
			fs_read(path_of(file->d_name), 4096, &text, NULL, &err) < 0)
			continue;
		boot = strstr(text, clock_boot_id());
		if (!boot)
			continue;
		memcpy(boot, other, strlen(other));
		write_file(file->d_name, text);
	}
}

TEST(addresses_are_given_out_in_order_and_rest_before_they_come_again)
{
	struct ipam_pool pool = pool_new();

	CHECK_STR("the first", take(&pool, 1), "10.1.0.2");
	CHECK_STR("the second", take(&pool, 2), "10.1.0.3");
	CHECK_EQ("the first goes", release(1), 0);
	CHECK_STR("a newcomer does not get what just became free", take(&pool, 3), "10.1.0.4");
	CHECK_STR("nor the next", take(&pool, 4), "10.1.0.5");
	CHECK_STR("only when the others are gone", take(&pool, 5), "10.1.0.2");
	pool_end();
}

TEST(an_owner_gets_one_address_and_keeps_it)
{
	struct ipam_pool pool = pool_new();
	struct ipam_owner owner = {tag_of(7), "{}"};
	struct in_addr address;
	struct err err;

	take(&pool, 7);
	CHECK_FAILS("a second one is refused", ipam_take(&pool, &owner, &address, &err), EEXIST,
		&err, "has an address already");
	CHECK_OK("the first is found", ipam_find(dir, tag_of(7), &address, &err), &err);
	CHECK_EQ("and unchanged", ntohl(address.s_addr), 0x0a010002);
	CHECK_FAILS("others have none", ipam_find(dir, tag_of(8), &address, &err), ENOENT, &err,
		"no address");
	pool_end();
}

TEST(a_pool_that_is_empty_says_so_and_recovers)
{
	struct ipam_pool pool = pool_new();
	struct ipam_owner owner = {NULL, "{}"};
	struct in_addr address;
	struct err err;

	for (unsigned i = 0; i < 4; i++)
		take(&pool, i);
	owner.tag = tag_of(9);
	CHECK_FAILS("the fifth of four", ipam_take(&pool, &owner, &address, &err), EADDRNOTAVAIL,
		&err, "no free address");
	CHECK_EQ("one goes", release(2), 0);
	CHECK_STR("its address is left", take(&pool, 9), "10.1.0.4");
	pool_end();
}

TEST(releasing_is_idempotent_and_touches_only_its_own)
{
	struct ipam_pool pool = pool_new();
	struct in_addr address;
	struct err err;

	take(&pool, 1);
	take(&pool, 2);
	for (int i = 0; i < 3; i++)
		CHECK_EQ("again", release(1), 0);
	CHECK_OK("the neighbour keeps its own", ipam_find(dir, tag_of(2), &address, &err), &err);
	pool_end();
	CHECK_EQ("without a pool", release(1), 0);
}

TEST(a_reboot_frees_what_earlier_boots_left)
{
	struct ipam_pool pool = pool_new();

	for (unsigned i = 0; i < 4; i++)
		take(&pool, i);
	reboot();
	CHECK_STR("the next owner is served", take(&pool, 10), "10.1.0.2");
	CHECK_STR("and another", take(&pool, 11), "10.1.0.3");
	CHECK("the old records are gone", access(path_of("10.1.0.5@000000000003"), F_OK) < 0);
	pool_end();
}

static const struct {
	const char *what, *content;
} damages[] = {
	{"an empty record", ""},
	{"a truncated record", "podnet-record 1 addr"},
	{"a record of zeroes", "0000000000000000000000000000000000000000000000000"},
	{"a record with a wrong checksum", "podnet-record 1 address 12345678 2 x\n{}"},
};

TEST(a_damaged_record_costs_nothing_but_itself)
{
	for (size_t i = 0; i < COUNT(damages); i++) {
		struct ipam_pool pool = pool_new();

		take(&pool, 1);
		write_file("10.1.0.2@000000000001", damages[i].content);
		CHECK_STR(damages[i].what, take(&pool, 2), "10.1.0.3");
		CHECK_STR("its address stays taken", take(&pool, 3), "10.1.0.4");
		CHECK_EQ("its owner can still give it back", release(1), 0);
		take(&pool, 4);
		CHECK_STR("then it is free", take(&pool, 5), "10.1.0.2");
		pool_end();
	}
}

TEST(a_damaged_record_of_an_earlier_boot_is_set_aside)
{
	for (size_t i = 0; i < COUNT(damages); i++) {
		struct ipam_pool pool = pool_new();

		take(&pool, 1);
		write_file("10.1.0.2@000000000001", damages[i].content);
		reboot();
		take(&pool, 2);
		CHECK(damages[i].what, access(path_of("10.1.0.2@000000000001.damaged"), F_OK) == 0);
		for (unsigned owner = 3; owner < 6; owner++)
			take(&pool, owner);
		CHECK("its address was given out again",
			access(path_of("10.1.0.2@000000000005"), F_OK) == 0);
		pool_end();
	}
}

TEST(damaged_notes_of_the_pool_do_no_harm)
{
	struct ipam_pool pool = pool_new();

	take(&pool, 1);
	write_file("last", "not an address, and longer than one could be");
	write_file("boot", "??");
	CHECK_STR("the next address", take(&pool, 2), "10.1.0.3");
	CHECK_STR("the record of this boot is kept", take(&pool, 1),
		"this attachment has an address already");
	pool_end();
}

TEST(what_a_killed_process_was_writing_is_removed)
{
	struct ipam_pool pool = pool_new();

	take(&pool, 1);
	write_file("10.1.0.3@000000000002.new.new", "half");
	rename(path_of("10.1.0.3@000000000002.new.new"), path_of("10.1.0.3@000000000002.new"));
	CHECK_EQ("by any later call", release(2), 0);
	CHECK("it is gone", access(path_of("10.1.0.3@000000000002.new"), F_OK) < 0);
	pool_end();
}

TEST(several_ranges_are_one_pool)
{
	static const struct ipam_range ranges[] = {
		{0x0a010002, 0x0a010003},
		{0x0a020002, 0x0a020003},
	};
	struct ipam_pool pool = pool_new();

	pool.ranges = ranges;
	pool.range_count = COUNT(ranges);
	CHECK_STR("first", take(&pool, 1), "10.1.0.2");
	CHECK_STR("second", take(&pool, 2), "10.1.0.3");
	CHECK_STR("third", take(&pool, 3), "10.2.0.2");
	CHECK_EQ("one goes", release(1), 0);
	CHECK_STR("fourth", take(&pool, 4), "10.2.0.3");
	CHECK_STR("around", take(&pool, 5), "10.1.0.2");
	pool_end();
}

TEST(the_highest_addresses_do_not_wrap)
{
	static const struct ipam_range top = {0xfffffffe, 0xffffffff};
	struct ipam_pool pool = pool_new();

	pool.ranges = &top;
	CHECK_STR("first", take(&pool, 1), "255.255.255.254");
	CHECK_STR("second", take(&pool, 2), "255.255.255.255");
	CHECK_HAS("third", take(&pool, 3), "no free address");
	pool_end();
}

TEST(concurrent_owners_get_different_addresses)
{
	static const struct ipam_range many = {0x0a010002, 0x0a0100fe};
	struct ipam_pool pool = pool_new();
	AUTO_DIR list = NULL;
	struct dirent *file;
	bool seen[256] = {false};
	int records = 0, status;

	pool.ranges = &many;
	for (unsigned child = 0; child < 8; child++) {
		if (fork() != 0)
			continue;
		for (unsigned i = 0; i < 10; i++)
			if (strncmp(take(&pool, child * 10 + i), "10.1.0.", 7) != 0)
				_exit(1);
		_exit(0);
	}
	for (unsigned child = 0; child < 8; child++)
		CHECK("a child got all it asked for", wait(&status) > 0 && status == 0);
	list = opendir(dir);
	while ((file = readdir(list))) {
		unsigned last;

		if (sscanf(file->d_name, "10.1.0.%u@", &last) != 1)
			continue;
		CHECK("nobody else has it", last < 256 && !seen[last]);
		seen[last & 255] = true;
		records++;
	}
	CHECK_EQ("all are there", records, 80);
	pool_end();
}
