/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Jobs: child processes that do one blocking thing for the loop.  No shell; every descriptor but
 * 0, 1 and 2 is closed in the child.  The child's output is collected up to a limit; what exceeds it is dropped.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

struct err;
struct job;

struct job_spec {
	const char *const *argv; /* argv[0] is looked up in PATH */
	const char *const *envp; /* NULL: ours */
	const void *input;	 /* copied; written to stdin, then closed.  NULL: /dev/null */
	size_t input_len;
	size_t max_output;     /* bytes kept of stdout and of stderr each */
	uint64_t timeout_usec; /* 0: none.  On expiry the child's process group is killed */
};

struct job_result {
	int status; /* as waitpid(2) gives it */
	bool timed_out;
	const char *out; /* NUL-terminated, owned by the job, valid during the call */
	size_t out_len;
	const char *err;
	size_t err_len;
};

/* Called once, on the loop; the job frees itself afterwards. */
typedef void (*job_fn)(const struct job_result *result, void *userdata);

/* Starts the child.  *@ret (may be NULL) is borrowed and valid until @fn was called. */
int job_start(sd_event *loop, const struct job_spec *spec, job_fn fn, void *userdata,
	struct job **ret, struct err *err);

/* Kills the child's process group; @fn is never called.  Accepts NULL; returns NULL. */
struct job *job_cancel(struct job *job);

/* True when the child exited by itself with code 0. */
bool job_ok(int status);

/* Describes how it ended: "exit code 3", "killed by signal 9". */
void job_describe(int status, char *ret, size_t size);
