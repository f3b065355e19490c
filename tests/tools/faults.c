// SPDX-License-Identifier: Apache-2.0
/*
 * Faults from outside, by ptrace(2), on unmodified programs.
 *
 *	faults count -- PROGRAM ARG...		prints the name of each system call of PROGRAM
 *	faults kill N -- PROGRAM ARG...		SIGKILL instead of the Nth of them
 *	faults fail N ERROR -- PROGRAM ARG...	the Nth of them fails
 *	faults storm PID MS PERCENT SEED ERROR CALL...
 *						for MS milliseconds PERCENT of these calls of a
 *						running process fail, in all of its threads
 *
 * The calls are counted from behind execve(2), those of children too, in the order of their entry.  Names go to
 * descriptor 3: with "kill" and "fail" that of the call that was hit, with "storm" each of them; none was hit when
 * there is no Nth or when it cannot fail.  The exit code is that of PROGRAM, 128 + N when signal N ended it.
 */
#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <limits.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "user/base/cleanup.h"

#define THREADS_MAX    256
#define CALLS_MAX      64
#define REPORT_FD      3
#define SYSCALL_STOP   (SIGTRAP | 0x80)
#define OPTIONS_CHILD  (PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL | PTRACE_O_TRACEEXEC)
#define OPTIONS_FOLLOW (PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE)
#define EXIT_USAGE     2
#define EXIT_BROKEN    125

enum mode { MODE_COUNT, MODE_KILL, MODE_FAIL, MODE_STORM };

static struct options {
	enum mode mode;
	unsigned long nth; /* of MODE_KILL and MODE_FAIL */
	int error;
	unsigned percent;
	long calls[CALLS_MAX]; /* of MODE_STORM */
	size_t call_count;
} options;

/* What is between entry and exit of a call that is made to fail. */
static struct thread {
	pid_t pid; /* 0: free */
	bool failing;
	long call;
	unsigned long long argument; /* of brk(2) */
} threads[THREADS_MAX];

static unsigned long counted;
static bool leaving; /* the storm is over: each thread is let go where it may be */

static void die(const char *what) __attribute__((noreturn));
static void die(const char *what)
{
	fprintf(stderr, "faults: %s: %s\n", what, strerror(errno));
	exit(EXIT_BROKEN);
}

static void usage(void) __attribute__((noreturn));
static void usage(void)
{
	fputs("faults: bad arguments; they are described at the top of its source\n", stderr);
	exit(EXIT_USAGE);
}

static struct thread *thread_find(pid_t pid)
{
	for (size_t i = 0; i < THREADS_MAX; i++)
		if (threads[i].pid == pid)
			return &threads[i];
	return NULL;
}

/* Threads make themselves known by their first stop. */
static struct thread *thread_get(pid_t pid)
{
	struct thread *thread = thread_find(pid);

	if (thread)
		return thread;
	thread = thread_find(0);
	if (!thread) {
		errno = EMFILE;
		die("too many threads");
	}
	*thread = (struct thread){.pid = pid};
	return thread;
}

static void report(long call)
{
	AUTO_FREE char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, (int)call);

	dprintf(REPORT_FD, "%s\n", name ? name : "unknown");
}

/* --- registers --------------------------------------------------------------------------------- */

#ifndef __x86_64__
#error "the registers of this machine are not known here"
#endif

static void registers_get(pid_t pid, struct user_regs_struct *ret)
{
	struct iovec all = {ret, sizeof(*ret)};

	if (ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &all) < 0)
		die("read registers");
}

static void registers_set(pid_t pid, struct user_regs_struct *registers)
{
	struct iovec all = {registers, sizeof(*registers)};

	if (ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &all) < 0)
		die("write registers");
}

/*
 * At its entry: the kernel skips the call.  brk(2) never returns an error, but the end as it is, and that is what it
 * says when asked for 0.
 */
static void call_skip(struct thread *thread)
{
	struct user_regs_struct registers;

	registers_get(thread->pid, &registers);
	thread->argument = registers.rdi;
	if (thread->call == SYS_brk)
		registers.rdi = 0;
	else
		registers.orig_rax = (unsigned long long)-1;
	registers_set(thread->pid, &registers);
}

