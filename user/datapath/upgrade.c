// SPDX-License-Identifier: Apache-2.0
#include "user/datapath/upgrade.h"

#include <errno.h>
#include <net/if.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>
#include <bpf/bpf.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/base/log.h"
#include "user/datapath/datapath.h"
#include "user/datapath/loader.h"
#include "user/datapath/pindir.h"
#include "user/datapath/state.h"

/* What ABI 1 had otherwise. */
struct flow4_abi1 {
	struct tuple4 becomes;
	uint32_t endpoint, generation, flags;
	uint64_t closed;
};
ABI_SIZE(struct flow4_abi1, 32);

struct peer4_abi1 {
	__be32 vip;
	__be16 port;
	uint16_t reserved;
	uint32_t endpoint, generation;
};
ABI_SIZE(struct peer4_abi1, 16);

/* One map of both ABIs. */
struct pair {
	const char *name;
	int from_fd, to_fd;
	uint32_t from_max; /* elements */
};

/* What the copies are made true by; not of use before our maps are filled. */
struct truth {
	const struct state *state;
	int backends_fd;
};

static void cleanup_pair(struct pair *pair)
{
	close_fd(&pair->from_fd);
	close_fd(&pair->to_fd);
}

#define AUTO_PAIR AUTO_CLEANUP(cleanup_pair) struct pair

/* -ENOENT: the older ABI's pins lack it; -EINVAL: its elements are not what that ABI had. */
static int pair_open(const struct datapath_config *config, unsigned from, const char *name,
	size_t size, struct pair *ret, struct err *err)
{
	struct bpf_map_info info = {};
	__u32 info_size = sizeof(info);
	int r;

	*ret = (struct pair){.name = name, .from_fd = -1, .to_fd = -1};
	r = pindir_get_older(config, from, name, &ret->from_fd, err);
	if (r == 0)
		r = pindir_get(config, name, &ret->to_fd, err);
	if (r < 0)
		return r;
	r = bpf_obj_get_info_by_fd(ret->from_fd, &info, &info_size);
	if (r < 0)
		return err_set(err, -r, "read about map '%s'", name);
	if (info.value_size != size)
		return err_refuse(err, EINVAL, "map '%s' of ABI %u is not ours", name, from);
	ret->from_max = info.max_entries;
	return 0;
}

/* Copies one element; called with each key of the older map. */
typedef int (*copy_fn)(const struct pair *pair, const void *key, const struct truth *truth);

#define KEY_MOST 16

/* Keys that go while we read make us begin again: no more of them than there can be. */
static int pair_copy(
	const struct pair *pair, copy_fn copy, const struct truth *truth, struct err *err)
{
	char key[KEY_MOST] = {}, next[KEY_MOST] = {};
	uint32_t left = pair->from_max;
	int r, copied = 0;

	for (r = bpf_map_get_next_key(pair->from_fd, NULL, next); r == 0 && copied == 0 && left > 0;
		r = bpf_map_get_next_key(pair->from_fd, key, next), left--) {
		memcpy(key, next, sizeof(key));
		copied = copy(pair, key, truth);
		if (copied == -EEXIST || copied == -ENOENT)
			copied = 0;
	}
	if (copied < 0)
		return err_set(err, -copied, "copy map '%s'", pair->name);
	return r == 0 || r == -ENOENT ? 0 : err_set(err, -r, "read map '%s'", pair->name);
}

static int map_copy(const struct datapath_config *config, unsigned from, const char *name,
	size_t size, copy_fn copy, const struct truth *truth, struct err *err)
{
	AUTO_PAIR pair;
	int r = pair_open(config, from, name, size, &pair, err);

	/* A start that was cut short may have left some of the maps only. */
	if (r == -ENOENT)
		return 0;
	return r < 0 ? r : pair_copy(&pair, copy, truth, err);
}

/* Of Pods that are still there. */
static int pod_copy(const struct pair *pair, const void *key, const struct truth *truth)
{
	char name[IF_NAMESIZE];
	struct pod4 pod;
	int r = bpf_map_lookup_elem(pair->from_fd, key, &pod);

	(void)truth;
	if (r < 0 || !if_indextoname(pod.ifindex, name))
		return r;
	return bpf_map_update_elem(pair->to_fd, key, &pod, BPF_NOEXIST);
}

