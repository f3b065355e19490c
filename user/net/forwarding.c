// SPDX-License-Identifier: Apache-2.0
#include "user/net/forwarding.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <stdio.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/base/fs.h"
#include "user/net/netlink.h"
#include "user/net/nft.h"

#define IP_FORWARD		"/proc/sys/net/ipv4/ip_forward"
#define FORWARDING_CHAINS_MAX	32
#define FORWARDING_COMMENT_SIZE 128

int forwarding_enable(struct err *err)
{
	AUTO_FREE char *now = NULL;
	int r;

	r = fs_read(IP_FORWARD, 16, &now, NULL, err);
	if (r < 0 || now[0] == '1')
		return r;
	return fs_write(IP_FORWARD, "1", err);
}

struct forwarding_chain {
	uint16_t family;
	char *table, *name;
};

struct forwarding {
	const char *instance;
	const struct prefix *pods;
	size_t pod_count;
	struct forwarding_chain chains[FORWARDING_CHAINS_MAX];
	size_t chain_count;
};

static void forwarding_forget_chains(struct forwarding *forwarding)
{
	for (size_t i = 0; i < forwarding->chain_count; i++) {
		free(forwarding->chains[i].table);
		free(forwarding->chains[i].name);
	}
	forwarding->chain_count = 0;
}

#define AUTO_FORWARDING AUTO_CLEANUP(forwarding_forget_chains) struct forwarding

static bool forwarding_drops(const struct nftnl_chain *chain)
{
	uint32_t family = nftnl_chain_get_u32(chain, NFTNL_CHAIN_FAMILY);

	return (family == NFPROTO_IPV4 || family == NFPROTO_INET) &&
	       nftnl_chain_is_set(chain, NFTNL_CHAIN_HOOKNUM) &&
	       nftnl_chain_get_u32(chain, NFTNL_CHAIN_HOOKNUM) == NF_INET_FORWARD &&
	       nftnl_chain_get_u32(chain, NFTNL_CHAIN_POLICY) == NF_DROP;
}

static int forwarding_note_chain(const struct nlmsghdr *message, void *userdata)
{
	struct forwarding *forwarding = userdata;
	struct forwarding_chain *found = &forwarding->chains[forwarding->chain_count];
	AUTO_CHAIN chain = nftnl_chain_alloc();

	if (!chain || nftnl_chain_nlmsg_parse(message, chain) < 0)
		return -ENOMEM;
	if (!forwarding_drops(chain))
		return 0;
	if (forwarding->chain_count == FORWARDING_CHAINS_MAX)
		return -E2BIG;
	found->family = (uint16_t)nftnl_chain_get_u32(chain, NFTNL_CHAIN_FAMILY);
	found->table = strdup(nftnl_chain_get_str(chain, NFTNL_CHAIN_TABLE));
	found->name = strdup(nftnl_chain_get_str(chain, NFTNL_CHAIN_NAME));
	forwarding->chain_count++;
	return found->table && found->name ? 0 : -ENOMEM;
}

static int forwarding_find_chains(
	struct netlink *nl, struct forwarding *forwarding, struct err *err)
{
	char buffer[NETLINK_BUFFER] __attribute__((aligned(8)));
	struct nlmsghdr *request =
		nft_request(buffer, NFT_MSG_GETCHAIN, NFPROTO_UNSPEC, NLM_F_DUMP);

	forwarding_forget_chains(forwarding);
	return netlink_talk(
		nl, request, forwarding_note_chain, forwarding, "list nf_tables chains", err);
}

/* A rule in @chain that carries @comment, or one that begins with it. */
struct forwarding_search {
	struct nft_batch *batch; /* where deletions go; NULL: only look */
	const char *comment;
	size_t found;
};

static int forwarding_delete(struct nft_batch *batch, const struct nftnl_rule *rule)
{
	AUTO_RULE gone = nftnl_rule_alloc();
	struct nlmsghdr *request = nft_batch_request(
		batch, NFT_MSG_DELRULE, (uint16_t)nftnl_rule_get_u32(rule, NFTNL_RULE_FAMILY), 0);

	if (!gone ||
		nftnl_rule_set_str(
			gone, NFTNL_RULE_TABLE, nftnl_rule_get_str(rule, NFTNL_RULE_TABLE)) < 0 ||
		nftnl_rule_set_str(
			gone, NFTNL_RULE_CHAIN, nftnl_rule_get_str(rule, NFTNL_RULE_CHAIN)) < 0)
		return -ENOMEM;
	if (!request)
		return 0;
	nftnl_rule_set_u64(gone, NFTNL_RULE_HANDLE, nftnl_rule_get_u64(rule, NFTNL_RULE_HANDLE));
	nftnl_rule_nlmsg_build_payload(request, gone);
	nft_batch_add(batch, request);
	return 0;
}

