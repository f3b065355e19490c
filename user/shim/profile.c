// SPDX-License-Identifier: Apache-2.0
#include "user/shim/profile.h"

#include <limits.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/base/fs.h"
#include "user/base/json.h"
#include "user/shim/filter.h"

/* By number, as linux/capability.h has them. */
static const char *const capability_names[] = {
	"CAP_CHOWN",
	"CAP_DAC_OVERRIDE",
	"CAP_DAC_READ_SEARCH",
	"CAP_FOWNER",
	"CAP_FSETID",
	"CAP_KILL",
	"CAP_SETGID",
	"CAP_SETUID",
	"CAP_SETPCAP",
	"CAP_LINUX_IMMUTABLE",
	"CAP_NET_BIND_SERVICE",
	"CAP_NET_BROADCAST",
	"CAP_NET_ADMIN",
	"CAP_NET_RAW",
	"CAP_IPC_LOCK",
	"CAP_IPC_OWNER",
	"CAP_SYS_MODULE",
	"CAP_SYS_RAWIO",
	"CAP_SYS_CHROOT",
	"CAP_SYS_PTRACE",
	"CAP_SYS_PACCT",
	"CAP_SYS_ADMIN",
	"CAP_SYS_BOOT",
	"CAP_SYS_NICE",
	"CAP_SYS_RESOURCE",
	"CAP_SYS_TIME",
	"CAP_SYS_TTY_CONFIG",
	"CAP_MKNOD",
	"CAP_LEASE",
	"CAP_AUDIT_WRITE",
	"CAP_AUDIT_CONTROL",
	"CAP_SETFCAP",
	"CAP_MAC_OVERRIDE",
	"CAP_MAC_ADMIN",
	"CAP_SYSLOG",
	"CAP_WAKE_ALARM",
	"CAP_BLOCK_SUSPEND",
	"CAP_AUDIT_READ",
	"CAP_PERFMON",
	"CAP_BPF",
	"CAP_CHECKPOINT_RESTORE",
};

