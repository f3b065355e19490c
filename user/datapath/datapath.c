// SPDX-License-Identifier: Apache-2.0
#include "user/datapath/datapath.h"

#include <errno.h>
#include <stdatomic.h>
#include <bpf/bpf.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/datapath/exitlink.h"
#include "user/datapath/grace.h"
#include "user/datapath/inits.h"
#include "user/datapath/loader.h"
#include "user/datapath/maps.h"
#include "user/datapath/pindir.h"
#include "user/datapath/plan.h"
#include "user/datapath/upgrade.h"

struct datapath {
	struct datapath_config config; /* without the cgroup, which is of no use later */
	unsigned upgrade_from;	       /* an older ABI whose programs still serve; 0: none */
	struct maps maps;
	struct grace grace;
	struct state *state;
	struct inits inits;
	uint64_t gone;		      /* endpoints set DOWN, and 1 */
	atomic_uint_least64_t epoch;  /* of what is retired now; grace periods end epochs */
	atomic_uint_least64_t graced; /* epochs before this one are free */
};

static void cleanup_datapath(struct datapath **datapath)
{
	datapath_close(*datapath);
}

#define AUTO_DATAPATH AUTO_CLEANUP(cleanup_datapath) struct datapath *

/*
 * Reads the maps back.  What an earlier reading, or process, had retired looks free then, hence the
 * grace period.  On failure there is no state: the next datapath_apply reads again.
 */
static int datapath_load(struct datapath *datapath, struct err *err)
{
	AUTO_FREE struct image_key *keys = NULL;
	size_t count;
	int r;

	datapath->state = state_free(datapath->state);
	r = grace_wait(&datapath->grace, err);
	if (r < 0)
		return r;
	r = maps_keys(&datapath->maps, &keys, &count, err);
	if (r < 0)
		return r;
	r = maps_map_rows(&datapath->maps, err);
	if (r == 0)
		r = maps_map_backends(&datapath->maps, err);
	if (r == 0)
		r = state_load(&datapath->maps.image, keys, count, &datapath->state, err);
	maps_unmap(&datapath->maps);
	if (r == 0)
		state_date(datapath->state, atomic_load(&datapath->epoch));
	return r;
}

static int datapath_prepare(
	const struct datapath_config *config, unsigned *ret_upgrade_from, struct err *err)
{
	AUTO_FD lock = -1;
	int r;

	r = pindir_open(config, PINDIR_CHANGE, &lock, err);
	if (r < 0)
		return r;
	r = loader_run(config, err);
	if (r < 0)
		return r;
	*ret_upgrade_from = upgrade_from(config);
	if (*ret_upgrade_from)
		r = upgrade_begin(config, *ret_upgrade_from, err);
	if (r == 0)
		r = exitlink_attach(config, err);
	return r == 0 ? loader_attach_hooks(config, err) : r;
}

int datapath_open(const struct datapath_config *config, struct datapath **ret, struct err *err)
{
	AUTO_DATAPATH datapath = calloc(1, sizeof(*datapath));
	int r;

	if (!datapath)
		return err_set(err, ENOMEM, "open the data plane");
	datapath->config = *config;
	datapath->config.cgroup_root = NULL;
	datapath->gone = 1;
	datapath->maps = MAPS_CLOSED;
	datapath->grace = GRACE_CLOSED;
	r = datapath_prepare(config, &datapath->upgrade_from, err);
	if (r == 0)
		r = maps_open(config, &datapath->maps, err);
	if (r == 0)
		r = inits_open(&datapath->inits, datapath->maps.inits_fd, err);
	if (r == 0)
		r = grace_open(&datapath->grace, err);
	if (r == 0)
		r = datapath_load(datapath, err);
	if (r < 0)
		return r;
	*ret = take_ptr(datapath);
	return 0;
}

struct datapath *datapath_close(struct datapath *datapath)
{
	if (!datapath)
		return NULL;
	state_free(datapath->state);
	inits_clear(&datapath->inits);
	grace_close(&datapath->grace);
	maps_close(&datapath->maps);
	free(datapath);
	return NULL;
}

int datapath_remove(const struct datapath_config *config, struct err *err)
{
	return pindir_remove(config, err);
}

int datapath_endpoint_state(struct datapath *datapath, struct in_addr address, uint32_t state)
{
	struct state *known = datapath->state;

	for (uint32_t id = 1; known && id < known->endpoint_ids.fresh; id++) {
		struct state_endpoint *endpoint = &known->endpoints[id];
		struct edit edit = {.kind = EDIT_STATE, .id = id, .state = state};

		if (endpoint->use != USE_LIVE || endpoint->address.s_addr != address.s_addr)
			continue;
		endpoint->state = state;
		edit_store(&datapath->maps.image, &edit);
		if (state != ENDPOINT_DOWN)
			inits_guard(&datapath->inits, known, &datapath->maps.image, id);
		datapath->gone += endpoint->state == ENDPOINT_DOWN;
		return 0;
	}
	return -ENOENT;
}

/* Whether UDP sockets may be connected to what goes away by it. */
static bool edit_ends_peers(const struct state *state, const struct edit *edit)
{
	if (edit->kind == EDIT_STATE)
		return edit->state == ENDPOINT_DOWN;
	return edit->kind == EDIT_BACKEND_LEAVE &&
	       state->services[state->backends[edit->id].service].key.protocol == IPPROTO_UDP;
}

