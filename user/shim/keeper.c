// SPDX-License-Identifier: Apache-2.0
#include "user/shim/keeper.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "user/base/clock.h"
#include "user/base/err.h"
#include "user/base/fs.h"
#include "user/shim/claim.h"
#include "user/shim/container.h"
#include "user/shim/exec.h"
#include "user/shim/sandbox.h"

/* One waitpid(2) loop for all: by PR_SET_CHILD_SUBREAPER every orphan of the Pod ends up here. */
static void children_ready(struct source *source)
{
	struct keeper *keeper = CONTAINER_OF(source, struct keeper, children);
	struct signalfd_siginfo info;
	int status;
	pid_t pid;

	if (read(source->fd, &info, sizeof(info)) < 0)
		return;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == keeper->pause_pid)
			keeper->pause_pid = 0;
		else if (!containers_reaped(keeper, pid, status))
			execs_reaped(keeper, pid, status);
	}
	if (keeper->shutdown.client)
		keeper_shutdown_step(keeper);
}

static int children_watch(struct keeper *keeper, struct err *err)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_SETMASK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return err_set(err, errno, "watch for children");
	return source_add(&keeper->reactor, &keeper->children, fd, children_ready, err);
}

/* The shim itself lives outside of the Pod's cgroups: neither its limits nor its end are the shim's. */
static int keeper_settle(struct keeper *keeper, struct err *err)
{
	const struct keeper_options *options = &keeper->options;
	char exits[SHIMWIRE_PATH_MAX + 8];
	int r;

	snprintf(exits, sizeof(exits), "%s/%s", options->dir, SHIMWIRE_EXIT_DIR);
	r = fs_mkdir(exits, 0700, err);
	if (r == 0)
		r = hierarchies_open(&keeper->hierarchies, err);
	if (r == 0)
		r = hierarchies_make(&keeper->hierarchies, options->shim_cgroup, err);
	if (r == 0)
		r = hierarchies_join(&keeper->hierarchies, options->shim_cgroup, err);
	if (r == 0 && options->claim)
		r = claim_hold(options->claim, options->cgroup, err);
	return r;
}

static int keeper_sandbox(struct keeper *keeper, struct err *err)
{
	struct sandbox_spec spec = {
		.hierarchies = &keeper->hierarchies,
		.pause = keeper->options.pause,
		.cgroup = keeper->options.cgroup,
		.hostname = keeper->options.hostname,
	};

	return sandbox_make(&spec, &keeper->pause_pid, err);
}

/* podnetd's first request waits in its socket: the failure is the answer to it. */
static void keeper_fail_start(struct keeper *keeper, const struct err *err)
{
	const struct keeper_options *options = &keeper->options;
	struct shimwire_header request = {0};
	struct shimwire_answer answer = {
		.header = {.type = SHIMWIRE_ANSWER, .result = -err->code},
	};

	hierarchies_kill(&keeper->hierarchies, options->cgroup);
	hierarchies_remove(&keeper->hierarchies, options->cgroup);
	if (options->claim)
		claim_release(options->claim, options->cgroup, NULL);
	if (options->client_fd < 0)
		return;
	recv(options->client_fd, &request, sizeof(request), 0);
	answer.header.seq = request.seq;
	snprintf(answer.reason, sizeof(answer.reason), "%s", err->text);
	send(options->client_fd, &answer, sizeof(answer), MSG_NOSIGNAL);
}

/* A node has a shim per Pod: the code that only a start needs need not stay mapped in each. */
static void unmap_start(void)
{
	extern const char __executable_start[], etext[];
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t from = ((uintptr_t)__executable_start + page - 1) & -page;
	uintptr_t to = (uintptr_t)etext & -page;

	madvise((void *)from, to - from, MADV_DONTNEED);
}

/* Nobody we start may hold the client's socket: its end is how podnetd learns of ours. */
static int keeper_guard_client(const struct keeper *keeper, struct err *err)
{
	int fd = keeper->options.client_fd;

	if (fd >= 0 && fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return err_set(err, errno, "take over the client's socket");
	return 0;
}

int keeper_run(struct keeper *keeper, struct err *err)
{
	int r;

	keeper->children.fd = -1;
	umask(027); /* logs are 0640 */
	if (chdir("/") < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
		return err_set(err, errno, "prepare the shim");
	r = keeper_guard_client(keeper, err);
	if (r == 0)
		r = reactor_open(&keeper->reactor, err);
	if (r == 0)
		r = keeper_settle(keeper, err);
	if (r == 0)
		r = children_watch(keeper, err);
	if (r == 0)
		r = keeper_sandbox(keeper, err);
	if (r == 0)
		r = server_open(keeper, keeper->options.dir, err);
	if (r == 0 && keeper->options.client_fd >= 0)
		r = server_adopt(keeper, keeper->options.client_fd, err);
	if (r < 0) {
		keeper_fail_start(keeper, err);
		return r;
	}
	unmap_start();
	return reactor_run(&keeper->reactor, err);
}
