// SPDX-License-Identifier: Apache-2.0
/*
 * A shim that podnetd was killed behind before it listened can be reached by nobody, and a second one in its
 * directory would take its socket's place: it is found by its command line and ended.
 */
#include <ctype.h>
#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "user/base/cleanup.h"
#include "user/base/fs.h"
#include "user/node/nodepod.h"

#define CMDLINE_MAX 16384
#define STRAY_WAIT  1000 /* milliseconds */

/* The words of a command line end in NULs; the directory is the word behind "--dir". */
static bool stray_is_of(const char *pid, const char *run_dir)
{
	AUTO_FREE char *path = fs_format("/proc/%s/cmdline", pid);
	AUTO_FREE char *words = NULL;
	const char *name;
	size_t len;

	if (!path || fs_read(path, CMDLINE_MAX, &words, &len, NULL) < 0 || len == 0)
		return false;
	name = strrchr(words, '/');
	if (strcmp(name ? name + 1 : words, "podnet-shim") != 0)
		return false;
	for (const char *word = words; word + strlen(word) + 1 < words + len;) {
		const char *next = word + strlen(word) + 1;

		if (strcmp(word, "--dir") == 0)
			return strcmp(next, run_dir) == 0;
		word = next;
	}
	return false;
}

bool stray_shims_kill(const char *run_dir)
{
	AUTO_DIR proc = opendir("/proc");
	struct dirent *entry;
	bool any = false;

	while (proc && (entry = readdir(proc))) {
		struct pollfd wait = {.fd = -1, .events = POLLIN};

		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		/* First the descriptor, then the look: a number that is used anew is not hit. */
		wait.fd = (int)syscall(SYS_pidfd_open, atoi(entry->d_name), 0);
		if (wait.fd >= 0 && stray_is_of(entry->d_name, run_dir)) {
			any = true;
			syscall(SYS_pidfd_send_signal, wait.fd, SIGKILL, NULL, 0);
			poll(&wait, 1, STRAY_WAIT);
		}
		close_fd(&wait.fd);
	}
	return any;
}
