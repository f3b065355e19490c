// SPDX-License-Identifier: Apache-2.0
#include "user/net/nft.h"

#include <libnftnl/common.h>
#include <libnftnl/expr.h>
#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <netinet/ip.h>
#include <stddef.h>

#include "user/base/err.h"
#include "user/net/netlink.h"

/* Room that must be left before a request is started. */
#define NFT_REQUEST_MAX NETLINK_BUFFER

/* How often others may get in between before we give up. */
#define NFT_TRIES 100

/* @generation 0: unconditional. */
static void nft_batch_mark(struct nft_batch *batch, uint16_t type, uint32_t generation)
{
	struct nlmsghdr *mark = netlink_request(batch->data + batch->used, type, 0);
	struct nfgenmsg *body = mnl_nlmsg_put_extra_header(mark, sizeof(*body));

	body->nfgen_family = AF_UNSPEC;
	body->version = NFNETLINK_V0;
	body->res_id = htons(NFNL_SUBSYS_NFTABLES);
	if (generation)
		mnl_attr_put_u32(mark, NFNL_BATCH_GENID, htonl(generation));
	batch->used += MNL_ALIGN(mark->nlmsg_len);
}

struct nlmsghdr *nft_batch_request(
	struct nft_batch *batch, uint16_t type, uint16_t family, uint16_t flags)
{
	if (batch->used + 2 * NFT_REQUEST_MAX > sizeof(batch->data))
		batch->full = true;
	if (batch->full)
		return NULL;
	return nft_request(batch->data + batch->used, type, family, flags | NLM_F_ACK);
}

void nft_batch_add(struct nft_batch *batch, const struct nlmsghdr *request)
{
	batch->used += MNL_ALIGN(request->nlmsg_len);
}

struct nlmsghdr *nft_request(void *buffer, uint16_t type, uint16_t family, uint16_t flags)
{
	struct nlmsghdr *request =
		netlink_request(buffer, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type), flags);
	struct nfgenmsg *body = mnl_nlmsg_put_extra_header(request, sizeof(*body));

	body->nfgen_family = (uint8_t)family;
	body->version = NFNETLINK_V0;
	return request;
}

static int nft_read_generation(const struct nlmsghdr *message, void *userdata)
{
	const struct nlattr *attr;
	uint32_t *generation = userdata;

	mnl_attr_for_each(attr, message, sizeof(struct nfgenmsg))
	{
		if (mnl_attr_get_type(attr) == NFTA_GEN_ID &&
			mnl_attr_validate(attr, MNL_TYPE_U32) == 0)
			*generation = ntohl(mnl_attr_get_u32(attr));
	}
	return 0;
}

static int nft_try(struct netlink *nl, struct nft_batch *batch, nft_build_fn build, void *userdata,
	const char *what, struct err *err)
{
	char buffer[NETLINK_BUFFER] __attribute__((aligned(8)));
	struct nlmsghdr *request = nft_request(buffer, NFT_MSG_GETGEN, NFPROTO_UNSPEC, 0);
	uint32_t generation = 0;
	int r;

	r = netlink_talk(nl, request, nft_read_generation, &generation, what, err);
	if (r < 0)
		return r;
	batch->used = 0;
	batch->full = false;
	nft_batch_mark(batch, NFNL_MSG_BATCH_BEGIN, generation);
	r = build(nl, batch, userdata, err);
	if (r <= 0)
		return r;
	if (batch->full)
		return err_refuse(err, E2BIG, "%s: more than one transaction holds", what);
	nft_batch_mark(batch, NFNL_MSG_BATCH_END, 0);
	return netlink_talk_batch(nl, batch->data, batch->used, what, err);
}

int nft_transact(nft_build_fn build, void *userdata, const char *what, struct err *err)
{
	AUTO_FREE struct nft_batch *batch = malloc(sizeof(*batch));
	AUTO_NETLINK nl = NETLINK_CLOSED;
	int r;

	if (!batch)
		return err_set(err, ENOMEM, "%s", what);
	r = netlink_open(NETLINK_NETFILTER, &nl, err);
	if (r < 0)
		return r;
	/* ERESTART: the generation moved.  EINTR, EAGAIN: a dump met a change. */
	for (int i = 0; i < NFT_TRIES; i++) {
		r = nft_try(&nl, batch, build, userdata, what, err);
		if (r != -ERESTART && r != -EAGAIN && r != -EINTR)
			break;
	}
	return r;
}

/* Appends a fresh expression to the rule, which owns it; NULL when memory is out. */
static struct nftnl_expr *nft_expression(struct nftnl_rule *rule, const char *name)
{
	struct nftnl_expr *expression = nftnl_expr_alloc(name);

	if (expression)
		nftnl_rule_add_expr(rule, expression);
	return expression;
}