/* The id stays the same, and with the generation flows stay true. */
static int endpoint_copy(const struct pair *pair, const void *key, const struct truth *truth)
{
	static const struct endpoint never;
	struct endpoint endpoint, known = {};
	int r = bpf_map_lookup_elem(pair->from_fd, key, &endpoint);

	(void)truth;
	if (r == 0)
		r = bpf_map_lookup_elem(pair->to_fd, key, &known);
	if (r < 0 || memcmp(&known, &never, sizeof(known)) != 0)
		return r;
	return bpf_map_update_elem(pair->to_fd, key, &endpoint, BPF_ANY);
}

/* UDP's are not copied: the next datagram is led by the row, to the same backend if it can. */
static int flow_copy(const struct pair *pair, const void *key, const struct truth *truth)
{
	struct flow4_abi1 flow;
	int r = bpf_map_lookup_elem(pair->from_fd, key, &flow);

	(void)truth;
	if (r < 0)
		return r;
	return bpf_map_update_elem(pair->to_fd, key,
		&(struct flow4){.becomes = flow.becomes,
			.endpoint = flow.endpoint,
			.generation = flow.generation,
			.flags = (uint16_t)flow.flags,
			.closed = flow.closed},
		BPF_NOEXIST);
}

static bool backend_is_of(const struct state *state, const struct state_backend *backend,
	const struct peer4_key *key, const struct peer4_abi1 *peer)
{
	const struct state_service *service = &state->services[backend->service];

	return backend->use == USE_LIVE && backend->endpoint == peer->endpoint &&
	       backend->port == key->port && service->use == USE_LIVE &&
	       service->key.vip == peer->vip && service->key.port == peer->port &&
	       service->key.protocol == IPPROTO_UDP;
}

/* Where there is no such backend any more, it is one that nobody is: the socket ends. */
static int peer_copy(const struct pair *pair, const void *key, const struct truth *truth)
{
	const struct state *state = truth->state;
	struct backend backend = {};
	struct peer4_abi1 peer;
	uint32_t id;
	int r = bpf_map_lookup_elem(pair->from_fd, key, &peer);

	if (r < 0)
		return r;
	for (id = state->backend_ids.fresh - 1; id > 0; id--) {
		if (backend_is_of(state, &state->backends[id], key, &peer))
			break;
	}
	r = bpf_map_lookup_elem(truth->backends_fd, &id, &backend);
	if (r < 0)
		return r;
	return bpf_map_update_elem(pair->to_fd, key,
		&(struct peer4){.vip = peer.vip,
			.port = peer.port,
			.backend = id,
			.generation = backend.generation},
		BPF_NOEXIST);
}

static int connections_copy(const struct datapath_config *config, unsigned from,
	const struct state *state, struct err *err)
{
	struct truth truth = {.state = state};
	AUTO_FD backends = -1;
	int r = pindir_get(config, "backends", &backends, err);

	truth.backends_fd = backends;
	if (r == 0)
		r = map_copy(config, from, "flows4_tcp", sizeof(struct flow4_abi1), flow_copy,
			&truth, err);
	if (r == 0)
		r = map_copy(
			config, from, "peers4", sizeof(struct peer4_abi1), peer_copy, &truth, err);
	return r;
}

unsigned upgrade_from(const struct datapath_config *config)
{
	char path[PIN_PATH_MAX];

	for (unsigned abi = PODNET_ABI - 1; abi > 0; abi--) {
		if (pindir_path_older(config, abi, NULL, path, NULL) == 0 &&
			access(path, F_OK) == 0)
			return abi;
	}
	return 0;
}

int upgrade_begin(const struct datapath_config *config, unsigned from, struct err *err)
{
	int r;

	log_info(
		"found BPF pins of ABI %u: carrying Pods, endpoints and connections over to ABI %d",
		from, PODNET_ABI);
	r = map_copy(config, from, "pods4", sizeof(struct pod4), pod_copy, NULL, err);
	if (r == 0)
		r = map_copy(config, from, "endpoints", sizeof(struct endpoint), endpoint_copy,
			NULL, err);
	return r;
}

int upgrade_finish(const struct datapath_config *config, unsigned from, const struct state *state,
	struct err *err)
{
	AUTO_FD lock = -1;
	int r = pindir_open(config, PINDIR_CHANGE, &lock, err);

	if (r == 0)
		r = connections_copy(config, from, state, err);
	if (r == 0)
		r = loader_attach_pods(config, err);
	/* Those that began meanwhile. */
	if (r == 0)
		r = connections_copy(config, from, state, err);
	if (r == 0)
		r = pindir_remove_older(config, from, err);
	if (r == 0)
		log_info(
			"removed the BPF pins of ABI %u: ABI %d serves all Pods", from, PODNET_ABI);
	return r;
}