/* At its exit.  Arguments must be as they were. */
static void call_answer(struct thread *thread)
{
	struct user_regs_struct registers;

	registers_get(thread->pid, &registers);
	if (thread->call == SYS_brk)
		registers.rdi = thread->argument;
	else
		registers.rax = (unsigned long long)-options.error;
	registers_set(thread->pid, &registers);
}

/* --- decisions --------------------------------------------------------------------------------- */

/* The kernel needs nothing to forget a descriptor, and who forgets does not look whether it has. */
static bool call_can_fail(const struct __ptrace_syscall_info *info)
{
	switch (info->entry.nr) {
	case SYS_exit:
	case SYS_exit_group:
	case SYS_rt_sigreturn: return false;
	case SYS_epoll_ctl: return info->entry.args[1] != EPOLL_CTL_DEL;
	default: return true;
	}
}

static bool storm_hits(long call)
{
	for (size_t i = 0; i < options.call_count; i++)
		if (options.calls[i] == call)
			return (unsigned)rand() % 100 < options.percent;
	return false;
}

static void call_entered(struct thread *thread, const struct __ptrace_syscall_info *info)
{
	long call = (long)info->entry.nr;
	bool hit = options.mode == MODE_STORM ? !leaving && storm_hits(call)
					      : ++counted == options.nth;

	if (options.mode == MODE_COUNT)
		report(call);
	if (!hit || (options.mode != MODE_KILL && !call_can_fail(info)))
		return;
	report(call);
	if (options.mode == MODE_KILL) {
		kill(thread->pid, SIGKILL);
		return;
	}
	thread->call = call;
	thread->failing = true;
	call_skip(thread);
}

static void call_stopped(struct thread *thread)
{
	struct __ptrace_syscall_info info = {0};

	if (ptrace(PTRACE_GET_SYSCALL_INFO, thread->pid, sizeof(info), &info) < 0)
		return; /* killed meanwhile */
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
		call_entered(thread, &info);
	} else if (thread->failing) {
		call_answer(thread);
		thread->failing = false;
	}
}

/* --- stops ------------------------------------------------------------------------------------- */

/* Between entry and exit of a call that fails a thread must not be let go. */
static void thread_resume(struct thread *thread, int signal)
{
	if (leaving && !thread->failing) {
		ptrace(PTRACE_DETACH, thread->pid, NULL, (long)signal);
		thread->pid = 0;
	} else {
		ptrace(PTRACE_SYSCALL, thread->pid, NULL, (long)signal);
	}
}

static void thread_stopped(pid_t pid, int status)
{
	struct thread *thread = thread_get(pid);
	int signal = WSTOPSIG(status), event = status >> 16;

	if (signal == SYSCALL_STOP)
		call_stopped(thread);
	if (event == PTRACE_EVENT_STOP && signal != SIGTRAP && !leaving)
		ptrace(PTRACE_LISTEN, pid, NULL, NULL); /* stopped by somebody's SIGSTOP */
	else
		thread_resume(thread, signal == SYSCALL_STOP || event ? 0 : signal);
}

static bool threads_left(void)
{
	for (size_t i = 0; i < THREADS_MAX; i++)
		if (threads[i].pid)
			return true;
	return false;
}

/* Returns the status of @main; what it leaves behind is traced until its end, too. */
static int threads_follow(pid_t main)
{
	int status, result = 0;

	while (threads_left()) {
		pid_t pid = waitpid(-1, &status, __WALL);

		if (pid < 0 && errno == EINTR)
			continue;
		if (pid < 0)
			break;
		if (WIFSTOPPED(status)) {
			thread_stopped(pid, status);
			continue;
		}
		if (pid == main)
			result = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
		if (thread_find(pid))
			thread_find(pid)->pid = 0;
	}
	return result;
}

/* --- a program of our own ---------------------------------------------------------------------- */

