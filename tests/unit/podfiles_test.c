// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>

#include "tests/check.h"
#include "user/node/podfiles.h"

static const char *none[] = {NULL};

static struct pod pod_make(enum dns_policy policy)
{
	return (struct pod){.hostname = "web-1",
		.dns_policy = policy,
		.dns_servers = none,
		.dns_searches = none,
		.dns_options = none};
}

TEST(hosts_is_the_file_that_kubelet_writes)
{
	const char *names[] = {"foo.local", "bar.local", NULL}, *one[] = {"last", NULL};
	struct host_alias aliases[] = {{"127.0.0.9", names}, {"10.1.2.3", one}};
	struct pod pod = pod_make(DNS_DEFAULT);
	AUTO_FREE char *plain = NULL, *aliased = NULL;
	struct in_addr ip;
	struct err err = {0};

	inet_pton(AF_INET, "10.244.0.7", &ip);
	CHECK_OK("written", podfiles_hosts(&pod, ip, &plain, &err), &err);
	CHECK_STR("byte for byte", plain,
		"# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n"
		"::1\tlocalhost ip6-localhost ip6-loopback\nfe00::0\tip6-localnet\n"
		"fe00::0\tip6-mcastprefix\nfe00::1\tip6-allnodes\nfe00::2\tip6-allrouters\n"
		"10.244.0.7\tweb-1\n");
	pod.host_aliases = aliases;
	pod.host_alias_count = COUNT(aliases);
	CHECK_OK("with aliases", podfiles_hosts(&pod, ip, &aliased, &err), &err);
	CHECK_HAS("after the Pod's own line", aliased,
		"10.244.0.7\tweb-1\n\n# Entries added by HostAliases.\n"
		"127.0.0.9\tfoo.local\tbar.local\n10.1.2.3\tlast\n");
}

static void resolv_is(const char *what, const struct pod *pod, const char *host, const char *want)
{
	AUTO_FREE char *got = NULL;
	struct err err = {0};

	CHECK_OK(what, podfiles_resolv(pod, host, &got, &err), &err);
	CHECK_STR(what, got, want);
}

TEST(resolv_conf_is_the_hosts_until_there_is_cluster_dns)
{
	static const char host[] =
		"# by hand\nsearch old.example\nnameserver 192.0.2.53 # first\n"
		"; comment\nsearch\tcorp.example  example\r\n"
		"options ndots:2 rotate\nnameserver 192.0.2.54\nsortlist 1.2.3.4";
	static const char want[] = "search corp.example example\nnameserver 192.0.2.53\n"
				   "nameserver 192.0.2.54\noptions ndots:2 rotate\n";
	struct pod pod = pod_make(DNS_DEFAULT);

	resolv_is("Default", &pod, host, want);
	pod.dns_policy = DNS_CLUSTER_FIRST;
	resolv_is("ClusterFirst", &pod, host, want);
	resolv_is("an empty one", &pod, "", "");
}

TEST(dns_config_is_merged_and_limited)
{
	const char *servers[] = {"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", NULL};
	const char *searches[] = {"example", "own.example", NULL};
	const char *options[] = {"ndots:5", "edns0", NULL};
	struct pod pod = pod_make(DNS_NONE);

	pod.dns_servers = servers;
	pod.dns_searches = searches;
	pod.dns_options = options;
	resolv_is("None takes nothing from the host", &pod, "nameserver 192.0.2.53\n",
		"search example own.example\nnameserver 10.0.0.1\nnameserver 10.0.0.2\n"
		"nameserver 10.0.0.3\noptions ndots:5 edns0\n");
	pod.dns_policy = DNS_DEFAULT;
	resolv_is("the host's come first, doubles once, options replace", &pod,
		"nameserver 192.0.2.53\nsearch example\noptions ndots:1 rotate\n",
		"search example own.example\nnameserver 192.0.2.53\nnameserver 10.0.0.1\n"
		"nameserver 10.0.0.2\noptions ndots:5 rotate edns0\n");
}

TEST(search_lists_stop_at_their_limits)
{
	static char names[40][101];
	const char *searches[41] = {0};
	struct pod pod = pod_make(DNS_NONE);
	AUTO_FREE char *by_count = NULL, *by_length = NULL;
	struct err err = {0};

	for (int i = 0; i < 40; i++) {
		snprintf(names[i], sizeof(names[i]), "d%02d.example", i);
		searches[i] = names[i];
	}
	pod.dns_searches = searches;
	CHECK_OK("many", podfiles_resolv(&pod, "", &by_count, &err), &err);
	CHECK_HAS("the 32nd is in", by_count, " d31.example\n");
	for (int i = 0; i < 40; i++)
		snprintf(names[i], sizeof(names[i]), "%02d%098d", i, 0);
	CHECK_OK("long", podfiles_resolv(&pod, "", &by_length, &err), &err);
	CHECK_EQ("20 of 100 characters and a blank each fit in 2048", strlen(by_length),
		strlen("search ") + 20 * 101 - 1 + strlen("\n"));
}
