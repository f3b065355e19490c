// SPDX-License-Identifier: Apache-2.0
#include "user/datapath/inits.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <bpf/bpf.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"

/* States that new flows may go to, or existing ones; HELD is no claim to life. */
static bool is_alive(uint32_t state)
{
	return state == ENDPOINT_READY || state == ENDPOINT_UNREADY ||
	       state == ENDPOINT_TERMINATING;
}

static uint32_t state_now(const struct image *image, uint32_t id)
{
	return __atomic_load_n(&image->endpoints[id].state, __ATOMIC_ACQUIRE);
}

/* --- what is registered ----------------------------------------------------------------------- */

/* The place of @tgid, or the one where it belongs. */
static size_t watch_place(const struct inits *inits, uint32_t tgid)
{
	size_t low = 0, high = inits->count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (inits->watches[middle].entry.key.tgid < tgid)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct init_watch *watch_find(const struct inits *inits, uint32_t tgid)
{
	size_t place = watch_place(inits, tgid);

	return place < inits->count && inits->watches[place].entry.key.tgid == tgid
		       ? &inits->watches[place]
		       : NULL;
}

static int watch_add(struct inits *inits, const struct init_watch *watch)
{
	size_t place = watch_place(inits, watch->entry.key.tgid);

	if (inits->count == inits->room) {
		size_t room = inits->room ? 2 * inits->room : 64;
		struct init_watch *more = reallocarray(inits->watches, room, sizeof(*more));

		if (!more)
			return -ENOMEM;
		inits->watches = more;
		inits->room = room;
	}
	memmove(inits->watches + place + 1, inits->watches + place,
		(inits->count++ - place) * sizeof(*watch));
	inits->watches[place] = *watch;
	return 0;
}

static void watch_remove(struct inits *inits, struct init_watch *watch)
{
	size_t place = (size_t)(watch - inits->watches);

	bpf_map_delete_elem(inits->fd, &watch->entry.key); /* the kernel may have been faster */
	memmove(watch, watch + 1, (--inits->count - place) * sizeof(*watch));
}

/* The kernel deletes an entry before it sets the endpoint DOWN. */
static bool watch_has_ended(const struct inits *inits, const struct init_watch *watch)
{
	struct init entry;

	return bpf_map_lookup_elem(inits->fd, &watch->entry.key, &entry) == -ENOENT;
}

static bool endpoint_has_ended(const struct inits *inits, uint32_t id)
{
	for (size_t i = 0; i < inits->count; i++)
		if (inits->watches[i].entry.endpoint == id &&
			watch_has_ended(inits, &inits->watches[i]))
			return true;
	return false;
}

void inits_keep(struct inits *inits, const struct dp_desired *desired)
{
	for (size_t i = 0; i < inits->count; i++)
		inits->watches[i].wanted = false;
	for (size_t i = 0; i < desired->init_count; i++) {
		const struct dp_init *init = &desired->inits[i];
		struct init_watch *watch = watch_find(inits, (uint32_t)init->pid);

		if (watch && watch->started == init->started)
			watch->wanted = true;
	}
	for (size_t i = inits->count; i > 0; i--)
		if (!inits->watches[i - 1].wanted)
			watch_remove(inits, &inits->watches[i - 1]);
}

int inits_open(struct inits *ret, int fd, struct err *err)
{
	struct stat own;

	if (stat("/proc/self/ns/pid", &own) < 0)
		return err_set(err, errno, "stat '/proc/self/ns/pid'");
	ret->fd = fd;
	ret->pidns = (uint32_t)own.st_ino;
	return 0;
}

void inits_clear(struct inits *inits)
{
	free(inits->watches);
	*inits = (struct inits){.fd = -1};
}

/* --- registering ------------------------------------------------------------------------------ */

static bool endpoint_is_live(const struct state *state, uint32_t id)
{
	return id < state->endpoint_ids.fresh && state->endpoints[id].use == USE_LIVE;
}

/* 0: the address has none. */
static uint32_t endpoint_find(const struct state *state, struct in_addr address)
{
	for (uint32_t id = 1; id < state->endpoint_ids.fresh; id++)
		if (endpoint_is_live(state, id) &&
			state->endpoints[id].address.s_addr == address.s_addr)
			return id;
	return 0;
}

static bool entry_is_current(const struct init *entry, const struct state *state,
	const struct image *image, struct in_addr address)
{
	uint32_t id = entry->endpoint;

	return endpoint_is_live(state, id) &&
	       state->endpoints[id].address.s_addr == address.s_addr &&
	       image->endpoints[id].generation == entry->generation;
}

static bool process_has_ended(int pidfd)
{
	struct pollfd polled = {.fd = pidfd, .events = POLLIN};

	return poll(&polled, 1, 0) > 0;
}

/* What an earlier podnetd has written and is right stays as it is. */
static int entry_put(const struct inits *inits, const struct init *entry, struct err *err)
{
	struct init there;
	int r;

	if (bpf_map_lookup_elem(inits->fd, &entry->key, &there) == 0 &&
		memcmp(&there, entry, sizeof(there)) == 0)
		return 0;
	r = bpf_map_update_elem(inits->fd, &entry->key, entry, BPF_ANY);
	return r == 0 ? 0 : err_set(err, -r, "write map 'inits'");
}

/* Looks behind the registration: from then on either the kernel sees the end, or we do. */
static int init_register(
	struct inits *inits, const struct init_watch *watch, int pidfd, struct err *err)
{
	int r = entry_put(inits, &watch->entry, err);

	if (r < 0)
		return r;
	if (process_has_ended(pidfd))
		bpf_map_delete_elem(inits->fd, &watch->entry.key);
	return watch_add(inits, watch) < 0 ? err_set(err, ENOMEM, "watch a process") : 0;
}

static int init_ensure(struct inits *inits, const struct state *state, const struct image *image,
	const struct dp_init *init, struct err *err)
{
	struct init_watch *known = watch_find(inits, (uint32_t)init->pid);
	struct init_watch watch = {.started = init->started};

	if (known && entry_is_current(&known->entry, state, image, init->address))
		return 0;
	if (known)
		watch_remove(inits, known); /* the address has another endpoint now, or none */
	watch.entry.key = (struct init_key){inits->pidns, (uint32_t)init->pid};
	watch.entry.endpoint = endpoint_find(state, init->address);
	if (!watch.entry.endpoint)
		return 0;
	watch.entry.generation = image->endpoints[watch.entry.endpoint].generation;
	return init_register(inits, &watch, init->pidfd, err);
}

static bool endpoint_is_watched(const struct inits *inits, uint32_t id)
{
	for (size_t i = 0; i < inits->count; i++)
		if (inits->watches[i].entry.endpoint == id)
			return true;
	return false;
}

/* A Pod that is not known again yet has processes that nobody asks for; they are right as they are. */
static bool stray_may_stay(const struct inits *inits, const struct state *state,
	const struct image *image, const struct init_key *key)
{
	struct init entry;

	if (key->pidns != inits->pidns)
		return false;
	if (watch_find(inits, key->tgid) || bpf_map_lookup_elem(inits->fd, key, &entry) < 0)
		return true; /* it is no stray, or not there any more */
	return endpoint_is_live(state, entry.endpoint) &&
	       image->endpoints[entry.endpoint].generation == entry.generation &&
	       !endpoint_is_watched(inits, entry.endpoint);
}

static void strays_delete(
	const struct inits *inits, const struct state *state, const struct image *image)
{
	struct init_key key, last, *before = NULL;

	while (bpf_map_get_next_key(inits->fd, before, &key) == 0) {
		if (!stray_may_stay(inits, state, image, &key)) {
			bpf_map_delete_elem(inits->fd, &key);
			before =
				NULL; /* from the beginning: what is behind a deleted one is not known */
			continue;
		}
		last = key;
		before = &last;
	}
}

int inits_register(struct inits *inits, const struct state *state, const struct image *image,
	const struct dp_desired *desired, struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < desired->init_count && r == 0; i++)
		r = init_ensure(inits, state, image, &desired->inits[i], err);
	if (r < 0 || inits->swept)
		return r;
	strays_delete(inits, state, image);
	inits->swept = true;
	return 0;
}

