// SPDX-License-Identifier: Apache-2.0
#include "user/shim/exec.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <fcntl.h>

#include "user/base/cleanup.h"
#include "user/base/clock.h"
#include "user/base/err.h"
#include "user/shim/attach.h"
#include "user/shim/child.h"
#include "user/shim/container.h"
#include "user/shim/enter.h"
#include "user/shim/keeper.h"
#include "user/shim/terminal.h"

#define EXEC_SWEEP_USEC	 (10 * USEC_PER_MSEC)
#define EXEC_SWEEP_TRIES 500

struct exec {
	struct exec *next;
	struct keeper *keeper;
	struct origin origin;
	pid_t pid; /* 0 once reaped */
	bool timed_out, killed, silent;
	unsigned sweeps;
	struct alarm alarm; /* deadline; after the end: the next attempt to remove the cgroup */
	int report_fd;
	char cgroup[HIERARCHY_PATH];
};

static size_t execs_count(const struct keeper *keeper)
{
	size_t n = 0;

	for (const struct exec *exec = keeper->execs; exec; exec = exec->next)
		n++;
	return n;
}

static void exec_free(struct exec *exec)
{
	struct exec **link = &exec->keeper->execs;

	while (*link && *link != exec)
		link = &(*link)->next;
	if (*link)
		*link = exec->next;
	alarm_clear(&exec->keeper->reactor, &exec->alarm);
	close_fd(&exec->report_fd);
	free(exec);
}

/* What the process left running stays, as with the runtimes, unless the exec was killed. */
static void exec_sweep(struct alarm *alarm)
{
	struct exec *exec = CONTAINER_OF(alarm, struct exec, alarm);
	const struct hierarchies *all = &exec->keeper->hierarchies;

	if (exec->killed)
		hierarchies_kill(all, exec->cgroup);
	else
		hierarchies_move_up(all, exec->cgroup);
	/* What does not die in five seconds is left to the container's end. */
	if (hierarchies_remove(all, exec->cgroup) || ++exec->sweeps == EXEC_SWEEP_TRIES)
		exec_free(exec);
	else
		alarm_set(&exec->keeper->reactor, alarm, clock_now() + EXEC_SWEEP_USEC, exec_sweep);
}

static void exec_tell(struct exec *exec, int code, const char *reason)
{
	struct shimwire_exec_ended event = {
		.header.type = SHIMWIRE_EXEC_ENDED, .exec = exec->origin.seq, .code = code};

	snprintf(event.reason, sizeof(event.reason), "%s", reason);
	if (!exec->silent)
		server_event(exec->keeper, exec->origin.client, &event, sizeof(event));
}

static void exec_ended(struct exec *exec, int status)
{
	struct err report;

	exec->pid = 0;
	alarm_clear(&exec->keeper->reactor, &exec->alarm);
	if (read(exec->report_fd, &report, sizeof(report)) == (ssize_t)sizeof(report))
		exec_tell(exec, -report.code, report.text);
	else if (exec->timed_out)
		exec_tell(exec, -ETIMEDOUT, "the time is up");
	else if (WIFSIGNALED(status))
		exec_tell(exec, 128 + WTERMSIG(status), "");
	else
		exec_tell(exec, WEXITSTATUS(status), "");
	exec_sweep(&exec->alarm);
}

static void exec_end_now(struct exec *exec)
{
	exec->killed = true;
	hierarchies_kill(&exec->keeper->hierarchies, exec->cgroup);
	/* It may not have joined its cgroup yet. */
	if (exec->pid)
		kill(exec->pid, SIGKILL);
}

static void exec_expired(struct alarm *alarm)
{
	struct exec *exec = CONTAINER_OF(alarm, struct exec, alarm);

	exec->timed_out = true;
	exec_end_now(exec);
}

/* The three pipes, or a terminal instead: [0] is the client's end, and of stdin [1]. */
struct exec_pipes {
	int in[2], out[2], err[2], report[2];
	int terminal[2];
};

static void pipe_close(int fds[2])
{
	close_fd(&fds[0]);
	close_fd(&fds[1]);
}

static void pipes_close(struct exec_pipes *pipes)
{
	pipe_close(pipes->in);
	pipe_close(pipes->out);
	pipe_close(pipes->err);
	pipe_close(pipes->report);
	pipe_close(pipes->terminal);
}

static int pipes_open(
	struct exec_pipes *pipes, pid_t init, const struct exec_request *request, struct err *err)
{
	int r = child_pipe(pipes->report, 0);

	if (r == 0 && request->tty)
		return terminal_open(init, &pipes->terminal[0], &pipes->terminal[1], err);
	if (r == 0)
		r = child_pipe(pipes->out, 0);
	if (r == 0)
		r = child_pipe(pipes->err, 0);
	if (r == 0 && request->with_stdin)
		r = child_pipe(pipes->in, 1);
	return r < 0 ? err_set(err, -r, "make the pipes") : 0;
}

/*
 * The child is born in the container's pid namespace: the shim points its own "for children" there and back.
 * Going back needs memory for a moment, and nothing else can make it fail.
 */
static int fork_into(int init_fd, int namespaces, pid_t *ret, struct err *err)
{
	AUTO_FD own = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);
	pid_t pid;
	int r = 0;

	if (own < 0)
		return err_set(err, errno, "open the shim's pid namespace");
	if (namespaces & CLONE_NEWPID && setns(init_fd, CLONE_NEWPID) < 0)
		return err_set(err, errno, "enter the container's pid namespace");
	pid = fork();
	if (pid == 0) {
		*ret = 0;
		return 0;
	}
	if (pid < 0)
		r = err_set(err, errno, "fork");
	while (namespaces & CLONE_NEWPID && setns(own, CLONE_NEWPID) < 0 && errno == ENOMEM)
		;
	*ret = pid;
	return r;
}

