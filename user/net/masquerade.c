// SPDX-License-Identifier: Apache-2.0
#include "user/net/masquerade.h"

#include <libnftnl/chain.h>
#include <libnftnl/table.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter_ipv4.h>
#include <stdio.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/net/netlink.h"
#include "user/net/nft.h"

#define MASQUERADE_CHAIN "postrouting"
#define MASQUERADE_TABLE 128
#define MASQUERADE_NOTE	 NFT_USERDATA_MAXLEN

static void masquerade_table(const char *instance, char ret[MASQUERADE_TABLE])
{
	snprintf(ret, MASQUERADE_TABLE, "podnet-%s", instance);
}

/* What the chain's user data says it was made from: equal notes mean an equal table. */
static int masquerade_note(
	const struct masquerade *masquerade, char ret[MASQUERADE_NOTE], struct err *err)
{
	size_t count = masquerade->pod_count + masquerade->kept_count, used;

	used = (size_t)snprintf(ret, MASQUERADE_NOTE, "1 %zu", masquerade->pod_count);
	for (size_t i = 0; i < count; i++) {
		const struct prefix *prefix =
			i < masquerade->pod_count ? &masquerade->pods[i]
						  : &masquerade->kept[i - masquerade->pod_count];
		char text[PREFIX_TEXT];

		prefix_print(prefix, text);
		if (used + strlen(text) + 2 > MASQUERADE_NOTE)
			return err_refuse(err, E2BIG, "masquerade: too many address ranges");
		used += (size_t)sprintf(ret + used, " %s", text);
	}
	return 0;
}

static int masquerade_add_table(
	struct nft_batch *batch, uint16_t type, uint16_t flags, const char *name)
{
	AUTO_TABLE table = nftnl_table_alloc();
	struct nlmsghdr *request = nft_batch_request(batch, type, NFPROTO_IPV4, flags);

	if (!table || nftnl_table_set_str(table, NFTNL_TABLE_NAME, name) < 0)
		return -ENOMEM;
	if (!request)
		return 0;
	nftnl_table_nlmsg_build_payload(request, table);
	nft_batch_add(batch, request);
	return 0;
}

static int masquerade_add_chain(struct nft_batch *batch, const char *table, const char *note)
{
	AUTO_CHAIN chain = nftnl_chain_alloc();
	struct nlmsghdr *request =
		nft_batch_request(batch, NFT_MSG_NEWCHAIN, NFPROTO_IPV4, NLM_F_CREATE);

	if (!chain || nftnl_chain_set_str(chain, NFTNL_CHAIN_TABLE, table) < 0 ||
		nftnl_chain_set_str(chain, NFTNL_CHAIN_NAME, MASQUERADE_CHAIN) < 0 ||
		nftnl_chain_set_str(chain, NFTNL_CHAIN_TYPE, "nat") < 0 ||
		nftnl_chain_set_data(
			chain, NFTNL_CHAIN_USERDATA, note, (uint32_t)strlen(note) + 1) < 0)
		return -ENOMEM;
	if (!request)
		return 0;
	nftnl_chain_set_u32(chain, NFTNL_CHAIN_HOOKNUM, NF_INET_POST_ROUTING);
	nftnl_chain_set_s32(chain, NFTNL_CHAIN_PRIO, NF_IP_PRI_NAT_SRC);
	nftnl_chain_set_u32(chain, NFTNL_CHAIN_POLICY, NF_ACCEPT);
	nftnl_chain_nlmsg_build_payload(request, chain);
	nft_batch_add(batch, request);
	return 0;
}

/* ip saddr POD ip daddr != POD... ip daddr != KEPT... masquerade */
static int masquerade_add_rule(struct nft_batch *batch, const char *table,
	const struct masquerade *masquerade, const struct prefix *source)
{
	AUTO_RULE rule = nftnl_rule_alloc();
	struct nlmsghdr *request = nft_batch_request(
		batch, NFT_MSG_NEWRULE, NFPROTO_IPV4, NLM_F_CREATE | NLM_F_APPEND);
	int r;

	if (!rule || nftnl_rule_set_str(rule, NFTNL_RULE_TABLE, table) < 0 ||
		nftnl_rule_set_str(rule, NFTNL_RULE_CHAIN, MASQUERADE_CHAIN) < 0)
		return -ENOMEM;
	r = nft_match_source(rule, source, true);
	for (size_t i = 0; r == 0 && i < masquerade->pod_count; i++)
		r = nft_match_destination(rule, &masquerade->pods[i], false);
	for (size_t i = 0; r == 0 && i < masquerade->kept_count; i++)
		r = nft_match_destination(rule, &masquerade->kept[i], false);
	if (r == 0)
		r = nft_counter(rule);
	if (r == 0)
		r = nft_masquerade(rule);
	if (r < 0 || !request)
		return r;
	nftnl_rule_nlmsg_build_payload(request, rule);
	nft_batch_add(batch, request);
	return 0;
}