/* --- states ----------------------------------------------------------------------------------- */

/* The index of @address in @desired, or the number of endpoints there. */
static size_t desired_find(const struct dp_desired *desired, struct in_addr address)
{
	size_t i = 0;

	while (i < desired->endpoint_count &&
		desired->endpoints[i].address.s_addr != address.s_addr)
		i++;
	return i;
}

static int endpoints_copy(
	const struct dp_desired *desired, struct dp_endpoint **ret, struct err *err)
{
	size_t size = desired->endpoint_count * sizeof(**ret);

	*ret = malloc(size);
	if (!*ret)
		return err_set(err, ENOMEM, "correct the desired data plane");
	memcpy(*ret, desired->endpoints, size);
	return 0;
}

int inits_correct(const struct inits *inits, const struct state *state, const struct image *image,
	const struct dp_desired *desired, struct dp_endpoint **ret, struct err *err)
{
	*ret = NULL;
	for (uint32_t id = 1; id < state->endpoint_ids.fresh; id++) {
		size_t i;

		if (!endpoint_is_live(state, id) || state_now(image, id) != ENDPOINT_DOWN)
			continue;
		i = desired_find(desired, state->endpoints[id].address);
		if (i == desired->endpoint_count || !is_alive(desired->endpoints[i].state) ||
			(!desired->endpoints[i].unsure && !endpoint_has_ended(inits, id)))
			continue;
		if (!*ret && endpoints_copy(desired, ret, err) < 0)
			return -ENOMEM;
		(*ret)[i].state = ENDPOINT_DOWN;
	}
	return 0;
}

bool inits_guard(
	const struct inits *inits, struct state *state, const struct image *image, uint32_t id)
{
	bool any = false;

	/* The stores before are seen by all before the look. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	for (size_t i = 0; i < inits->count; i++) {
		const struct init *entry = &inits->watches[i].entry;

		if ((id && id != entry->endpoint) || !endpoint_is_live(state, entry->endpoint) ||
			image->endpoints[entry->endpoint].generation != entry->generation ||
			!is_alive(state_now(image, entry->endpoint)) ||
			!watch_has_ended(inits, &inits->watches[i]))
			continue;
		__atomic_store_n(
			&image->endpoints[entry->endpoint].state, ENDPOINT_DOWN, __ATOMIC_RELEASE);
		state->endpoints[entry->endpoint].state = ENDPOINT_DOWN;
		any = true;
	}
	return any;
}

bool inits_follow(struct state *state, const struct image *image)
{
	bool any = false;

	for (uint32_t id = 1; id < state->endpoint_ids.fresh; id++) {
		uint32_t now = state_now(image, id);

		if (!endpoint_is_live(state, id) || state->endpoints[id].state == now)
			continue;
		state->endpoints[id].state = now;
		any |= now == ENDPOINT_DOWN;
	}
	return any;
}
