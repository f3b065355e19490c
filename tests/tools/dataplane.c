// SPDX-License-Identifier: Apache-2.0
/*
 * The data plane by hand.
 *
 *	dataplane BPFDIR INSTANCE CGROUP|- COMMAND
 *	  pod IFNAME ADDRESS MAC     what the CNI plugin does at ADD
 *	  nopod ADDRESS IFINDEX      and at DEL
 *	  apply                      what podnetd does, and prints when (microseconds of
 *	                             CLOCK_MONOTONIC); stdin: "endpoint ADDRESS STATE" and
 *	                             "service [udp:]ADDRESS:PORT MASK ADDRESS:PORT..." lines
 *	  state ADDRESS STATE        what podnetd does first when readiness is lost
 *	  abort NETNS                ends UDP sockets in there whose endpoints are gone; prints how many
 *	  show                       opens it as podnetd does (CGROUP's hooks, too); endpoints and their states
 *	  endpoints                  the same of the maps alone, beside whoever has them open
 *	  counters
 *	  remove
 */
#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "user/base/cleanup.h"
#include "user/base/clock.h"
#include "user/base/err.h"
#include "user/datapath/attach.h"
#include "user/datapath/datapath.h"
#include "user/datapath/maps.h"
#include "user/datapath/pindir.h"
#include "user/net/netns.h"
#include "user/net/sockets.h"

#define OBJECTS_MOST  16384
#define BACKENDS_MOST 4096
#define LINE_MOST     65536

static const char *const states[] = {
	[ENDPOINT_DOWN] = "DOWN",
	[ENDPOINT_READY] = "READY",
	[ENDPOINT_UNREADY] = "UNREADY",
	[ENDPOINT_TERMINATING] = "TERMINATING",
	[ENDPOINT_HELD] = "HELD",
};

static void usage(void) __attribute__((noreturn));
static void usage(void)
{
	fputs("dataplane: bad arguments; they are described at the top of its source\n", stderr);
	exit(2);
}

static struct in_addr address_parse(const char *text)
{
	struct in_addr address;

	if (inet_pton(AF_INET, text, &address) != 1)
		usage();
	return address;
}

static uint32_t state_parse(const char *text)
{
	for (uint32_t state = 0; state < COUNT(states); state++) {
		if (strcmp(states[state], text) == 0)
			return state;
	}
	usage();
}

static struct dp_backend backend_parse(char *text)
{
	char *colon = text ? strchr(text, ':') : NULL;

	if (!colon)
		usage();
	*colon = '\0';
	return (struct dp_backend){address_parse(text), htons((uint16_t)atoi(colon + 1))};
}

static struct dp_service service_parse(char **rest)
{
	char *name = strtok_r(NULL, " \n", rest);
	bool udp = name && strncmp(name, "udp:", 4) == 0;
	struct dp_backend vip = backend_parse(udp ? name + 4 : name);
	struct dp_backend *backends = calloc(BACKENDS_MOST, sizeof(*backends));
	uint8_t accepts = (uint8_t)strtoul(strtok_r(NULL, " \n", rest), NULL, 0);
	size_t count = 0;
	char *word;

	while ((word = strtok_r(NULL, " \n", rest)) && count < BACKENDS_MOST)
		backends[count++] = backend_parse(word);
	return (struct dp_service){.vip = vip.address,
		.port = vip.port,
		.protocol = udp ? IPPROTO_UDP : IPPROTO_TCP,
		.accepts = accepts,
		.backends = backends,
		.backend_count = count};
}

static int apply(struct datapath *datapath, struct err *err)
{
	static struct dp_endpoint endpoints[OBJECTS_MOST];
	static struct dp_service services[OBJECTS_MOST];
	static char line[LINE_MOST];
	struct dp_desired desired = {.services = services, .endpoints = endpoints};
	bool retired;
	int r;

	while (fgets(line, sizeof(line), stdin)) {
		char *rest, *word = strtok_r(line, " \n", &rest);

		if (word && strcmp(word, "service") == 0) {
			services[desired.service_count++] = service_parse(&rest);
		} else if (word && strcmp(word, "endpoint") == 0) {
			struct dp_endpoint *endpoint = &endpoints[desired.endpoint_count++];

			endpoint->address = address_parse(strtok_r(NULL, " \n", &rest));
			endpoint->state = state_parse(strtok_r(NULL, " \n", &rest));
		}
	}
	printf("%llu\n", (unsigned long long)clock_now());
	r = datapath_apply(datapath, &desired, &retired, err);
	for (size_t i = 0; i < desired.service_count; i++)
		free((void *)services[i].backends);
	if (r < 0 || !retired)
		return r;
	r = datapath_grace(datapath, err);
	datapath_reclaim(datapath);
	return r;
}

