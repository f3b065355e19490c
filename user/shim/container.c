// SPDX-License-Identifier: Apache-2.0
#include "user/shim/container.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "user/base/cleanup.h"
#include "user/base/clock.h"
#include "user/base/err.h"
#include "user/base/fs.h"
#include "user/shim/attach.h"
#include "user/shim/child.h"
#include "user/shim/console.h"
#include "user/shim/exitrecord.h"
#include "user/shim/keeper.h"
#include "user/shim/output.h"

static void container_run_delete(struct container *container);

struct container *container_find(const struct keeper *keeper, const char *id)
{
	struct container *container = keeper->containers;

	while (container && strcmp(container->id, id) != 0)
		container = container->next;
	return container;
}

size_t containers_count(const struct keeper *keeper)
{
	size_t n = 0;

	for (const struct container *c = keeper->containers; c; c = c->next)
		n++;
	return n;
}

static void pid_file_path(const struct container *container, char ret[PATH_MAX])
{
	snprintf(ret, PATH_MAX, "%s/%s.pid", container->keeper->options.dir, container->id);
}

/* Destroys a half-built one too. */
static void container_free(struct container *container)
{
	struct container **link = &container->keeper->containers;

	attach_end_all(container);
	console_close(container);
	close_fd(&container->in_fd);

	while (*link && *link != container)
		link = &(*link)->next;
	if (*link)
		*link = container->next;
	output_close(&container->out);
	output_close(&container->err);
	source_close(&container->call.complaint);
	crilog_close(&container->log);
	close_fd(&container->profile_fd);
	free(container);
}

static struct container *container_new(struct keeper *keeper, const char *id)
{
	struct container *container = calloc(1, sizeof(*container));

	if (!container)
		return NULL;
	container->keeper = keeper;
	snprintf(container->id, sizeof(container->id), "%s", id);
	container->log.fd = container->profile_fd = container->in_fd = -1;
	container->out.source.fd = container->err.source.fd = container->call.complaint.fd = -1;
	container->console.fd = -1;
	container->out.stream = (struct crilog_stream){.log = &container->log, .name = "stdout"};
	container->err.stream = (struct crilog_stream){.log = &container->log, .name = "stderr"};
	container->out.container = container->err.container = container;
	container->err.is_err = true;
	container->next = keeper->containers;
	keeper->containers = container;
	return container;
}

void container_describe(const struct container *container, struct shimwire_container *ret)
{
	bool ended = container->state == CONTAINER_ENDED;

	*ret = (struct shimwire_container){
		.state = ended					  ? SHIMWIRE_ENDED
			 : container->state >= CONTAINER_STARTING ? SHIMWIRE_RUNNING
								  : SHIMWIRE_CREATED,
		.pid = (uint32_t)container->pid,
		.started_wall = container->started_wall,
		.started_mono = container->started_mono,
		.finished_wall = container->finished_wall,
		.oom = container->oom,
	};
	memcpy(ret->id, container->id, sizeof(ret->id));
	if (ended && WIFSIGNALED(container->status)) {
		ret->signal = (uint32_t)WTERMSIG(container->status);
		ret->code = 128 + (int)ret->signal;
	} else if (ended) {
		ret->code = WEXITSTATUS(container->status);
	}
}

/* The order is the promise: output complete, OOM flag read while the cgroup is there, record, event. */
static void container_end(struct container *container)
{
	struct keeper *keeper = container->keeper;
	struct shimwire_exited event = {.header.type = SHIMWIRE_EXITED};
	struct err err;

	output_drain(&container->out);
	output_drain(&container->err);
	attach_end_all(container);
	close_fd(&container->in_fd);
	container->oom = container->cgroup[0] &&
			 hierarchies_oom_killed(&keeper->hierarchies, container->cgroup);
	container->state = CONTAINER_ENDED;
	container_describe(container, &event.container);
	event.header.result = exitrecord_write(keeper->options.dir, &event.container, &err);
	server_event(keeper, 0, &event, sizeof(event));
}

/* Its init may end before the runtime call that is about it: the answer goes first. */
static void container_settle(struct container *container)
{
	if (container->reaped && !container->call.pid && !container->deleting &&
		container->state >= CONTAINER_CREATED && container->state != CONTAINER_ENDED)
		container_end(container);
}

static int read_pid_file(const struct container *container, pid_t *ret, struct err *err)
{
	AUTO_FREE char *text = NULL;
	char path[PATH_MAX];
	int r;

	pid_file_path(container, path);
	r = fs_read(path, 32, &text, NULL, err);
	if (r < 0)
		return r;
	*ret = (pid_t)strtol(text, NULL, 10);
	return *ret > 1 ? 0 : err_refuse(err, EBADMSG, "'%s' holds no pid", path);
}

static int container_created(struct container *container, struct err *err)
{
	struct keeper *keeper = container->keeper;
	char path[PATH_MAX];
	int fd, r;

	if (!container->reaped) {
		r = read_pid_file(container, &container->pid, err);
		if (r == 0)
			r = hierarchies_path_of(
				&keeper->hierarchies, container->pid, container->cgroup, err);
		if (r < 0)
			return r;
	}
	pid_file_path(container, path);
	unlink(path);
	fd = source_release(&container->call.complaint);
	return fd < 0 ? 0 : output_watch(&keeper->reactor, &container->err, fd, err);
}