/* Creating before deleting makes the deletion succeed whether or not there was a table. */
static int masquerade_fill(struct nft_batch *batch, const struct masquerade *masquerade,
	const char *table, const char *note)
{
	int r;

	r = masquerade_add_table(batch, NFT_MSG_NEWTABLE, NLM_F_CREATE, table);
	if (r == 0)
		r = masquerade_add_table(batch, NFT_MSG_DELTABLE, 0, table);
	if (r == 0)
		r = masquerade_add_table(batch, NFT_MSG_NEWTABLE, NLM_F_CREATE, table);
	if (r == 0)
		r = masquerade_add_chain(batch, table, note);
	for (size_t i = 0; r == 0 && i < masquerade->pod_count; i++)
		r = masquerade_add_rule(batch, table, masquerade, &masquerade->pods[i]);
	return r;
}

struct masquerade_found {
	const char *note; /* wanted */
	bool equal;
};

static int masquerade_compare(const struct nlmsghdr *message, void *userdata)
{
	struct masquerade_found *found = userdata;
	AUTO_CHAIN chain = nftnl_chain_alloc();
	uint32_t len = 0;
	const char *note;

	if (!chain || nftnl_chain_nlmsg_parse(message, chain) < 0)
		return -ENOMEM;
	note = nftnl_chain_get_data(chain, NFTNL_CHAIN_USERDATA, &len);
	found->equal =
		note && len == strlen(found->note) + 1 && memcmp(note, found->note, len) == 0;
	return 0;
}

/* 1: the table says just this already.  0: it does not, or there is none. */
static int masquerade_is_set(
	struct netlink *nl, const char *table, const char *note, struct err *err)
{
	char buffer[NETLINK_BUFFER] __attribute__((aligned(8)));
	struct nlmsghdr *request = nft_request(buffer, NFT_MSG_GETCHAIN, NFPROTO_IPV4, 0);
	struct masquerade_found found = {.note = note};
	AUTO_CHAIN chain = nftnl_chain_alloc();
	int r;

	if (!chain || nftnl_chain_set_str(chain, NFTNL_CHAIN_TABLE, table) < 0 ||
		nftnl_chain_set_str(chain, NFTNL_CHAIN_NAME, MASQUERADE_CHAIN) < 0)
		return err_set(err, ENOMEM, "read nf_tables table '%s'", table);
	nftnl_chain_nlmsg_build_payload(request, chain);
	r = netlink_talk(nl, request, masquerade_compare, &found, "read the masquerade table", err);
	if (r == -ENOENT)
		return 0;
	return r < 0 ? r : found.equal;
}

static int masquerade_build(
	struct netlink *nl, struct nft_batch *batch, void *userdata, struct err *err)
{
	const struct masquerade *masquerade = userdata;
	char table[MASQUERADE_TABLE], note[MASQUERADE_NOTE];
	int r;

	masquerade_table(masquerade->instance, table);
	r = masquerade_note(masquerade, note, err);
	if (r == 0)
		r = masquerade_is_set(nl, table, note, err);
	if (r != 0)
		return r < 0 ? r : 0;
	if (masquerade_fill(batch, masquerade, table, note) < 0)
		return err_set(err, ENOMEM, "write nf_tables table '%s'", table);
	return 1;
}

int masquerade_set(const struct masquerade *masquerade, struct err *err)
{
	return nft_transact(
		masquerade_build, (void *)masquerade, "write the masquerade table", err);
}

static int masquerade_build_removal(
	struct netlink *nl, struct nft_batch *batch, void *userdata, struct err *err)
{
	char table[MASQUERADE_TABLE];

	(void)nl;
	masquerade_table(userdata, table);
	if (masquerade_add_table(batch, NFT_MSG_DELTABLE, 0, table) < 0)
		return err_set(err, ENOMEM, "remove nf_tables table '%s'", table);
	return 1;
}

int masquerade_remove(const char *instance, struct err *err)
{
	int r = nft_transact(
		masquerade_build_removal, (void *)instance, "remove the masquerade table", err);

	return r == -ENOENT ? 0 : r;
}
