// SPDX-License-Identifier: Apache-2.0
#include "user/base/job.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/base/loop.h"

extern char **environ;

struct job_stream {
	int fd;
	sd_event_source *source;
	char *data;
	size_t len;
};

struct job {
	job_fn fn;
	void *userdata;
	pid_t pid;
	int pidfd;
	sd_event_source *exit_source;
	struct timer *timer;
	char *input;
	size_t input_len, input_sent;
	struct job_stream in, out, err;
	size_t max_output;
	int status;
	bool exited, timed_out;
};

bool job_ok(int status)
{
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

void job_describe(int status, char *ret, size_t size)
{
	if (WIFEXITED(status))
		snprintf(ret, size, "exit code %d", WEXITSTATUS(status));
	else
		snprintf(ret, size, "killed by signal %d", WTERMSIG(status));
}

static void stream_close(struct job_stream *stream)
{
	stream->source = source_free(stream->source);
	close_fd(&stream->fd);
}

static struct job *job_free(struct job *job)
{
	if (!job)
		return NULL;
	source_free(job->exit_source);
	timer_free(job->timer);
	stream_close(&job->in);
	stream_close(&job->out);
	stream_close(&job->err);
	close_fd(&job->pidfd);
	free(job->out.data);
	free(job->err.data);
	free(job->input);
	free(job);
	return NULL;
}

/* Ends when the child is gone and both its streams are at their end. */
static void job_finish(struct job *job)
{
	if (!job->exited || job->out.fd >= 0 || job->err.fd >= 0)
		return;
	if (job->fn) {
		struct job_result result = {
			.status = job->status,
			.timed_out = job->timed_out,
			.out = job->out.data,
			.out_len = job->out.len,
			.err = job->err.data,
			.err_len = job->err.len,
		};

		job->fn(&result, job->userdata);
	}
	job_free(job);
}

static int job_readable(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct job *job = userdata;
	struct job_stream *stream = source == job->out.source ? &job->out : &job->err;
	char chunk[16384];
	ssize_t n;

	(void)revents;
	n = read(fd, chunk, sizeof(chunk));
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0) {
		stream_close(stream);
		job_finish(job);
		return 0;
	}
	if ((size_t)n > job->max_output - stream->len)
		n = (ssize_t)(job->max_output - stream->len);
	memcpy(stream->data + stream->len, chunk, (size_t)n);
	stream->len += (size_t)n;
	stream->data[stream->len] = '\0';
	return 0;
}

static int job_writable(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct job *job = userdata;
	ssize_t n = write(fd, job->input + job->input_sent, job->input_len - job->input_sent);

	(void)source;
	(void)revents;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n > 0)
		job->input_sent += (size_t)n;
	/* A child that does not want its input says so by its exit code, not by our EPIPE. */
	if (n < 0 || job->input_sent == job->input_len)
		stream_close(&job->in);
	return 0;
}

static int job_exited(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct job *job = userdata;

	(void)fd;
	(void)revents;
	if (waitpid(job->pid, &job->status, WNOHANG) != job->pid)
		return 0;
	sd_event_source_set_enabled(source, SD_EVENT_OFF);
	job->exited = true;
	/* A grandchild may hold the pipes of a killed child: what it has to say is not waited for. */
	if (job->timed_out) {
		stream_close(&job->out);
		stream_close(&job->err);
	}
	job_finish(job);
	return 0;
}

static void job_expire(void *userdata)
{
	struct job *job = userdata;

	job->timed_out = true;
	kill(-job->pid, SIGKILL);
	if (job->exited) {
		stream_close(&job->out);
		stream_close(&job->err);
		job_finish(job);
	}
}