static int program_run(char **argv)
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		die("fork");
	if (pid == 0) {
		raise(SIGSTOP);
		if (options.mode != MODE_COUNT)
			close(REPORT_FD);
		execvp(argv[0], argv);
		die(argv[0]);
	}
	if (waitpid(pid, &status, WUNTRACED) != pid || !WIFSTOPPED(status))
		die("start the program");
	if (ptrace(PTRACE_SEIZE, pid, NULL, (long)(OPTIONS_CHILD | OPTIONS_FOLLOW)) < 0)
		die("trace the program");
	kill(pid, SIGCONT);
	/* Up to its exec nothing is its own. */
	while (waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status) &&
		status >> 8 != (SIGTRAP | PTRACE_EVENT_EXEC << 8))
		ptrace(PTRACE_CONT, pid, NULL, (long)(status >> 16 ? 0 : WSTOPSIG(status)));
	if (!WIFSTOPPED(status))
		return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_BROKEN;
	thread_resume(thread_get(pid), 0);
	/* Behind the exec stop comes the exit of execve(2). */
	return threads_follow(pid);
}

/* --- a process that runs ------------------------------------------------------------------------ */

static void storm_ends(int signal)
{
	(void)signal;
	leaving = true;
	for (size_t i = 0; i < THREADS_MAX; i++)
		if (threads[i].pid)
			ptrace(PTRACE_INTERRUPT, threads[i].pid, NULL, NULL);
}

static void storm_seize(pid_t pid)
{
	char path[PATH_MAX];
	AUTO_DIR dir = NULL;
	struct dirent *entry;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	dir = opendir(path);
	if (!dir)
		die(path);
	while ((entry = readdir(dir))) {
		pid_t thread = atoi(entry->d_name);

		if (thread <= 0)
			continue;
		if (ptrace(PTRACE_SEIZE, thread, NULL,
			    (long)(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE)) < 0)
			die("trace the process");
		thread_get(thread);
		ptrace(PTRACE_INTERRUPT, thread, NULL, NULL);
	}
}

static int storm_run(pid_t pid, unsigned long milliseconds)
{
	const struct sigaction end = {.sa_handler = storm_ends};
	const struct itimerval when = {
		.it_value = {.tv_sec = (time_t)(milliseconds / 1000),
			.tv_usec = (suseconds_t)(milliseconds % 1000) * 1000}};

	sigaction(SIGALRM, &end, NULL);
	storm_seize(pid);
	if (setitimer(ITIMER_REAL, &when, NULL) < 0)
		die("set the end of the storm");
	return threads_follow(pid);
}

/* --- arguments ---------------------------------------------------------------------------------- */

static unsigned long number_parse(const char *text)
{
	char *end;
	unsigned long value = text ? strtoul(text, &end, 10) : 0;

	if (!text || *end || end == text)
		usage();
	return value;
}

static int error_parse(const char *text)
{
	for (int error = 1; text && error < 134; error++)
		if (strerrorname_np(error) && strcmp(strerrorname_np(error), text) == 0)
			return error;
	usage();
}

static int storm_main(int argc, char **argv)
{
	if (argc < 8 || argc - 7 > CALLS_MAX)
		usage();
	options.mode = MODE_STORM;
	options.percent = (unsigned)number_parse(argv[4]);
	srand((unsigned)number_parse(argv[5]));
	options.error = error_parse(argv[6]);
	for (char **name = argv + 7; *name; name++) {
		options.calls[options.call_count] = seccomp_syscall_resolve_name(*name);
		if (options.calls[options.call_count++] == __NR_SCMP_ERROR)
			usage();
	}
	return storm_run((pid_t)number_parse(argv[2]), number_parse(argv[3]));
}

int main(int argc, char **argv)
{
	const char *command = argc > 1 ? argv[1] : "";
	int at = 2;

	if (strcmp(command, "storm") == 0)
		return storm_main(argc, argv);
	if (strcmp(command, "kill") == 0)
		options.mode = MODE_KILL;
	else if (strcmp(command, "fail") == 0)
		options.mode = MODE_FAIL;
	else if (strcmp(command, "count") != 0)
		usage();
	if (options.mode != MODE_COUNT)
		options.nth = at < argc ? number_parse(argv[at++]) : 0;
	if (options.mode == MODE_FAIL)
		options.error = at < argc ? error_parse(argv[at++]) : 0;
	if (at + 1 >= argc || strcmp(argv[at], "--") != 0)
		usage();
	return program_run(argv + at + 1);
}
