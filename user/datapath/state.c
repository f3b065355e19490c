// SPDX-License-Identifier: Apache-2.0
#include "user/datapath/state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"

#define REUSE_AFTER 256 /* ids that wait before one of them is given out again */

uint32_t id_take(struct id_pool *pool)
{
	uint32_t id;

	if (pool->fresh < pool->max && pool->count < REUSE_AFTER)
		return pool->fresh++;
	if (pool->count == 0)
		return 0;
	id = pool->queue[pool->head];
	pool->head = (pool->head + 1) % pool->max;
	pool->count--;
	return id;
}

void id_put(struct id_pool *pool, uint32_t id)
{
	pool->queue[(pool->head + pool->count++) % pool->max] = id;
}

static int pool_init(struct id_pool *pool, uint32_t max)
{
	*pool = (struct id_pool){.max = max, .fresh = 1, .queue = calloc(max, sizeof(uint32_t))};
	return pool->queue ? 0 : -ENOMEM;
}

uint32_t row_lines(uint64_t word)
{
	uint32_t length = ROW_LENGTH(word);

	return length ? ROW_LIST_LINES + (length + ROW_LINE_IDS - 1) / ROW_LINE_IDS : 0;
}

static uint32_t lines_find(const struct state *state, uint32_t from, uint32_t to, uint32_t count)
{
	uint32_t run = 0;

	for (uint32_t line = from; line < to; line++) {
		run = state->lines[line] ? 0 : run + 1;
		if (run == count)
			return line + 1 - count;
	}
	return state->line_max;
}

uint32_t lines_take(struct state *state, uint32_t count)
{
	uint32_t first = lines_find(state, state->line_cursor, state->line_max, count);

	if (first == state->line_max)
		first = lines_find(state, 0, state->line_max, count);
	if (first == state->line_max)
		return first;
	memset(state->lines + first, true, count);
	state->line_cursor = first + count;
	return first;
}

int state_retire(struct state *state, enum retired_kind kind, uint32_t id, uint32_t count)
{
	if (state->retired_count == state->retired_room) {
		size_t room = state->retired_room ? 2 * state->retired_room : 64;
		struct retired *more = reallocarray(state->retired, room, sizeof(*more));

		if (!more)
			return -ENOMEM;
		state->retired = more;
		state->retired_room = room;
	}
	state->retired[state->retired_count++] =
		(struct retired){.kind = kind, .id = id, .count = count, .epoch = EPOCH_OPEN};
	return 0;
}

void state_date(struct state *state, uint64_t epoch)
{
	for (size_t i = state->retired_count; i > 0; i--) {
		if (state->retired[i - 1].epoch != EPOCH_OPEN)
			break;
		state->retired[i - 1].epoch = epoch;
	}
}

static int id_compare(const void *a, const void *b)
{
	uint32_t one = *(const uint32_t *)a, other = *(const uint32_t *)b;

	return one < other ? -1 : one > other;
}

/* The distinct ids in the row's Maglev part, where every backend has its share. */
static int members_load(struct state_service *service, const struct image *image)
{
	uint32_t length = ROW_LENGTH(service->row), *members;
	const struct row_line *row = image->rows + ROW_LINE(service->row) + ROW_LIST_LINES;
	size_t count = 0;

	if (!length)
		return 0;
	members = calloc(length, sizeof(*members));
	if (!members)
		return -ENOMEM;
	for (uint32_t i = 0; i < length; i++)
		members[i] = row[i / ROW_LINE_IDS].backends[i % ROW_LINE_IDS];
	qsort(members, length, sizeof(*members), id_compare);
	for (uint32_t i = 0; i < length; i++) {
		if (count == 0 || members[count - 1] != members[i])
			members[count++] = members[i];
	}
	service->members = members;
	service->member_count = count;
	return 0;
}

static int service_load(struct state *state, const struct image *image, uint32_t id)
{
	const struct service *from = &image->services[id];
	struct state_service *service = &state->services[id];
	uint32_t first = ROW_LINE(from->row), count = row_lines(from->row);

	*service =
		(struct state_service){.row = from->row, .accepts = from->accepts, .use = USE_LIVE};
	memcpy(&service->key, &from->tag, sizeof(service->key));
	/* A row that cannot be is no row: the service is then given one as if it had none. */
	if (first > state->line_max || count > state->line_max - first) {
		service->row = ROW_WORD(0, 0, ROW_GENERATION(from->row));
		return 0;
	}
	memset(state->lines + first, true, count);
	return members_load(service, image);
}

static void ids_load(struct id_pool *pool, uint32_t most_used)
{
	pool->fresh = most_used + 1;
}

