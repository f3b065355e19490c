// SPDX-License-Identifier: Apache-2.0
/*
 * update BPFDIR INSTANCE SERVICES COUNT: milliseconds of each of COUNT changes of one backend, one line
 * each, while there are SERVICES Services with three backends.  The data plane must be there.
 */
#include <arpa/inet.h>
#include <stdio.h>

#include "user/base/cleanup.h"
#include "user/base/clock.h"
#include "user/base/err.h"
#include "user/datapath/datapath.h"

#define BACKENDS   3
#define FIRST_VIP  0x0a600100 /* 10.96.1.0 */
#define FIRST_POD  0x0af40002 /* 10.244.0.2 */
#define ENDPOINTS  200
#define SERVE_PORT 8080

static struct dp_endpoint endpoints[ENDPOINTS];

static struct dp_service *services_make(size_t count)
{
	struct dp_service *services = calloc(count, sizeof(*services));
	struct dp_backend *backends = calloc(count * BACKENDS, sizeof(*backends));

	if (!services || !backends) {
		perror("update");
		exit(1);
	}
	for (size_t i = 0; i < count * BACKENDS; i++)
		backends[i] =
			(struct dp_backend){endpoints[i % ENDPOINTS].address, htons(SERVE_PORT)};
	for (size_t i = 0; i < count; i++)
		services[i] = (struct dp_service){.vip.s_addr = htonl(FIRST_VIP + (uint32_t)i),
			.port = htons(80),
			.protocol = IPPROTO_TCP,
			.accepts = 1 << ENDPOINT_READY,
			.backends = backends + i * BACKENDS,
			.backend_count = BACKENDS};
	return services;
}

static int settle(struct datapath *datapath, struct err *err)
{
	int r = datapath_grace(datapath, err);

	datapath_reclaim(datapath);
	return r;
}

/* A backend of the Service in the middle goes and comes back, again and again. */
static int changes_measure(
	struct datapath *datapath, struct dp_desired *desired, unsigned count, struct err *err)
{
	size_t at = desired->service_count / 2;
	struct dp_service *services = (struct dp_service *)desired->services;
	bool retired;
	int r = datapath_apply(datapath, desired, &retired, err);

	for (unsigned i = 0; r == 0 && i < count; i++) {
		uint64_t began;

		r = settle(datapath, err);
		if (r < 0)
			break;
		services[at].backend_count = BACKENDS - 1 + i % 2;
		began = clock_now();
		r = datapath_apply(datapath, desired, &retired, err);
		printf("%.3f\n", (double)(clock_now() - began) / (double)USEC_PER_MSEC);
	}
	return r;
}

int main(int argc, char **argv)
{
	struct datapath_config config = {.cgroup_root = NULL};
	struct dp_desired desired = {.endpoints = endpoints, .endpoint_count = ENDPOINTS};
	struct datapath *datapath;
	struct err err;
	int r;

	if (argc != 5 || atoi(argv[3]) < 1 || atoi(argv[4]) < 1) {
		fputs("usage: update BPFDIR INSTANCE SERVICES COUNT\n", stderr);
		return 2;
	}
	config.bpf_dir = argv[1];
	config.instance = argv[2];
	for (uint32_t i = 0; i < ENDPOINTS; i++)
		endpoints[i] = (struct dp_endpoint){
			.address.s_addr = htonl(FIRST_POD + i), .state = ENDPOINT_READY};
	desired.service_count = (size_t)atoi(argv[3]);
	desired.services = services_make(desired.service_count);
	r = datapath_open(&config, &datapath, &err);
	if (r == 0) {
		r = changes_measure(datapath, &desired, (unsigned)atoi(argv[4]), &err);
		datapath_close(datapath);
	}
	if (r < 0)
		fprintf(stderr, "update: %s\n", err.text);
	return r < 0;
}
