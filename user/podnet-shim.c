// SPDX-License-Identifier: Apache-2.0
/* podnet-shim: holds the containers of one Pod while podnetd comes and goes. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "user/base/err.h"
#include "user/base/log.h"
#include "user/shim/keeper.h"
#include "user/shim/selfexe.h"

enum option_code {
	OPT_HELP = 256,
	OPT_VERSION,
	OPT_DIR,
	OPT_PAUSE,
	OPT_RUNTIME,
	OPT_RUNTIME_ROOT,
	OPT_CGROUP,
	OPT_SHIM_CGROUP,
	OPT_HOSTNAME,
	OPT_CLAIM,
	OPT_CLIENT,
};

static const struct option options[] = {
	{"help", no_argument, NULL, OPT_HELP},
	{"version", no_argument, NULL, OPT_VERSION},
	{"dir", required_argument, NULL, OPT_DIR},
	{"pause", required_argument, NULL, OPT_PAUSE},
	{"runtime", required_argument, NULL, OPT_RUNTIME},
	{"runtime-root", required_argument, NULL, OPT_RUNTIME_ROOT},
	{"cgroup", required_argument, NULL, OPT_CGROUP},
	{"shim-cgroup", required_argument, NULL, OPT_SHIM_CGROUP},
	{"hostname", required_argument, NULL, OPT_HOSTNAME},
	{"claim", required_argument, NULL, OPT_CLAIM},
	{"client", required_argument, NULL, OPT_CLIENT},
	{0},
};

static const char help[] =
	"usage: podnet-shim --dir DIR --pause PROGRAM --runtime PROGRAM --runtime-root DIR\n"
	"                   --cgroup PATH --shim-cgroup PATH --hostname NAME [OPTION]...\n"
	"Holds the containers of one Pod.  Started by podnetd.\n"
	"\n"
	"  --dir DIR           socket, pid files and exit records\n"
	"  --pause PROGRAM     podnet-pause\n"
	"  --runtime PROGRAM   crun or runc\n"
	"  --runtime-root DIR  state of the runtime\n"
	"  --cgroup PATH       the Pod's cgroup, below every hierarchy's mount\n"
	"  --shim-cgroup PATH  the shim's own\n"
	"  --hostname NAME     host name of the Pod\n"
	"  --claim DIR         claim the controller named by DIR's last component for cgroup v1\n"
	"  --client FD         a connected socket that was inherited\n"
	"  --help, --version\n";

static int usage_error(const char *text)
{
	fprintf(stderr, "podnet-shim: %s\n", text);
	return 2;
}

static int is_complete(const struct keeper_options *o)
{
	return o->dir && o->pause && o->runtime && o->runtime_root && o->cgroup && o->shim_cgroup &&
	       o->hostname && o->cgroup[0] == '/' && o->cgroup[1] && o->shim_cgroup[0] == '/' &&
	       o->shim_cgroup[1];
}

int main(int argc, char **argv)
{
	static struct keeper keeper = {.options.client_fd = -1};
	struct keeper_options *o = &keeper.options;
	struct err err;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case OPT_HELP: return fputs(help, stdout) < 0;
		case OPT_VERSION: return puts("podnet-shim " PODNET_VERSION) < 0;
		case OPT_DIR: o->dir = optarg; break;
		case OPT_PAUSE: o->pause = optarg; break;
		case OPT_RUNTIME: o->runtime = optarg; break;
		case OPT_RUNTIME_ROOT: o->runtime_root = optarg; break;
		case OPT_CGROUP: o->cgroup = optarg; break;
		case OPT_SHIM_CGROUP: o->shim_cgroup = optarg; break;
		case OPT_HOSTNAME: o->hostname = optarg; break;
		case OPT_CLAIM: o->claim = optarg; break;
		case OPT_CLIENT: o->client_fd = atoi(optarg); break;
		default: return 2;
		}
	}
	if (optind != argc)
		return usage_error("no arguments are expected");
	if (!is_complete(o))
		return usage_error("an option is missing or no absolute path; see --help");
	keeper.runtime = (struct runtime){.program = o->runtime, .root = o->runtime_root};
	log_setup("podnet-shim", LOG_LEVEL_INFO);
	prctl(PR_SET_NAME, "podnet-shim");
	if (selfexe_protect(argv, &err) < 0 || keeper_run(&keeper, &err) < 0) {
		log_error("%s", err.text);
		return 1;
	}
	return 0;
}
