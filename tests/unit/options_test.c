// SPDX-License-Identifier: Apache-2.0
/* podnetd's command line. */
#include <getopt.h>
#include <unistd.h>

#include "tests/check.h"
#include "user/agent/options.h"
#include "user/model/manifest.h"

#define ARGS_MAX 8

static int parse(const char *const *args, struct options *ret, struct err *err)
{
	char *argv[ARGS_MAX + 2] = {"podnetd"};
	int argc = 1;

	for (; args[argc - 1]; argc++)
		argv[argc] = (char *)args[argc - 1];
	optind = 0; /* glibc: begin anew */
	return options_parse(argc, argv, ret, err);
}

TEST(defaults_are_those_of_the_documentation)
{
	struct options options;
	struct err err;
	char host[256] = "";

	if (gethostname(host, sizeof(host) - 1) < 0)
		BAIL("no host name");
	CHECK_EQ("no flags", parse((const char *const[]){NULL}, &options, &err), 0);
	CHECK_STR("state", options.state_dir, "/var/lib/podnet");
	CHECK_STR("run", options.run_dir, "/run/podnet");
	CHECK_STR("logs", options.log_dir, "/var/log/pods");
	CHECK_STR("links beside them", options.log_links, "/var/log/containers");
	CHECK_STR("manifests", options.manifests, "/etc/podnet/manifests");
	CHECK_EQ("manifest size", options.max_manifest, MANIFEST_MAX_BYTES);
	CHECK_STR("bpf", options.bpf_dir, "/sys/fs/bpf");
	CHECK_STR("instance", options.instance, "default");
	CHECK_STR("cni conf", options.cni_conf_dir, "/etc/cni/net.d");
	CHECK_STR("cni bin", options.cni_bin_dir, "/opt/cni/bin");
	CHECK_STR("pods", options.pod_cidr, "10.244.0.0/24");
	CHECK_STR("services", options.service_cidr, "10.96.0.0/16");
	CHECK_STR("node name", options.node_name, host);
	CHECK("programs lie beside podnetd", options.libexec_dir && options.libexec_dir[0] == '/');
	CHECK("cgroup root is found in mountinfo", !options.cgroup_root);
	CHECK("runtime is chosen", !options.runtime);
	CHECK("quiet", !options.verbose);
}

TEST(flags_replace_defaults)
{
	struct options options;
	struct err err;

	CHECK_EQ("flags",
		parse((const char *const[]){"--state-dir", "/s", "--log-dir=/l", "--node-name",
			      "n1", "--max-manifest", "4096", "--verbose", NULL},
			&options, &err),
		0);
	CHECK_STR("state", options.state_dir, "/s");
	CHECK_STR("logs", options.log_dir, "/l");
	CHECK("no links to logs that lie elsewhere", !options.log_links);
	CHECK_STR("node name", options.node_name, "n1");
	CHECK_EQ("manifest size", options.max_manifest, 4096);
	CHECK("verbose", options.verbose);
	CHECK_STR("the rest stays", options.run_dir, "/run/podnet");
}

TEST(wrong_flags_are_refused_by_name)
{
	static const struct {
		const char *what, *args[ARGS_MAX], *part;
	} cases[] = {
		{"unknown", {"--bogus"}, "unknown flag '--bogus'"},
		{"unknown and short", {"--verbose", "-xyz"}, "unknown flag '-xyz'"},
		{"no value", {"--run-dir"}, "flag '--run-dir' needs a value"},
		{"a value too many", {"--verbose=yes"}, "'--verbose=yes'"},
		{"an argument", {"start"}, "unexpected argument 'start'"},
		{"no port", {"--node-port-api", "kubelet"},
			"--node-port-api 'kubelet': want a port"},
		{"a port beyond 16 bits", {"--node-port-api", "65536"}, "--node-port-api '65536'"},
		{"a given certificate is not renewed",
			{"--tls-cert-file", "a", "--tls-private-key-file", "b",
				"--rotate-server-certificates"},
			"--tls-cert-file does not give"},
		{"a certificate without its key", {"--tls-cert-file", "a"}, "go together"},
		{"no size", {"--max-manifest", "big"}, "--max-manifest 'big'"},
		{"size with a unit", {"--max-manifest", "1M"}, "--max-manifest '1M'"},
		{"size zero", {"--max-manifest", "0"}, "--max-manifest '0'"},
		{"negative size", {"--max-manifest", "-1"}, "--max-manifest '-1'"},
		{"size beyond 32 bits", {"--max-manifest", "99999999999"},
			"want a number of bytes"},
		{"empty size", {"--max-manifest", ""}, "want a number of bytes"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct options options;
		struct err err;

		CHECK_FAILS(cases[i].what, parse(cases[i].args, &options, &err), EINVAL, &err,
			cases[i].part);
	}
}

/* Runs parse with stdout in a pipe: what it prints fits there. */
static int parse_printed(const char *flag, char *ret, size_t size)
{
	struct options options;
	struct err err;
	int fds[2], saved, r;
	ssize_t n;

	fflush(stdout);
	saved = dup(STDOUT_FILENO);
	if (saved < 0 || pipe(fds) < 0 || dup2(fds[1], STDOUT_FILENO) < 0)
		BAIL("no pipe");
	r = parse((const char *const[]){flag, NULL}, &options, &err);
	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	close(fds[1]);
	n = read(fds[0], ret, size - 1);
	close(fds[0]);
	ret[n > 0 ? n : 0] = '\0';
	return r;
}

TEST(help_and_version_go_to_stdout)
{
	char text[8192];

	CHECK_EQ("help", parse_printed("--help", text, sizeof(text)), 1);
	CHECK_HAS("usage", text, "Usage: podnetd");
	CHECK_HAS("a flag with its default", text, "--service-cidr CIDR");
	CHECK_HAS("the default", text, "[10.96.0.0/16]");
	CHECK_EQ("version", parse_printed("--version", text, sizeof(text)), 1);
	CHECK_HAS("name first", text, "podnetd ");
}
