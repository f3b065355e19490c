/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * The contract between the BPF programs and user space: every map's key and value.  Fixed widths,
 * no hidden padding, sizes asserted; a change of layout or meaning raises PODNET_ABI, and thereby
 * the pin directory.  Addresses and ports are in network byte order, as the packet carries them.
 *
 * Ids are indices into flat ARRAYs; 0 is never given out, so a zeroed element names nothing.
 */
#pragma once

#include <linux/types.h>

#include "podnet/endpoint.h"

#define PODNET_ABI 2

#define ABI_SIZE(type, size) _Static_assert(sizeof(type) == (size), #type " has another size")

/* --- pods: how to reach a Pod's address on this machine; written by the CNI plugin only ------- */

#define POD_CHECK_MAC 0x1 /* frames from the Pod must carry @mac: nobody changed it after us */
#define POD_NO_PEER   0x2 /* deliver through the veth's qdisc, not by redirect_peer */
#define POD_CHAINED   0x4 /* the veth was made by another plugin */

/* pods4: HASH, __be32 address -> */
struct pod4 {
	__u32 ifindex;	/* host side of the veth */
	__be32 address; /* the key again: a reader can be handed an element that is being recycled */
	__u8 mac[6];	/* of the Pod's interface */
	__u16 flags;	/* POD_* */
	__u32 policy;	/* reserved, 0 */
};
ABI_SIZE(struct pod4, 20);

/* --- services -------------------------------------------------------------------------------- */

#define SCOPE_INTERNAL 0 /* asked for from inside: ClusterIP */
#define SCOPE_EXTERNAL 1

/* svc4: HASH, key -> __u32 service id, written once in the life of the key. */
struct svc4_key {
	__be32 vip;
	__be16 port;
	__u8 protocol;
	__u8 scope;
};
ABI_SIZE(struct svc4_key, 8);

struct svc6_key {
	__be32 vip[4];
	__be16 port;
	__u8 protocol;
	__u8 scope;
};
ABI_SIZE(struct svc6_key, 20);

/*
 * services: ARRAY, mmapable.  All that changes changes by one aligned store.  @tag tells whose
 * entry this is: looking up a key in a HASH can give a neighbour's id while elements are
 * recycled.
 */
struct service {
	__u64 row;	/* ROW_WORD */
	__u64 tag;	/* the svc4_key's eight bytes (v6: a hash); 0: free */
	__u32 affinity; /* seconds; reserved, 0 */
	__u8 accepts;	/* 1 << ENDPOINT_*: states that new flows may go to; else TERMINATING */
	__u8 flags;	/* reserved, 0 */
	__u16 reserved;
};
ABI_SIZE(struct service, 24);

/* A row's first line, its length and how often the service has changed rows, in one store. */
#define ROW_WORD(line, length, generation) \
	((__u64)(line) | (__u64)(length) << 32 | (__u64)(__u16)(generation) << 48)
#define ROW_LINE(word)	     ((__u32)(word))
#define ROW_LENGTH(word)     ((__u16)((word) >> 32)) /* 0: explicitly nothing to go to */
#define ROW_GENERATION(word) ((__u16)((word) >> 48))

/*
 * Lengths of rows, primes: the smallest that is at least 100 times the backends, else the largest.
 */
#define ROW_LENGTHS                        \
	{                                  \
		61, 251, 1021, 4093, 16381 \
	}

/*
 * rows: ARRAY of lines.  A row is ROW_LIST_LINES lines that list its first ROW_LIST backends once
 * each (0 ends the list), then the lines of the Maglev table.
 */
#define ROW_LINE_IDS   16
#define ROW_LIST_LINES 4
#define ROW_LIST       (ROW_LIST_LINES * ROW_LINE_IDS)

struct row_line {
	__u32 backends[ROW_LINE_IDS];
};
ABI_SIZE(struct row_line, 64);

/*
 * backends: ARRAY, mmapable: an endpoint at a port, as one service has it.  Another service's
 * is another backend: what leaves the one stays with the other.
 */
struct backend {
	__u32 endpoint; /* 0: free */
	__u32 service;
	__be16 port;
	__u16 generation; /* + 1 as soon as it has left its service, and when the id is freed */
	__u32 reserved;	  /* 0 */
};
ABI_SIZE(struct backend, 16);