static void endpoints_load(struct state *state, const struct image *image)
{
	uint32_t most = 0;

	for (uint32_t id = 1; id < state->endpoint_max; id++) {
		const struct endpoint *from = &image->endpoints[id];

		if (!from->address4)
			continue;
		state->endpoints[id] = (struct state_endpoint){
			.address.s_addr = from->address4, .state = from->state, .use = USE_LIVE};
		most = id;
	}
	ids_load(&state->endpoint_ids, most);
	for (uint32_t id = 1; id < most; id++) {
		if (state->endpoints[id].use == USE_FREE)
			id_put(&state->endpoint_ids, id);
	}
}

static void backends_load(struct state *state, const struct image *image)
{
	uint32_t most = 0;

	for (uint32_t id = 1; id < state->backend_max; id++) {
		const struct backend *from = &image->backends[id];

		if (!from->endpoint || from->endpoint >= state->endpoint_max ||
			from->service >= state->service_max)
			continue;
		state->backends[id] = (struct state_backend){.endpoint = from->endpoint,
			.service = from->service,
			.port = from->port,
			.use = USE_LIVE};
		most = id;
	}
	ids_load(&state->backend_ids, most);
	for (uint32_t id = 1; id < most; id++) {
		if (state->backends[id].use == USE_FREE)
			id_put(&state->backend_ids, id);
	}
}

static int services_load(struct state *state, const struct image *image)
{
	uint32_t most = 0;
	int r;

	for (uint32_t id = 1; id < state->service_max; id++) {
		if (!image->services[id].tag)
			continue;
		r = service_load(state, image, id);
		if (r < 0)
			return r;
		most = id;
	}
	ids_load(&state->service_ids, most);
	for (uint32_t id = 1; id < most; id++) {
		if (state->services[id].use == USE_FREE)
			id_put(&state->service_ids, id);
	}
	return 0;
}

/* Services whose key is gone were on their way out: they are retired. */
static int keys_load(struct state *state, const struct image_key *keys, size_t count)
{
	AUTO_FREE bool *named = calloc(state->service_max, sizeof(*named));
	int r = 0;

	state->strays = calloc(count + 1, sizeof(*state->strays));
	if (!named || !state->strays)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		uint32_t id = keys[i].service;

		if (id < state->service_max && state->services[id].use == USE_LIVE &&
			memcmp(&state->services[id].key, &keys[i].key, sizeof(keys[i].key)) == 0)
			named[id] = true;
		else
			state->strays[state->stray_count++] = keys[i].key;
	}
	for (uint32_t id = 1; id < state->service_max && r == 0; id++) {
		struct state_service *service = &state->services[id];

		if (service->use != USE_LIVE || named[id])
			continue;
		service->use = USE_RETIRED;
		r = state_retire(state, RETIRED_SERVICE, id, 0);
		if (r == 0 && row_lines(service->row))
			r = state_retire(state, RETIRED_ROW, ROW_LINE(service->row),
				row_lines(service->row));
	}
	return r;
}

static struct state *state_new(const struct image *image)
{
	struct state *state = calloc(1, sizeof(*state));

	if (!state)
		return NULL;
	state->endpoint_max = image->endpoint_max;
	state->backend_max = image->backend_max;
	state->service_max = image->service_max;
	state->line_max = image->line_max;
	state->endpoints = calloc(image->endpoint_max, sizeof(*state->endpoints));
	state->backends = calloc(image->backend_max, sizeof(*state->backends));
	state->services = calloc(image->service_max, sizeof(*state->services));
	state->lines = calloc(image->line_max, sizeof(*state->lines));
	if (!state->endpoints || !state->backends || !state->services || !state->lines ||
		pool_init(&state->endpoint_ids, image->endpoint_max) < 0 ||
		pool_init(&state->backend_ids, image->backend_max) < 0 ||
		pool_init(&state->service_ids, image->service_max) < 0)
		return state_free(state);
	return state;
}

int state_load(const struct image *image, const struct image_key *keys, size_t key_count,
	struct state **ret, struct err *err)
{
	struct state *state = state_new(image);

	if (!state)
		return err_set(err, ENOMEM, "read the maps back");
	endpoints_load(state, image);
	backends_load(state, image);
	if (services_load(state, image) < 0 || keys_load(state, keys, key_count) < 0) {
		state_free(state);
		return err_set(err, ENOMEM, "read the maps back");
	}
	*ret = state;
	return 0;
}

struct state *state_free(struct state *state)
{
	if (!state)
		return NULL;
	for (uint32_t id = 0; state->services && id < state->service_max; id++)
		free(state->services[id].members);
	free(state->endpoints);
	free(state->backends);
	free(state->services);
	free(state->lines);
	free(state->endpoint_ids.queue);
	free(state->backend_ids.queue);
	free(state->service_ids.queue);
	free(state->strays);
	free(state->retired);
	free(state);
	return NULL;
}