static const struct {
	const char *name;
	uint32_t resource;
} rlimit_names[] = {
	{"RLIMIT_AS", RLIMIT_AS},
	{"RLIMIT_CORE", RLIMIT_CORE},
	{"RLIMIT_CPU", RLIMIT_CPU},
	{"RLIMIT_DATA", RLIMIT_DATA},
	{"RLIMIT_FSIZE", RLIMIT_FSIZE},
	{"RLIMIT_LOCKS", RLIMIT_LOCKS},
	{"RLIMIT_MEMLOCK", RLIMIT_MEMLOCK},
	{"RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE},
	{"RLIMIT_NICE", RLIMIT_NICE},
	{"RLIMIT_NOFILE", RLIMIT_NOFILE},
	{"RLIMIT_NPROC", RLIMIT_NPROC},
	{"RLIMIT_RSS", RLIMIT_RSS},
	{"RLIMIT_RTPRIO", RLIMIT_RTPRIO},
	{"RLIMIT_RTTIME", RLIMIT_RTTIME},
	{"RLIMIT_SIGPENDING", RLIMIT_SIGPENDING},
	{"RLIMIT_STACK", RLIMIT_STACK},
};

/* A capability this program does not know is not given to exec: less, never more. */
static uint64_t capability_bits(const json_t *names)
{
	uint64_t bits = 0;
	json_t *name;
	size_t i;

	json_array_foreach (names, i, name)
		for (size_t c = 0; c < COUNT(capability_names); c++)
			if (json_is_string(name) &&
				strcmp(json_string_value(name), capability_names[c]) == 0)
				bits |= UINT64_C(1) << c;
	return bits;
}

static int profile_rlimits(struct profile *profile, const json_t *list, struct err *err)
{
	json_t *entry;
	size_t i;

	json_array_foreach (list, i, entry) {
		struct profile_rlimit *out = &profile->rlimits[i];
		const char *type = json_string_at(entry, "type", "");
		size_t n = 0;

		while (n < COUNT(rlimit_names) && strcmp(type, rlimit_names[n].name) != 0)
			n++;
		if (i == PROFILE_RLIMITS_MAX || n == COUNT(rlimit_names))
			return err_refuse(
				err, EINVAL, "process.rlimits[%zu]: unknown type '%s'", i, type);
		out->resource = rlimit_names[n].resource;
		out->soft = (uint64_t)json_integer_at(entry, "soft", 0);
		out->hard = (uint64_t)json_integer_at(entry, "hard", 0);
		profile->rlimit_count++;
	}
	return 0;
}

static int profile_user(struct profile *profile, const json_t *user, struct err *err)
{
	json_t *group;
	size_t i;

	profile->uid = (uid_t)json_integer_at(user, "uid", 0);
	profile->gid = (gid_t)json_integer_at(user, "gid", 0);
	profile->umask = (uint32_t)json_integer_at(user, "umask", 022);
	json_array_foreach (json_object_get(user, "additionalGids"), i, group) {
		if (i == PROFILE_GROUPS_MAX)
			return err_refuse(err, E2BIG, "process.user.additionalGids: more than %d",
				PROFILE_GROUPS_MAX);
		profile->groups[profile->group_count++] = (gid_t)json_integer_value(group);
	}
	return 0;
}

static int profile_process(struct profile *profile, const json_t *process, struct err *err)
{
	const json_t *caps = json_object_get(process, "capabilities");
	const json_t *oom = json_object_get(process, "oomScoreAdj");
	int r = profile_user(profile, json_object_get(process, "user"), err);

	if (r < 0)
		return r;
	profile->bounding = capability_bits(json_object_get(caps, "bounding"));
	profile->effective = capability_bits(json_object_get(caps, "effective"));
	profile->permitted = capability_bits(json_object_get(caps, "permitted"));
	profile->inheritable = capability_bits(json_object_get(caps, "inheritable"));
	profile->ambient = capability_bits(json_object_get(caps, "ambient"));
	profile->no_new_privs = json_is_true(json_object_get(process, "noNewPrivileges"));
	profile->has_oom_score_adj = json_is_integer(oom);
	profile->oom_score_adj = (int32_t)json_integer_value(oom);
	return profile_rlimits(profile, json_object_get(process, "rlimits"), err);
}

static int string_append(int fd, const char *text, struct err *err)
{
	size_t len = strlen(text) + 1;

	if (write(fd, text, len) != (ssize_t)len)
		return err_set(err, errno, "write the exec profile");
	return 0;
}

static int profile_strings(struct profile *profile, const json_t *process, int fd, struct err *err)
{
	json_t *entry;
	size_t i;
	int r = string_append(fd, json_string_at(process, "cwd", "/"), err);

	json_array_foreach (json_object_get(process, "env"), i, entry) {
		if (r == 0 && json_is_string(entry)) {
			r = string_append(fd, json_string_value(entry), err);
			profile->env_count++;
		}
	}
	return r;
}

/* The struct is written last, over the space left for it, when the sizes are known. */
static int profile_emit(const json_t *config, int fd, struct err *err)
{
	const json_t *process = json_object_get(config, "process");
	const json_t *seccomp = json_object_get(json_object_get(config, "linux"), "seccomp");
	struct profile profile = {.strings_offset = sizeof(profile)};
	off_t end;
	int r = profile_process(&profile, process, err);

	if (r < 0)
		return r;
	if (lseek(fd, sizeof(profile), SEEK_SET) < 0)
		return err_set(err, errno, "write the exec profile");
	r = profile_strings(&profile, process, fd, err);
	if (r < 0)
		return r;
	/* The kernel wants the filter's instructions aligned. */
	end = (lseek(fd, 0, SEEK_CUR) + 7) & ~(off_t)7;
	profile.filter_offset = (uint32_t)end;
	if (seccomp) {
		lseek(fd, end, SEEK_SET);
		r = filter_compile(seccomp, fd, err);
		if (r < 0)
			return r;
		end = lseek(fd, 0, SEEK_CUR);
		profile.filter_count = (uint32_t)((end - profile.filter_offset) /
						  (off_t)sizeof(struct sock_filter));
	}
	profile.size = (uint32_t)end;
	if (ftruncate(fd, end) < 0 || pwrite(fd, &profile, sizeof(profile), 0) < 0)
		return err_set(err, errno, "write the exec profile");
	return 0;
}

int profile_write(const char *bundle, int fd, struct err *err)
{
	AUTO_FREE char *text = NULL;
	AUTO_JSON config = NULL;
	char path[PATH_MAX];
	size_t len;
	int r;

	snprintf(path, sizeof(path), "%s/config.json", bundle);
	r = fs_read(path, PROFILE_CONFIG_MAX, &text, &len, err);
	if (r == 0)
		r = json_parse(text, len, path, &config, err);
	if (r == 0)
		r = profile_emit(config, fd, err);
	return r;
}

int profile_read(int fd, struct profile **ret, struct err *err)
{
	AUTO_FREE char *data = NULL;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_set(err, errno, "read the exec profile");
	if (st.st_size < (off_t)sizeof(struct profile))
		return err_refuse(err, EBADMSG, "the exec profile is incomplete");
	data = malloc((size_t)st.st_size);
	if (!data)
		return err_set(err, ENOMEM, "read the exec profile");
	if (pread(fd, data, (size_t)st.st_size, 0) != st.st_size)
		return err_refuse(err, EIO, "the exec profile cannot be read");
	*ret = (struct profile *)take_ptr(data);
	return 0;
}

const char *profile_cwd(const struct profile *profile)
{
	return (const char *)profile + profile->strings_offset;
}

char **profile_env(const struct profile *profile)
{
	char **env = calloc(profile->env_count + 1, sizeof(*env));
	const char *at = profile_cwd(profile);

	for (uint32_t i = 0; env && i < profile->env_count; i++) {
		at += strlen(at) + 1;
		env[i] = (char *)at;
	}
	return env;
}