static void create_done(struct runtime_call *call, int status)
{
	struct container *container = CONTAINER_OF(call, struct container, call);
	struct shimwire_answer answer = {0};
	struct err err;

	container->failure = status == 0 ? container_created(container, &err) : -EIO;
	if (container->failure < 0) {
		if (status == 0)
			snprintf(container->reason, sizeof(container->reason), "%s", err.text);
		else
			runtime_reason(call, status, container->reason, sizeof(container->reason));
		container->state = CONTAINER_FAILED;
		container_run_delete(container);
		return;
	}
	container->state = CONTAINER_CREATED;
	answer.pid = (uint32_t)container->pid;
	server_answer(container->keeper, container->origin, &answer, sizeof(answer), NULL, 0);
	if (container->deleting)
		container_run_delete(container);
	else
		container_settle(container);
}

/* The container's ends of its stdin and stdout, which the caller closes: pipes, or nothing where a terminal is to come. */
static int create_stdio(struct container *container, const struct shimwire_create *request,
	int *ret_in, int *ret_out, struct err *err)
{
	int fds[2], r;

	container->speaks = request->flags & SHIMWIRE_CREATE_STDIN;
	container->stdin_once = request->flags & SHIMWIRE_CREATE_STDIN_ONCE;
	if (request->flags & SHIMWIRE_CREATE_TTY)
		return console_open(container, request->bundle, err);
	r = child_pipe(fds, 0);
	if (r < 0)
		return err_set(err, -r, "make a pipe");
	*ret_out = fds[1];
	r = output_watch(&container->keeper->reactor, &container->out, fds[0], err);
	if (r < 0 || !container->speaks)
		return r;
	r = child_pipe(fds, 1);
	if (r < 0)
		return err_set(err, -r, "make a pipe");
	*ret_in = fds[0];
	container->in_fd = fds[1];
	return 0;
}

static int create_start(
	struct container *container, const struct shimwire_create *request, struct err *err)
{
	struct keeper *keeper = container->keeper;
	bool tty = request->flags & SHIMWIRE_CREATE_TTY;
	AUTO_FD out = -1;
	AUTO_FD in = -1;
	char pid_file[PATH_MAX];
	struct runtime_spec spec = {.args = {"create", "--bundle", request->bundle, "--pid-file",
					    pid_file, tty ? "--console-socket" : container->id,
					    tty ? CONSOLE_NAME : NULL, tty ? container->id : NULL}};
	int r;

	r = crilog_open(&container->log, request->log, err);
	if (r < 0)
		return r;
	container->profile_fd = memfd_create("profile", MFD_CLOEXEC);
	if (container->profile_fd < 0)
		return err_set(err, errno, "make a memory file");
	r = create_stdio(container, request, &in, &out, err);
	if (r < 0)
		return r;
	r = child_pipe(spec.err_fds, 0);
	if (r < 0)
		return err_set(err, -r, "make a pipe");
	pid_file_path(container, pid_file);
	unlink(pid_file);
	spec.in_fd = in;
	spec.out_fd = out;
	spec.bundle = request->bundle;
	spec.profile_fd = container->profile_fd;
	return runtime_start(
		&keeper->reactor, &keeper->runtime, &spec, &container->call, create_done, err);
}

void container_create(
	struct keeper *keeper, struct origin origin, const struct shimwire_create *request)
{
	struct container *container;
	struct err err;
	int r;

	if (container_find(keeper, request->id)) {
		server_fail(keeper, origin, -EEXIST, "the container exists");
		return;
	}
	if (containers_count(keeper) == SHIMWIRE_CONTAINERS) {
		server_fail(keeper, origin, -E2BIG, "the Pod has too many containers");
		return;
	}
	container = container_new(keeper, request->id);
	if (!container) {
		server_fail(keeper, origin, -ENOMEM, "out of memory");
		return;
	}
	container->origin = origin;
	r = create_start(container, request, &err);
	if (r < 0) {
		server_fail(keeper, origin, r, err.text);
		container_free(container);
	}
}

/* Starts a call that is not create: its stderr is a pipe of its own. */
static int container_call(struct container *container, struct runtime_spec *spec,
	void (*done)(struct runtime_call *, int), struct err *err)
{
	struct keeper *keeper = container->keeper;
	int r = child_pipe(spec->err_fds, 0);

	if (r < 0)
		return err_set(err, -r, "make a pipe");
	spec->in_fd = spec->out_fd = -1;
	return runtime_start(&keeper->reactor, &keeper->runtime, spec, &container->call, done, err);
}

static void start_done(struct runtime_call *call, int status)
{
	struct container *container = CONTAINER_OF(call, struct container, call);
	char reason[SHIMWIRE_REASON_MAX];

	source_close(&call->complaint);
	if (status == 0) {
		container->state = CONTAINER_RUNNING;
		server_done(container->keeper, container->origin);
	} else {
		container->state = CONTAINER_CREATED;
		runtime_reason(call, status, reason, sizeof(reason));
		server_fail(container->keeper, container->origin, -EIO, reason);
	}
	if (container->deleting)
		container_run_delete(container);
	else
		container_settle(container);
}

