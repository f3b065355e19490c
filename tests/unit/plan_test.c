// SPDX-License-Identifier: Apache-2.0
/* Plans on maps of plain memory: small ones, so that they fill and ids are reused. */
#include <arpa/inet.h>

#include "tests/kernel.h"

#define ADDRESSES 8
#define PORTS	  2
#define VIPS	  5

/* A set of desired objects that owns its arrays. */
struct wish {
	struct dp_desired desired;
	struct dp_endpoint endpoints[ADDRESSES];
	struct dp_service services[VIPS];
	struct dp_backend backends[VIPS][ADDRESSES * PORTS];
};

static const struct dp_service *service_of(const struct wish *wish, const struct svc4_key *key)
{
	for (size_t i = 0; i < wish->desired.service_count; i++) {
		const struct dp_service *service = &wish->services[i];

		if (service->vip.s_addr == key->vip && service->port == key->port)
			return service;
	}
	return NULL;
}

static bool wishes_backend(
	const struct wish *wish, const struct svc4_key *key, struct in_addr address, in_port_t port)
{
	const struct dp_service *service = service_of(wish, key);

	for (size_t i = 0; service && i < service->backend_count; i++) {
		if (service->backends[i].address.s_addr == address.s_addr &&
			service->backends[i].port == port)
			return true;
	}
	return false;
}

/* Whether backend @id is there, and is one that this service, alone, had or shall have. */
static bool backend_is_own(const struct kernel *kernel, const struct wish *before,
	const struct wish *after, const struct image_key *key, uint32_t id)
{
	const struct backend *backend = &kernel->backends[id];
	struct in_addr address = {kernel->endpoints[backend->endpoint].address4};

	return id > 0 && id < BACKENDS && backend->endpoint > 0 && address.s_addr &&
	       backend->service == key->service &&
	       (wishes_backend(before, &key->key, address, backend->port) ||
		       wishes_backend(after, &key->key, address, backend->port));
}

static bool row_is_own(const struct kernel *kernel, const struct wish *before,
	const struct wish *after, const struct image_key *key)
{
	uint64_t word = kernel->services[key->service].row;
	const struct row_line *row = &kernel->rows[ROW_LINE(word)];

	if (!ROW_LENGTH(word))
		return true;
	for (uint32_t i = 0; i < ROW_LIST; i++) {
		uint32_t id = row[i / ROW_LINE_IDS].backends[i % ROW_LINE_IDS];

		if (id == 0)
			break;
		if (!backend_is_own(kernel, before, after, key, id))
			return false;
	}
	row += ROW_LIST_LINES;
	for (uint32_t i = 0; i < ROW_LENGTH(word); i++) {
		if (!backend_is_own(kernel, before, after, key,
			    row[i / ROW_LINE_IDS].backends[i % ROW_LINE_IDS]))
			return false;
	}
	return true;
}

static bool kernel_is_safe(
	const struct kernel *kernel, const struct wish *before, const struct wish *after)
{
	for (size_t i = 0; i < kernel->key_count; i++) {
		const struct image_key *key = &kernel->keys[i];

		if (memcmp(&kernel->services[key->service].tag, &key->key, sizeof(key->key)) ||
			!row_is_own(kernel, before, after, key))
			return false;
	}
	return true;
}

/* How many distinct backends the service's row has. */
static size_t row_members(const struct kernel *kernel, const struct image_key *key)
{
	uint64_t word = kernel->services[key->service].row;
	const struct row_line *row = &kernel->rows[ROW_LINE(word) + ROW_LIST_LINES];
	bool seen[BACKENDS] = {};
	size_t count = 0;

	for (uint32_t i = 0; i < ROW_LENGTH(word); i++) {
		uint32_t id = row[i / ROW_LINE_IDS].backends[i % ROW_LINE_IDS];

		count += !seen[id];
		seen[id] = true;
	}
	return count;
}

static uint32_t wished_state(const struct wish *wish, struct in_addr address)
{
	for (size_t i = 0; i < wish->desired.endpoint_count; i++) {
		if (wish->endpoints[i].address.s_addr == address.s_addr)
			return wish->endpoints[i].state;
	}
	return ENDPOINT_STATES;
}

static size_t wished_members(
	const struct wish *wish, const struct dp_service *service, uint8_t states)
{
	size_t count = 0;

	for (size_t i = 0; i < service->backend_count; i++)
		count += states >> wished_state(wish, service->backends[i].address) & 1;
	return count;
}