/* --- endpoints: one Pod address, local or remote, and what may be sent to it ------------------ */

/* endpoints: ARRAY, mmapable. */
struct endpoint {
	__u32 state;	  /* ENDPOINT_*: one store takes an address out of every service */
	__u32 generation; /* + 1 whenever the id is freed: flows of the former owner end */
	__be32 address4;  /* 0: free */
	__be32 address6[4];
	__u32 node; /* reserved, 0 */
};
ABI_SIZE(struct endpoint, 32);

/* --- inits: the processes that endpoints live by ---------------------------------------------- */

/* A thread group, by its number in the pid namespace of podnetd. */
struct init_key {
	__u32 pidns; /* inode number */
	__u32 tgid;
};
ABI_SIZE(struct init_key, 8);

/* inits: HASH.  When the process ends, the kernel deletes its entry, then sets the endpoint DOWN. */
struct init {
	struct init_key key; /* again: a reader can be handed an element that is being recycled */
	__u32 endpoint;	     /* id */
	__u32 generation;    /* of the endpoint; another one now: it is somebody else's */
};
ABI_SIZE(struct init, 16);

/* --- flows: translated connections, written by BPF -------------------------------------------- */

struct tuple4 {
	__be32 source;
	__be32 destination;
	__be16 source_port;
	__be16 destination_port;
};
ABI_SIZE(struct tuple4, 12);

/* The packet as it comes in. */
struct flow4_key {
	struct tuple4 tuple;
	__u8 protocol;
	__u8 reserved[3];
};
ABI_SIZE(struct flow4_key, 16);

#define FLOW_REPLY 0x1 /* the backend's side of the pair */

/*
 * flows4_tcp, flows4_any (UDP): LRU_HASH.  A connection has two entries, one for each direction as
 * its packets come in; each key is the other's @becomes turned round.
 */
struct flow4 {
	struct tuple4 becomes; /* the packet as it goes on */
	__u32 endpoint;
	__u32 generation; /* of the endpoint when the flow began; another one now: the flow is void */
	__u32 backend;	  /* 0: the client has asked for the endpoint itself */
	__u16 backend_generation; /* likewise, for UDP: it leaves a backend with its service */
	__u16 flags;		  /* FLOW_* */
	__u32 reserved;		  /* 0 */
	__u64 closed; /* ktime ns of the last packet after the first FIN or RST; 0: open */
};
ABI_SIZE(struct flow4, 40);

/* --- peers: what sockets were translated by the hooks, written by BPF ------------------------- */

/* peers4: LRU_HASH, a UDP socket and the backend that it talks to -> whom it believes to talk to */
struct peer4_key {
	__u64 cookie; /* of the socket */
	__be32 address;
	__be16 port;
	__u16 reserved;
};
ABI_SIZE(struct peer4_key, 16);

struct peer4 {
	__be32 vip;
	__be16 port;
	__u16 generation; /* of the backend at that time; another one now: it has left for good */
	__u32 backend;
};
ABI_SIZE(struct peer4, 12);

/* --- counters: PERCPU_ARRAY of __u64 ---------------------------------------------------------- */

#define COUNT_DROP_MALFORMED  0	 /* headers do not fit the frame */
#define COUNT_DROP_SPOOFED    1	 /* source address or MAC is not the Pod's */
#define COUNT_DROP_PROTOCOL   2	 /* neither IPv4, IPv6 nor ARP, or with a VLAN tag */
#define COUNT_DROP_EXHAUSTED  3	 /* no source port is left for one more flow between two ends */
#define COUNT_DROP_REFUSAL    4	 /* the refusal itself could not be built */
#define COUNT_REFUSED	      5	 /* no backend accepts new flows: answered with RST or ICMP */
#define COUNT_REFUSED_UNKNOWN 6	 /* to a service, but of no flow we know: answered with RST */
#define COUNT_REFUSED_CONNECT 7	 /* no backend accepts new flows: connect(2) fails */
#define COUNT_FLOWS	      8	 /* translated by packet */
#define COUNT_CONNECTS	      9	 /* translated by connect(2), or by sendto(2) for the first time */
#define COUNT_PORT_CHANGED    10 /* flows whose source port was translated too */
#define COUNTERS	      11
