// SPDX-License-Identifier: Apache-2.0
#include "user/node/capability.h"

#include <linux/capability.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/model/pod.h"

#define BIT(number) (UINT64_C(1) << (number))

static const char *const names[] = {
	[CAP_CHOWN] = "CHOWN",
	[CAP_DAC_OVERRIDE] = "DAC_OVERRIDE",
	[CAP_DAC_READ_SEARCH] = "DAC_READ_SEARCH",
	[CAP_FOWNER] = "FOWNER",
	[CAP_FSETID] = "FSETID",
	[CAP_KILL] = "KILL",
	[CAP_SETGID] = "SETGID",
	[CAP_SETUID] = "SETUID",
	[CAP_SETPCAP] = "SETPCAP",
	[CAP_LINUX_IMMUTABLE] = "LINUX_IMMUTABLE",
	[CAP_NET_BIND_SERVICE] = "NET_BIND_SERVICE",
	[CAP_NET_BROADCAST] = "NET_BROADCAST",
	[CAP_NET_ADMIN] = "NET_ADMIN",
	[CAP_NET_RAW] = "NET_RAW",
	[CAP_IPC_LOCK] = "IPC_LOCK",
	[CAP_IPC_OWNER] = "IPC_OWNER",
	[CAP_SYS_MODULE] = "SYS_MODULE",
	[CAP_SYS_RAWIO] = "SYS_RAWIO",
	[CAP_SYS_CHROOT] = "SYS_CHROOT",
	[CAP_SYS_PTRACE] = "SYS_PTRACE",
	[CAP_SYS_PACCT] = "SYS_PACCT",
	[CAP_SYS_ADMIN] = "SYS_ADMIN",
	[CAP_SYS_BOOT] = "SYS_BOOT",
	[CAP_SYS_NICE] = "SYS_NICE",
	[CAP_SYS_RESOURCE] = "SYS_RESOURCE",
	[CAP_SYS_TIME] = "SYS_TIME",
	[CAP_SYS_TTY_CONFIG] = "SYS_TTY_CONFIG",
	[CAP_MKNOD] = "MKNOD",
	[CAP_LEASE] = "LEASE",
	[CAP_AUDIT_WRITE] = "AUDIT_WRITE",
	[CAP_AUDIT_CONTROL] = "AUDIT_CONTROL",
	[CAP_SETFCAP] = "SETFCAP",
	[CAP_MAC_OVERRIDE] = "MAC_OVERRIDE",
	[CAP_MAC_ADMIN] = "MAC_ADMIN",
	[CAP_SYSLOG] = "SYSLOG",
	[CAP_WAKE_ALARM] = "WAKE_ALARM",
	[CAP_BLOCK_SUSPEND] = "BLOCK_SUSPEND",
	[CAP_AUDIT_READ] = "AUDIT_READ",
	[CAP_PERFMON] = "PERFMON",
	[CAP_BPF] = "BPF",
	[CAP_CHECKPOINT_RESTORE] = "CHECKPOINT_RESTORE",
};

/*
 * containerd's and Docker's set.  CRI-O leaves NET_RAW out; we keep it, because images are made and
 * tested against this set, and `drop` takes it away.
 */
static const uint64_t defaults = BIT(CAP_CHOWN) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_FSETID) |
				 BIT(CAP_FOWNER) | BIT(CAP_MKNOD) | BIT(CAP_NET_RAW) |
				 BIT(CAP_SETGID) | BIT(CAP_SETUID) | BIT(CAP_SETFCAP) |
				 BIT(CAP_SETPCAP) | BIT(CAP_NET_BIND_SERVICE) |
				 BIT(CAP_SYS_CHROOT) | BIT(CAP_KILL) | BIT(CAP_AUDIT_WRITE);

static int capability_find(const char *name, uint64_t all, uint64_t *ret, struct err *err)
{
	if (strcmp(name, "ALL") == 0) {
		*ret = all;
		return 0;
	}
	for (size_t i = 0; i < COUNT(names); i++)
		if (strcmp(names[i], name) == 0) {
			*ret = BIT(i);
			return 0;
		}
	return err_refuse(err, EINVAL, "unknown capability '%.60s'", name);
}

int capability_set(const struct security *security, uint64_t held, uint64_t *ret, struct err *err)
{
	uint64_t set = defaults, dropped = 0, one;
	bool all = false;
	int r = 0;

	/* "drop ALL, add X" leaves X alone; "add ALL, drop X" takes X away: the particular wins. */
	for (const char **name = security->cap_drop; r == 0 && *name; name++) {
		r = capability_find(*name, UINT64_MAX, &one, err);
		all |= r == 0 && one == UINT64_MAX;
		dropped |= r == 0 && one != UINT64_MAX ? one : 0;
	}
	if (all)
		set = 0;
	for (const char **name = security->cap_add; r == 0 && *name; name++) {
		r = capability_find(*name, held, &one, err);
		set |= r == 0 ? one : 0;
	}
	if (r == 0)
		*ret = set & ~dropped;
	return r;
}

json_t *capability_names(uint64_t set)
{
	AUTO_JSON list = json_array();

	for (size_t i = 0; i < COUNT(names); i++)
		if ((set & BIT(i)) &&
			json_array_append_new(list, json_sprintf("CAP_%s", names[i])) < 0)
			return NULL;
	return take_ptr(list);
}

uint64_t capability_held(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, data) < 0)
		return 0;
	return (uint64_t)data[1].effective << 32 | data[0].effective;
}
