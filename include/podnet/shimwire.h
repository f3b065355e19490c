/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What podnetd and podnet-shim say to each other over DIR/shim.sock (SOCK_SEQPACKET, root only).
 *
 * One message is one packet: a struct below, in host byte order, strings NUL-terminated in arrays of
 * fixed size.  A client sends requests; each is answered once, with the request's seq; events have seq 0.
 * Both sides ignore bytes that follow the struct they know and read missing ones as zero down to
 * the size of version 1, so a shim that outlives an upgrade of podnetd still understands it.
 * A request the shim does not know is answered with -ENOSYS.
 */
#pragma once

#include <linux/types.h>

#define SHIMWIRE_VERSION     1
#define SHIMWIRE_MESSAGE_MAX 65536 /* bytes; argv included */
#define SHIMWIRE_ID_MAX	     80
#define SHIMWIRE_PATH_MAX    1024
#define SHIMWIRE_REASON_MAX  240
#define SHIMWIRE_ARGS_MAX    1024 /* arguments of one exec */
#define SHIMWIRE_CONTAINERS  128  /* containers of one shim */
#define SHIMWIRE_EXECS	     64	  /* running at once in one shim */
#define SHIMWIRE_SOCKET	     "shim.sock"
#define SHIMWIRE_EXIT_DIR    "exit" /* DIR/exit/ID: a record of kind "exit" */

enum shimwire_type {
	SHIMWIRE_HELLO = 1,	 /* shimwire_hello */
	SHIMWIRE_LIST = 2,	 /* header only */
	SHIMWIRE_CREATE = 3,	 /* shimwire_create */
	SHIMWIRE_START = 4,	 /* shimwire_id */
	SHIMWIRE_SIGNAL = 5,	 /* shimwire_signal */
	SHIMWIRE_DELETE = 6,	 /* shimwire_id */
	SHIMWIRE_REOPEN_LOG = 7, /* shimwire_id */
	SHIMWIRE_EXEC = 8,	 /* shimwire_exec; named by its seq on this connection */
	SHIMWIRE_EXEC_KILL = 9,	 /* shimwire_exec_kill */
	SHIMWIRE_SHUTDOWN = 10,	 /* header only; the shim exits after the answer */
	SHIMWIRE_ATTACH = 11,	 /* shimwire_attach; ends and is answered as an exec */
	SHIMWIRE_RESIZE = 12,	 /* reserved */

	SHIMWIRE_ANSWER = 64, /* shimwire_answer */
	SHIMWIRE_EXITED = 65, /* shimwire_exited: a container's init is gone, its record written */
	SHIMWIRE_EXEC_ENDED = 66, /* shimwire_exec_ended */
};

struct shimwire_header {
	__u32 seq;
	__u32 type;
	__s32 result; /* answers and events: 0 or a negative errno; requests: 0 */
	__u32 pad;
};

struct shimwire_hello {
	struct shimwire_header header;
	__u32 version_min, version_max;
};

struct shimwire_id {
	struct shimwire_header header;
	char id[SHIMWIRE_ID_MAX];
};

struct shimwire_create {
	struct shimwire_header header;
	char id[SHIMWIRE_ID_MAX];
	char bundle[SHIMWIRE_PATH_MAX];
	char log[SHIMWIRE_PATH_MAX];
	/* Not in the first shims: they give no stdin. */
	__u32 flags;
	__u32 pad;
};

#define SHIMWIRE_CREATE_STDIN	   1u /* its stdin is a pipe that the shim keeps open */
#define SHIMWIRE_CREATE_STDIN_ONCE 2u /* until one has attached to it: then it ends with that */
#define SHIMWIRE_CREATE_TTY	   4u /* its configuration asks for a terminal */
#define SHIMWIRE_CREATE_LEAST	   2144

struct shimwire_signal {
	struct shimwire_header header;
	char id[SHIMWIRE_ID_MAX];
	__u32 signo;
	__u32 all; /* 1: every process of the container's cgroup */
};

#define SHIMWIRE_EXEC_STDIN 1u
#define SHIMWIRE_EXEC_TTY   2u

struct shimwire_exec {
	struct shimwire_header header;
	char id[SHIMWIRE_ID_MAX];
	__u64 timeout_usec; /* 0: none */
	__u32 flags;
	__u32 argv_offset; /* bytes from the start of the message to argc NUL-terminated strings */
	__u32 argv_size;   /* bytes of them all */
	__u32 argc;
};

/* flags: SHIMWIRE_EXEC_STDIN, which a container without stdin does not heed. */
struct shimwire_attach {
	struct shimwire_header header;
	char id[SHIMWIRE_ID_MAX];
	__u32 flags;
	__u32 pad;
};

struct shimwire_exec_kill {
	struct shimwire_header header;
	__u32 exec;
	__u32 pad;
};

enum shimwire_state { SHIMWIRE_CREATED = 1, SHIMWIRE_RUNNING = 2, SHIMWIRE_ENDED = 3 };

struct shimwire_container {
	char id[SHIMWIRE_ID_MAX];
	__u32 state;
	__u32 pid;	     /* of its init; 0 once exited */
	__u64 started_wall;  /* microseconds since 1970; 0 while only created */
	__u64 started_mono;  /* CLOCK_MONOTONIC microseconds */
	__u64 finished_wall; /* 0 until exited */
	__s32 code;	     /* 128 + signal when killed */
	__u32 signal;
	__u32 oom;
	__u32 pad;
};

/*
 * Every answer.  EXEC and ATTACH: SCM_RIGHTS carries the reading ends of stdout and stderr, then (with
 * SHIMWIRE_EXEC_STDIN) the writing end of stdin; with SHIMWIRE_EXEC_TTY a terminal's master, and once more for stdin.  LIST: count containers of item_size bytes at item_offset.
 */
struct shimwire_answer {
	struct shimwire_header header;
	__u32 version;	 /* HELLO: the one both speak */
	__u32 shim_pid;	 /* HELLO */
	__u32 pause_pid; /* HELLO, LIST */
	__u32 pid;	 /* CREATE: the container's init; EXEC: the process */
	__u32 count;
	__u32 item_offset;
	__u32 item_size;
	__u32 pad;
	char reason[SHIMWIRE_REASON_MAX]; /* "" when result is 0 */
};

struct shimwire_exited {
	struct shimwire_header header; /* result: why the exit record could not be written */
	struct shimwire_container container;
};

struct shimwire_exec_ended {
	struct shimwire_header header;
	__u32 exec;
	__s32 code; /* 0-255, or a negative errno: it could not run, or -ETIMEDOUT */
	char reason[SHIMWIRE_REASON_MAX];
};

#define SHIMWIRE_SIZE(type, size) _Static_assert(sizeof(type) == (size), "layout of " #type)
SHIMWIRE_SIZE(struct shimwire_header, 16);
SHIMWIRE_SIZE(struct shimwire_hello, 24);
SHIMWIRE_SIZE(struct shimwire_id, 96);
SHIMWIRE_SIZE(struct shimwire_create, 2152);
SHIMWIRE_SIZE(struct shimwire_attach, 104);
SHIMWIRE_SIZE(struct shimwire_signal, 104);
SHIMWIRE_SIZE(struct shimwire_exec, 120);
SHIMWIRE_SIZE(struct shimwire_exec_kill, 24);
SHIMWIRE_SIZE(struct shimwire_container, 128);
SHIMWIRE_SIZE(struct shimwire_answer, 288);
SHIMWIRE_SIZE(struct shimwire_exited, 144);
SHIMWIRE_SIZE(struct shimwire_exec_ended, 264);