static int exec_fork(struct exec *exec, const struct container *container,
	const struct exec_request *request, const struct exec_pipes *pipes, struct err *err)
{
	AUTO_FD init_fd = (int)syscall(SYS_pidfd_open, container->pid, 0);
	int namespaces = enter_namespaces(container->pid);
	struct enter enter = {
		.hierarchies = &exec->keeper->hierarchies,
		.cgroup = exec->cgroup,
		.init_fd = init_fd,
		.namespaces = namespaces & ~CLONE_NEWPID,
		.profile_fd = container->profile_fd,
		.in_fd = request->tty ? pipes->terminal[1] : pipes->in[0],
		.out_fd = request->tty ? pipes->terminal[1] : pipes->out[1],
		.err_fd = request->tty ? pipes->terminal[1] : pipes->err[1],
		.tty = request->tty,
		.report_fd = pipes->report[1],
		.argv = request->argv,
	};
	int r;

	if (init_fd < 0)
		return err_set(err, errno, "open process %d", container->pid);
	if (namespaces < 0)
		return err_set(err, -namespaces, "look at process %d", container->pid);
	r = hierarchies_make_child(&exec->keeper->hierarchies, exec->cgroup, err);
	if (r == 0)
		r = fork_into(init_fd, namespaces, &exec->pid, err);
	if (r == 0 && exec->pid == 0)
		enter_run(&enter);
	return r;
}

static void exec_answer(
	const struct exec *exec, const struct exec_request *request, const struct exec_pipes *pipes)
{
	const int pipe_fds[3] = {pipes->out[0], pipes->err[0], pipes->in[1]};
	const int terminal_fds[2] = {pipes->terminal[0], pipes->terminal[0]};
	struct shimwire_answer answer = {.pid = (uint32_t)exec->pid};
	size_t count = request->tty ? 1 : 2;

	server_answer(exec->keeper, exec->origin, &answer, sizeof(answer),
		request->tty ? terminal_fds : pipe_fds, count + request->with_stdin);
}

static int exec_begin(struct exec *exec, const struct container *container,
	const struct exec_request *request, struct err *err)
{
	struct exec_pipes pipes = {{-1, -1}, {-1, -1}, {-1, -1}, {-1, -1}, {-1, -1}};
	int r = pipes_open(&pipes, container->pid, request, err);

	if (r == 0)
		r = exec_fork(exec, container, request, &pipes, err);
	if (r == 0) {
		exec->report_fd = take_fd(&pipes.report[0]);
		exec_answer(exec, request, &pipes);
	}
	pipes_close(&pipes);
	return r;
}

static struct exec *exec_new(
	struct keeper *keeper, struct origin origin, const struct container *container)
{
	struct exec *exec = calloc(1, sizeof(*exec));
	int n;

	if (!exec)
		return NULL;
	exec->keeper = keeper;
	exec->origin = origin;
	exec->report_fd = -1;
	n = snprintf(exec->cgroup, sizeof(exec->cgroup), "%s/exec-%u-%u", container->cgroup,
		origin.client, origin.seq);
	if (n >= (int)sizeof(exec->cgroup)) {
		free(exec);
		return NULL;
	}
	exec->next = keeper->execs;
	keeper->execs = exec;
	return exec;
}

void exec_start(struct keeper *keeper, struct origin origin, const struct exec_request *request)
{
	const struct container *container = container_find(keeper, request->id);
	struct exec *exec;
	struct err err;
	int r;

	if (!container || !container->pid || container->state != CONTAINER_RUNNING) {
		server_fail(keeper, origin, -ESRCH, "the container does not run");
		return;
	}
	if (execs_count(keeper) == SHIMWIRE_EXECS) {
		server_fail(
			keeper, origin, -EAGAIN, "too many processes are run in the Pod at once");
		return;
	}
	exec = exec_new(keeper, origin, container);
	if (!exec) {
		server_fail(keeper, origin, -ENOMEM, "out of memory");
		return;
	}
	r = exec_begin(exec, container, request, &err);
	if (r < 0) {
		server_fail(keeper, origin, r, err.text);
		exec->killed = true;
		exec_sweep(&exec->alarm);
	} else if (request->timeout_usec) {
		alarm_set(&keeper->reactor, &exec->alarm, clock_now() + request->timeout_usec,
			exec_expired);
	}
}

void exec_kill(struct keeper *keeper, struct origin origin, uint32_t number)
{
	for (struct exec *exec = keeper->execs; exec; exec = exec->next)
		if (exec->origin.client == origin.client && exec->origin.seq == number &&
			exec->pid) {
			exec->silent = true;
			exec_end_now(exec);
		}
	attach_drop(keeper, origin.client, number);
	server_done(keeper, origin);
}

void execs_kill_of_client(struct keeper *keeper, uint32_t client)
{
	for (struct exec *exec = keeper->execs; exec; exec = exec->next)
		if (exec->origin.client == client && exec->pid) {
			exec->silent = true;
			exec_end_now(exec);
		}
}

bool execs_reaped(struct keeper *keeper, pid_t pid, int status)
{
	for (struct exec *exec = keeper->execs; exec; exec = exec->next)
		if (exec->pid == pid) {
			exec_ended(exec, status);
			return true;
		}
	return false;
}