/* Starts argv with the three descriptors (each -1: /dev/null) in a process group of its own. */
static int job_spawn(const struct job_spec *spec, const int fds[3], pid_t *ret, struct err *err)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none, defaults;
	int r;

	sigemptyset(&none);
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attr);
	for (int i = 0; i < 3; i++) {
		if (fds[i] >= 0)
			posix_spawn_file_actions_adddup2(&actions, fds[i], i);
		else
			posix_spawn_file_actions_addopen(&actions, i, "/dev/null", O_RDWR, 0);
	}
	posix_spawn_file_actions_addclosefrom_np(&actions, 3);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &defaults);
	posix_spawnattr_setflags(
		&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
	r = posix_spawnp(ret, spec->argv[0], &actions, &attr, (char *const *)spec->argv,
		spec->envp ? (char *const *)spec->envp : environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	return r ? err_set(err, r, "run '%s'", spec->argv[0]) : 0;
}

static int stream_watch(sd_event *loop, struct job *job, struct job_stream *stream, int *fd,
	uint32_t events, sd_event_io_handler_t handler)
{
	stream->fd = take_fd(fd);
	if (fcntl(stream->fd, F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	return sd_event_add_io(loop, &stream->source, stream->fd, events, handler, job);
}

static int job_watch(sd_event *loop, struct job *job, const struct job_spec *spec, int *in_fd,
	int *out_fd, int *err_fd)
{
	struct err err;
	int r = 0;

	job->pidfd = (int)syscall(SYS_pidfd_open, job->pid, 0);
	if (job->pidfd < 0)
		return -errno;
	if (*in_fd >= 0)
		r = stream_watch(loop, job, &job->in, in_fd, EPOLLOUT, job_writable);
	if (r >= 0)
		r = stream_watch(loop, job, &job->out, out_fd, EPOLLIN, job_readable);
	if (r >= 0)
		r = stream_watch(loop, job, &job->err, err_fd, EPOLLIN, job_readable);
	if (r >= 0)
		r = sd_event_add_io(loop, &job->exit_source, job->pidfd, EPOLLIN, job_exited, job);
	if (r >= 0 && spec->timeout_usec) {
		r = timer_new(loop, job_expire, job, &job->timer, &err);
		if (r >= 0)
			timer_arm(job->timer, clock_now() + spec->timeout_usec);
	}
	return r;
}

static struct job *job_alloc(const struct job_spec *spec, job_fn fn, void *userdata)
{
	struct job *job = calloc(1, sizeof(*job));

	if (!job)
		return NULL;
	job->fn = fn;
	job->userdata = userdata;
	job->pidfd = job->in.fd = job->out.fd = job->err.fd = -1;
	job->max_output = spec->max_output;
	job->out.data = calloc(1, spec->max_output + 1);
	job->err.data = calloc(1, spec->max_output + 1);
	job->input_len = spec->input_len;
	job->input = spec->input ? malloc(spec->input_len + 1) : NULL;
	if (!job->out.data || !job->err.data || (spec->input && !job->input))
		return job_free(job);
	if (spec->input)
		memcpy(job->input, spec->input, spec->input_len);
	return job;
}

struct job_pipes {
	int in[2], out[2], err[2];
};

static void job_pipes_close(struct job_pipes *pipes)
{
	int *fds = pipes->in;

	for (size_t i = 0; i < sizeof(*pipes) / sizeof(int); i++)
		cleanup_fd(&fds[i]);
}

int job_start(sd_event *loop, const struct job_spec *spec, job_fn fn, void *userdata,
	struct job **ret, struct err *err)
{
	AUTO_CLEANUP(job_pipes_close)
	struct job_pipes pipes = {{-1, -1}, {-1, -1}, {-1, -1}};
	struct job *job;
	int r;

	if ((spec->input && pipe2(pipes.in, O_CLOEXEC) < 0) || pipe2(pipes.out, O_CLOEXEC) < 0 ||
		pipe2(pipes.err, O_CLOEXEC) < 0)
		return err_set(err, errno, "make pipes for '%s'", spec->argv[0]);
	job = job_alloc(spec, fn, userdata);
	if (!job)
		return err_set(err, ENOMEM, "run '%s'", spec->argv[0]);
	r = job_spawn(
		spec, (const int[3]){pipes.in[0], pipes.out[1], pipes.err[1]}, &job->pid, err);
	if (r < 0) {
		job_free(job);
		return r;
	}
	r = job_watch(loop, job, spec, &pipes.in[1], &pipes.out[0], &pipes.err[0]);
	if (r < 0) {
		kill(-job->pid, SIGKILL);
		waitpid(job->pid, NULL, 0);
		job_free(job);
		return err_set(err, -r, "watch '%s'", spec->argv[0]);
	}
	if (ret)
		*ret = job;
	return 0;
}

struct job *job_cancel(struct job *job)
{
	if (!job)
		return NULL;
	job->fn = NULL;
	kill(-job->pid, SIGKILL);
	stream_close(&job->in);
	stream_close(&job->out);
	stream_close(&job->err);
	if (job->exited)
		job_free(job);
	return NULL;
}
