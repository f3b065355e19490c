// SPDX-License-Identifier: Apache-2.0
#include "user/probe/probe.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/random.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/probe/deadline.h"
#include "user/probe/http.h"
#include "user/probe/tcp.h"
#include "user/probe/turns.h"

/* So long after its deadline an exec that never reported is given up as the prober's own failure. */
#define EXEC_GRACE (5 * USEC_PER_SEC)

/* A neighbour answers in less.  The answers to all probes of a tick are looked at together: one by one, each
 * would wake an idle CPU up, which takes several times what the probe does. */
#define GATHER USEC_PER_MSEC

struct prober {
	struct prober_config config;
	struct turn turn; /* the next run, or the next look at the running one */
	struct verdict verdict;
	struct deadline deadline;
	struct attempt attempt;
	struct sockaddr_in address;
	struct probe_url url;
	bool running;
	struct http_probe *http;
	struct tcp_probe *tcp;
	void *exec;
	bool in_callback, doomed; /* freed by a callback: goes when that has returned */
};

static uint64_t prober_timeout(const struct prober *prober)
{
	return prober->config.spec->timeout * USEC_PER_SEC;
}

/* Ends the run in hand without a result. */
static void prober_drop_run(struct prober *prober)
{
	prober->http = http_probe_free(prober->http);
	prober->tcp = tcp_probe_free(prober->tcp);
	if (prober->exec)
		prober->config.exec_cancel(prober->config.userdata, prober->exec);
	prober->exec = NULL;
	prober->running = false;
}

static void prober_report(struct prober *prober, enum probe_result result, const char *message)
{
	static const char *const what[] = {
		[PROBE_SUCCESS] = "warning",
		[PROBE_FAILURE] = "failed",
		[PROBE_UNKNOWN] = "errored",
	};
	char text[PROBE_MESSAGE_MAX + 32];

	if (!prober->config.unhealthy || !message[0])
		return;
	snprintf(text, sizeof(text), "%s probe %s: %s",
		prober->config.kind == PROBE_LIVENESS ? "Liveness" : "Readiness", what[result],
		message);
	prober->config.unhealthy(prober->config.userdata, text);
}

/* The verdict goes out before anything else: it steers traffic. */
static void prober_tell(
	struct prober *prober, bool changed, enum probe_result result, const char *message)
{
	prober->in_callback = true;
	if (changed)
		prober->config.changed(prober->config.userdata, prober->verdict.ok, message);
	if (!prober->doomed)
		prober_report(prober, result, message);
	prober->in_callback = false;
	if (prober->doomed)
		prober_free(prober);
}

static void prober_done(void *userdata, enum probe_result result, const char *message)
{
	struct prober *prober = userdata;
	char text[PROBE_MESSAGE_MAX];
	bool changed;

	snprintf(text, sizeof(text), "%s", message);
	prober_drop_run(prober);
	changed = verdict_feed(&prober->verdict, result, clock_now());
	turn_at(&prober->turn, verdict_due(&prober->verdict));
	prober_tell(prober, changed, result, text);
}

static void prober_exec_done(void *cookie, int code, const char *output)
{
	struct prober *prober = cookie;
	char message[PROBE_MESSAGE_MAX];

	prober->exec = NULL;
	if (code == 0) {
		prober_done(prober, PROBE_SUCCESS, "");
	} else if (code == -ETIMEDOUT) {
		snprintf(message, sizeof(message), "command timed out after %us",
			prober->config.spec->timeout);
		prober_done(prober, PROBE_FAILURE, message);
	} else if (code < 0) {
		snprintf(message, sizeof(message), "command could not be run: %s",
			output && output[0] ? output : strerror(-code));
		prober_done(prober, PROBE_UNKNOWN, message);
	} else {
		snprintf(message, sizeof(message), "command exited with code %d%s%s", code,
			output && output[0] ? ": " : "", output ? output : "");
		prober_done(prober, PROBE_FAILURE, message);
	}
}

static int prober_run(struct prober *prober, struct err *err)
{
	const struct prober_config *config = &prober->config;
	const struct handler *handler = &config->spec->handler;
	int r;

	switch (handler->kind) {
	case HANDLER_HTTP:
		return http_probe_start(&prober->attempt, &prober->address, &prober->url, handler,
			prober_done, prober, &prober->http, err);
	case HANDLER_TCP:
		return tcp_probe_start(
			&prober->attempt, &prober->address, prober_done, prober, &prober->tcp, err);
	default:
		r = config->exec_start(config->userdata, handler->argv, prober_timeout(prober),
			prober_exec_done, prober, &prober->exec);
		return r < 0 ? err_set(err, -r, "start the probe's command") : 0;
	}
}

