// SPDX-License-Identifier: Apache-2.0
#include "user/agent/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/base/flags.h"
#include "user/model/manifest.h"
#include "user/net/prefix.h"

#define KUBECONFIG    "/etc/podnet/kubeconfig"
#define MANIFEST_MOST "16777216" /* MANIFEST_MAX_BYTES */
_Static_assert(MANIFEST_MAX_BYTES == 16777216, "MANIFEST_MOST");

static const struct flag flags[] = {
	{"manifests", "DIR", "/etc/podnet/manifests",
		"where Pods, Services, ConfigMaps and Secrets are described",
		offsetof(struct options, manifests)},
	{"kubeconfig", "FILE", NULL,
		"the API server that this machine is a node of (" KUBECONFIG
		" if there is one); \"\": none",
		offsetof(struct options, kubeconfig)},
	{"state-dir", "DIR", "/var/lib/podnet", "durable state",
		offsetof(struct options, state_dir)},
	{"run-dir", "DIR", "/run/podnet", "sockets and records of this boot",
		offsetof(struct options, run_dir)},
	{"log-dir", "DIR", "/var/log/pods", "containers' logs", offsetof(struct options, log_dir)},
	{"log-links", "DIR", NULL,
		"flat links to the logs (/var/log/containers beside the default --log-dir)",
		offsetof(struct options, log_links)},
	{"bpf-dir", "DIR", "/sys/fs/bpf", "bpffs, mounted when it is not",
		offsetof(struct options, bpf_dir)},
	{"instance", "NAME", "default", "several podnetd run side by side by this name",
		offsetof(struct options, instance)},
	{"cgroup-root", "DIR", NULL,
		"where connect hooks attach and Pods live (the cgroup2 mount's root)",
		offsetof(struct options, cgroup_root)},
	{"cni-conf-dir", "DIR", "/etc/cni/net.d",
		"CNI configuration; 10-podnet.conflist is written when there is none",
		offsetof(struct options, cni_conf_dir)},
	{"cni-bin-dir", "DIR", "/opt/cni/bin", "CNI plugins",
		offsetof(struct options, cni_bin_dir)},
	{"pod-cidr", "CIDR", "10.244.0.0/24", "addresses of this node's Pods",
		offsetof(struct options, pod_cidr)},
	{"service-cidr", "CIDR", "10.96.0.0/16", "addresses of Services",
		offsetof(struct options, service_cidr)},
	{"node-name", "NAME", NULL, "name of this node (the host name)",
		offsetof(struct options, node_name)},
	{"registries-conf", "FILE", NULL, "mirrors for image pulls (the system's file)",
		offsetof(struct options, registries_conf)},
	{"libexec-dir", "DIR", NULL,
		"where podnet-shim, podnet-pause and podnet-pull are (beside podnetd)",
		offsetof(struct options, libexec_dir)},
	{"runtime", "PROGRAM", NULL, "OCI runtime (crun, else runc)",
		offsetof(struct options, runtime)},
	{"node-port-api", "PORT", "10250",
		"where the API server finds logs and commands of a node; 0: nowhere",
		offsetof(struct options, node_port_text)},
	{"client-ca-file", "FILE", NULL,
		"who signs the API server's certificate as a client (the kubeconfig's authority)",
		offsetof(struct options, client_ca_file)},
	{"tls-cert-file", "FILE", NULL,
		"certificate of --node-port-api (one is made in --state-dir)",
		offsetof(struct options, tls_cert_file)},
	{"tls-private-key-file", "FILE", NULL, "its key", offsetof(struct options, tls_key_file)},
	{"rotate-server-certificates", NULL, NULL,
		"have the API server sign what --node-port-api shows, and renew it",
		offsetof(struct options, rotate_serving)},
	{"max-manifest", "BYTES", MANIFEST_MOST, "largest manifest file",
		offsetof(struct options, max_manifest_text)},
	{"remove", NULL, NULL, "end all Pods, take what is podnet's out of the kernel, and exit",
		offsetof(struct options, remove)},
};

static int options_bytes(const char *text, size_t *ret, struct err *err)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (end == text || *end || value == 0 || value > UINT32_MAX)
		return err_refuse(err, EINVAL, "--max-manifest '%s': want a number of bytes", text);
	*ret = value;
	return 0;
}

static int options_node_api(struct options *options, struct err *err)
{
	char *end;
	unsigned long port = strtoul(options->node_port_text, &end, 10);

	if (end == options->node_port_text || *end || port > UINT16_MAX)
		return err_refuse(
			err, EINVAL, "--node-port-api '%s': want a port", options->node_port_text);
	if (!options->tls_cert_file != !options->tls_key_file)
		return err_refuse(
			err, EINVAL, "--tls-cert-file and --tls-private-key-file go together");
	if (options->tls_cert_file && options->rotate_serving)
		return err_refuse(err, EINVAL,
			"--rotate-server-certificates is for a certificate that --tls-cert-file "
			"does not give");
	options->node_port_api = (unsigned)port;
	return 0;
}

/* Ranges that overlap would give one address to a Pod and to a Service. */
static int options_ranges(const struct options *options, struct err *err)
{
	struct prefix pods, services;

	if (prefix_parse(options->pod_cidr, &pods, err) < 0)
		return err_wrap(err, "--pod-cidr");
	if (prefix_parse(options->service_cidr, &services, err) < 0)
		return err_wrap(err, "--service-cidr");
	if (prefix_holds(&pods, services.address) || prefix_holds(&services, pods.address))
		return err_refuse(err, EINVAL, "--pod-cidr %s and --service-cidr %s overlap",
			options->pod_cidr, options->service_cidr);
	return 0;
}

static int options_defaults(struct options *options, struct err *err)
{
	ssize_t n;

	if (!options->kubeconfig && access(KUBECONFIG, F_OK) == 0)
		options->kubeconfig = KUBECONFIG;
	else if (options->kubeconfig && !options->kubeconfig[0])
		options->kubeconfig = NULL;
	if (!options->node_name) {
		if (gethostname(options->node_name_buffer, sizeof(options->node_name_buffer)) < 0)
			return err_set(err, errno, "read the host name");
		options->node_name = options->node_name_buffer;
	}
	if (!options->libexec_dir) {
		n = readlink("/proc/self/exe", options->libexec_buffer,
			sizeof(options->libexec_buffer) - 1);
		if (n < 0)
			return err_set(err, errno, "read /proc/self/exe");
		options->libexec_buffer[n] = '\0';
		*strrchr(options->libexec_buffer, '/') = '\0';
		options->libexec_dir = options->libexec_buffer;
	}
	if (!options->log_links && strcmp(options->log_dir, "/var/log/pods") == 0)
		options->log_links = "/var/log/containers";
	return options_ranges(options, err);
}

int options_parse(int argc, char **argv, struct options *ret, struct err *err)
{
	static const struct flags all = {
		.program = "podnetd",
		.about = "Runs the Pods and Services of a directory of manifests, and of an API "
			 "server, on this "
			 "machine.",
		.list = flags,
		.count = COUNT(flags),
	};
	int r;

	memset(ret, 0, sizeof(*ret));
	r = flags_parse(&all, argc, argv, ret, &ret->verbose, err);
	if (r == 0)
		r = options_bytes(ret->max_manifest_text, &ret->max_manifest, err);
	if (r == 0)
		r = options_node_api(ret, err);
	return r ? r : options_defaults(ret, err);
}
