// SPDX-License-Identifier: Apache-2.0
#include "user/datapath/attach.h"

#include <errno.h>
#include <string.h>
#include <bpf/bpf.h>

#include "podnet/pins.h"
#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/datapath/filter.h"
#include "user/datapath/loader.h"
#include "user/datapath/pindir.h"

/* What an attachment needs: programs of whatever build, each pinned with the maps it uses. */
static bool attach_ready(const struct datapath_config *config)
{
	AUTO_FD out = -1, in = -1;

	return pindir_get(config, PIN_POD_OUT, &out, NULL) == 0 &&
	       pindir_get(config, PIN_POD_IN, &in, NULL) == 0;
}

/* Everything is pinned, and stays so until the caller closes *@ret_lock. */
static int attach_open(const struct datapath_config *config, int *ret_lock, struct err *err)
{
	AUTO_FD lock = -1;
	int r;

	r = pindir_open(config, PINDIR_USE, &lock, err);
	if (r < 0)
		return r;
	while (!attach_ready(config)) {
		close_fd(&lock);
		r = pindir_open(config, PINDIR_CHANGE, &lock, err);
		if (r < 0)
			return r;
		r = loader_run(config, err);
		if (r < 0)
			return r;
	}
	*ret_lock = take_fd(&lock);
	return 0;
}

int pod_attach(const struct datapath_config *config, uint32_t ifindex, struct err *err)
{
	AUTO_FD lock = -1;
	int r;

	r = attach_open(config, &lock, err);
	if (r < 0)
		return r;
	return filter_attach(config, ifindex, err);
}

int pod_put(const struct datapath_config *config, const struct pod_entry *pod, struct err *err)
{
	struct pod4 value = {
		.ifindex = pod->ifindex,
		.address = pod->address.s_addr,
		.flags = pod->flags,
	};
	AUTO_FD lock = -1, map = -1;
	int r;

	memcpy(value.mac, pod->mac, sizeof(value.mac));
	r = attach_open(config, &lock, err);
	if (r < 0)
		return r;
	r = pindir_get(config, "pods4", &map, err);
	if (r < 0)
		return r;
	r = bpf_map_update_elem(map, &value.address, &value, BPF_ANY);
	return r == 0 ? 0 : err_set(err, -r, "write map 'pods4'");
}

int pod_del(const struct datapath_config *config, struct in_addr address, uint32_t ifindex,
	struct err *err)
{
	AUTO_FD map = -1;
	struct pod4 value;
	int r;

	r = pindir_get(config, "pods4", &map, err);
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return r;
	r = bpf_map_lookup_elem(map, &address.s_addr, &value);
	if (r == 0 && ifindex != 0 && value.ifindex != ifindex)
		return 0;
	if (r == 0)
		r = bpf_map_delete_elem(map, &address.s_addr);
	return r == 0 || r == -ENOENT ? 0 : err_set(err, -r, "change map 'pods4'");
}

int pod_get(const struct datapath_config *config, struct in_addr address, struct pod_entry *ret,
	struct err *err)
{
	AUTO_FD map = -1;
	struct pod4 value;
	int r;

	r = pindir_get(config, "pods4", &map, err);
	if (r < 0)
		return r;
	r = bpf_map_lookup_elem(map, &address.s_addr, &value);
	if (r < 0)
		return err_set(err, -r, "read map 'pods4'");
	*ret = (struct pod_entry){
		.address = address,
		.ifindex = value.ifindex,
		.flags = value.flags,
	};
	memcpy(ret->mac, value.mac, sizeof(ret->mac));
	return 0;
}