static bool kernel_is_as_wished(const struct kernel *kernel, const struct wish *wish)
{
	static const struct wish none;

	if (kernel->key_count != wish->desired.service_count ||
		!kernel_is_safe(kernel, wish, &none))
		return false;
	for (size_t i = 0; i < kernel->key_count; i++) {
		const struct dp_service *service = service_of(wish, &kernel->keys[i].key);
		size_t want = wished_members(wish, service, service->accepts);

		if (want == 0) /* who is on the way out serves while there is nobody else */
			want = wished_members(wish, service, 1 << ENDPOINT_TERMINATING);
		if (row_members(kernel, &kernel->keys[i]) != want ||
			kernel->services[kernel->keys[i].service].accepts != service->accepts)
			return false;
	}
	for (uint32_t id = 1; id < ENDPOINTS; id++) {
		const struct endpoint *endpoint = &kernel->endpoints[id];
		uint32_t want = wished_state(wish, (struct in_addr){endpoint->address4});

		if (endpoint->state != ENDPOINT_DOWN && endpoint->state != want)
			return false;
	}
	return true;
}

static void wish_backends(struct wish *wish, struct dp_service *service, size_t row, unsigned *seed)
{
	for (size_t i = 0; i < wish->desired.endpoint_count; i++) {
		if (rand_r(seed) % 2)
			wish->backends[row][service->backend_count++] = (struct dp_backend){
				wish->endpoints[i].address, htons(8080 + rand_r(seed) % PORTS)};
	}
	service->backends = wish->backends[row];
}

static void wish_make(struct wish *wish, unsigned *seed)
{
	*wish = (struct wish){
		.desired = {.services = wish->services, .endpoints = wish->endpoints}};
	for (unsigned i = 0; i < ADDRESSES; i++) {
		if (rand_r(seed) % 3)
			wish->endpoints[wish->desired.endpoint_count++] =
				(struct dp_endpoint){.address = address_number(i),
					.state = (uint32_t)rand_r(seed) % ENDPOINT_STATES};
	}
	for (unsigned i = 0; i < VIPS; i++) {
		size_t row = wish->desired.service_count;

		if (rand_r(seed) % 3 == 0)
			continue;
		wish->desired.service_count++;
		wish->services[row] = (struct dp_service){
			.vip.s_addr = htonl(0x0a600001 + i),
			.port = htons(80),
			.protocol = IPPROTO_TCP,
			.accepts = rand_r(seed) % 2 ? 1 << ENDPOINT_READY
						    : 1 << ENDPOINT_READY | 1 << ENDPOINT_UNREADY,
		};
		wish_backends(wish, &wish->services[row], row, seed);
	}
}

static void reclaim(struct kernel *kernel, struct state *state)
{
	struct plan plan = {};

	state_date(state, 0);
	if (plan_reclaim(state, 1, &plan) < 0)
		BAIL("no memory");
	for (size_t i = 0; i < plan.count; i++)
		apply(kernel, &plan.edits[i]);
	plan_clear(&plan);
}

/*
 * Applies the first @most edits that lead to @after; answers how many there were, or -1 if unsafe.
 */
static long step(struct kernel *kernel, struct state *state, const struct wish *before,
	const struct wish *after, size_t most)
{
	struct plan plan = {};
	struct err err = {};
	long count;

	if (plan_make(state, &after->desired, &plan, &err) < 0)
		BAIL(err.text);
	count = (long)plan.count;
	for (size_t i = 0; i < plan.count && i < most && count >= 0; i++) {
		apply(kernel, &plan.edits[i]);
		if (!kernel_is_safe(kernel, before, after))
			count = -1;
	}
	plan_clear(&plan);
	return count;
}

TEST(no_prefix_of_any_plan_leads_a_service_astray)
{
	static struct kernel kernel;
	static struct wish wishes[2];
	struct state *state = load(&kernel);
	unsigned seed = 1;
	bool safe = true, reached = true, idle = true;

	for (int round = 0; round < 400; round++) {
		struct wish *before = &wishes[round % 2], *after = &wishes[(round + 1) % 2];

		wish_make(after, &seed);
		safe = safe && step(&kernel, state, before, after, SIZE_MAX) >= 0;
		reached = reached && kernel_is_as_wished(&kernel, after);
		idle = idle && step(&kernel, state, after, after, SIZE_MAX) == 0;
		reclaim(&kernel, state);
		reached = reached && kernel_is_as_wished(&kernel, after);
	}
	CHECK("every prefix is safe", safe);
	CHECK("the end is what was wished", reached);
	CHECK("the same wish again needs no edit", idle);
	state_free(state);
}

