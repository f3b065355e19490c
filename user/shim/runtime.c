// SPDX-License-Identifier: Apache-2.0
#include "user/shim/runtime.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/shim/child.h"
#include "user/shim/profile.h"

/* Keeps the end of what comes: runtimes say last what went wrong.  As read(2): 0 at the end. */
static ssize_t complaint_read(struct runtime_call *call)
{
	char chunk[512];
	ssize_t n = read(call->complaint.fd, chunk, sizeof(chunk));
	size_t room = sizeof(call->text) - 1 - call->len;

	if (n <= 0)
		return n;
	if ((size_t)n > room) {
		size_t drop = (size_t)n - room;

		memmove(call->text, call->text + drop, call->len - drop);
		call->len -= drop;
	}
	memcpy(call->text + call->len, chunk, (size_t)n);
	call->len += (size_t)n;
	call->text[call->len] = '\0';
	return n;
}

static void complaint_ready(struct source *source)
{
	if (complaint_read(CONTAINER_OF(source, struct runtime_call, complaint)) == 0)
		source_close(source);
}

static void runtime_child(const struct runtime *runtime, const struct runtime_spec *spec)
	__attribute__((noreturn));

static void runtime_child(const struct runtime *runtime, const struct runtime_spec *spec)
{
	const char *argv[RUNTIME_ARGS_MAX + 4] = {runtime->program, "--root", runtime->root};
	struct err err;
	size_t n = 3;

	for (size_t i = 0; spec->args[i]; i++)
		argv[n++] = spec->args[i];
	if (child_stdio(spec->in_fd, spec->out_fd, spec->err_fds[1]) < 0)
		_exit(1);
	if (spec->bundle && profile_write(spec->bundle, spec->profile_fd, &err) < 0) {
		dprintf(STDERR_FILENO, "%s\n", err.text);
		_exit(1);
	}
	/* A runtime reads the bundle from inside of it: names in it are relative. */
	if (spec->bundle && chdir(spec->bundle) < 0)
		_exit(1);
	child_reset_signals();
	umask(022);
	execvp(argv[0], (char *const *)argv);
	dprintf(STDERR_FILENO, "run '%s': %s\n", argv[0], strerror(errno));
	_exit(1);
}

int runtime_start(struct reactor *reactor, const struct runtime *runtime,
	const struct runtime_spec *spec, struct runtime_call *call,
	void (*done)(struct runtime_call *, int status), struct err *err)
{
	AUTO_FD in = spec->err_fds[0];
	AUTO_FD out = spec->err_fds[1];
	pid_t pid;
	int r;

	call->len = 0;
	call->text[0] = '\0';
	call->done = done;
	r = source_add(reactor, &call->complaint, take_fd(&in), complaint_ready, err);
	if (r < 0)
		return r;
	pid = fork();
	if (pid < 0) {
		r = err_set(err, errno, "fork");
		source_close(&call->complaint);
		return r;
	}
	if (pid == 0)
		runtime_child(runtime, spec);
	call->pid = pid;
	return 0;
}

void runtime_reaped(struct runtime_call *call, int status)
{
	call->pid = 0;
	while (call->complaint.fd >= 0 && complaint_read(call) > 0)
		;
	call->done(call, status);
}

/* runc wraps its text: time="..." level=error msg="...". */
static char *line_message(char *line)
{
	char *at = strstr(line, "level=error msg=\""), *end;

	if (!at)
		return line;
	at += strlen("level=error msg=\"");
	end = strrchr(at, '"');
	if (end)
		*end = '\0';
	return at;
}

void runtime_reason(struct runtime_call *call, int status, char *ret, size_t size)
{
	char *line;

	while (call->len && call->text[call->len - 1] == '\n')
		call->text[--call->len] = '\0';
	line = strrchr(call->text, '\n');
	line = line_message(line ? line + 1 : call->text);
	if (*line)
		snprintf(ret, size, "%s", line);
	else if (WIFSIGNALED(status))
		snprintf(ret, size, "the runtime was killed by signal %d", WTERMSIG(status));
	else
		snprintf(ret, size, "the runtime failed with code %d", WEXITSTATUS(status));
}
