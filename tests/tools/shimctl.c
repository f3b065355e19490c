// SPDX-License-Identifier: Apache-2.0
/* Drives podnet-shim through podnetd's client code: one request per call, for tests/e2e/shim_test.sh. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/node/shim.h"

static const char help[] =
	"usage: shimctl start SHIM PAUSE RUNTIME RUNTIME-ROOT DIR CGROUP SHIM-CGROUP [CLAIM]\n"
	"       shimctl list|hold|shutdown DIR\n"
	"       shimctl create DIR ID BUNDLE LOG\n"
	"       shimctl run|delete|reopen|wait|record DIR ID\n"
	"       shimctl signal|killall DIR ID SIGNAL\n"
	"       shimctl exec DIR ID TIMEOUT-MS COMMAND [ARG]...\n";

static sd_event *loop;
static struct shim *shim;
static char **args; /* behind the verb: DIR ... */
static int arg_count;
static int streams; /* of an exec, not yet at their end */
static int exec_code;
static bool exec_over;

static void end(int code)
{
	sd_event_exit(loop, code);
}

static void done(void *userdata, int result, const char *reason)
{
	(void)userdata;
	if (result < 0)
		fprintf(stderr, "%s: %s\n", strerror(-result), reason);
	end(result < 0);
}

static void ready(void *userdata, int result, pid_t pause_pid, const char *reason)
{
	if (result == 0)
		printf("%d %d\n", pause_pid, shim_pid(shim));
	done(userdata, result, reason);
}

static void created(void *userdata, int result, pid_t pid, const char *reason)
{
	if (result == 0)
		printf("%d\n", pid);
	done(userdata, result, reason);
}

static void exit_print(const struct shim_exit *e)
{
	printf("%s code=%d signal=%d oom=%d ran=%d\n", e->id, e->code, e->signal, e->oom,
		e->started_wall > 0 && e->finished_wall >= e->started_wall);
}

static void exited(void *userdata, const struct shim_exit *e)
{
	(void)userdata;
	if (arg_count < 2 || strcmp(e->id, args[1]) != 0)
		return;
	exit_print(e);
	end(0);
}

static void lost(void *userdata)
{
	(void)userdata;
	fprintf(stderr, "lost\n");
	end(3);
}

static void list_print(pid_t pause_pid, const struct shim_container *list, size_t count)
{
	static const char *const states[] = {"created", "running", "exited"};

	printf("pause %d shim %d\n", pause_pid, shim_pid(shim));
	for (size_t i = 0; i < count; i++)
		printf("%s %s %d code=%d oom=%d\n", list[i].id, states[list[i].state], list[i].pid,
			list[i].exit.code, list[i].exit.oom);
}

static void exec_finish(void)
{
	if (exec_over && streams == 0)
		end(exec_code < 0 ? 200 : exec_code);
}

static int exec_output(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	char data[4096];
	ssize_t n = read(fd, data, sizeof(data));

	(void)revents;
	if (n > 0)
		return fwrite(data, 1, (size_t)n, userdata) ? 0 : -EIO;
	streams--;
	close(fd);
	sd_event_source_disable_unref(source);
	exec_finish();
	return 0;
}

static void exec_started(void *userdata, int in_fd, int out_fd, int err_fd)
{
	sd_event_source *source;

	(void)userdata;
	if (in_fd >= 0) {
		/* A command that does not read its stdin is no failure. */
		if (write(in_fd, "from stdin\n", 11) < 0 && errno != EPIPE)
			perror("write");
		close(in_fd);
	}
	sd_event_add_io(loop, &source, out_fd, EPOLLIN, exec_output, stdout);
	sd_event_add_io(loop, &source, err_fd, EPOLLIN, exec_output, stderr);
	streams = 2;
}

static void exec_ended(void *userdata, int code, const char *reason)
{
	(void)userdata;
	if (code < 0)
		fprintf(stderr, "exec: %s: %s\n", strerror(-code), reason);
	exec_code = code;
	exec_over = true;
	/* After a time-out a stray process may hold the pipes: they are not waited for. */
	if (code < 0)
		streams = 0;
	exec_finish();
}

