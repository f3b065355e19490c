// SPDX-License-Identifier: Apache-2.0
/* The paths of a kubelet. */
#include <string.h>

#include "user/agent/nodeapi.h"
#include "user/agent/state.h"
#include "user/base/cleanup.h"

/* As the API server has them, with what this node knows of their status. */
static void pods(struct agent *agent, struct http_exchange *exchange)
{
	struct node_pod *pod = NULL;
	json_t *items = json_array();
	AUTO_JSON list = NULL;

	while (items && (pod = node_pod_next(agent->node, pod)))
		json_array_append_new(items, node_pod_json(pod));
	list = json_pack("{s:s, s:s, s:{}, s:o}", "kind", "PodList", "apiVersion", "v1", "metadata",
		"items", items);
	http_answer_json(exchange, 200, list);
}

static void healthz(struct agent *agent, struct http_exchange *exchange)
{
	(void)agent;
	http_answer_text(exchange, 200, "ok");
}

/* Behind the path comes so much; a path may be two segments. */
static const struct {
	const char *path, *below; /* below NULL: anything */
	size_t least, most;
	bool get; /* only GET */
	void (*answer)(struct agent *agent, struct http_exchange *exchange);
} routes[] = {
	{"attach", NULL, 3, 4, false, control_attach},
	{"containerLogs", NULL, 3, 3, true, control_logs},
	{"exec", NULL, 3, 4, false, control_exec},
	{"healthz", NULL, 0, 0, true, healthz},
	{"metrics", "resource", 1, 1, true, nodestats_metrics},
	{"pods", NULL, 0, 0, true, pods},
	{"portForward", NULL, 2, 3, false, control_forward},
	{"stats", "summary", 1, 1, true, nodestats_summary},
};

/* "/exec/NS/POD/UID/CONTAINER": another Pod of that name is not meant. */
static bool is_another(const struct agent *agent, const struct http_exchange *exchange)
{
	const struct node_pod *pod = node_pod_find(agent->node, http_exchange_segment(exchange, 1),
		http_exchange_segment(exchange, 2));

	return pod && strcmp(node_pod_spec(pod)->meta.uid, http_exchange_segment(exchange, 3)) != 0;
}

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
			more > routes[i].most ||
			(routes[i].below &&
				strcmp(http_exchange_segment(exchange, 1), routes[i].below) != 0))
			continue;
		if (more > routes[i].least && is_another(agent, exchange))
			http_answer_failure(exchange, 404, "NotFound", "pods \"%s\" not found",
				http_exchange_segment(exchange, 2));
		else if (is_allowed(exchange, routes[i].get))
			routes[i].answer(agent, exchange);
		else
			http_answer_failure(exchange, 405, "MethodNotAllowed",
				"the server does not allow this method on the requested resource");
		return true;
	}
	return false;
}
