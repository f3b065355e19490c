// SPDX-License-Identifier: Apache-2.0
#include "tests/etcd.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/check.h"
#include "user/base/fs.h"

#define PORT 23790 /* the sandbox's loopback is the test's own */

static char directory[] = "/tmp/etcd.XXXXXX";

static int run(const char *verb, const char *rest)
{
	char command[256];

	snprintf(command, sizeof(command), "tools/etcd %s %s %s >/dev/null", verb, directory, rest);
	return system(command);
}

static void stop(void)
{
	run("stop", "");
	fs_remove(directory, NULL);
}

const char *etcd_url(void)
{
	static char url[64];
	char rest[16];

	if (url[0])
		return url;
	snprintf(rest, sizeof(rest), "%d", PORT);
	if (!mkdtemp(directory))
		BAIL("a directory for etcd");
	atexit(stop);
	if (run("start", rest) != 0)
		BAIL("etcd does not start");
	snprintf(url, sizeof(url), "http://127.0.0.1:%d", PORT);
	return url;
}