TEST(a_crash_after_any_edit_is_healed_by_planning_again)
{
	static struct kernel kernel;
	static struct wish wishes[2], third;
	unsigned seed = 7;
	bool safe = true, reached = true, idle = true;

	for (int round = 0; round < 400; round++) {
		struct wish *before = &wishes[round % 2], *after = &wishes[(round + 1) % 2];
		struct state *state = load(&kernel);

		wish_make(after, &seed);
		safe = safe && step(&kernel, state, before, after, (size_t)rand_r(&seed) % 30) >= 0;
		state_free(state);

		state = load(&kernel);
		safe = safe && step(&kernel, state, before, after, SIZE_MAX) >= 0;
		reached = reached && kernel_is_as_wished(&kernel, after);
		reclaim(&kernel, state);
		state_free(state);

		state = load(&kernel);
		idle = idle && step(&kernel, state, after, after, SIZE_MAX) == 0;
		state_free(state);
		third = *after;
	}
	CHECK("every prefix is safe", safe);
	CHECK("the end is what was wished", reached);
	CHECK("a restarted agent finds nothing to do", idle);
	CHECK("there was something to do", third.desired.service_count > 0);
}

TEST(readiness_is_lost_before_rows_change_and_gained_after)
{
	static struct kernel kernel;
	struct dp_endpoint endpoint = {.address = address_number(0), .state = ENDPOINT_READY};
	struct dp_backend backend = {address_number(0), htons(80)};
	struct dp_service service = {.vip.s_addr = htonl(0x0a600001),
		.port = htons(80),
		.protocol = IPPROTO_TCP,
		.accepts = 1 << ENDPOINT_READY,
		.backends = &backend,
		.backend_count = 1};
	struct dp_desired desired = {.services = &service,
		.service_count = 1,
		.endpoints = &endpoint,
		.endpoint_count = 1};
	struct state *state = load(&kernel);
	struct plan plan = {};

	CHECK_EQ("first", plan_make(state, &desired, &plan, NULL), 0);
	plan_clear(&plan);
	endpoint.state = ENDPOINT_UNREADY;
	CHECK_EQ("unready", plan_make(state, &desired, &plan, NULL), 0);
	CHECK_EQ("two edits", plan.count, 2);
	CHECK_EQ("the state first", plan.edits[0].kind, EDIT_STATE);
	CHECK_EQ("then the row", plan.edits[1].kind, EDIT_SERVICE_ROW);
	CHECK_EQ("which says: nothing to go to", ROW_LENGTH(plan.edits[1].row), 0);
	plan_clear(&plan);
	endpoint.state = ENDPOINT_READY;
	CHECK_EQ("ready", plan_make(state, &desired, &plan, NULL), 0);
	CHECK_EQ("three edits", plan.count, 3);
	CHECK_EQ("the row's lines", plan.edits[0].kind, EDIT_ROW);
	CHECK_EQ("the service", plan.edits[1].kind, EDIT_SERVICE_ROW);
	CHECK_EQ("the state last", plan.edits[2].kind, EDIT_STATE);
	plan_clear(&plan);
	state_free(state);
}

/* Plans for the endpoints of @numbers, in that order, behind one service. */
static void serve(struct kernel *kernel, struct state *state, const unsigned *numbers, size_t count)
{
	struct dp_endpoint endpoints[ADDRESSES];
	struct dp_backend backends[ADDRESSES];
	struct dp_service service = {.vip.s_addr = htonl(0x0a600001),
		.port = htons(80),
		.protocol = IPPROTO_TCP,
		.accepts = 1 << ENDPOINT_READY,
		.backends = backends,
		.backend_count = count};
	struct dp_desired desired = {.services = &service,
		.service_count = 1,
		.endpoints = endpoints,
		.endpoint_count = count};
	struct plan plan = {};

	for (size_t i = 0; i < count; i++) {
		endpoints[i] = (struct dp_endpoint){
			.address = address_number(numbers[i]), .state = ENDPOINT_READY};
		backends[i] = (struct dp_backend){address_number(numbers[i]), htons(80)};
	}
	if (plan_make(state, &desired, &plan, NULL) < 0)
		BAIL("cannot plan");
	for (size_t i = 0; i < plan.count; i++)
		apply(kernel, &plan.edits[i]);
	plan_clear(&plan);
}

