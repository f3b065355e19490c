// SPDX-License-Identifier: Apache-2.0
#include "user/node/logrotate.h"

#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "user/base/err.h"

/* The names end in their time, so that their order is that of age. */
int logrotate_trim(const char *path, size_t keep, struct err *err)
{
	char pattern[PATH_MAX];
	glob_t found = {0};
	int r = 0;

	if (snprintf(pattern, sizeof(pattern), "%s.*", path) >= (int)sizeof(pattern))
		return err_set(err, ENAMETOOLONG, "rotate '%s'", path);
	if (glob(pattern, GLOB_NOESCAPE, NULL, &found) == GLOB_NOSPACE)
		return err_set(err, ENOMEM, "rotate '%s'", path);
	for (size_t i = 0; r == 0 && i + keep < found.gl_pathc; i++)
		if (unlink(found.gl_pathv[i]) < 0)
			r = err_set(err, errno, "remove '%s'", found.gl_pathv[i]);
	globfree(&found);
	return r;
}

int logrotate(const char *path, off_t max_size, size_t files, unsigned long long wall_usec,
	struct err *err)
{
	time_t seconds = (time_t)(wall_usec / 1000000);
	char to[PATH_MAX], when[32];
	struct stat st;
	struct tm tm;
	int r;

	if (stat(path, &st) < 0)
		return errno == ENOENT ? 0 : err_set(err, errno, "look at '%s'", path);
	if (st.st_size <= max_size)
		return 0;
	gmtime_r(&seconds, &tm);
	strftime(when, sizeof(when), "%Y%m%d-%H%M%S", &tm);
	if (snprintf(to, sizeof(to), "%s.%s", path, when) >= (int)sizeof(to))
		return err_set(err, ENAMETOOLONG, "rotate '%s'", path);
	if (rename(path, to) < 0)
		return err_set(err, errno, "rotate '%s'", path);
	r = logrotate_trim(path, files - 1, err);
	return r < 0 ? r : 1;
}
