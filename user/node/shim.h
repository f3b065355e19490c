/* SPDX-License-Identifier: Apache-2.0 */
/*
 * podnetd's side of a Pod's shim: start it or connect to the one that runs, send requests, hear of
 * exits.  All calls return at once; answers come as callbacks on the loop.
 */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#define SHIM_ID_MAX 80 /* container id: NAME (63) "." ATTEMPT, NUL included */

struct err;
struct shim;

struct shim_config {
	const char *program; /* path of podnet-shim */
	const char *pause;   /* path of podnet-pause */
	const char *runtime; /* path of crun or runc */
	const char *
		runtime_root; /* --root of the runtime: one per Pod, for ids are unique in a Pod only */
	const char *dir;      /* RUN/pods/UID: socket, pid files and exit records; exists, 0700 */
	const char
		*cgroup; /* the Pod's cgroup below each hierarchy's root: "/kubepods/.../podUID" */
	const char *shim_cgroup; /* where the shim itself lives, outside of the Pod's */
	const char *hostname;
	const char
		*claim; /* hybrid cure: directory (last component "hugetlb") to mount the left-over
				  * v1 controllers at, for a moment and seen by nobody else; NULL: none */
};

struct shim_exit {
	char id[SHIM_ID_MAX];
	int code;   /* 0-255; 128 + signal when killed */
	int signal; /* 0: it exited by itself */
	bool oom;
	uint64_t started_wall, finished_wall; /* microseconds since 1970 */
};

struct shim_container {
	char id[SHIM_ID_MAX];
	enum { SHIM_CREATED, SHIM_RUNNING, SHIM_EXITED } state;
	pid_t pid;	       /* of its init; 0 once exited */
	uint64_t started_wall; /* 0 while only created */
	uint64_t started_mono; /* CLOCK_MONOTONIC microseconds */
	struct shim_exit exit; /* valid when exited */
};

struct shim_events {
	/* A container's init is gone and its exit record is on disk. */
	void (*exited)(void *userdata, const struct shim_exit *exit);
	/* The shim is gone (killed): the socket broke.  Containers may still run. */
	void (*lost)(void *userdata);
	void *userdata;
};

/*
 * Starts the shim of a new Pod: it makes the sandbox (pause with its net, ipc and uts namespaces) before
 * it answers.  @done gets 0 and pause's pid, or a negative errno and the reason.
 */
typedef void (*shim_ready_fn)(void *userdata, int result, pid_t pause_pid, const char *reason);
int shim_start(sd_event *loop, const struct shim_config *config, const struct shim_events *events,
	shim_ready_fn done, void *userdata, struct shim **ret, struct err *err);

/*
 * Connects to the shim that already runs at @dir and lists what it holds: @listed is called with its
 * containers (borrowed during the call).  -ENOENT / -ECONNREFUSED at once when there is none.
 */
typedef void (*shim_listed_fn)(void *userdata, int result, pid_t pause_pid,
	const struct shim_container *containers, size_t count);
int shim_adopt(sd_event *loop, const char *dir, const struct shim_events *events,
	shim_listed_fn listed, void *userdata, struct shim **ret, struct err *err);

/* Disconnects; the shim and its containers go on, processes run by shim_exec are killed.  Accepts NULL; returns NULL. */
struct shim *shim_free(struct shim *shim);

/* pid of the shim process itself; 0 until shim_start's @done was called. */
pid_t shim_pid(const struct shim *shim);

/*
 * The answer to a request: 0, or a negative errno with a one-line reason; -EPIPE when the shim is lost first.
 * A request that itself returns a negative errno (-EPIPE: no shim; -EAGAIN: it does not read;
 * -ENAMETOOLONG) gets no answer.
 */
typedef void (*shim_done_fn)(void *userdata, int result, const char *reason);

/* `crun create`: with_stdin: its stdin is a pipe that shim_exec attaches to; bundle holds config.json; log_path gets CRI lines (its directory exists). */
typedef void (*shim_created_fn)(void *userdata, int result, pid_t pid, const char *reason);
struct shim_create_spec {
	const char *id, *bundle, *log_path;
	bool with_stdin;
	bool tty;	 /* config.json asks for a terminal */
	bool stdin_once; /* which ends with the first who has attached to it */
};
int shim_create(struct shim *shim, const struct shim_create_spec *spec, shim_created_fn done,
	void *userdata);
int shim_start_container(struct shim *shim, const char *id, shim_done_fn done, void *userdata);
/* Sends a signal to the container's init; @all (with SIGKILL only) kills every process of its cgroup. */
int shim_signal(
	struct shim *shim, const char *id, int signo, bool all, shim_done_fn done, void *userdata);
/* `crun delete --force` of a container in whatever state; forgets it and its exit record.  Unknown ids
 * succeed. */
int shim_delete(struct shim *shim, const char *id, shim_done_fn done, void *userdata);
/* Opens the container's log file anew (after a rotation). */
int shim_reopen_log(struct shim *shim, const char *id, shim_done_fn done, void *userdata);
/* Kills what is left, ends pause, removes the Pod's cgroups; the shim then exits by itself. */
int shim_shutdown(struct shim *shim, shim_done_fn done, void *userdata);

struct shim_exec_spec {
	const char *container; /* id */
	const char *const
		*argv;	 /* NULL: none is run, the container's own output and stdin are given */
	bool with_stdin; /* podnetd gets the writing end */
	bool tty;	 /* its stdin, stdout and stderr are a terminal */
	uint64_t timeout_usec; /* 0: none.  On expiry everything in the exec's cgroup is killed */
};

struct shim_exec_events {
	/* It runs: the caller owns the descriptors (non-blocking; @in_fd -1 without stdin).  With a terminal @out_fd
	 * is its master and @err_fd -1. */
	void (*started)(void *userdata, int in_fd, int out_fd, int err_fd);
	/* It ended (code as shim_exit.code), or could not be run: code is a negative errno (-ETIMEDOUT after
	 * the deadline) and @reason says why.  Always the last call. */
	void (*ended)(void *userdata, int code, const char *reason);
	void *userdata;
};

/* *@ret_exec names it for shim_exec_kill. */
int shim_exec(struct shim *shim, const struct shim_exec_spec *spec,
	const struct shim_exec_events *events, uint32_t *ret_exec, struct err *err);
/* Kills everything in its cgroup; no event follows. */
void shim_exec_kill(struct shim *shim, uint32_t exec);

/* Reads the exit record of @id in @dir.  -ENOENT: it has not exited (or the shim was killed first). */
int shim_exit_read(const char *dir, const char *id, struct shim_exit *ret, struct err *err);