static uint32_t row_address(const struct kernel *kernel, uint32_t position)
{
	uint32_t line = ROW_LINE(kernel->services[1].row) + ROW_LIST_LINES;
	uint32_t id =
		kernel->rows[line + position / ROW_LINE_IDS].backends[position % ROW_LINE_IDS];

	return kernel->endpoints[kernel->backends[id].endpoint].address4;
}

TEST(a_row_does_not_tell_in_which_order_its_backends_came)
{
	static struct kernel kernels[2];
	struct state *states[] = {load(&kernels[0]), load(&kernels[1])};
	uint32_t length, different = 0;

	serve(&kernels[0], states[0], (const unsigned[]){0, 1, 2}, 3);
	serve(&kernels[1], states[1], (const unsigned[]){2}, 1);
	serve(&kernels[1], states[1], (const unsigned[]){2, 1, 0}, 3);
	CHECK("ids differ", kernels[0].endpoints[1].address4 != kernels[1].endpoints[1].address4);
	length = ROW_LENGTH(kernels[0].services[1].row);
	CHECK_EQ("a row as long", ROW_LENGTH(kernels[1].services[1].row), length);
	for (uint32_t i = 0; i < length; i++)
		different += row_address(&kernels[0], i) != row_address(&kernels[1], i);
	CHECK("a row that leads somewhere", length > 0 && row_address(&kernels[0], 0));
	CHECK_EQ("elements that lead elsewhere", different, 0);
	state_free(states[0]);
	state_free(states[1]);
}

TEST(contradictions_and_full_maps_are_refused)
{
	static struct kernel kernel;
	static struct dp_endpoint many[ENDPOINTS];
	struct dp_endpoint twice[] = {{.address = address_number(0), .state = ENDPOINT_READY},
		{.address = address_number(0), .state = ENDPOINT_READY}};
	struct dp_backend backend = {address_number(1), htons(80)};
	struct dp_service services[] = {
		{.vip.s_addr = 1, .port = 1, .backends = &backend, .backend_count = 1},
		{.vip.s_addr = 1, .port = 1},
		{.vip.s_addr = 1, .port = 1},
		{.vip.s_addr = 1, .port = 1, .accepts = 1 << ENDPOINT_DOWN},
	};
	static const struct {
		const char *part;
		int code;
	} wants[] = {{"endpoint 10.244.0.2 is given twice", EINVAL},
		{"backend 10.244.0.3 is no endpoint", EINVAL},
		{"service 1.0.0.0:256 is given twice", EINVAL}, {"accepts DOWN", EINVAL},
		{"'endpoints' is full", ENOSPC}};
	struct dp_desired cases[] = {
		{.endpoints = twice, .endpoint_count = 2},
		{.services = services, .service_count = 1},
		{.services = services + 1, .service_count = 2},
		{.services = services + 3, .service_count = 1},
		{.endpoints = many, .endpoint_count = ENDPOINTS},
	};

	for (unsigned i = 0; i < ENDPOINTS; i++)
		many[i] =
			(struct dp_endpoint){.address = address_number(i), .state = ENDPOINT_READY};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct state *state = load(&kernel);
		struct plan plan = {};
		struct err err = {};
		int r = plan_make(state, &cases[i], &plan, &err);

		CHECK_FAILS(wants[i].part, r, wants[i].code, &err, wants[i].part);
		plan_clear(&plan);
		state_free(state);
	}
}

TEST(ids_are_reused_first_in_first_out)
{
	uint32_t queue[4];
	struct id_pool pool = {.max = 4, .fresh = 1, .queue = queue};

	CHECK_EQ("first", id_take(&pool), 1);
	CHECK_EQ("second", id_take(&pool), 2);
	CHECK_EQ("third", id_take(&pool), 3);
	CHECK_EQ("none is left", id_take(&pool), 0);
	id_put(&pool, 2);
	id_put(&pool, 1);
	id_put(&pool, 3);
	CHECK_EQ("the first freed", id_take(&pool), 2);
	CHECK_EQ("the second freed", id_take(&pool), 1);
	id_put(&pool, 2);
	CHECK_EQ("the third freed", id_take(&pool), 3);
	CHECK_EQ("the first again", id_take(&pool), 2);
}

