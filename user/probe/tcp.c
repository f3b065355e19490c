// SPDX-License-Identifier: Apache-2.0
#include "user/probe/tcp.h"

#include <stdlib.h>
#include <sys/epoll.h>

#include "user/base/err.h"

struct tcp_probe {
	struct attempt *attempt;
	struct sockaddr_in address;
	attempt_done_fn done;
	void *userdata;
};

static void tcp_probe_fail(struct tcp_probe *probe, const char *reason)
{
	char message[PROBE_MESSAGE_MAX], address[ADDRESS_TEXT_MAX];

	attempt_end(probe->attempt);
	address_text(&probe->address, address);
	snprintf(message, sizeof(message), "dial tcp %s: %s", address, reason);
	probe->done(probe->userdata, PROBE_FAILURE, message);
}

static void tcp_probe_ready(void *userdata)
{
	struct tcp_probe *probe = userdata;
	int error = attempt_result(probe->attempt);
	char text[64], reason[80];

	if (error) {
		snprintf(reason, sizeof(reason), "connect: %s",
			attempt_error_text(error, text, sizeof(text)));
		tcp_probe_fail(probe, reason);
	} else {
		attempt_end(probe->attempt);
		probe->done(probe->userdata, PROBE_SUCCESS, "");
	}
}

int tcp_probe_start(struct attempt *attempt, const struct sockaddr_in *address,
	attempt_done_fn done, void *userdata, struct tcp_probe **ret, struct err *err)
{
	struct tcp_probe *probe = calloc(1, sizeof(*probe));
	int r;

	if (!probe)
		return err_set(err, ENOMEM, "start a TCP probe");
	*probe = (struct tcp_probe){
		.attempt = attempt,
		.address = *address,
		.done = done,
		.userdata = userdata,
	};
	r = attempt_connect(attempt, address, err);
	if (r >= 0)
		r = attempt_watch(attempt, EPOLLOUT, tcp_probe_ready, probe, err);
	if (r < 0) {
		tcp_probe_free(probe);
		return r;
	}
	*ret = probe;
	return 0;
}

void tcp_probe_expire(struct tcp_probe *probe)
{
	tcp_probe_fail(probe, "i/o timeout");
}

struct tcp_probe *tcp_probe_free(struct tcp_probe *probe)
{
	if (probe) {
		attempt_end(probe->attempt);
		free(probe);
	}
	return NULL;
}