static int edits_apply(struct datapath *datapath, const struct plan *plan, struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < plan->count && r == 0; i++) {
		const struct edit *edit = &plan->edits[i];

		if (edit->kind == EDIT_KEY_ADD)
			r = maps_key_add(&datapath->maps, &edit->key, edit->id, err);
		else if (edit->kind == EDIT_KEY_DELETE)
			r = maps_key_delete(&datapath->maps, &edit->key, err);
		else if (edit->kind == EDIT_ROW)
			r = maps_write_row(
				&datapath->maps, edit->id, edit->lines, edit->line_count, err);
		else
			edit_store(&datapath->maps.image, edit);
		datapath->gone += edit_ends_peers(datapath->state, edit);
	}
	return r;
}

static bool plan_has_backends(const struct plan *plan)
{
	for (size_t i = 0; i < plan->count; i++) {
		enum edit_kind kind = plan->edits[i].kind;

		if (kind == EDIT_BACKEND || kind == EDIT_BACKEND_LEAVE || kind == EDIT_BACKEND_FREE)
			return true;
	}
	return false;
}

static int plan_apply(struct datapath *datapath, const struct plan *plan, struct err *err)
{
	int r = 0;

	if (plan_has_backends(plan))
		r = maps_map_backends(&datapath->maps, err);
	if (r == 0)
		r = edits_apply(datapath, plan, err);
	maps_unmap(&datapath->maps);
	return r;
}

/* Between our last look and this one, the kernel may have set endpoints DOWN. */
static int desired_apply(
	struct datapath *datapath, const struct dp_desired *desired, struct err *err)
{
	const struct image *image = &datapath->maps.image;
	AUTO_CLEANUP(plan_clear) struct plan plan = {};
	AUTO_FREE struct dp_endpoint *endpoints = NULL;
	struct dp_desired possible = *desired;
	int r;

	datapath->gone += inits_follow(datapath->state, image);
	inits_keep(&datapath->inits, desired);
	r = inits_correct(&datapath->inits, datapath->state, image, desired, &endpoints, err);
	if (r < 0)
		return r;
	if (endpoints)
		possible.endpoints = endpoints;
	r = plan_make(datapath->state, &possible, &plan, err);
	return r == 0 ? plan_apply(datapath, &plan, err) : r;
}

int datapath_apply(struct datapath *datapath, const struct dp_desired *desired, bool *ret_retired,
	struct err *err)
{
	const struct image *image = &datapath->maps.image;
	int registered = 0, r;

	if (!datapath->state) {
		r = datapath_load(datapath, err);
		if (r < 0)
			return r;
	}
	r = desired_apply(datapath, desired, err);
	if (r == 0)
		registered = inits_register(&datapath->inits, datapath->state, image, desired, err);
	datapath->gone += inits_guard(&datapath->inits, datapath->state, image, 0);
	if (r < 0) {
		/* The kernel knows better now; should it not tell, the next call asks again. */
		datapath_load(datapath, NULL);
		return r;
	}
	state_date(datapath->state, atomic_load(&datapath->epoch));
	if (ret_retired)
		*ret_retired = datapath->state->retired_count > 0;
	if (registered < 0 || !datapath->upgrade_from)
		return registered;
	r = upgrade_finish(&datapath->config, datapath->upgrade_from, datapath->state, err);
	if (r == 0)
		datapath->upgrade_from = 0;
	return r;
}

int datapath_grace(struct datapath *datapath, struct err *err)
{
	/* What is retired from here on belongs to the next one. */
	uint64_t ended = atomic_fetch_add(&datapath->epoch, 1) + 1;
	int r;

	r = grace_wait(&datapath->grace, err);
	if (r < 0)
		return r;
	atomic_store(&datapath->graced, ended);
	return 0;
}

void datapath_reclaim(struct datapath *datapath)
{
	AUTO_CLEANUP(plan_clear) struct plan plan = {};

	if (!datapath->state)
		return;
	/* Without memory they stay retired until the next time. */
	if (plan_reclaim(datapath->state, atomic_load(&datapath->graced), &plan) < 0)
		return;
	if (plan_apply(datapath, &plan, NULL) < 0)
		datapath_load(datapath, NULL);
}

uint64_t datapath_gone(const struct datapath *datapath)
{
	return datapath->gone;
}

bool datapath_peer_is_gone(
	struct datapath *datapath, uint64_t cookie, struct in_addr address, in_port_t port)
{
	struct peer4_key key = {.cookie = cookie, .address = address.s_addr, .port = port};
	const struct image *image = &datapath->maps.image;
	struct backend backend;
	struct peer4 peer;

	if (bpf_map_lookup_elem(datapath->maps.peers4_fd, &key, &peer) < 0 ||
		bpf_map_lookup_elem(datapath->maps.backends_fd, &peer.backend, &backend) < 0 ||
		backend.endpoint >= image->endpoint_max)
		return false;
	return backend.generation != peer.generation ||
	       __atomic_load_n(&image->endpoints[backend.endpoint].state, __ATOMIC_ACQUIRE) ==
		       ENDPOINT_DOWN;
}

int datapath_endpoints(
	struct datapath *datapath, struct dp_endpoint **ret, size_t *ret_count, struct err *err)
{
	const struct state *state = datapath->state;
	struct dp_endpoint *endpoints;
	size_t count = 0;

	if (!state)
		return err_refuse(err, EAGAIN, "the maps could not be read back");
	endpoints = calloc(state->endpoint_ids.fresh, sizeof(*endpoints));
	if (!endpoints)
		return err_set(err, ENOMEM, "list endpoints");
	for (uint32_t id = 1; id < state->endpoint_ids.fresh; id++) {
		if (state->endpoints[id].use == USE_LIVE)
			endpoints[count++] = (struct dp_endpoint){
				.address = state->endpoints[id].address,
				.state = datapath->maps.image.endpoints[id].state,
			};
	}
	*ret = endpoints;
	*ret_count = count;
	return 0;
}
