/* SPDX-License-Identifier: GPL-2.0-only */
/* Every drop and every refusal has its own reason. */
#pragma once

#include <linux/pkt_cls.h>

#include "bpf/maps.bpf.h"

static __always_inline void count(__u32 reason)
{
	__u64 *counter = bpf_map_lookup_elem(&counters, &reason);

	if (counter)
		(*counter)++;
}

static __always_inline int drop(__u32 reason)
{
	count(reason);
	return TC_ACT_SHOT;
}
