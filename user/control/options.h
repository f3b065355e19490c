/* SPDX-License-Identifier: Apache-2.0 */
/* podnet-control's flags. */
#pragma once

#include <stdbool.h>

struct err;

struct control_options {
	const char *run_dir, *store, *service_cidr, *listen, *server_names, *pki_dir,
		*admin_kubeconfig, *audit_log, *kubelet_authority;
	const char *etcd_prefix, *etcd_authority, *etcd_certificate,
		*etcd_key;	       /* the last three: files, or "" */
	const char *user;	       /* to become */
	const char *advertise_address; /* IPv4, or "" */
	const char *node_grace_text, *certificate_text, *controllers_text;
	unsigned node_grace; /* seconds */
	unsigned certificate_seconds;
	bool has_controllers; /* else the API is served alone */
	bool verbose;
};

/* As flags_parse. */
int control_options_parse(int argc, char **argv, struct control_options *ret, struct err *err);
