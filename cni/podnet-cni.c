// SPDX-License-Identifier: Apache-2.0
/* podnet, the CNI plugin: reads the environment and stdin, runs one command, prints its answer. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cni/environment.h"
#include "cni/plugin.h"
#include "user/base/log.h"

static const char about[] =
	"podnet, a CNI plugin: called by a container runtime with CNI_* variables and a network\n"
	"configuration on stdin.  It speaks CNI 0.3.1, 0.4.0, 1.0.0 and 1.1.0.\n"
	"usage: podnet [--help | --version]\n";

static int main_option(const char *option)
{
	if (strcmp(option, "--version") == 0)
		return printf("podnet %s\n", PODNET_VERSION) < 0;
	if (strcmp(option, "--help") == 0)
		return fputs(about, stdout) < 0;
	fputs(about, stderr);
	return 2;
}

int main(int argc, char **argv)
{
	struct err err = {.code = 0};
	int r;

	log_setup("podnet", LOG_LEVEL_INFO);
	if (argc > 1)
		return main_option(argv[1]);
	if (environment_is_empty(getenv))
		return fputs(about, stderr) < 0;

	r = plugin_run(getenv, STDIN_FILENO, STDOUT_FILENO, &err);
	if (err.code)
		log_error("%s", err.text);
	return r < 0;
}
