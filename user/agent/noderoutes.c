// SPDX-License-Identifier: Apache-2.0
/* The paths of a kubelet. */
#include <string.h>

#include "user/agent/nodeapi.h"
#include "user/agent/state.h"
#include "user/base/cleanup.h"

static void healthz(struct agent *agent, struct http_exchange *exchange)
{
	(void)agent;
	http_answer_text(exchange, 200, "ok");
}

/* Behind the first segment comes so much. */
static const struct {
	const char *path;
	size_t least, most;
	bool get; /* only GET */
	void (*answer)(struct agent *agent, struct http_exchange *exchange);
} routes[] = {
	{"attach", 3, 4, false, control_attach},
	{"containerLogs", 3, 3, true, control_logs},
	{"exec", 3, 4, false, control_exec},
	{"healthz", 0, 0, true, healthz},
	{"portForward", 2, 3, false, control_forward},
};

static bool is_allowed(const struct http_exchange *exchange, bool get)
{
	const char *method = http_exchange_method(exchange);

	return strcmp(method, "GET") == 0 || (!get && strcmp(method, "POST") == 0);
}

bool nodeapi_route(struct agent *agent, struct http_exchange *exchange)
{
	const char *first = http_exchange_segment(exchange, 0);
	size_t more = http_exchange_segment_count(exchange) - 1;

	for (size_t i = 0; first && i < COUNT(routes); i++) {
		if (strcmp(first, routes[i].path) != 0 || more < routes[i].least ||
			more > routes[i].most)
			continue;
		if (is_allowed(exchange, routes[i].get))
			routes[i].answer(agent, exchange);
		else
			http_answer_failure(exchange, 405, "MethodNotAllowed",
				"the server does not allow this method on the requested resource");
		return true;
	}
	return false;
}