TEST(a_freed_endpoint_begins_a_new_generation)
{
	static struct kernel kernel;
	struct dp_endpoint endpoint = {.address = address_number(0), .state = ENDPOINT_READY};
	struct dp_desired desired = {.endpoints = &endpoint, .endpoint_count = 1}, none = {};
	struct state *state = load(&kernel);
	struct plan plan = {};

	CHECK_EQ("there", plan_make(state, &desired, &plan, NULL), 0);
	apply(&kernel, &plan.edits[0]);
	plan_clear(&plan);
	CHECK_EQ("not there", plan_make(state, &none, &plan, NULL), 0);
	CHECK_EQ("one edit", plan.count, 1);
	apply(&kernel, &plan.edits[0]);
	plan_clear(&plan);
	CHECK_EQ("DOWN at once", kernel.endpoints[1].state, ENDPOINT_DOWN);
	CHECK_EQ("still the same generation", kernel.endpoints[1].generation, 0);
	state_date(state, 3);
	CHECK_EQ("a grace period that began before", plan_reclaim(state, 3, &plan), 0);
	CHECK_EQ("frees nothing", plan.count, 0);
	CHECK_EQ("the next one", plan_reclaim(state, 4, &plan), 0);
	CHECK_EQ("frees it", plan.count, 1);
	apply(&kernel, &plan.edits[0]);
	plan_clear(&plan);
	CHECK_EQ("a new generation", kernel.endpoints[1].generation, 1);
	CHECK_EQ("no address", kernel.endpoints[1].address4, 0);
	state_free(state);
}

/* Plans for two services at one endpoint, and executes it. */
static void serve_both(struct kernel *kernel, struct state *state, uint32_t endpoint_state,
	size_t first_count, size_t second_count)
{
	struct dp_endpoint endpoint = {.address = address_number(0), .state = endpoint_state};
	struct dp_backend backend = {address_number(0), htons(80)};
	struct dp_service services[] = {
		{.vip.s_addr = htonl(0x0a600001), .backends = &backend},
		{.vip.s_addr = htonl(0x0a600002), .backends = &backend},
	};
	struct dp_desired desired = {.services = services,
		.service_count = COUNT(services),
		.endpoints = &endpoint,
		.endpoint_count = 1};
	struct plan plan = {};

	services[0].accepts = services[1].accepts = 1 << ENDPOINT_READY;
	services[0].backend_count = first_count;
	services[1].backend_count = second_count;
	if (plan_make(state, &desired, &plan, NULL) < 0)
		BAIL("cannot plan");
	for (size_t i = 0; i < plan.count; i++)
		apply(kernel, &plan.edits[i]);
	plan_clear(&plan);
}

TEST(a_backend_ages_as_soon_as_it_leaves_its_service)
{
	static struct kernel kernel;
	struct state *state = load(&kernel);
	const struct backend *first = &kernel.backends[1], *second = &kernel.backends[2];

	serve_both(&kernel, state, ENDPOINT_READY, 1, 1);
	CHECK_EQ("one of the first service", first->service, 1);
	CHECK_EQ("one of the second", second->service, 2);
	CHECK_EQ("at one endpoint", first->endpoint, second->endpoint);
	serve_both(&kernel, state, ENDPOINT_UNREADY, 1, 1);
	CHECK_EQ("unready is not gone", first->generation, 0);
	serve_both(&kernel, state, ENDPOINT_READY, 0, 1);
	CHECK_EQ("it leaves the first", first->generation, 1);
	CHECK_EQ("and is kept for programs on their way", first->endpoint, 1);
	CHECK_EQ("the second has it still", second->generation, 0);
	serve_both(&kernel, state, ENDPOINT_READY, 1, 1);
	CHECK_EQ("it comes back as another", kernel.backends[3].service, 1);
	reclaim(&kernel, state);
	CHECK_EQ("when freed, once more", first->generation, 2);
	CHECK_EQ("it is nobody's", first->endpoint, 0);
	CHECK_EQ("the others stay", second->generation + kernel.backends[3].generation, 0);
	state_free(state);
}
