// SPDX-License-Identifier: Apache-2.0
#include "user/cli/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/base/fs.h"
#include "user/base/lock.h"

#define END_MSEC     60000
#define WORDS_MOST   (64u << 10)
#define LAST_WORDS   4096
#define PROGRAM_MOST 4096

int daemon_add(struct daemon *daemon, const char *arg, struct err *err)
{
	if (daemon->arg_count == DAEMON_ARGS_MOST)
		return err_refuse(
			err, E2BIG, "%s: more than %d arguments", daemon->name, DAEMON_ARGS_MOST);
	daemon->args[daemon->arg_count++] = arg;
	return 0;
}

int daemon_find(const struct daemon *daemon, pid_t *ret, struct err *err)
{
	return lock_holder(daemon->run_dir, ret, err);
}

/* --- starting --- */

/* Where this program is, or in sbin beside the bin that it is in. */
static char *program_path(const char *name)
{
	char own[PROGRAM_MOST];
	ssize_t len = readlink("/proc/self/exe", own, sizeof(own) - 1);
	char *path;

	if (len < 0)
		return NULL;
	own[len] = '\0';
	*strrchr(own, '/') = '\0';
	path = fs_format("%s/%s", own, name);
	if (!path || access(path, X_OK) == 0)
		return path;
	free(path);
	return fs_format("%s/../sbin/%s", own, name);
}

static int spawn(const struct daemon *daemon, const char *path, short flags, pid_t *ret)
{
	char *argv[DAEMON_ARGS_MOST + 2] = {(char *)daemon->name};
	posix_spawn_file_actions_t files;
	posix_spawnattr_t how;
	sigset_t none;
	int error;

	memcpy(argv + 1, daemon->args, daemon->arg_count * sizeof(argv[0]));
	sigemptyset(&none);
	posix_spawnattr_init(&how);
	posix_spawnattr_setsigmask(&how, &none);
	posix_spawnattr_setflags(&how, flags | POSIX_SPAWN_SETSIGMASK);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(
		&files, STDOUT_FILENO, daemon->log, O_WRONLY | O_APPEND | O_CREAT, 0640);
	posix_spawn_file_actions_adddup2(&files, STDOUT_FILENO, STDERR_FILENO);
	error = posix_spawn(ret, path, &files, &how, argv, environ);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&how);
	return error;
}

static int spawn_program(const struct daemon *daemon, short flags, int *ret_pidfd, struct err *err)
{
	AUTO_FREE char *path = program_path(daemon->name);
	int error = path ? 0 : ENOMEM;
	pid_t pid;

	if (!error)
		error = spawn(daemon, path, flags, &pid);
	if (error)
		return err_set(err, error, "start '%s'", path ? path : daemon->name);
	*ret_pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	return *ret_pidfd < 0 ? err_set(err, errno, "watch %s", daemon->name) : 0;
}

int daemon_start(const struct daemon *daemon, int *ret_pidfd, struct err *err)
{
	return spawn_program(daemon, POSIX_SPAWN_SETSID, ret_pidfd, err);
}

int daemon_ended(int pidfd, int msec)
{
	struct pollfd end = {.fd = pidfd, .events = POLLIN};

	return poll(&end, 1, msec) == 1;
}

char *daemon_last_words(const struct daemon *daemon)
{
	AUTO_FD fd = open(daemon->log, O_RDONLY | O_CLOEXEC);
	char text[LAST_WORDS + 1];
	off_t size = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);
	ssize_t len =
		fd < 0 ? 0 : pread(fd, text, LAST_WORDS, size > LAST_WORDS ? size - LAST_WORDS : 0);
	char *line;

	while (len > 0 && text[len - 1] == '\n')
		len--;
	text[len > 0 ? len : 0] = '\0';
	line = strrchr(text, '\n');
	return strdup(line ? line + 1 : text);
}

/* --- ending --- */

/* The process that holds the lock, in a way that no other can take its place.  -1: nobody does. */
static int daemon_open(const struct daemon *daemon, int *ret_pidfd, struct err *err)
{
	AUTO_FD pidfd = -1;
	pid_t pid, again;
	int r = daemon_find(daemon, &pid, err);

	*ret_pidfd = -1;
	if (r < 0 || pid == 0)
		return r;
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (pidfd < 0)
		return errno == ESRCH ? 0
				      : err_set(err, errno, "watch %s (pid %d)", daemon->name, pid);
	r = daemon_find(daemon, &again, err);
	if (r == 0 && again == pid)
		*ret_pidfd = take_fd(&pidfd);
	return r;
}

int daemon_end(const struct daemon *daemon, struct err *err)
{
	AUTO_FD pidfd = -1;
	int r = daemon_open(daemon, &pidfd, err);

	if (r < 0 || pidfd < 0)
		return r;
	if (syscall(SYS_pidfd_send_signal, pidfd, SIGTERM, NULL, 0) < 0 && errno != ESRCH)
		return err_set(err, errno, "end %s", daemon->name);
	if (!daemon_ended(pidfd, END_MSEC))
		return err_refuse(err, ETIMEDOUT, "%s goes on after SIGTERM", daemon->name);
	return 0;
}

int daemon_words(pid_t pid, char **ret, size_t *ret_len, struct err *err)
{
	AUTO_FREE char *path = fs_format("/proc/%d/cmdline", pid);
	AUTO_FREE char *text = NULL;
	size_t len, name;
	int r = path ? fs_read(path, WORDS_MOST, &text, &len, err)
		     : err_set(err, ENOMEM, "read a command line");

	if (r < 0)
		return r;
	name = strlen(text) + 1;
	*ret_len = len > name ? len - name : 0;
	memmove(text, text + (len > name ? name : 0), *ret_len);
	*ret = take_ptr(text);
	return 0;
}

int daemon_run(const struct daemon *daemon, struct err *err)
{
	siginfo_t info = {0};
	AUTO_FREE char *words = NULL;
	AUTO_FD pidfd = -1;
	int r = spawn_program(daemon, 0, &pidfd, err);

	if (r < 0)
		return r;
	while (waitid((idtype_t)P_PIDFD, (id_t)pidfd, &info, WEXITED) < 0)
		if (errno != EINTR)
			return err_set(err, errno, "wait for %s", daemon->name);
	if (info.si_code == CLD_EXITED && info.si_status == 0)
		return 0;
	words = daemon_last_words(daemon);
	return err_refuse(err, EIO, "%s: %s", daemon->name, words ? words : "it failed");
}
