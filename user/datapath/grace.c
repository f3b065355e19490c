// SPDX-License-Identifier: Apache-2.0
#include "user/datapath/grace.h"

#include <stdint.h>
#include <bpf/bpf.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"

int grace_open(struct grace *ret, struct err *err)
{
	LIBBPF_OPTS(bpf_map_create_opts, options);
	AUTO_FD inner = bpf_map_create(BPF_MAP_TYPE_ARRAY, "grace_inner", 4, 4, 1, NULL);
	int outer;

	if (inner < 0)
		return err_set(err, -inner, "create map 'grace_inner'");
	options.inner_map_fd = (uint32_t)inner;
	outer = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "grace_outer", 4, 4, 1, &options);
	if (outer < 0)
		return err_set(err, -outer, "create map 'grace_outer'");
	*ret = (struct grace){.outer_fd = outer, .inner_fd = take_fd(&inner)};
	return 0;
}

void grace_close(struct grace *grace)
{
	close_fd(&grace->outer_fd);
	close_fd(&grace->inner_fd);
}

/* The kernel waits before it answers: programs may still hold the inner map that was replaced. */
int grace_wait(const struct grace *grace, struct err *err)
{
	uint32_t zero = 0;
	int r;

	r = bpf_map_update_elem(grace->outer_fd, &zero, &grace->inner_fd, BPF_ANY);
	return r == 0 ? 0 : err_set(err, -r, "wait for a grace period");
}