void container_start(struct keeper *keeper, struct origin origin, const char *id)
{
	struct container *container = container_find(keeper, id);
	struct runtime_spec spec = {.args = {"start", id}};
	struct err err;
	int r;

	if (!container || container->state != CONTAINER_CREATED || container->call.pid) {
		server_fail(keeper, origin, container ? -EALREADY : -ENOENT,
			container ? "the container is not in state created" : "no such container");
		return;
	}
	r = container_call(container, &spec, start_done, &err);
	if (r < 0) {
		server_fail(keeper, origin, r, err.text);
		return;
	}
	container->origin = origin;
	container->state = CONTAINER_STARTING;
	container->started_wall = clock_wall();
	container->started_mono = clock_now();
}

void container_signal(
	struct keeper *keeper, struct origin origin, const struct shimwire_signal *request)
{
	struct container *container = container_find(keeper, request->id);

	if (!container) {
		server_fail(keeper, origin, -ENOENT, "no such container");
	} else if (request->all && request->signo == SIGKILL && container->cgroup[0]) {
		hierarchies_kill(&keeper->hierarchies, container->cgroup);
		server_done(keeper, origin);
	} else if (request->all) {
		server_fail(keeper, origin, -EINVAL, "only SIGKILL can be sent to all processes");
	} else if (!container->pid) {
		server_fail(keeper, origin, -ESRCH, "the container does not run");
	} else if (kill(container->pid, (int)request->signo) < 0) {
		server_fail(keeper, origin, -errno, strerror(errno));
	} else {
		server_done(keeper, origin);
	}
}

/* Answers all who wait for its end. */
static void container_forget(struct container *container)
{
	struct keeper *keeper = container->keeper;
	char path[PATH_MAX];

	pid_file_path(container, path);
	unlink(path);
	exitrecord_remove(keeper->options.dir, container->id);
	if (container->failure < 0)
		server_fail(keeper, container->origin, container->failure, container->reason);
	server_done(keeper, container->delete_origin);
	container_free(container);
}

static void delete_done(struct runtime_call *call, int status)
{
	struct container *container = CONTAINER_OF(call, struct container, call);
	char reason[SHIMWIRE_REASON_MAX];

	source_close(&call->complaint);
	/* After a failed create there may be nothing for the runtime to delete. */
	if (status == 0 || container->state == CONTAINER_FAILED) {
		container_forget(container);
		return;
	}
	container->deleting = false;
	runtime_reason(call, status, reason, sizeof(reason));
	server_fail(container->keeper, container->delete_origin, -EIO, reason);
	container_settle(container);
}

static void container_run_delete(struct container *container)
{
	struct runtime_spec spec = {.args = {"delete", "--force", container->id}};
	struct err err;
	int r;

	source_close(&container->call.complaint);
	container->deleting = true;
	r = container_call(container, &spec, delete_done, &err);
	if (r == 0)
		return;
	if (container->state == CONTAINER_FAILED) {
		container_forget(container);
		return;
	}
	container->deleting = false;
	server_fail(container->keeper, container->delete_origin, r, err.text);
}

/* A runtime that is at work on the container is killed first: delete must not wait for it. */
void container_delete(struct keeper *keeper, struct origin origin, const char *id)
{
	struct container *container = container_find(keeper, id);

	if (!container) {
		server_done(keeper, origin);
		return;
	}
	if (container->deleting && container->delete_origin.client) {
		server_fail(keeper, origin, -EALREADY, "the container is being deleted");
		return;
	}
	container->delete_origin = origin;
	if (container->deleting)
		return;
	container->deleting = true;
	if (container->call.pid)
		kill(container->call.pid, SIGKILL);
	else
		container_run_delete(container);
}

void container_reopen_log(struct keeper *keeper, struct origin origin, const char *id)
{
	struct container *container = container_find(keeper, id);
	struct err err;
	int r;

	if (!container) {
		server_fail(keeper, origin, -ENOENT, "no such container");
		return;
	}
	r = crilog_reopen(&container->log, &err);
	if (r < 0)
		server_fail(keeper, origin, r, err.text);
	else
		server_done(keeper, origin);
}

/* While the runtime creates it, the pid of its init stands in the pid file only. */
static bool container_is_init(const struct container *container, pid_t pid)
{
	pid_t init = container->pid;

	if (container->reaped)
		return false;
	if (container->state == CONTAINER_CREATING && read_pid_file(container, &init, NULL) < 0)
		return false;
	return init == pid;
}

bool containers_reaped(struct keeper *keeper, pid_t pid, int status)
{
	for (struct container *container = keeper->containers; container;
		container = container->next) {
		if (container->call.pid == pid) {
			runtime_reaped(&container->call, status);
			return true;
		}
		if (container_is_init(container, pid)) {
			container->reaped = true;
			container->pid = 0;
			container->status = status;
			container->finished_wall = clock_wall();
			container_settle(container);
			return true;
		}
	}
	return false;
}
