// SPDX-License-Identifier: Apache-2.0
/* Masquerade and forwarding rules in a fresh network namespace, read back with nft(8). */
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/check.h"
#include "user/net/forwarding.h"
#include "user/net/masquerade.h"

static const struct prefix pods[] = {{{0x0000f40a}, 24}, {{0x0001f40a}, 24}};
static const struct prefix services = {{0x0000600a}, 16};

static void begin(void)
{
	if (unshare(CLONE_NEWNET) < 0)
		BAIL("unshare: this test runs as root");
}

/* What @command prints; the caller frees it. */
static char *output_of(const char *command)
{
	FILE *pipe = popen(command, "r");
	char *text = calloc(1, 65536);

	if (!pipe || !text)
		BAIL(command);
	if (fread(text, 1, 65535, pipe) == 0)
		text[0] = '\0';
	pclose(pipe);
	return text;
}

static size_t occurrences(const char *text, const char *part)
{
	size_t count = 0;

	for (const char *p = text; (p = strstr(p, part)); p += strlen(part))
		count++;
	return count;
}

static int set(const char *instance, size_t pod_count, struct err *err)
{
	const struct masquerade masquerade = {instance, pods, pod_count, &services, 1};

	return masquerade_set(&masquerade, err);
}

TEST(masquerade_is_one_table_that_is_written_once)
{
	AUTO_FREE char *first = NULL, *second = NULL, *third = NULL;
	struct err err;

	begin();
	CHECK_OK("set", set("default", 1, &err), &err);
	first = output_of("nft -a list ruleset");
	CHECK_HAS("the table", first, "table ip podnet-default");
	CHECK_HAS("the rule", first,
		"ip saddr 10.244.0.0/24 ip daddr != 10.244.0.0/24 ip daddr != 10.96.0.0/16");
	CHECK_OK("set again", set("default", 1, &err), &err);
	second = output_of("nft -a list ruleset");
	CHECK_STR("the handles are those of the first time", second, first);
	CHECK_OK("set to something else", set("default", 2, &err), &err);
	third = output_of("nft -a list ruleset");
	CHECK_EQ("a rule for each range", occurrences(third, "masquerade"), 2);
	CHECK_EQ("in the one table", occurrences(third, "table ip"), 1);
}

TEST(instances_have_tables_of_their_own)
{
	AUTO_FREE char *left = NULL, *nothing = NULL;
	struct err err;

	begin();
	CHECK_OK("one", set("one", 1, &err), &err);
	CHECK_OK("two", set("two", 1, &err), &err);
	CHECK_OK("remove one", masquerade_remove("one", &err), &err);
	left = output_of("nft list ruleset");
	CHECK("one is gone", !strstr(left, "podnet-one"));
	CHECK_HAS("two is there", left, "podnet-two");
	CHECK_OK("remove one again", masquerade_remove("one", &err), &err);
	CHECK_OK("remove two", masquerade_remove("two", &err), &err);
	nothing = output_of("nft list ruleset");
	CHECK_STR("nothing is left", nothing, "");
}

TEST(any_number_may_write_the_rules_at_once)
{
	AUTO_FREE char *rules = NULL;
	struct err err;
	int status;

	begin();
	free(output_of("nft add table inet filter; nft add chain inet filter forward "
		       "'{ type filter hook forward priority 0; policy drop; }'"));
	for (int i = 0; i < 8; i++)
		if (fork() == 0)
			_exit(set("default", 1, &err) < 0 ||
						forwarding_accept("default", pods, 1, &err) < 0
					? 1
					: 0);
	for (int i = 0; i < 8; i++)
		CHECK("each of them succeeds", wait(&status) > 0 && status == 0);
	rules = output_of("nft list ruleset");
	CHECK_EQ("one masquerade", occurrences(rules, "masquerade"), 1);
	CHECK_EQ("one accept for each direction", occurrences(rules, "podnet-default:"), 2);
}

TEST(only_forward_chains_that_drop_are_opened)
{
	AUTO_FREE char *before = NULL, *opened = NULL, *after = NULL;
	struct err err;

	begin();
	before = output_of(
		"nft add table ip filter; nft add table inet other; nft add table ip6 six;"
		"nft add chain ip filter FORWARD '{ type filter hook forward priority 0; policy "
		"drop; }';"
		"nft add rule ip filter FORWARD counter comment mine;"
		"nft add chain ip filter INPUT '{ type filter hook input priority 0; policy drop; "
		"}';"
		"nft add chain inet other pass '{ type filter hook forward priority 0; policy "
		"accept; }';"
		"nft add chain ip6 six forward '{ type filter hook forward priority 0; policy "
		"drop; }';"
		"nft list ruleset");
	CHECK_OK("accept", forwarding_accept("default", pods, 1, &err), &err);
	opened = output_of("nft list ruleset");
	CHECK_EQ("two rules in all", occurrences(opened, "podnet-default:"), 2);
	CHECK("before those that were there",
		strstr(opened, "podnet-default:") < strstr(opened, "\"mine\""));
	CHECK_OK("another instance's removal", forwarding_remove("other", &err), &err);
	CHECK_OK("removal", forwarding_remove("default", &err), &err);
	CHECK_OK("and again", forwarding_remove("default", &err), &err);
	after = output_of("nft list ruleset");
	CHECK_STR("all is as it was", after, before);
}

TEST(forwarding_is_switched_on)
{
	AUTO_FREE char *before = NULL, *after = NULL;
	struct err err;

	begin();
	before = output_of("cat /proc/sys/net/ipv4/ip_forward");
	CHECK_STR("off in a fresh namespace", before, "0\n");
	CHECK_OK("enable", forwarding_enable(&err), &err);
	CHECK_OK("again", forwarding_enable(&err), &err);
	after = output_of("cat /proc/sys/net/ipv4/ip_forward");
	CHECK_STR("on", after, "1\n");
}
