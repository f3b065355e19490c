// SPDX-License-Identifier: Apache-2.0
#include "user/net/netlink.h"

#include <linux/netlink.h>
#include <string.h>

#include "user/base/err.h"
#include "user/net/netns.h"

int netlink_open(int family, struct netlink *ret, struct err *err)
{
	AUTO_NETLINK nl = {.socket = mnl_socket_open2(family, SOCK_CLOEXEC)};
	int on = 1;

	if (!nl.socket)
		return err_set(err, errno, "open a netlink socket");
	if (mnl_socket_bind(nl.socket, 0, MNL_SOCKET_AUTOPID) < 0)
		return err_set(err, errno, "bind a netlink socket");
	/* Both only improve error texts; every kernel we support has them. */
	if (mnl_socket_setsockopt(nl.socket, NETLINK_EXT_ACK, &on, sizeof(on)) < 0 ||
		mnl_socket_setsockopt(nl.socket, NETLINK_CAP_ACK, &on, sizeof(on)) < 0)
		return err_set(err, errno, "set up a netlink socket");
	*ret = nl;
	nl.socket = NULL;
	return 0;
}

int netlink_open_in(int netns_fd, int family, struct netlink *ret, struct err *err)
{
	AUTO_NETNS token = NETNS_OUTSIDE;
	int r;

	r = netns_enter(netns_fd, &token, err);
	if (r < 0)
		return r;
	return netlink_open(family, ret, err);
}

void netlink_close(struct netlink *nl)
{
	if (nl->socket)
		mnl_socket_close(nl->socket);
	nl->socket = NULL;
}

struct nlmsghdr *netlink_request(void *buffer, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);

	request->nlmsg_type = type;
	request->nlmsg_flags = NLM_F_REQUEST | flags;
	return request;
}

static int netlink_find_words(const struct nlattr *attr, void *userdata)
{
	const char **words = userdata;

	if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MSG &&
		mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) == 0)
		*words = mnl_attr_get_str(attr);
	return MNL_CB_OK;
}

/* 0 for an acknowledgement, else the kernel's error with its explanation, if it gave one. */
static int netlink_verdict(const struct nlmsghdr *message, const char *what, struct err *err)
{
	const struct nlmsgerr *verdict = mnl_nlmsg_get_payload(message);
	const char *words = NULL;

	if (mnl_nlmsg_get_payload_len(message) < sizeof(*verdict))
		return err_set(err, EBADMSG, "%s", what);
	if (verdict->error == 0)
		return 0;
	/* With NETLINK_CAP_ACK the request's payload is not repeated, so attributes follow. */
	if (message->nlmsg_flags & NLM_F_ACK_TLVS)
		mnl_attr_parse(message, sizeof(*verdict), netlink_find_words, &words);
	return words ? err_set(err, -verdict->error, "%s: %s", what, words)
		     : err_set(err, -verdict->error, "%s", what);
}

struct netlink_answer {
	uint32_t first, last; /* sequence numbers of the requests */
	netlink_fn fn;
	void *userdata;
	const char *what;
	struct err *err;
};

/* A dump that failed half-way says so in its last message. */
static int netlink_done(const struct nlmsghdr *message, const struct netlink_answer *answer)
{
	const int *code = mnl_nlmsg_get_payload(message);

	if (mnl_nlmsg_get_payload_len(message) >= sizeof(*code) && *code < 0)
		return err_set(answer->err, -*code, "%s", answer->what);
	return 0;
}

/* 1: read on, 0: the answer is complete, negative: failed. */
static int netlink_message(const struct nlmsghdr *message, const struct netlink_answer *answer)
{
	int r;

	if (message->nlmsg_flags & NLM_F_DUMP_INTR)
		return err_set(answer->err, EAGAIN, "%s: changed while being read", answer->what);
	switch (message->nlmsg_type) {
	case NLMSG_NOOP: return 1;
	case NLMSG_DONE: return netlink_done(message, answer);
	case NLMSG_ERROR:
		r = netlink_verdict(message, answer->what, answer->err);
		return r < 0 ? r : message->nlmsg_seq != answer->last;
	}
	r = answer->fn ? answer->fn(message, answer->userdata) : 0;
	return r < 0 ? err_set(answer->err, -r, "%s", answer->what) : 1;
}

static int netlink_read(struct netlink *nl, const struct netlink_answer *answer)
{
	/* Dumps fill up to 32 KiB a read; a smaller buffer would truncate them. */
	char buffer[32768] __attribute__((aligned(8)));

	for (;;) {
		ssize_t got = mnl_socket_recvfrom(nl->socket, buffer, sizeof(buffer));
		const struct nlmsghdr *message = (void *)buffer;
		int len = (int)got, r;

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set(answer->err, errno, "%s", answer->what);
		for (; mnl_nlmsg_ok(message, len); message = mnl_nlmsg_next(message, &len)) {
			if (message->nlmsg_seq < answer->first || message->nlmsg_seq > answer->last)
				continue;
			r = netlink_message(message, answer);
			if (r <= 0)
				return r;
		}
	}
}

int netlink_talk(struct netlink *nl, struct nlmsghdr *request, netlink_fn fn, void *userdata,
	const char *what, struct err *err)
{
	uint32_t sequence = ++nl->sequence;
	struct netlink_answer answer = {sequence, sequence, fn, userdata, what, err};

	request->nlmsg_seq = sequence;
	if ((request->nlmsg_flags & NLM_F_DUMP) != NLM_F_DUMP)
		request->nlmsg_flags |= NLM_F_ACK;
	if (mnl_socket_sendto(nl->socket, request, request->nlmsg_len) < 0)
		return err_set(err, errno, "%s", what);
	return netlink_read(nl, &answer);
}

int netlink_talk_batch(
	struct netlink *nl, void *batch, size_t size, const char *what, struct err *err)
{
	struct netlink_answer answer = {.first = nl->sequence + 1, .what = what, .err = err};
	struct nlmsghdr *message = batch;

	for (int left = (int)size; mnl_nlmsg_ok(message, left);
		message = mnl_nlmsg_next(message, &left)) {
		message->nlmsg_seq = ++nl->sequence;
		if (message->nlmsg_flags & NLM_F_ACK)
			answer.last = message->nlmsg_seq;
	}
	if (mnl_socket_sendto(nl->socket, batch, size) < 0)
		return err_set(err, errno, "%s", what);
	return netlink_read(nl, &answer);
}
