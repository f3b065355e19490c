// SPDX-License-Identifier: Apache-2.0
#include "user/shim/enter.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/keyctl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/base/fs.h"
#include "user/shim/child.h"
#include "user/shim/hierarchy.h"
#include "user/shim/profile.h"

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define CAPS_MAX     64

extern char **environ;

int enter_namespaces(pid_t pid)
{
	static const struct {
		const char *name;
		int flag;
	} all[] = {
		{"user", CLONE_NEWUSER},
		{"mnt", CLONE_NEWNS},
		{"net", CLONE_NEWNET},
		{"ipc", CLONE_NEWIPC},
		{"uts", CLONE_NEWUTS},
		{"cgroup", CLONE_NEWCGROUP},
		{"pid", CLONE_NEWPID},
	};
	int flags = 0;

	for (size_t i = 0; i < COUNT(all); i++) {
		struct stat ours, theirs;
		char path[64];

		snprintf(path, sizeof(path), "/proc/self/ns/%s", all[i].name);
		if (stat(path, &ours) < 0)
			return -errno;
		snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, all[i].name);
		if (stat(path, &theirs) < 0)
			return -errno;
		if (ours.st_ino != theirs.st_ino)
			flags |= all[i].flag;
	}
	return flags;
}

/* What must be done while /proc and the cgroups are still the host's. */
static int enter_limits(const struct enter *enter, const struct profile *profile, struct err *err)
{
	char text[16];
	int r = hierarchies_join(enter->hierarchies, enter->cgroup, err);

	if (r < 0)
		return r;
	/* Without CAP_SYS_RESOURCE the value cannot be lowered: then it stays what the shim's is. */
	snprintf(text, sizeof(text), "%d", profile->oom_score_adj);
	if (profile->has_oom_score_adj && fs_write("/proc/self/oom_score_adj", text, err) < 0 &&
		err->code != EACCES && err->code != EPERM)
		return -err->code;
	for (uint32_t i = 0; i < profile->rlimit_count; i++) {
		const struct profile_rlimit *limit = &profile->rlimits[i];
		struct rlimit value = {limit->soft, limit->hard};

		if (setrlimit(limit->resource, &value) < 0)
			return err_set(err, errno, "set resource limit %u", limit->resource);
	}
	return 0;
}

/* The directory must lie inside the container's root, or it would be a way out (CVE-2024-21626). */
static int enter_directory(const char *cwd, struct err *err)
{
	char path[4096];

	if (chdir(cwd) < 0)
		return err_set(err, errno, "change to '%s'", cwd);
	if (!getcwd(path, sizeof(path)) || path[0] != '/')
		return err_refuse(err, EXDEV, "'%s' is outside of the container", cwd);
	return 0;
}

static int drop_bounding(uint64_t keep, struct err *err)
{
	for (int cap = 0; cap < CAPS_MAX && prctl(PR_CAPBSET_READ, cap) >= 0; cap++)
		if (!(keep >> cap & 1) && prctl(PR_CAPBSET_DROP, cap) < 0)
			return err_set(err, errno, "drop capability %d", cap);
	return 0;
}

static int set_user(const struct profile *profile, struct err *err)
{
	if (setgroups(profile->group_count, profile->groups) < 0)
		return err_set(err, errno, "set the groups");
	if (setresgid(profile->gid, profile->gid, profile->gid) < 0)
		return err_set(err, errno, "become group %u", profile->gid);
	if (setresuid(profile->uid, profile->uid, profile->uid) < 0)
		return err_set(err, errno, "become user %u", profile->uid);
	return 0;
}

static int set_capabilities(const struct profile *profile, struct err *err)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];

	for (int i = 0; i < 2; i++) {
		data[i].effective = (uint32_t)(profile->effective >> 32 * i);
		data[i].permitted = (uint32_t)(profile->permitted >> 32 * i);
		data[i].inheritable = (uint32_t)(profile->inheritable >> 32 * i);
	}
	if (syscall(SYS_capset, &header, data) < 0)
		return err_set(err, errno, "set the capabilities");
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	for (int cap = 0; cap < CAPS_MAX; cap++)
		if (profile->ambient >> cap & 1 &&
			prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) < 0)
			return err_set(err, errno, "raise ambient capability %d", cap);
	return 0;
}

static int set_filter(const struct profile *profile, struct err *err)
{
	struct sock_fprog program = {
		.len = (unsigned short)profile->filter_count,
		.filter = (struct sock_filter *)((char *)profile + profile->filter_offset),
	};

	if (profile->filter_count && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) < 0)
		return err_set(err, errno, "load the seccomp filter");
	return 0;
}

