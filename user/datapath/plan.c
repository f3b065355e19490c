// SPDX-License-Identifier: Apache-2.0
#include "user/datapath/plan.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/datapath/desired.h"
#include "user/datapath/planrow.h"

/* Backends by service, endpoint and port: open addressing, at most half full. */
struct backend_table {
	uint32_t *ids; /* 0: empty */
	size_t mask;
};

struct planner {
	struct state *state;
	const struct dp_desired *desired;
	struct plan *plan;
	struct err *err;
	size_t *by_address;	/* desired_sort */
	uint32_t *endpoint_ids; /* of desired->endpoints */
	uint32_t *by_key;	/* ids of live services, sorted by key */
	size_t service_count;
	struct backend_table backends;
	bool *backend_used, *service_used; /* by id */
	bool *endpoint_used;
};

static int edit_add(struct planner *p, const struct edit *edit)
{
	int r = plan_add(p->plan, edit);

	return r == 0 ? 0 : err_set(p->err, -r, "plan the data plane");
}

static int retire(struct planner *p, enum retired_kind kind, uint32_t id, uint32_t count)
{
	int r = state_retire(p->state, kind, id, count);

	return r == 0 ? 0 : err_set(p->err, -r, "plan the data plane");
}

static size_t desired_find(const struct planner *p, struct in_addr address)
{
	return desired_look_up(p->desired, p->by_address, address);
}

/* --- endpoints -------------------------------------------------------------------------------- */

static int endpoint_set(struct planner *p, uint32_t id, uint32_t state)
{
	if (p->state->endpoints[id].state == state)
		return 0;
	p->state->endpoints[id].state = state;
	return edit_add(p, &(struct edit){.kind = EDIT_STATE, .id = id, .state = state});
}

/*
 * Finds the ids that desired endpoints have.  After a crash an address may have two: one that was
 * on its way out, and DOWN.
 */
static void endpoints_match(struct planner *p)
{
	struct state *state = p->state;

	for (uint32_t id = 1; id < state->endpoint_ids.fresh; id++) {
		const struct state_endpoint *endpoint = &state->endpoints[id];
		size_t index;

		if (endpoint->use != USE_LIVE)
			continue;
		index = desired_find(p, endpoint->address);
		if (index != DESIRED_NONE &&
			(!p->endpoint_ids[index] || endpoint->state != ENDPOINT_DOWN))
			p->endpoint_ids[index] = id;
	}
	for (size_t i = 0; i < p->desired->endpoint_count; i++)
		p->endpoint_used[p->endpoint_ids[i]] = true;
}

/* What takes new flows away goes first: states other than READY, and all that is not desired. */
static int endpoints_lose(struct planner *p)
{
	struct state *state = p->state;
	int r = 0;

	for (uint32_t id = 1; id < state->endpoint_ids.fresh && r == 0; id++) {
		if (state->endpoints[id].use == USE_LIVE && !p->endpoint_used[id])
			r = endpoint_set(p, id, ENDPOINT_DOWN);
	}
	for (size_t i = 0; i < p->desired->endpoint_count && r == 0; i++) {
		uint32_t wanted = p->desired->endpoints[i].state;

		if (p->endpoint_ids[i] && wanted != ENDPOINT_READY)
			r = endpoint_set(p, p->endpoint_ids[i], wanted);
	}
	return r;
}

static int endpoints_add(struct planner *p)
{
	for (size_t i = 0; i < p->desired->endpoint_count; i++) {
		const struct dp_endpoint *wanted = &p->desired->endpoints[i];
		uint32_t id;
		int r;

		if (p->endpoint_ids[i])
			continue;
		id = id_take(&p->state->endpoint_ids);
		if (!id)
			return err_refuse(p->err, ENOSPC, "map 'endpoints' is full: %u",
				p->state->endpoint_max);
		p->state->endpoints[id] = (struct state_endpoint){
			.address = wanted->address, .state = wanted->state, .use = USE_LIVE};
		p->endpoint_ids[i] = id;
		p->endpoint_used[id] = true;
		r = edit_add(p, &(struct edit){.kind = EDIT_ENDPOINT,
					.id = id,
					.address = wanted->address,
					.state = wanted->state});
		if (r < 0)
			return r;
	}
	return 0;
}

static int endpoints_gain(struct planner *p)
{
	int r = 0;

	for (size_t i = 0; i < p->desired->endpoint_count && r == 0; i++)
		r = endpoint_set(p, p->endpoint_ids[i], p->desired->endpoints[i].state);
	return r;
}

static int endpoints_retire(struct planner *p)
{
	int r = 0;

	for (uint32_t id = 1; id < p->state->endpoint_ids.fresh && r == 0; id++) {
		if (p->state->endpoints[id].use != USE_LIVE || p->endpoint_used[id])
			continue;
		p->state->endpoints[id].use = USE_RETIRED;
		r = retire(p, RETIRED_ENDPOINT, id, 0);
	}
	return r;
}