static int forwarding_match_rule(const struct nlmsghdr *message, void *userdata)
{
	struct forwarding_search *search = userdata;
	AUTO_RULE rule = nftnl_rule_alloc();
	const char *comment;

	if (!rule || nftnl_rule_nlmsg_parse(message, rule) < 0)
		return -ENOMEM;
	comment = nft_comment_of(rule);
	if (!comment || strncmp(comment, search->comment, strlen(search->comment)) != 0)
		return 0;
	search->found++;
	return search->batch ? forwarding_delete(search->batch, rule) : 0;
}

static int forwarding_search(struct netlink *nl, const struct forwarding_chain *chain,
	struct forwarding_search *search, struct err *err)
{
	char buffer[NETLINK_BUFFER] __attribute__((aligned(8)));
	struct nlmsghdr *request = nft_request(buffer, NFT_MSG_GETRULE, chain->family, NLM_F_DUMP);

	mnl_attr_put_strz(request, NFTA_RULE_TABLE, chain->table);
	mnl_attr_put_strz(request, NFTA_RULE_CHAIN, chain->name);
	return netlink_talk(
		nl, request, forwarding_match_rule, search, "list nf_tables rules", err);
}

/* ip saddr POD accept, or ip daddr POD accept, at the head of the chain. */
static int forwarding_add_rule(struct nft_batch *batch, const struct forwarding_chain *chain,
	const struct prefix *pods, bool is_source, const char *comment)
{
	AUTO_RULE rule = nftnl_rule_alloc();
	struct nlmsghdr *request =
		nft_batch_request(batch, NFT_MSG_NEWRULE, chain->family, NLM_F_CREATE);
	int r = 0;

	if (!rule || nftnl_rule_set_str(rule, NFTNL_RULE_TABLE, chain->table) < 0 ||
		nftnl_rule_set_str(rule, NFTNL_RULE_CHAIN, chain->name) < 0)
		return -ENOMEM;
	if (chain->family == NFPROTO_INET)
		r = nft_match_ipv4(rule);
	if (r == 0)
		r = is_source ? nft_match_source(rule, pods, true)
			      : nft_match_destination(rule, pods, true);
	if (r == 0)
		r = nft_counter(rule);
	if (r == 0)
		r = nft_accept(rule);
	if (r == 0)
		r = nft_comment(rule, comment);
	if (r < 0 || !request)
		return r;
	nftnl_rule_nlmsg_build_payload(request, rule);
	nft_batch_add(batch, request);
	return 0;
}

/* Both rules come and go in one transaction, so finding one means both. */
static int forwarding_complete_chain(struct netlink *nl, struct nft_batch *batch,
	const struct forwarding *forwarding, const struct forwarding_chain *chain, struct err *err)
{
	int added = 0;

	for (size_t i = 0; i < forwarding->pod_count; i++) {
		char comment[FORWARDING_COMMENT_SIZE], pods[PREFIX_TEXT];
		struct forwarding_search search = {.comment = comment};
		int r;

		prefix_print(&forwarding->pods[i], pods);
		snprintf(comment, sizeof(comment), "podnet-%s: %s", forwarding->instance, pods);
		r = forwarding_search(nl, chain, &search, err);
		if (r < 0)
			return r;
		if (search.found)
			continue;
		if (forwarding_add_rule(batch, chain, &forwarding->pods[i], true, comment) < 0 ||
			forwarding_add_rule(batch, chain, &forwarding->pods[i], false, comment) < 0)
			return err_set(err, ENOMEM, "accept forwarded packets of Pods");
		added = 1;
	}
	return added;
}

static int forwarding_build(
	struct netlink *nl, struct nft_batch *batch, void *userdata, struct err *err)
{
	struct forwarding *forwarding = userdata;
	int r, added = 0;

	r = forwarding_find_chains(nl, forwarding, err);
	for (size_t i = 0; r >= 0 && i < forwarding->chain_count; i++) {
		r = forwarding_complete_chain(nl, batch, forwarding, &forwarding->chains[i], err);
		added |= r > 0;
	}
	return r < 0 ? r : added;
}

int forwarding_accept(
	const char *instance, const struct prefix *pods, size_t pod_count, struct err *err)
{
	AUTO_FORWARDING forwarding = {instance, pods, pod_count, .chain_count = 0};

	return nft_transact(forwarding_build, &forwarding, "accept forwarded packets of Pods", err);
}

static int forwarding_build_removal(
	struct netlink *nl, struct nft_batch *batch, void *userdata, struct err *err)
{
	struct forwarding *forwarding = userdata;
	char comment[FORWARDING_COMMENT_SIZE];
	struct forwarding_search search = {.batch = batch, .comment = comment};
	int r;

	snprintf(comment, sizeof(comment), "podnet-%s: ", forwarding->instance);
	r = forwarding_find_chains(nl, forwarding, err);
	for (size_t i = 0; r == 0 && i < forwarding->chain_count; i++)
		r = forwarding_search(nl, &forwarding->chains[i], &search, err);
	return r < 0 ? r : search.found > 0;
}

int forwarding_remove(const char *instance, struct err *err)
{
	AUTO_FORWARDING forwarding = {.instance = instance};

	return nft_transact(
		forwarding_build_removal, &forwarding, "remove the accept rules of Pods", err);
}