/*
 * The order of the runtimes: without no_new_privs a filter can only be loaded while we are still
 * privileged; with it the filter comes last, so that it need not allow what happens here.
 */
static int enter_privileges(const struct profile *profile, struct err *err)
{
	int r = 0;

	umask(profile->umask);
	if (!profile->no_new_privs)
		r = set_filter(profile, err);
	if (r == 0)
		r = drop_bounding(profile->bounding, err);
	if (r == 0 && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		r = err_set(err, errno, "keep the capabilities");
	if (r == 0)
		r = set_user(profile, err);
	if (r == 0)
		r = set_capabilities(profile, err);
	if (r == 0 && profile->no_new_privs && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		r = err_set(err, errno, "set no_new_privs");
	if (r == 0 && profile->no_new_privs)
		r = set_filter(profile, err);
	return r;
}

/* Leaves 0, 1, 2 and the report pipe as 3; the pipes become the user's, who may open /dev/stdout.  A terminal keeps its
 * group: that of tty. */
static int enter_stdio(const struct enter *enter, const struct profile *profile, struct err *err)
{
	int r = child_stdio(enter->in_fd, enter->out_fd, enter->err_fd);

	if (r < 0)
		return err_set(err, -r, "make stdin, stdout and stderr");
	for (int fd = enter->in_fd < 0 ? 1 : 0; fd < 3; fd++)
		if (fchown(fd, profile->uid, enter->tty ? (gid_t)-1 : profile->gid) < 0)
			return err_set(err, errno, "give descriptor %d to the user", fd);
	if (enter->tty && ioctl(STDIN_FILENO, TIOCSCTTY, 0) < 0)
		return err_set(err, errno, "get the terminal");
	return 0;
}

/* The home directory in a line of passwd(5), when it is @uid's; cuts the line. */
static const char *passwd_home(char *line, uid_t uid)
{
	char *field[7] = {NULL};

	line[strcspn(line, "\n")] = '\0';
	for (size_t i = 0; i < COUNT(field) && line; i++)
		field[i] = strsep(&line, ":");
	return field[5] && field[5][0] && strtoul(field[2], NULL, 10) == uid ? field[5] : NULL;
}

/* As the runtimes do for a container that sets no HOME. */
static void set_home(uid_t uid)
{
	AUTO_FILE file = getenv("HOME") ? NULL : fopen("/etc/passwd", "re");
	AUTO_FREE char *line = NULL;
	const char *home = NULL;
	size_t size = 0;

	while (file && !home && getline(&line, &size, file) > 0)
		home = passwd_home(line, uid);
	setenv("HOME", home ? home : "/", 0);
}

static int enter_setup(const struct enter *enter, struct profile **ret, struct err *err)
{
	struct profile *profile;
	int r = profile_read(enter->profile_fd, &profile, err);

	if (r < 0)
		return r;
	*ret = profile;
	environ = profile_env(profile);
	if (!environ)
		return err_set(err, ENOMEM, "make the environment");
	/* Nobody in the container may look into this process until it has become theirs. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || setsid() < 0)
		return err_set(err, errno, "leave the shim's session");
	syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL);
	r = enter_limits(enter, profile, err);
	if (r == 0)
		r = enter_stdio(enter, profile, err);
	if (r == 0 && setns(enter->init_fd, enter->namespaces) < 0)
		r = err_set(err, errno, "enter the container's namespaces");
	if (r == 0)
		r = enter_directory(profile_cwd(profile), err);
	return r;
}

void enter_run(const struct enter *enter)
{
	struct profile *profile = NULL;
	struct err err;
	int report = enter->report_fd;
	int r = enter_setup(enter, &profile, &err);

	if (r == 0) {
		set_home(profile->uid);
		if (enter->tty)
			setenv("TERM", "xterm", 0);
		if (!getenv("PATH"))
			setenv("PATH", DEFAULT_PATH, 1);
		/* All of ours are CLOEXEC; this also covers what podnetd might have left open. */
		if (dup3(report, 3, O_CLOEXEC) == 3)
			report = 3;
		if (report != 3 || syscall(SYS_close_range, 4, ~0U, 0) < 0)
			r = err_set(&err, errno, "close the shim's descriptors");
	}
	if (r == 0) {
		child_reset_signals();
		r = enter_privileges(profile, &err);
	}
	if (r < 0) {
		if (write(report, &err, sizeof(err)) < 0)
			_exit(126);
		_exit(1);
	}
	execvp(enter->argv[0], enter->argv);
	dprintf(STDERR_FILENO, "exec '%s': %s\n", enter->argv[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}
