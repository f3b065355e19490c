// SPDX-License-Identifier: Apache-2.0
#include "user/control/options.h"

#include <stddef.h>

#include "user/base/cleanup.h"
#include "user/base/flags.h"

static const struct flag flags[] = {
	{"store", "WHERE", "sqlite:/var/lib/podnet-control/store",
		"where objects are kept: sqlite:PATH or memory",
		offsetof(struct control_options, store)},
	{"run-dir", "DIR", "/run/podnet-control", "the socket podnet-control.sock",
		offsetof(struct control_options, run_dir)},
	{"service-cidr", "CIDR", "10.96.0.0/16", "addresses of Services",
		offsetof(struct control_options, service_cidr)},
};

int control_options_parse(int argc, char **argv, struct control_options *ret, struct err *err)
{
	static const struct flags all = {
		.program = "podnet-control",
		.about = "A small Kubernetes API: objects, controllers, scheduler.",
		.list = flags,
		.count = COUNT(flags),
	};

	return flags_parse(&all, argc, argv, ret, &ret->verbose, err);
}
