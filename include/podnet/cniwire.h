/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * What a Pod's network looks like: fixed by the CNI plugin, relied on by the BPF programs and tests.
 *
 *   Pod:  eth0 POD/32; 169.254.1.1 dev eth0 scope link; default via 169.254.1.1 src POD;
 *         169.254.1.1 has a permanent neighbour entry with the MAC of the host side
 *   host: pnXXXXXXXXXXXX 169.254.1.2/32 scope link; POD/32 dev pnXXXXXXXXXXXX scope link;
 *         POD has a permanent neighbour entry with the MAC of eth0
 *
 * No subnet and no bridge: all that a Pod sends passes its own veth, and nobody ever asks by ARP, so
 * that answers to ARP cannot be forged.  The gateway lives on no interface; packets that the data
 * plane sends a Pod in its name (a Pod that reaches itself through a Service) can therefore never be
 * taken for the host's own, which come from 169.254.1.2 on a machine with or without other addresses.
 */
#pragma once

#define CNI_GATEWAY	 0xa9fe0101u /* 169.254.1.1, host byte order */
#define CNI_HOST_ADDRESS 0xa9fe0102u /* 169.254.1.2, host byte order */

/* The host side of a veth pair is CNI_HOST_PREFIX and 12 hex digits of the attachment's hash. */
#define CNI_HOST_PREFIX "pn"

#define CNI_DEFAULT_INSTANCE	 "default"
#define CNI_DEFAULT_BPF_DIR	 "/sys/fs/bpf"
#define CNI_DEFAULT_STATE_DIR	 "/var/lib/podnet"
#define CNI_DEFAULT_SERVICE_CIDR "10.96.0.0/16"