static bool is_gone(uint64_t cookie, struct in_addr address, in_port_t port, void *userdata)
{
	return datapath_peer_is_gone(userdata, cookie, address, port);
}

static int abort_sockets(struct datapath *datapath, const char *path, struct err *err)
{
	AUTO_FD netns = -1;
	size_t count = 0;
	int r;

	r = netns_open(path, &netns, err);
	if (r == 0)
		r = sockets_abort_udp(netns, is_gone, datapath, &count, err);
	printf("%zu\n", count);
	return r;
}

static int show(struct datapath *datapath, struct err *err)
{
	AUTO_FREE struct dp_endpoint *endpoints = NULL;
	size_t count;
	int r;

	r = datapath_endpoints(datapath, &endpoints, &count, err);
	for (size_t i = 0; r == 0 && i < count; i++)
		printf("%s %s\n", inet_ntoa(endpoints[i].address), states[endpoints[i].state]);
	return r;
}

static int endpoints_read(const struct datapath_config *config, struct err *err)
{
	struct maps maps = MAPS_CLOSED;
	int r = maps_open(config, &maps, err);

	for (uint32_t id = 1; r == 0 && id < maps.image.endpoint_max; id++) {
		const struct endpoint *endpoint = &maps.image.endpoints[id];

		if (endpoint->address4)
			printf("%s %s\n", inet_ntoa((struct in_addr){endpoint->address4}),
				states[endpoint->state]);
	}
	maps_close(&maps);
	return r;
}

static int counters(const struct datapath_config *config, struct err *err)
{
	int cpus = libbpf_num_possible_cpus();
	AUTO_FREE uint64_t *values = calloc((size_t)cpus, sizeof(*values));
	AUTO_FD map = -1;
	int r;

	r = pindir_get(config, "counters", &map, err);
	for (uint32_t counter = 0; r == 0 && counter < COUNTERS; counter++) {
		uint64_t sum = 0;

		r = bpf_map_lookup_elem(map, &counter, values);
		for (int cpu = 0; cpu < cpus; cpu++)
			sum += values[cpu];
		printf("%u %llu\n", counter, (unsigned long long)sum);
	}
	return r;
}

static int pod(const struct datapath_config *config, char **arguments, struct err *err)
{
	struct pod_entry entry = {
		.address = address_parse(arguments[1]),
		.ifindex = if_nametoindex(arguments[0]),
		.flags = POD_CHECK_MAC,
	};
	int r;

	if (sscanf(arguments[2], "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &entry.mac[0], &entry.mac[1],
		    &entry.mac[2], &entry.mac[3], &entry.mac[4], &entry.mac[5]) != 6)
		usage();
	r = pod_put(config, &entry, err);
	return r < 0 ? r : pod_attach(config, entry.ifindex, err);
}

static int with_datapath(
	const struct datapath_config *config, int count, char **arguments, struct err *err)
{
	struct datapath *datapath;
	int r;

	r = datapath_open(config, &datapath, err);
	if (r < 0)
		return r;
	if (strcmp(arguments[0], "apply") == 0)
		r = apply(datapath, err);
	else if (strcmp(arguments[0], "abort") == 0 && count == 2)
		r = abort_sockets(datapath, arguments[1], err);
	else if (strcmp(arguments[0], "show") == 0)
		r = show(datapath, err);
	else if (strcmp(arguments[0], "state") == 0 && count == 3)
		r = datapath_endpoint_state(
			datapath, address_parse(arguments[1]), state_parse(arguments[2]));
	else
		usage();
	datapath_close(datapath);
	return r;
}

int main(int argc, char **argv)
{
	struct datapath_config config;
	struct err err = {.text = "unknown address"};
	int r;

	if (argc < 5)
		usage();
	config = (struct datapath_config){argv[1], argv[2], strcmp(argv[3], "-") ? argv[3] : NULL};
	if (strcmp(argv[4], "remove") == 0)
		r = datapath_remove(&config, &err);
	else if (strcmp(argv[4], "counters") == 0)
		r = counters(&config, &err);
	else if (strcmp(argv[4], "endpoints") == 0)
		r = endpoints_read(&config, &err);
	else if (strcmp(argv[4], "pod") == 0 && argc == 8)
		r = pod(&config, argv + 5, &err);
	else if (strcmp(argv[4], "nopod") == 0 && argc == 7)
		r = pod_del(&config, address_parse(argv[5]), (uint32_t)atoi(argv[6]), &err);
	else
		r = with_datapath(&config, argc - 4, argv + 4, &err);
	if (r < 0)
		fprintf(stderr, "dataplane: %s\n", err.text);
	return r < 0;
}
