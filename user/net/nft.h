/* SPDX-License-Identifier: Apache-2.0 */
/* Pieces of nf_tables over libnftnl: transactions, and the matches our rules are made of. */
#pragma once

#include <libnftnl/chain.h>
#include <libnftnl/rule.h>
#include <libnftnl/table.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "user/base/cleanup.h"
#include "user/net/prefix.h"

static inline void cleanup_nft_table(struct nftnl_table **table)
{
	if (*table)
		nftnl_table_free(*table);
}

static inline void cleanup_nft_chain(struct nftnl_chain **chain)
{
	if (*chain)
		nftnl_chain_free(*chain);
}

static inline void cleanup_nft_rule(struct nftnl_rule **rule)
{
	if (*rule)
		nftnl_rule_free(*rule);
}

#define AUTO_TABLE AUTO_CLEANUP(cleanup_nft_table) struct nftnl_table *
#define AUTO_CHAIN AUTO_CLEANUP(cleanup_nft_chain) struct nftnl_chain *
#define AUTO_RULE  AUTO_CLEANUP(cleanup_nft_rule) struct nftnl_rule *

#define NFT_BATCH_SIZE 65536 /* bytes of requests in one transaction */

struct err;
struct netlink;

/* Requests that take effect together or not at all. */
struct nft_batch {
	char data[NFT_BATCH_SIZE] __attribute__((aligned(8)));
	size_t used;
	bool full; /* a request did not fit: nft_batch_send refuses */
};

/*
 * Starts a request of NFT_MSG_@type in the batch.  The message is finished by nft_batch_add;
 * what libnftnl builds for us stays far below the 8 KiB that are kept free for it.  NULL: full.
 */
struct nlmsghdr *nft_batch_request(
	struct nft_batch *batch, uint16_t type, uint16_t family, uint16_t flags);
void nft_batch_add(struct nft_batch *batch, const struct nlmsghdr *request);
/* Reads what it needs over @nl and fills the batch: 1: send it, 0: all is right already. */
typedef int (*nft_build_fn)(
	struct netlink *nl, struct nft_batch *batch, void *userdata, struct err *err);

/*
 * Runs @build and commits its batch only if nobody changed the rules since it began to read; else
 * it is run again.
 */
int nft_transact(nft_build_fn build, void *userdata, const char *what, struct err *err);

/* A request outside of a transaction: the GETs. */
struct nlmsghdr *nft_request(void *buffer, uint16_t type, uint16_t family, uint16_t flags);

/* All return 0 or -ENOMEM. */
int nft_match_ipv4(struct nftnl_rule *rule);
int nft_match_source(struct nftnl_rule *rule, const struct prefix *prefix, bool inside);
int nft_match_destination(struct nftnl_rule *rule, const struct prefix *prefix, bool inside);
int nft_counter(struct nftnl_rule *rule);
int nft_accept(struct nftnl_rule *rule);
/* Source ports are drawn at random: flows that start together do not collide. */
int nft_masquerade(struct nftnl_rule *rule);
/* The comment that `nft list ruleset` shows. */
int nft_comment(struct nftnl_rule *rule, const char *comment);
/* The comment of a rule that was read, or NULL; borrowed from the rule. */
const char *nft_comment_of(const struct nftnl_rule *rule);