static void prober_begin(struct prober *prober)
{
	bool exec = prober->config.spec->handler.kind == HANDLER_EXEC;
	uint64_t timeout = prober_timeout(prober) + (exec ? EXEC_GRACE : 0), now = clock_now();
	uint64_t look = deadline_start(&prober->deadline, now, timeout);
	struct err err;

	prober->running = true;
	if (!exec) {
		attempt_hold(&prober->attempt);
		look = (now / GATHER + 2) * GATHER;
	}
	turn_at(&prober->turn, look);
	if (prober_run(prober, &err) < 0)
		prober_done(prober, PROBE_UNKNOWN, err.text);
}

static void prober_expire(struct prober *prober)
{
	if (prober->http)
		http_probe_expire(prober->http);
	else if (prober->tcp)
		tcp_probe_expire(prober->tcp);
	else
		prober_done(prober, PROBE_UNKNOWN, "command did not report its end");
}

static void prober_gather(struct prober *prober)
{
	struct err err;

	turn_at(&prober->turn, prober->deadline.look);
	if (prober->http)
		http_probe_look(prober->http);
	else if (attempt_release(&prober->attempt, &err) < 0)
		prober_done(prober, PROBE_UNKNOWN, err.text);
}

static void prober_tick(void *userdata)
{
	struct prober *prober = userdata;
	uint64_t next;

	if (!prober->running) {
		prober_begin(prober);
		return;
	}
	if (prober->attempt.held) {
		prober_gather(prober);
		return;
	}
	next = deadline_look(&prober->deadline, clock_now());
	if (next)
		turn_at(&prober->turn, next);
	else
		prober_expire(prober);
}

/* Where the handler's sockets go: the Pod's address or the IPv4 address that the handler names. */
static int prober_aim(struct prober *prober, struct err *err)
{
	const struct handler *handler = &prober->config.spec->handler;
	uint16_t port = container_port_number(prober->config.container, &handler->port);
	struct in_addr address = prober->config.address;
	char host[INET_ADDRSTRLEN];

	if (handler->kind == HANDLER_EXEC)
		return 0;
	if (handler->kind == HANDLER_SLEEP)
		return err_refuse(err, EINVAL, "a probe cannot sleep");
	if (handler->https)
		return err_refuse(err, ENOTSUP, "HTTPS probes are not supported yet");
	if (port == 0)
		return err_refuse(err, EINVAL, "container '%s' has no port named '%s'",
			prober->config.container->name, handler->port.name);
	if (handler->host && handler->host[0] && inet_pton(AF_INET, handler->host, &address) != 1)
		return err_refuse(err, ENOTSUP,
			"probe host '%s': only IPv4 addresses are supported yet", handler->host);
	prober->address = (struct sockaddr_in){
		.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = address};
	inet_ntop(AF_INET, &address, host, sizeof(host));
	return handler->kind == HANDLER_HTTP
		       ? probe_url_init(handler, host, port, &prober->url, err)
		       : 0;
}

/* Chance in [0, period): so that probes of many adopted containers do not fire together. */
static uint64_t prober_spread(const struct probe_spec *spec)
{
	uint64_t chance = 0;

	/* Without entropy all start at once, which is late for nobody. */
	if (getrandom(&chance, sizeof(chance), GRND_NONBLOCK) != sizeof(chance))
		return 0;
	return chance % (spec->period * USEC_PER_SEC);
}

int prober_start(struct turns *turns, const struct prober_config *config, struct prober **ret,
	struct err *err)
{
	struct prober *prober = calloc(1, sizeof(*prober));
	int r;

	if (!prober)
		return err_set(err, ENOMEM, "start a probe");
	prober->config = *config;
	attempt_init(&prober->attempt, turns_loop(turns), config->netns_fd);
	r = prober_aim(prober, err);
	if (r >= 0 && turn_init(&prober->turn, turns, prober_tick, prober) < 0)
		r = err_set(err, ENOMEM, "start a probe");
	if (r < 0) {
		free(prober);
		return r;
	}
	verdict_init(&prober->verdict, config->kind, config->spec, clock_now(), config->started_at,
		config->initial, config->adopted ? prober_spread(config->spec) : 0);
	turn_at(&prober->turn, verdict_due(&prober->verdict));
	*ret = prober;
	return 0;
}

struct prober *prober_free(struct prober *prober)
{
	if (!prober)
		return NULL;
	prober_drop_run(prober);
	turn_at(&prober->turn, USEC_NEVER);
	if (prober->in_callback) {
		prober->doomed = true;
		return NULL;
	}
	attempt_close(&prober->attempt);
	turn_clear(&prober->turn);
	free(prober);
	return NULL;
}
