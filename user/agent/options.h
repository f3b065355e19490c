/* SPDX-License-Identifier: Apache-2.0 */
/* podnetd's flags and their defaults: the one place in code for names and paths. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct err;

struct options {
	const char *state_dir, *run_dir, *log_dir, *log_links;
	const char *bpf_dir, *instance, *cgroup_root;
	const char *manifests;
	const char *kubeconfig; /* NULL: no API server */
	const char *node_port_text;
	unsigned node_port_api;			  /* 0: the node's API is not served */
	const char *client_ca_file;		  /* NULL: the kubeconfig's authority */
	const char *tls_cert_file, *tls_key_file; /* NULL: one of our own */
	const char *rotate_serving;		  /* NULL: not given */
	const char *max_manifest_text;
	size_t max_manifest;
	const char *cni_conf_dir, *cni_bin_dir;
	const char *pod_cidr, *service_cidr;
	const char *node_name;
	const char *registries_conf;
	const char *libexec_dir;
	const char *runtime; /* name or path; NULL: crun, else runc */
	const char *remove;  /* NULL: not given */
	bool verbose;
	char node_name_buffer[254], libexec_buffer[4096];
};

/*
 * Fills @ret from the command line.  Returns 0; 1 when --help or --version was answered on stdout; or
 * -EINVAL with the usage error.  Strings are borrowed from argv.
 */
int options_parse(int argc, char **argv, struct options *ret, struct err *err);
