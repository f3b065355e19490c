// SPDX-License-Identifier: Apache-2.0
#include "user/shim/sandbox.h"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/shim/child.h"
#include "user/shim/hierarchy.h"

static int loopback_up(struct err *err)
{
	AUTO_FD fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) < 0)
		return err_set(err, errno, "bring up the loopback interface");
	return 0;
}

static int sandbox_child(const struct sandbox_spec *spec, const char *cgroup, struct err *err)
{
	int r = hierarchies_join(spec->hierarchies, cgroup, err);

	if (r < 0)
		return r;
	if (sethostname(spec->hostname, strlen(spec->hostname)) < 0)
		return err_set(err, errno, "set the host name '%s'", spec->hostname);
	r = loopback_up(err);
	if (r < 0)
		return r;
	if (chdir("/") < 0 || setsid() < 0)
		return err_set(err, errno, "leave the shim's session");
	r = child_stdio(-1, -1, -1);
	if (r < 0)
		return err_set(err, -r, "open '/dev/null'");
	child_reset_signals();
	execl(spec->pause, spec->pause, (char *)NULL);
	return err_set(err, errno, "run '%s'", spec->pause);
}

int sandbox_make(const struct sandbox_spec *spec, pid_t *ret, struct err *err)
{
	char cgroup[HIERARCHY_PATH];
	AUTO_FD in = -1, out = -1;
	struct err child;
	int fds[2], r;
	long pid;

	if (snprintf(cgroup, sizeof(cgroup), "%s/pause", spec->cgroup) >= (int)sizeof(cgroup))
		return err_set(err, ENAMETOOLONG, "cgroup '%s'", spec->cgroup);
	r = hierarchies_make(spec->hierarchies, cgroup, err);
	if (r < 0)
		return r;
	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_set(err, errno, "make a pipe");
	in = fds[0];
	out = fds[1];
	/* Without CLONE_VM this is fork(2) into new namespaces. */
	pid = syscall(SYS_clone, CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | SIGCHLD, 0, 0, 0, 0);
	if (pid < 0)
		return err_set(err, errno, "make the Pod's namespaces");
	if (pid == 0) {
		sandbox_child(spec, cgroup, &child);
		if (write(out, &child, sizeof(child)) < 0)
			_exit(2);
		_exit(1);
	}
	close_fd(&out);
	/* The end of the pipe without a word is the success of exec. */
	if (read(in, &child, sizeof(child)) == (ssize_t)sizeof(child)) {
		waitpid((pid_t)pid, NULL, 0);
		return err_refuse(err, child.code, "%s", child.text);
	}
	*ret = (pid_t)pid;
	return 0;
}
