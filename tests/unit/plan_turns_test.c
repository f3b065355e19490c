// SPDX-License-Identifier: Apache-2.0
/* While the Pods of a Service come and go, somebody serves after every edit. */
#include "tests/kernel.h"

/* As programs choose: who is accepted, else who is on the way out. */
static bool kernel_serves(const struct kernel *kernel)
{
	const struct service *service = &kernel->services[1];
	const struct row_line *row = &kernel->rows[ROW_LINE(service->row) + ROW_LIST_LINES];

	for (uint32_t i = 0; i < ROW_LENGTH(service->row); i++) {
		uint32_t id = row[i / ROW_LINE_IDS].backends[i % ROW_LINE_IDS];
		uint32_t state = kernel->endpoints[kernel->backends[id].endpoint].state;

		if ((service->accepts | 1 << ENDPOINT_TERMINATING) >> state & 1)
			return true;
	}
	return false;
}

TEST(a_service_serves_while_its_pods_take_turns)
{
	static struct kernel kernel;
	static const uint32_t turns[][2] = {
		{ENDPOINT_READY, ENDPOINT_UNREADY},
		{ENDPOINT_TERMINATING, ENDPOINT_UNREADY},
		{ENDPOINT_TERMINATING, ENDPOINT_READY},
		{ENDPOINT_DOWN, ENDPOINT_READY},
		{ENDPOINT_READY, ENDPOINT_TERMINATING},
		{ENDPOINT_TERMINATING, ENDPOINT_TERMINATING},
		{ENDPOINT_DOWN, ENDPOINT_TERMINATING},
	};
	struct dp_endpoint endpoints[] = {
		{.address = address_number(0)}, {.address = address_number(1)}};
	struct dp_backend backends[] = {
		{address_number(0), htons(80)}, {address_number(1), htons(80)}};
	struct dp_service service = {.vip.s_addr = htonl(0x0a600001),
		.accepts = 1 << ENDPOINT_READY,
		.backends = backends,
		.backend_count = COUNT(backends)};
	struct dp_desired desired = {.services = &service,
		.service_count = 1,
		.endpoints = endpoints,
		.endpoint_count = COUNT(endpoints)};
	struct state *state = load(&kernel);
	bool serves = true;

	for (size_t turn = 0; turn < COUNT(turns); turn++) {
		struct plan plan = {};

		endpoints[0].state = turns[turn][0];
		endpoints[1].state = turns[turn][1];
		CHECK_EQ("plan", plan_make(state, &desired, &plan, NULL), 0);
		for (size_t i = 0; i < plan.count; i++) {
			apply(&kernel, &plan.edits[i]);
			serves = serves && (turn == 0 || kernel_serves(&kernel));
		}
		plan_clear(&plan);
		serves = serves && kernel_serves(&kernel);
	}
	CHECK("after every edit", serves);
	state_free(state);
}
