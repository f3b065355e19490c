// SPDX-License-Identifier: Apache-2.0
/*
 * A shim that podnetd was killed behind before it listened can be reached by nobody, and a second one in its
 * directory would take its socket's place: it is found by its command line and ended.  So are shims of Pods that nobody knows.
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

/*
 * The directory of process @pid when it is a shim; the caller frees.  The words of a command line end in NULs; the
 * directory is the word behind "--dir".
 */
static char *stray_dir(const char *pid)
{
	AUTO_FREE char *path = fs_format("/proc/%s/cmdline", pid);
	AUTO_FREE char *words = NULL;
	const char *name;
	size_t len;

	if (!path || fs_read(path, CMDLINE_MAX, &words, &len, NULL) < 0 || len == 0)
		return NULL;
	name = strrchr(words, '/');
	if (strcmp(name ? name + 1 : words, "podnet-shim") != 0)
		return NULL;
	for (const char *word = words; word + strlen(word) + 1 < words + len;) {
		const char *next = word + strlen(word) + 1;

		if (strcmp(word, "--dir") == 0)
			return strdup(next);
		word = next;
	}
	return NULL;
}

bool stray_shims_kill(const char *run_dir)
{
	AUTO_DIR proc = opendir("/proc");
	struct dirent *entry;
	bool any = false;

	while (proc && (entry = readdir(proc))) {
		struct pollfd wait = {.fd = -1, .events = POLLIN};
		AUTO_FREE char *dir = NULL;

		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		/* First the descriptor, then the look: a number that is used anew is not hit. */
		wait.fd = (int)syscall(SYS_pidfd_open, atoi(entry->d_name), 0);
		dir = wait.fd < 0 ? NULL : stray_dir(entry->d_name);
		if (dir && strcmp(dir, run_dir) == 0) {
			any = true;
			syscall(SYS_pidfd_send_signal, wait.fd, SIGKILL, NULL, 0);
			poll(&wait, 1, STRAY_WAIT);
		}
		close_fd(&wait.fd);
	}
	return any;
}

void stray_shims_each(
	const char *pods_dir, void (*fn)(const char *uid, void *userdata), void *userdata)
{
	AUTO_DIR proc = opendir("/proc");
	size_t len = strlen(pods_dir);
	struct dirent *entry;

	while (proc && (entry = readdir(proc))) {
		AUTO_FREE char *dir =
			isdigit((unsigned char)entry->d_name[0]) ? stray_dir(entry->d_name) : NULL;

		if (dir && strncmp(dir, pods_dir, len) == 0 && dir[len] == '/')
			fn(dir + len + 1, userdata);
	}
}
