/* SPDX-License-Identifier: Apache-2.0 */
/* What `up`, `down` and `status` are about: podnetd and podnet-control of this machine. */
#pragma once

#include "user/base/json.h"
#include "user/cli/daemon.h"

struct cli_options;
struct err;

struct machine {
	struct daemon control, node;
	char *control_socket, *node_socket;
	char *control_log, *node_log;
	const char *kubeconfig; /* podnetd's */
	bool known;		/* it is there */
	bool joined;		/* and it names another machine's API server */
	bool managed;		/* systemd has the daemons */
	const char *node_name;
	char host_name[254];
};

/* From the command line; @options is borrowed.  The caller releases *@ret with machine_clear, also after a failure. */
int machine_of(const struct cli_options *options, struct machine *ret, struct err *err);
void machine_clear(struct machine *machine);

/* Makes podnetd a node of podnet-control, durably. */
int machine_kubeconfig_write(const struct machine *machine, struct err *err);

/* Runs systemctl and waits for it. */
int machine_systemctl(const char *verb, const char *unit, struct err *err);

/* The ConfigMap with podnet-control's authority; NULL: it does not serve yet.  Owned by the caller. */
json_t *machine_authority(const struct machine *machine);

/* The Node of this machine, as podnet-control knows it; NULL: not, or there is no podnet-control.  Owned by the caller. */
json_t *machine_node(const struct machine *machine);

/* Its condition Ready is True. */
bool machine_node_is_ready(const json_t *node);