static int run_exec(void)
{
	struct shim_exec_spec spec = {
		.container = args[1],
		.argv = (const char *const *)args + 3,
		.with_stdin = true,
		.timeout_usec = strtoull(args[2], NULL, 10) * 1000,
	};
	struct shim_exec_events events = {.started = exec_started, .ended = exec_ended};
	struct err err;
	uint32_t exec;
	int r = shim_exec(shim, &spec, &events, &exec, &err);

	if (r < 0)
		fprintf(stderr, "%s\n", err.text);
	return r;
}

static void run_wait(const struct shim_container *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(list[i].id, args[1]) == 0 && list[i].state == SHIM_EXITED)
			exited(NULL, &list[i].exit);
}

static int run_verb(const char *verb)
{
	const char *id = arg_count > 1 ? args[1] : NULL;

	if (strcmp(verb, "shutdown") == 0)
		return shim_shutdown(shim, done, NULL);
	if (!id)
		return -EINVAL;
	if (strcmp(verb, "create") == 0 && arg_count == 4)
		return shim_create(shim,
			&(struct shim_create_spec){
				.id = id, .bundle = args[2], .log_path = args[3]},
			created, NULL);
	if (strcmp(verb, "run") == 0)
		return shim_start_container(shim, id, done, NULL);
	if (strcmp(verb, "delete") == 0)
		return shim_delete(shim, id, done, NULL);
	if (strcmp(verb, "reopen") == 0)
		return shim_reopen_log(shim, id, done, NULL);
	if (strcmp(verb, "signal") == 0 && arg_count == 3)
		return shim_signal(shim, id, atoi(args[2]), false, done, NULL);
	if (strcmp(verb, "killall") == 0 && arg_count == 3)
		return shim_signal(shim, id, atoi(args[2]), true, done, NULL);
	if (strcmp(verb, "exec") == 0 && arg_count > 3)
		return run_exec();
	return -EINVAL;
}

static void listed(void *userdata, int result, pid_t pause_pid,
	const struct shim_container *containers, size_t count)
{
	const char *verb = userdata;
	int r = result;

	if (r == 0 && strcmp(verb, "list") == 0) {
		list_print(pause_pid, containers, count);
		end(0);
	} else if (r == 0 && strcmp(verb, "hold") == 0) {
		puts("connected");
		fflush(stdout);
	} else if (r == 0 && strcmp(verb, "wait") == 0) {
		run_wait(containers, count);
	} else if (r == 0) {
		r = run_verb(verb);
	}
	if (r < 0)
		done(NULL, r, verb);
}

static int run_record(const char *dir, const char *id)
{
	struct shim_exit e;
	struct err err;

	if (shim_exit_read(dir, id, &e, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	exit_print(&e);
	return 0;
}

int main(int argc, char **argv)
{
	struct shim_events events = {.exited = exited, .lost = lost};
	struct err err;
	int r;

	if (argc < 3) {
		fputs(help, stderr);
		return 2;
	}
	args = argv + 2;
	arg_count = argc - 2;
	if (strcmp(argv[1], "record") == 0 && argc == 4)
		return run_record(argv[2], argv[3]);
	signal(SIGPIPE, SIG_IGN);
	if (sd_event_new(&loop) < 0)
		return 1;
	if (strcmp(argv[1], "start") == 0 && argc >= 9) {
		struct shim_config config = {.program = argv[2],
			.pause = argv[3],
			.runtime = argv[4],
			.runtime_root = argv[5],
			.dir = argv[6],
			.cgroup = argv[7],
			.shim_cgroup = argv[8],
			.hostname = "shim-test",
			.claim = argc > 9 ? argv[9] : NULL};

		r = shim_start(loop, &config, &events, ready, NULL, &shim, &err);
	} else {
		r = shim_adopt(loop, argv[2], &events, listed, argv[1], &shim, &err);
	}
	if (r < 0) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	r = sd_event_loop(loop);
	shim_free(shim);
	sd_event_unref(loop);
	return r < 0 ? 1 : r;
}
