// SPDX-License-Identifier: Apache-2.0
#include "user/control/confine.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/base/fs.h"
#include "user/base/log.h"

/* Programs, other processes, mounts, namespaces, the kernel itself; and interfaces that the filter could not see
 * through (io_uring) or that have broken kernels more often than others. */
static const char *const refused[] = {"execve", "execveat", "ptrace", "process_vm_readv",
	"process_vm_writev", "pidfd_getfd", "kcmp", "mount", "umount2", "move_mount", "open_tree",
	"fsopen", "fsconfig", "fsmount", "fspick", "mount_setattr", "pivot_root", "chroot",
	"unshare", "setns", "bpf", "perf_event_open", "init_module", "finit_module",
	"delete_module", "kexec_load", "kexec_file_load", "reboot", "swapon", "swapoff", "add_key",
	"request_key", "keyctl", "io_uring_setup", "io_uring_enter", "io_uring_register",
	"userfaultfd", "open_by_handle_at", "name_to_handle_at", "acct", "quotactl", "settimeofday",
	"clock_settime", "clock_adjtime", "adjtimex", "sethostname", "setdomainname", "iopl",
	"ioperm", "personality", "setuid", "setgid", "setreuid", "setregid", "setresuid",
	"setresgid", "setgroups", "capset", "fanotify_init", "syslog", "vhangup", "lookup_dcookie"};

int confine_find(const char *name, struct confine_user *ret, struct err *err)
{
	const struct passwd *entry;

	*ret = (struct confine_user){0};
	if (!name[0] || geteuid() != 0)
		return 0;
	errno = 0;
	entry = getpwnam(name); // cppcheck-suppress getpwnamCalled // no other thread runs yet
	if (entry) {
		*ret = (struct confine_user){entry->pw_uid, entry->pw_gid, true};
		return 0;
	}
	if (strcmp(name, CONFINE_USER) != 0)
		return err_refuse(err, ENOENT, "--user: there is no user '%s'", name);
	log_warning("there is no user '%s': podnet-control goes on as root", name);
	return 0;
}

/* Somebody else must be able to look for a directory that is theirs. */
static int parent_make(const char *directory, struct err *err)
{
	mode_t mask = umask(022);
	int r = fs_mkdir_parent(directory, 0755, err);

	umask(mask);
	return r;
}

int confine_give(const struct confine_user *user, const char *directory, struct err *err)
{
	struct stat st;
	int r = parent_make(directory, err);

	if (r < 0)
		return r;
	if (mkdir(directory, 0700) == 0) {
		if (user->change && lchown(directory, user->uid, user->gid) < 0)
			return err_set(err, errno, "give '%s' away", directory);
		return 0;
	}
	if (errno != EEXIST || stat(directory, &st) < 0)
		return err_set(err, errno, "make directory '%s'", directory);
	if (user->change && st.st_uid != user->uid)
		return err_refuse(err, EPERM,
			"'%s' belongs to user %u: give it and what is in it to user %u, or stay "
			"root with --user \"\"",
			directory, (unsigned)st.st_uid, (unsigned)user->uid);
	return 0;
}

static int become(const struct confine_user *user, struct err *err)
{
	if (!user->change)
		return 0;
	if (setgroups(0, NULL) < 0 || setresgid(user->gid, user->gid, user->gid) < 0 ||
		setresuid(user->uid, user->uid, user->uid) < 0)
		return err_set(err, errno, "become user %u", (unsigned)user->uid);
	return 0;
}

static int filter_load(struct err *err)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int r = filter ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < COUNT(refused); i++) {
		int number = seccomp_syscall_resolve_name(refused[i]);

		/* One that libseccomp does not know is newer than it. */
		if (number != __NR_SCMP_ERROR)
			r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), number, 0);
	}
	if (r == 0)
		r = seccomp_load(filter);
	seccomp_release(filter);
	return r < 0 ? err_set(err, -r, "load the system call filter") : 0;
}

int confine_enter(const struct confine_user *user, struct err *err)
{
	int r = become(user, err);

	if (geteuid() == 0)
		return r;
	if (r == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		r = err_set(err, errno, "give up new privileges");
	return r == 0 ? filter_load(err) : r;
}
