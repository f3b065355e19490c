// SPDX-License-Identifier: Apache-2.0
#include "user/probe/tcp.h"

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/base/loop.h"

struct tcp_probe {
	int fd, connect_error;
	sd_event_source *source;
	struct sockaddr_in address;
	attempt_done_fn done;
	void *userdata;
};

static void tcp_probe_fail(struct tcp_probe *probe, const char *reason)
{
	char message[PROBE_MESSAGE_MAX], address[ADDRESS_TEXT_MAX];

	source_free(take_ptr(probe->source));
	address_text(&probe->address, address);
	snprintf(message, sizeof(message), "dial tcp %s: %s", address, reason);
	probe->done(probe->userdata, PROBE_FAILURE, message);
}

static int tcp_probe_ready(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct tcp_probe *probe = userdata;
	int error = attempt_connect_result(fd, probe->connect_error);
	char text[64], reason[80];

	(void)source;
	(void)events;
	if (error) {
		snprintf(reason, sizeof(reason), "connect: %s",
			attempt_error_text(error, text, sizeof(text)));
		tcp_probe_fail(probe, reason);
	} else {
		source_free(take_ptr(probe->source));
		probe->done(probe->userdata, PROBE_SUCCESS, "");
	}
	return 0;
}

int tcp_probe_start(sd_event *loop, const struct attempt_target *target, attempt_done_fn done,
	void *userdata, struct tcp_probe **ret, struct err *err)
{
	struct tcp_probe *probe = calloc(1, sizeof(*probe));
	int r;

	if (!probe)
		return err_set(err, ENOMEM, "start a TCP probe");
	*probe = (struct tcp_probe){
		.fd = -1,
		.address = target->address,
		.done = done,
		.userdata = userdata,
	};
	r = attempt_connect(loop, target, tcp_probe_ready, probe, &probe->fd, &probe->source,
		&probe->connect_error, err);
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
		source_free(probe->source);
		cleanup_fd(&probe->fd);
		free(probe);
	}
	return NULL;
}
