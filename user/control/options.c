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
	{"listen", "ADDRESS:PORT", "0.0.0.0:6443", "where to serve with TLS; \"\": nowhere",
		offsetof(struct control_options, listen)},
	{"server-names", "NAME,...", "",
		"more names and addresses by which clients ask for the server",
		offsetof(struct control_options, server_names)},
	{"pki-dir", "DIR", "/var/lib/podnet-control/pki",
		"keys and certificates, made when missing",
		offsetof(struct control_options, pki_dir)},
	{"admin-kubeconfig", "PATH", "/etc/podnet/admin.conf",
		"a kubeconfig for the administrator is written there; \"\": nowhere",
		offsetof(struct control_options, admin_kubeconfig)},
	{"audit-log", "PATH", "", "one line of JSON for each change and each refusal; \"\": none",
		offsetof(struct control_options, audit_log)},
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