/* --- backends --------------------------------------------------------------------------------- */

static bool backend_same(const struct state_backend *a, const struct state_backend *b)
{
	return a->service == b->service && a->endpoint == b->endpoint && a->port == b->port;
}

static size_t backend_slot(const struct planner *p, const struct state_backend *backend)
{
	uint32_t hash = backend->endpoint * UINT32_C(2654435761) ^
			backend->service * UINT32_C(2246822519) ^ backend->port * UINT32_C(40503);
	size_t slot = hash & p->backends.mask;
	uint32_t id;

	while ((id = p->backends.ids[slot]) && !backend_same(&p->state->backends[id], backend))
		slot = (slot + 1) & p->backends.mask;
	return slot;
}

static int backends_index(struct planner *p)
{
	struct state *state = p->state;
	size_t most = state->backend_ids.fresh, size = 16;

	for (size_t i = 0; i < p->desired->service_count; i++)
		most += p->desired->services[i].backend_count;
	while (size < 2 * most)
		size *= 2;
	p->backends = (struct backend_table){calloc(size, sizeof(uint32_t)), size - 1};
	if (!p->backends.ids)
		return err_set(p->err, ENOMEM, "plan the data plane");
	for (uint32_t id = 1; id < state->backend_ids.fresh; id++) {
		const struct state_backend *backend = &state->backends[id];

		if (backend->use == USE_LIVE)
			p->backends.ids[backend_slot(p, backend)] = id;
	}
	return 0;
}

/* The id that desired endpoint @index at @port has in @service, made if need be. */
static int backend_ensure(
	struct planner *p, uint32_t service, size_t index, in_port_t port, uint32_t *ret)
{
	struct state_backend backend = {.endpoint = p->endpoint_ids[index],
		.service = service,
		.port = port,
		.use = USE_LIVE};
	size_t slot = backend_slot(p, &backend);
	uint32_t id = p->backends.ids[slot];

	if (!id) {
		id = id_take(&p->state->backend_ids);
		if (!id)
			return err_refuse(p->err, ENOSPC, "map 'backends' is full: %u",
				p->state->backend_max);
		p->state->backends[id] = backend;
		p->backends.ids[slot] = id;
		p->backend_used[id] = true;
		*ret = id;
		return edit_add(p, &(struct edit){.kind = EDIT_BACKEND,
					   .id = id,
					   .endpoint = backend.endpoint,
					   .service = service,
					   .port = port});
	}
	p->backend_used[id] = true;
	*ret = id;
	return 0;
}

static int backends_retire(struct planner *p)
{
	int r = 0;

	for (uint32_t id = 1; id < p->state->backend_ids.fresh && r == 0; id++) {
		if (p->state->backends[id].use != USE_LIVE || p->backend_used[id])
			continue;
		p->state->backends[id].use = USE_RETIRED;
		r = edit_add(p, &(struct edit){.kind = EDIT_BACKEND_LEAVE, .id = id});
		if (r == 0)
			r = retire(p, RETIRED_BACKEND, id, 0);
	}
	return r;
}

/* --- services --------------------------------------------------------------------------------- */

static int key_compare(const void *a, const void *b, void *state)
{
	const struct state_service *services = ((const struct state *)state)->services;

	return memcmp(&services[*(const uint32_t *)a].key, &services[*(const uint32_t *)b].key,
		sizeof(struct svc4_key));
}

static void services_index(struct planner *p)
{
	struct state *state = p->state;

	for (uint32_t id = 1; id < state->service_ids.fresh; id++) {
		if (state->services[id].use == USE_LIVE)
			p->by_key[p->service_count++] = id;
	}
	qsort_r(p->by_key, p->service_count, sizeof(*p->by_key), key_compare, state);
}

