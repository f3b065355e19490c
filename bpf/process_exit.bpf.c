// SPDX-License-Identifier: GPL-2.0-only
/*
 * The end of a process, as the kernel sees it: an endpoint that lives by it is DOWN before its last
 * socket is closed, whether podnetd runs or not.
 */
#include "bpf/maps.bpf.h"

#include <bpf/bpf_core_read.h>

#define LEVELS_MOST  33 /* of nested pid namespaces, as the kernel has it */
#define PIDTYPE_TGID 1

/* What we read of the kernel's own; the loader finds the offsets. */
#define KERNEL __attribute__((preserve_access_index))

struct ns_common {
	unsigned int inum;
} KERNEL;

struct pid_namespace {
	struct ns_common ns;
} KERNEL;

struct upid {
	int nr;
	struct pid_namespace *ns;
} KERNEL;

struct pid {
	unsigned int level;
	struct upid numbers[1]; /* level + 1 of them */
} KERNEL;

typedef struct {
	int counter;
} atomic_t;

struct signal_struct {
	atomic_t
		live; /* threads; the exiting one is no longer counted when the tracepoint is hit */
	struct pid *pids[PIDTYPE_TGID + 1];
} KERNEL;

struct task_struct {
	struct signal_struct *signal;
} KERNEL;

/* HELD is somebody's decision. */
static __always_inline void endpoint_down(const struct init *init)
{
	struct endpoint *endpoint = bpf_map_lookup_elem(&endpoints, &init->endpoint);

	if (!endpoint || endpoint->generation != init->generation)
		return;
	if (endpoint->state != ENDPOINT_HELD)
		*(volatile __u32 *)&endpoint->state = ENDPOINT_DOWN;
}

static __always_inline void init_end(const struct init_key *key)
{
	volatile const struct init *found = bpf_map_lookup_elem(&inits, key);
	struct init init;

	if (!found)
		return;
	init.endpoint = found->endpoint;
	init.generation = found->generation;
	/* The key is the first to be written and the last to be read. */
	if (found->key.pidns != key->pidns || found->key.tgid != key->tgid)
		return;
	/* First: podnetd, who looks for the entry after each store, sees the end or we overwrite it. */
	bpf_map_delete_elem(&inits, key);
	endpoint_down(&init);
}

/* The process as the namespace of @level knows it. */
static __always_inline struct init_key key_at(const struct pid *pid, __u32 level)
{
	const struct upid *upid = (const void *)pid + bpf_core_field_offset(pid->numbers) +
				  level * bpf_core_type_size(struct upid);

	return (struct init_key){
		.pidns = BPF_CORE_READ(upid, ns, ns.inum),
		.tgid = (__u32)BPF_CORE_READ(upid, nr),
	};
}

SEC("tp_btf/sched_process_exit")
int process_exit(__u64 *context)
{
	const struct task_struct *task = (const void *)context[0];
	const struct pid *pid;
	__u32 levels;

	if (BPF_CORE_READ(task, signal, live.counter) != 0)
		return 0;
	pid = BPF_CORE_READ(task, signal, pids[PIDTYPE_TGID]);
	levels = BPF_CORE_READ(pid, level) + 1;
	for (__u32 level = 0; level < LEVELS_MOST && level < levels; level++) {
		struct init_key key = key_at(pid, level);

		init_end(&key);
	}
	return 0;
}

char LICENSE[] SEC("license")
= "GPL";
