// SPDX-License-Identifier: Apache-2.0
/* Connections to shims: to a new one through an inherited socket, to a running one through its path. */
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/base/fs.h"
#include "user/base/json.h"
#include "user/base/loop.h"
#include "user/base/record.h"
#include "user/node/shim-wire.h"

#define SHIM_CLIENT_FD "3" /* in the shim */
#define SHIM_PATH      "/usr/sbin:/usr/bin:/sbin:/bin"

static int reaper_ready(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	(void)fd;
	(void)revents;
	waitpid((pid_t)(intptr_t)userdata, NULL, WNOHANG);
	source_free(source);
	return 0;
}

/*
 * A shim is our child while we live and outlives us; whatever became of struct shim, it must be reaped.
 * The floating source belongs to the loop.
 */
static int shim_reap_later(sd_event *loop, pid_t pid)
{
	AUTO_FD fd = (int)syscall(SYS_pidfd_open, pid, 0);
	sd_event_source *source;
	int r;

	if (fd < 0)
		return -errno;
	r = sd_event_add_io(loop, &source, fd, EPOLLIN, reaper_ready, (void *)(intptr_t)pid);
	if (r < 0)
		return r;
	r = sd_event_source_set_io_fd_own(source, true);
	if (r >= 0) {
		take_fd(&fd);
		r = sd_event_source_set_floating(source, true);
	}
	if (r < 0) {
		source_free(source);
		return r;
	}
	sd_event_source_unref(source);
	return 0;
}

static int shim_spawn(const struct shim_config *config, int fd, pid_t *ret, struct err *err)
{
	const char *argv[] = {config->program, "--dir", config->dir, "--pause", config->pause,
		"--runtime", config->runtime, "--runtime-root", config->runtime_root, "--cgroup",
		config->cgroup, "--shim-cgroup", config->shim_cgroup, "--hostname",
		config->hostname, "--client", SHIM_CLIENT_FD, config->claim ? "--claim" : NULL,
		config->claim, NULL};
	/* The runtimes act on NOTIFY_SOCKET and LISTEN_FDS: those are podnetd's, not the containers'. */
	AUTO_FREE char *path = fs_format("PATH=%s", getenv("PATH") ?: SHIM_PATH);
	char *envp[] = {path, NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none, all;
	int r;

	if (!path)
		return err_set(err, ENOMEM, "run '%s'", config->program);
	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attr);
	for (int i = 0; i < 3; i++)
		posix_spawn_file_actions_addopen(&actions, i, "/dev/null", O_RDWR, 0);
	posix_spawn_file_actions_adddup2(&actions, fd, atoi(SHIM_CLIENT_FD));
	posix_spawn_file_actions_addclosefrom_np(&actions, atoi(SHIM_CLIENT_FD) + 1);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setflags(
		&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
	r = posix_spawn(ret, config->program, &actions, &attr, (char *const *)argv, envp);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	return r ? err_set(err, r, "run '%s'", config->program) : 0;
}

static int shim_hello(struct shim *shim, const struct shim_pending *pending, struct err *err)
{
	struct shimwire_hello hello = {
		.version_min = SHIMWIRE_VERSION,
		.version_max = SHIMWIRE_VERSION,
	};
	int r = shim_send(shim, &hello, sizeof(hello), SHIMWIRE_HELLO, pending);

	return r < 0 ? err_set(err, -r, "greet podnet-shim") : 0;
}

int shim_start(sd_event *loop, const struct shim_config *config, const struct shim_events *events,
	shim_ready_fn done, void *userdata, struct shim **ret, struct err *err)
{
	const struct shim_pending pending = {
		.kind = SHIM_PENDING_HELLO,
		.fn.ready = done,
		.userdata = userdata,
	};
	AUTO_FD theirs = -1;
	struct shim *shim;
	int fds[2], r;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
		return err_set(err, errno, "make a socket pair");
	theirs = fds[1];
	r = shim_new(loop, fds[0], events, &shim, err);
	if (r < 0)
		return r;
	r = shim_hello(shim, &pending, err);
	if (r == 0)
		r = shim_spawn(config, theirs, &pid, err);
	if (r == 0) {
		r = shim_reap_later(loop, pid);
		if (r < 0) {
			kill(pid, SIGKILL);
			waitpid(pid, NULL, 0);
			err_set(err, -r, "watch podnet-shim");
		}
	}
	if (r < 0) {
		shim_free(shim);
		return r;
	}
	*ret = shim;
	return 0;
}

/* Through /proc, because the path of a Pod's directory may be longer than sun_path. */
static int shim_connect(const char *dir, struct err *err)
{
	AUTO_FD dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	AUTO_FD fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (dir_fd < 0)
		return err_set(err, errno, "open '%s'", dir);
	if (fd < 0)
		return err_set(err, errno, "make a socket");
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", dir_fd,
		SHIMWIRE_SOCKET);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return err_set(err, errno, "connect to '%s/%s'", dir, SHIMWIRE_SOCKET);
	return take_fd(&fd);
}

int shim_adopt(sd_event *loop, const char *dir, const struct shim_events *events,
	shim_listed_fn listed, void *userdata, struct shim **ret, struct err *err)
{
	const struct shim_pending pending = {
		.kind = SHIM_PENDING_ADOPT,
		.fn.listed = listed,
		.userdata = userdata,
	};
	struct ucred peer;
	socklen_t size = sizeof(peer);
	struct shim *shim;
	int fd = shim_connect(dir, err);
	int r;

	if (fd < 0)
		return fd;
	r = shim_new(loop, fd, events, &shim, err);
	if (r < 0)
		return r;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		r = err_set(err, errno, "ask for the pid of podnet-shim");
	else
		r = shim_hello(shim, &pending, err);
	if (r < 0) {
		shim_free(shim);
		return r;
	}
	shim->pid = peer.pid;
	*ret = shim;
	return 0;
}

int shim_exit_read(const char *dir, const char *id, struct shim_exit *ret, struct err *err)
{
	AUTO_FREE char *text = NULL;
	AUTO_JSON json = NULL;
	char path[PATH_MAX];
	size_t len;
	int r;

	snprintf(path, sizeof(path), "%s/%s/%s", dir, SHIMWIRE_EXIT_DIR, id);
	r = record_read(path, "exit", &text, &len, NULL, err);
	if (r == 0)
		r = json_parse(text, len, path, &json, err);
	if (r < 0)
		return r;
	*ret = (struct shim_exit){
		.code = (int)json_integer_at(json, "code", 0),
		.signal = (int)json_integer_at(json, "signal", 0),
		.oom = json_is_true(json_object_get(json, "oom")),
		.started_wall = (uint64_t)json_integer_at(json, "started", 0),
		.finished_wall = (uint64_t)json_integer_at(json, "finished", 0),
	};
	snprintf(ret->id, sizeof(ret->id), "%s", json_string_at(json, "id", id));
	return 0;
}
