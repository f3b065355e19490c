// SPDX-License-Identifier: Apache-2.0
#include "user/agent/options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/model/manifest.h"
#include "user/net/prefix.h"

/* A flag that takes a text. */
static const struct flag {
	const char *name, *arg, *fallback, *help;
	size_t offset;
} flags[] = {
	{"manifests", "DIR", "/etc/podnet/manifests",
		"where Pods, Services, ConfigMaps and Secrets are described",
		offsetof(struct options, manifests)},
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
};

enum { FLAG_MAX_MANIFEST = COUNT(flags), FLAG_VERBOSE, FLAG_HELP, FLAG_VERSION, FLAG_COUNT };

static void options_help(void)
{
	printf("Usage: podnetd [FLAG...]\n\n"
	       "Runs the Pods and Services of a directory of manifests on this machine.\n\n");
	for (size_t i = 0; i < COUNT(flags); i++) {
		char left[64];

		snprintf(left, sizeof(left), "--%s %s", flags[i].name, flags[i].arg);
		printf("  %-24s %s%s%s%s\n", left, flags[i].help, flags[i].fallback ? " [" : "",
			flags[i].fallback ? flags[i].fallback : "", flags[i].fallback ? "]" : "");
	}
	printf("  %-24s %s [%u]\n", "--max-manifest BYTES", "largest manifest file",
		MANIFEST_MAX_BYTES);
	printf("  %-24s %s\n", "--verbose", "also log debugging messages");
	printf("  %-24s %s\n  %-24s %s\n", "--help", "this text", "--version", "the version");
}

static int options_bytes(const char *text, size_t *ret, struct err *err)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (end == text || *end || value == 0 || value > UINT32_MAX)
		return err_refuse(err, EINVAL, "--max-manifest '%s': want a number of bytes", text);
	*ret = value;
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

static void options_table(struct option table[FLAG_COUNT + 1])
{
	static const char *const plain[] = {
		[FLAG_VERBOSE - FLAG_MAX_MANIFEST] = "verbose",
		[FLAG_HELP - FLAG_MAX_MANIFEST] = "help",
		[FLAG_VERSION - FLAG_MAX_MANIFEST] = "version",
		[0] = "max-manifest",
	};

	memset(table, 0, (FLAG_COUNT + 1) * sizeof(table[0]));
	for (int i = 0; i < FLAG_COUNT; i++) {
		table[i].name = i < (int)COUNT(flags) ? flags[i].name : plain[i - COUNT(flags)];
		table[i].has_arg = i <= FLAG_MAX_MANIFEST ? required_argument : no_argument;
		table[i].val = i;
	}
}

static int options_take(struct options *options, int flag, struct err *err)
{
	switch (flag) {
	case FLAG_MAX_MANIFEST: return options_bytes(optarg, &options->max_manifest, err);
	case FLAG_VERBOSE: options->verbose = true; return 0;
	case FLAG_HELP: options_help(); return 1;
	case FLAG_VERSION: printf("podnetd %s\n", PODNET_VERSION); return 1;
	default: *(const char **)((char *)options + flags[flag].offset) = optarg; return 0;
	}
}

int options_parse(int argc, char **argv, struct options *ret, struct err *err)
{
	struct option table[FLAG_COUNT + 1];
	int flag, r;

	memset(ret, 0, sizeof(*ret));
	ret->max_manifest = MANIFEST_MAX_BYTES;
	for (size_t i = 0; i < COUNT(flags); i++)
		*(const char **)((char *)ret + flags[i].offset) = flags[i].fallback;
	options_table(table);
	opterr = 0;
	for (;;) {
		/* getopt stays on a cluster of short flags, so the word is taken before. */
		const char *word = argv[optind ? optind : 1];

		flag = getopt_long(argc, argv, "+:", table, NULL);
		if (flag == -1)
			break;
		if (flag == ':')
			return err_refuse(err, EINVAL, "flag '%s' needs a value", word);
		if (flag == '?')
			return err_refuse(err, EINVAL, "unknown flag '%s'", word);
		r = options_take(ret, flag, err);
		if (r)
			return r;
	}
	if (optind < argc)
		return err_refuse(err, EINVAL, "unexpected argument '%s'", argv[optind]);
	return options_defaults(ret, err);
}