/* 0: there is none yet. */
static uint32_t service_find(const struct planner *p, const struct svc4_key *key)
{
	size_t low = 0, high = p->service_count;

	while (low < high) {
		size_t middle = (low + high) / 2;
		uint32_t id = p->by_key[middle];
		int order = memcmp(&p->state->services[id].key, key, sizeof(*key));

		if (order == 0)
			return id;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return 0;
}

static int id_compare(const void *a, const void *b)
{
	uint32_t one = *(const uint32_t *)a, other = *(const uint32_t *)b;

	return one < other ? -1 : one > other;
}

/*
 * The states of those that belong in the row: what the service accepts, else those on their way
 * out, who serve while there is nobody else (as programs choose, too).
 */
static uint32_t members_states(const struct planner *p, const struct dp_service *service)
{
	for (size_t i = 0; i < service->backend_count; i++) {
		size_t index = desired_find(p, service->backends[i].address);

		if (index != DESIRED_NONE &&
			service->accepts >> p->desired->endpoints[index].state & 1)
			return service->accepts;
	}
	return 1 << ENDPOINT_TERMINATING;
}

/* The ids that belong in the row, ascending. */
static int members_make(struct planner *p, uint32_t id, const struct dp_service *service,
	uint32_t *ret, size_t *ret_count)
{
	uint32_t states = members_states(p, service);
	size_t count = 0, distinct = 0;

	for (size_t i = 0; i < service->backend_count; i++) {
		const struct dp_backend *backend = &service->backends[i];
		size_t index = desired_find(p, backend->address);
		char text[INET_ADDRSTRLEN];
		uint32_t member = 0;
		int r;

		if (index == DESIRED_NONE)
			return err_refuse(p->err, EINVAL, "backend %s is no endpoint",
				inet_ntop(AF_INET, &backend->address, text, sizeof(text)));
		r = backend_ensure(p, id, index, backend->port, &member);
		if (r < 0)
			return r;
		if (states >> p->desired->endpoints[index].state & 1)
			ret[count++] = member;
	}
	qsort(ret, count, sizeof(*ret), id_compare);
	for (size_t i = 0; i < count; i++) {
		if (distinct == 0 || ret[distinct - 1] != ret[i])
			ret[distinct++] = ret[i];
	}
	*ret_count = distinct;
	return 0;
}

/* Writes a row for @members into fresh lines.  *@ret is its word; no members: explicitly no row. */
static int row_make(struct planner *p, const uint32_t *members, size_t count, uint16_t generation,
	uint64_t *ret)
{
	struct edit edit = {.kind = EDIT_ROW};
	int r;

	*ret = ROW_WORD(0, 0, generation);
	if (count == 0)
		return 0;
	*ret = ROW_WORD(0, planrow_length(count), generation);
	edit.line_count = row_lines(*ret);
	edit.id = lines_take(p->state, edit.line_count);
	if (edit.id == p->state->line_max)
		return err_refuse(
			p->err, ENOSPC, "map 'rows' is full: %u lines", p->state->line_max);
	*ret |= edit.id;
	r = planrow_build(p->state, members, count, &edit.lines);
	if (r < 0)
		return err_set(p->err, -r, "build a row");
	r = edit_add(p, &edit);
	if (r < 0)
		free(edit.lines);
	return r;
}

static int row_retire(struct planner *p, uint64_t word)
{
	return row_lines(word) ? retire(p, RETIRED_ROW, ROW_LINE(word), row_lines(word)) : 0;
}

static bool members_same(const struct state_service *service, const uint32_t *members, size_t count)
{
	return service->member_count == count &&
	       (count == 0 || memcmp(service->members, members, count * sizeof(*members)) == 0);
}

/*
 * Who takes over from those on their way out is ready before the row changes: else there is a moment
 * in which neither is.
 */
static int members_take_over(struct planner *p, const struct state_service *service,
	const uint32_t *members, size_t count)
{
	const struct state *state = p->state;
	bool leaving = false;
	int r = 0;

	for (size_t i = 0; i < service->member_count && !leaving; i++) {
		uint32_t id = state->backends[service->members[i]].endpoint;

		leaving = state->endpoints[id].state == ENDPOINT_TERMINATING;
	}
	for (size_t i = 0; i < count && leaving && r == 0; i++) {
		uint32_t id = state->backends[members[i]].endpoint;
		size_t index = desired_find(p, state->endpoints[id].address);

		r = endpoint_set(p, id, p->desired->endpoints[index].state);
	}
	return r;
}

static int service_change(
	struct planner *p, uint32_t id, uint8_t accepts, uint32_t **members, size_t count)
{
	struct state_service *service = &p->state->services[id];
	uint64_t old = service->row;
	int r = 0;

	if (service->accepts != accepts)
		r = edit_add(p,
			&(struct edit){.kind = EDIT_SERVICE_ACCEPTS, .id = id, .accepts = accepts});
	service->accepts = accepts;
	if (r < 0 || members_same(service, *members, count))
		return r;
	r = members_take_over(p, service, *members, count);
	if (r == 0)
		r = row_make(p, *members, count, ROW_GENERATION(old) + 1, &service->row);
	if (r < 0)
		return r;
	free(service->members);
	service->members = take_ptr(*members);
	service->member_count = count;
	r = edit_add(p, &(struct edit){.kind = EDIT_SERVICE_ROW, .id = id, .row = service->row});
	return r < 0 ? r : row_retire(p, old);
}

static int service_add(struct planner *p, uint32_t id, const struct svc4_key *key, uint8_t accepts,
	uint32_t **members, size_t count)
{
	uint64_t row;
	int r;

	r = row_make(p, *members, count, 0, &row);
	if (r < 0)
		return r;
	p->state->services[id] = (struct state_service){.key = *key,
		.row = row,
		.member_count = count,
		.members = take_ptr(*members),
		.accepts = accepts,
		.use = USE_LIVE};
	r = edit_add(p, &(struct edit){.kind = EDIT_SERVICE,
				.id = id,
				.key = *key,
				.row = row,
				.accepts = accepts});
	if (r < 0)
		return r;
	return edit_add(p, &(struct edit){.kind = EDIT_KEY_ADD, .id = id, .key = *key});
}

static int service_plan(struct planner *p, const struct dp_service *wanted)
{
	struct svc4_key key = {.vip = wanted->vip.s_addr,
		.port = wanted->port,
		.protocol = wanted->protocol,
		.scope = SCOPE_INTERNAL};
	AUTO_FREE uint32_t *members = calloc(wanted->backend_count + 1, sizeof(*members));
	uint32_t known = service_find(p, &key);
	uint32_t id = known ? known : id_take(&p->state->service_ids);
	size_t count = 0;
	int r;

	if (!members)
		return err_set(p->err, ENOMEM, "plan the data plane");
	if (!id)
		return err_refuse(
			p->err, ENOSPC, "map 'services' is full: %u", p->state->service_max);
	r = members_make(p, id, wanted, members, &count);
	if (r < 0)
		return r;
	if (known)
		r = service_change(p, id, wanted->accepts, &members, count);
	else
		r = service_add(p, id, &key, wanted->accepts, &members, count);
	if (r == 0)
		p->service_used[id] = true;
	return r;
}

static int services_retire(struct planner *p)
{
	for (size_t i = 0; i < p->service_count; i++) {
		uint32_t id = p->by_key[i];
		struct state_service *service = &p->state->services[id];
		int r;

		if (p->service_used[id])
			continue;
		r = edit_add(p, &(struct edit){.kind = EDIT_KEY_DELETE, .key = service->key});
		if (r < 0)
			return r;
		service->use = USE_RETIRED;
		r = retire(p, RETIRED_SERVICE, id, 0);
		if (r < 0)
			return r;
		r = row_retire(p, service->row);
		if (r < 0)
			return r;
	}
	return 0;
}

static int strays_delete(struct planner *p)
{
	int r = 0;

	for (size_t i = 0; i < p->state->stray_count && r == 0; i++)
		r = edit_add(
			p, &(struct edit){.kind = EDIT_KEY_DELETE, .key = p->state->strays[i]});
	p->state->stray_count = 0;
	return r;
}

/* --- all of it -------------------------------------------------------------------------------- */

static int planner_init(struct planner *p)
{
	const struct state *state = p->state;

	p->by_address = desired_sort(p->desired);
	p->endpoint_ids = calloc(p->desired->endpoint_count + 1, sizeof(*p->endpoint_ids));
	p->by_key = calloc(state->service_max, sizeof(*p->by_key));
	p->backend_used = calloc(state->backend_max, sizeof(*p->backend_used));
	p->service_used = calloc(state->service_max, sizeof(*p->service_used));
	p->endpoint_used = calloc(state->endpoint_max, sizeof(*p->endpoint_used));
	if (!p->by_address || !p->endpoint_ids || !p->by_key || !p->backend_used ||
		!p->service_used || !p->endpoint_used)
		return err_set(p->err, ENOMEM, "plan the data plane");
	return 0;
}

static void cleanup_planner(struct planner *p)
{
	free(p->by_address);
	free(p->endpoint_ids);
	free(p->by_key);
	free(p->backend_used);
	free(p->service_used);
	free(p->endpoint_used);
	free(p->backends.ids);
}

static int services_plan(struct planner *p)
{
	int r = strays_delete(p);

	services_index(p);
	for (size_t i = 0; i < p->desired->service_count && r == 0; i++)
		r = service_plan(p, &p->desired->services[i]);
	return r;
}

int plan_make(
	struct state *state, const struct dp_desired *desired, struct plan *plan, struct err *err)
{
	static int (*const steps[])(struct planner *) = {
		planner_init,
		backends_index,
	};
	static int (*const ordered[])(struct planner *) = {
		endpoints_lose,
		endpoints_add,
		services_plan,
		endpoints_gain,
		services_retire,
		backends_retire,
		endpoints_retire,
	};
	AUTO_CLEANUP(cleanup_planner)
	struct planner p = {.state = state, .desired = desired, .plan = plan, .err = err};
	int r = desired_check(desired, err);

	for (size_t i = 0; i < COUNT(steps) && r == 0; i++)
		r = steps[i](&p);
	if (r < 0)
		return r;
	endpoints_match(&p);
	for (size_t i = 0; i < COUNT(ordered) && r == 0; i++)
		r = ordered[i](&p);
	return r;
}
