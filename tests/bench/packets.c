// SPDX-License-Identifier: Apache-2.0
/*
 * packets null|est|new: nanoseconds that one run takes of a program that does nothing, of pod_out for a
 * packet of a known flow, of pod_out for the first packet of a flow, another one each time.
 *
 * The backend is the Service's own address, so that a frame can be translated again and again.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/pkt_cls.h>
#include <stdio.h>

#include "bpf/pod_out.skel.h"
#include "podnet/abi.h"
#include "tests/bench/frames.skel.h"
#include "tests/bpf/frame.h"
#include "user/base/cleanup.h"

#define RUNS	 1000000
#define NEW_RUNS 50000 /* fewer than there are ports */

#define OWN_IFINDEX 1	       /* of lo, where test runs take place */
#define POD	    0x0af40002 /* 10.244.0.2 */
#define VIP	    0x0a60000a /* 10.96.0.10 */
#define PORT	    80
#define SERVICE	    1
#define BACKEND	    1
#define ROW	    8 /* its first line */
#define ROW_LINES   8
#define ROW_LONG    61 /* entries */

static void check(int result, const char *what)
{
	if (result < 0) {
		perror(what);
		exit(1);
	}
}

static void put(struct bpf_map *map, const void *key, const void *value)
{
	check(bpf_map_update_elem(bpf_map__fd(map), key, value, BPF_ANY), bpf_map__name(map));
}

static void put_pod(struct pod_out_bpf *program, uint32_t address, uint32_t ifindex)
{
	struct pod4 pod = {.ifindex = ifindex,
		.address = htonl(address),
		.flags = POD_CHECK_MAC,
		.mac = {2, 0, 0, 0, 0, 2}};

	put(program->maps.pods4, &pod.address, &pod);
}

static void put_service(struct pod_out_bpf *program)
{
	struct svc4_key key = {htonl(VIP), htons(PORT), IPPROTO_TCP, SCOPE_INTERNAL};
	struct service service = {
		.accepts = 1 << ENDPOINT_READY, .row = ROW_WORD(ROW, ROW_LONG, 0)};
	struct endpoint endpoint = {.state = ENDPOINT_READY, .address4 = htonl(VIP)};
	struct backend backend = {.endpoint = BACKEND, .port = htons(PORT)};
	uint32_t service_id = SERVICE, id = BACKEND;
	struct row_line line = {};

	memcpy(&service.tag, &key, sizeof(key));
	for (int i = 0; i < ROW_LINE_IDS; i++)
		line.backends[i] = BACKEND;
	for (uint32_t at = ROW; at < ROW + ROW_LINES; at++)
		put(program->maps.rows, &at, &line);
	put(program->maps.endpoints, &id, &endpoint);
	put(program->maps.backends, &id, &backend);
	put(program->maps.services, &service_id, &service);
	put(program->maps.svc4, &key, &service_id);
}

/* Nanoseconds of one run; what becomes of the packet must be @want. */
static uint32_t run(int fd, uint8_t flags, uint32_t repeat, uint32_t want)
{
	const struct segment segment = {.source = POD,
		.destination = VIP,
		.source_port = 4000,
		.destination_port = PORT,
		.flags = flags};
	struct frame frame;
	LIBBPF_OPTS(bpf_test_run_opts, options, .repeat = (int)repeat);

	frame_make(&frame, &segment);
	options.data_in = frame.bytes;
	options.data_size_in = (uint32_t)frame.size;
	check(bpf_prog_test_run_opts(fd, &options), "run the program");
	if (options.retval != want) {
		fprintf(stderr, "packets: verdict %u, want %u\n", options.retval, want);
		exit(1);
	}
	return options.duration;
}

static uint32_t measure(const char *what, struct frames_bpf *frames, struct pod_out_bpf *program)
{
	int pod_out = bpf_program__fd(program->progs.pod_out);
	uint32_t first = 0;

	if (strcmp(what, "null") == 0)
		return run(bpf_program__fd(frames->progs.nothing), FLAG_ACK, RUNS,
			(uint32_t)TC_ACT_UNSPEC);
	if (strcmp(what, "est") == 0) {
		run(pod_out, FLAG_SYN, 1, TC_ACT_REDIRECT);
		return run(pod_out, FLAG_ACK, RUNS, TC_ACT_REDIRECT);
	}
	check(bpf_map_update_elem(bpf_map__fd(frames->maps.next), &first, &pod_out, BPF_ANY),
		"chain pod_out");
	return run(bpf_program__fd(frames->progs.new_flow), FLAG_SYN, NEW_RUNS, TC_ACT_REDIRECT);
}

int main(int argc, char **argv)
{
	struct pod_out_bpf *program;
	struct frames_bpf *frames;

	if (argc != 2 || (strcmp(argv[1], "null") != 0 && strcmp(argv[1], "est") != 0 &&
				 strcmp(argv[1], "new") != 0)) {
		fputs("usage: packets null|est|new\n", stderr);
		return 2;
	}
	program = pod_out_bpf__open_and_load();
	frames = frames_bpf__open_and_load();
	if (!program || !frames) {
		perror("packets: load the programs");
		return 1;
	}
	put_pod(program, POD, OWN_IFINDEX);
	put_pod(program, VIP, OWN_IFINDEX + 1);
	put_service(program);
	printf("%u\n", measure(argv[1], frames, program));
	frames_bpf__destroy(frames);
	pod_out_bpf__destroy(program);
	return 0;
}