static int nft_compare(struct nftnl_rule *rule, uint32_t operation, const void *data, uint32_t size)
{
	struct nftnl_expr *compare = nft_expression(rule, "cmp");

	if (!compare)
		return -ENOMEM;
	nftnl_expr_set_u32(compare, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
	nftnl_expr_set_u32(compare, NFTNL_EXPR_CMP_OP, operation);
	return nftnl_expr_set(compare, NFTNL_EXPR_CMP_DATA, data, size);
}

int nft_match_ipv4(struct nftnl_rule *rule)
{
	struct nftnl_expr *meta = nft_expression(rule, "meta");
	uint8_t family = NFPROTO_IPV4;

	if (!meta)
		return -ENOMEM;
	nftnl_expr_set_u32(meta, NFTNL_EXPR_META_KEY, NFT_META_NFPROTO);
	nftnl_expr_set_u32(meta, NFTNL_EXPR_META_DREG, NFT_REG_1);
	return nft_compare(rule, NFT_CMP_EQ, &family, sizeof(family));
}

static int nft_match(
	struct nftnl_rule *rule, uint32_t offset, const struct prefix *prefix, bool inside)
{
	struct nftnl_expr *payload = nft_expression(rule, "payload");
	struct nftnl_expr *mask = payload ? nft_expression(rule, "bitwise") : NULL;
	in_addr_t bits = prefix_mask(prefix), none = 0;

	if (!mask)
		return -ENOMEM;
	nftnl_expr_set_u32(payload, NFTNL_EXPR_PAYLOAD_BASE, NFT_PAYLOAD_NETWORK_HEADER);
	nftnl_expr_set_u32(payload, NFTNL_EXPR_PAYLOAD_OFFSET, offset);
	nftnl_expr_set_u32(payload, NFTNL_EXPR_PAYLOAD_LEN, sizeof(bits));
	nftnl_expr_set_u32(payload, NFTNL_EXPR_PAYLOAD_DREG, NFT_REG_1);
	nftnl_expr_set_u32(mask, NFTNL_EXPR_BITWISE_SREG, NFT_REG_1);
	nftnl_expr_set_u32(mask, NFTNL_EXPR_BITWISE_DREG, NFT_REG_1);
	nftnl_expr_set_u32(mask, NFTNL_EXPR_BITWISE_LEN, sizeof(bits));
	if (nftnl_expr_set(mask, NFTNL_EXPR_BITWISE_MASK, &bits, sizeof(bits)) < 0 ||
		nftnl_expr_set(mask, NFTNL_EXPR_BITWISE_XOR, &none, sizeof(none)) < 0)
		return -ENOMEM;
	return nft_compare(rule, inside ? NFT_CMP_EQ : NFT_CMP_NEQ, &prefix->address.s_addr,
		sizeof(prefix->address.s_addr));
}

int nft_match_source(struct nftnl_rule *rule, const struct prefix *prefix, bool inside)
{
	return nft_match(rule, offsetof(struct iphdr, saddr), prefix, inside);
}

int nft_match_destination(struct nftnl_rule *rule, const struct prefix *prefix, bool inside)
{
	return nft_match(rule, offsetof(struct iphdr, daddr), prefix, inside);
}

int nft_counter(struct nftnl_rule *rule)
{
	return nft_expression(rule, "counter") ? 0 : -ENOMEM;
}

int nft_accept(struct nftnl_rule *rule)
{
	struct nftnl_expr *verdict = nft_expression(rule, "immediate");

	if (!verdict)
		return -ENOMEM;
	nftnl_expr_set_u32(verdict, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
	nftnl_expr_set_u32(verdict, NFTNL_EXPR_IMM_VERDICT, NF_ACCEPT);
	return 0;
}

int nft_masquerade(struct nftnl_rule *rule)
{
	struct nftnl_expr *masquerade = nft_expression(rule, "masq");

	if (!masquerade)
		return -ENOMEM;
	nftnl_expr_set_u32(masquerade, NFTNL_EXPR_MASQ_FLAGS, NF_NAT_RANGE_PROTO_RANDOM_FULLY);
	return 0;
}

int nft_comment(struct nftnl_rule *rule, const char *comment)
{
	struct nftnl_udata_buf *data = nftnl_udata_buf_alloc(NFT_USERDATA_MAXLEN);
	int r = -ENOMEM;

	if (!data)
		return r;
	if (nftnl_udata_put_strz(data, NFTNL_UDATA_RULE_COMMENT, comment))
		r = nftnl_rule_set_data(rule, NFTNL_RULE_USERDATA, nftnl_udata_buf_data(data),
			    nftnl_udata_buf_len(data)) < 0
			    ? -ENOMEM
			    : 0;
	nftnl_udata_buf_free(data);
	return r;
}

static int nft_find_comment(const struct nftnl_udata *data, void *userdata)
{
	const char **comment = userdata;
	const char *text = nftnl_udata_get(data);
	uint8_t len = nftnl_udata_len(data);

	if (nftnl_udata_type(data) == NFTNL_UDATA_RULE_COMMENT && len && text[len - 1] == '\0')
		*comment = text;
	return 0;
}

const char *nft_comment_of(const struct nftnl_rule *rule)
{
	const char *comment = NULL;
	uint32_t len = 0;
	const void *data = nftnl_rule_get_data(rule, NFTNL_RULE_USERDATA, &len);

	if (data && nftnl_udata_parse(data, len, nft_find_comment, &comment) < 0)
		return NULL;
	return comment;
}
