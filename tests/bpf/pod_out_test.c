// SPDX-License-Identifier: Apache-2.0
/* pod_out alone, on frames of our own: its verdict, its counters, and what the frame became. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/icmp.h>
#include <linux/pkt_cls.h>

#include "bpf/pod_out.skel.h"
#include "podnet/abi.h"
#include "podnet/cniwire.h"
#include "tests/bpf/frame.h"
#include "tests/check.h"

#define OWN_IFINDEX   1 /* of lo, where test runs take place */
#define OTHER_IFINDEX 2

#define POD	0x0af40002 /* 10.244.0.2, the sender */
#define OTHER	0x0af40003
#define THIRD	0x0af40004
#define OUTSIDE 0xc0000201 /* 192.0.2.1 */
#define VIP \
	0x0a60000a /* 10.96.0.10: port 80 OTHER:8080; 81 nobody; 82 POD:8080; 83 OTHER:8080;
			    * TCP and UDP */

#define TCP(from, to, from_port, to_port, tcp_flags, ...)                      \
	{                                                                      \
		.source = from, .destination = to, .source_port = from_port,   \
		.destination_port = to_port, .flags = tcp_flags, ##__VA_ARGS__ \
	}

#define UDP(from, to, from_port, to_port, ...)                                      \
	{                                                                           \
		.source = from, .destination = to, .source_port = from_port,        \
		.destination_port = to_port, .protocol = IPPROTO_UDP, ##__VA_ARGS__ \
	}

#define VERDICT_STACK ((uint32_t)TC_ACT_UNSPEC)
#define VERDICT_DROP  TC_ACT_SHOT
#define VERDICT_POD   TC_ACT_REDIRECT
#define NO_COUNT      -1

static struct pod_out_bpf *program;

static void put(struct bpf_map *map, const void *key, const void *value)
{
	if (bpf_map_update_elem(bpf_map__fd(map), key, value, BPF_ANY) < 0)
		BAIL("cannot write a map");
}

static void put_pod(uint32_t address, uint32_t ifindex, const char *mac)
{
	struct pod4 pod = {.ifindex = ifindex, .address = htonl(address), .flags = POD_CHECK_MAC};

	memcpy(pod.mac, mac, sizeof(pod.mac));
	put(program->maps.pods4, &pod.address, &pod);
}

static void put_endpoint(uint32_t id, uint32_t address, uint32_t state, uint32_t generation)
{
	struct endpoint endpoint = {
		.state = state, .generation = generation, .address4 = htonl(address)};
	struct backend backend = {.endpoint = id, .port = htons(8080)};

	put(program->maps.endpoints, &id, &endpoint);
	put(program->maps.backends, &id, &backend);
}

/* A service at VIP:@port whose row, of 61, names only @backend; 0: it has no row. */
static void put_service(uint32_t id, uint16_t port, uint8_t protocol, uint32_t backend)
{
	struct svc4_key key = {htonl(VIP), htons(port), protocol, SCOPE_INTERNAL};
	struct service service = {.accepts = 1 << ENDPOINT_READY};
	struct row_line line = {};
	uint32_t first = id * 8;

	memcpy(&service.tag, &key, sizeof(key));
	for (int i = 0; i < ROW_LINE_IDS; i++)
		line.backends[i] = backend;
	for (uint32_t at = first; at < first + 8; at++)
		put(program->maps.rows, &at, &line);
	service.row = ROW_WORD(first, backend ? 61 : 0, 0);
	put(program->maps.services, &id, &service);
	put(program->maps.svc4, &key, &id);
}

static void setup(void)
{
	if (program)
		pod_out_bpf__destroy(program);
	program = pod_out_bpf__open_and_load();
	if (!program)
		BAIL("cannot load pod_out");
	put_pod(POD, OWN_IFINDEX, "\2\0\0\0\0\2");
	put_pod(OTHER, OTHER_IFINDEX, "\2\0\0\0\0\3");
	put_pod(THIRD, OTHER_IFINDEX, "\2\0\0\0\0\4");
	put_endpoint(1, POD, ENDPOINT_READY, 0);
	put_endpoint(2, OTHER, ENDPOINT_READY, 0);
	put_endpoint(3, THIRD, ENDPOINT_READY, 0);
	put_service(1, 80, IPPROTO_TCP, 2);
	put_service(2, 81, IPPROTO_TCP, 0);
	put_service(3, 82, IPPROTO_TCP, 1);
	put_service(4, 83, IPPROTO_TCP, 2);
	put_service(5, 80, IPPROTO_UDP, 2);
	put_service(6, 81, IPPROTO_UDP, 0);
	put_service(7, 82, IPPROTO_UDP, 1);
	put_service(8, 83, IPPROTO_UDP, 2);
}

/* Programs see the sender as the owner of lo: who that is changes with the direction. */
static void sender_is(uint32_t address)
{
	put_pod(POD, address == POD ? OWN_IFINDEX : OTHER_IFINDEX, "\2\0\0\0\0\2");
	put_pod(OTHER, address == OTHER ? OWN_IFINDEX : OTHER_IFINDEX,
		address == OTHER ? "\2\0\0\0\0\2" : "\2\0\0\0\0\3");
}

static uint64_t counted(uint32_t counter)
{
	uint64_t values[1024], sum = 0;
	int cpus = libbpf_num_possible_cpus();

	if (cpus > (int)COUNT(values) ||
		bpf_map_lookup_elem(bpf_map__fd(program->maps.counters), &counter, values) < 0)
		BAIL("cannot read the counters");
	for (int cpu = 0; cpu < cpus; cpu++)
		sum += values[cpu];
	return sum;
}

static uint32_t run(struct frame *frame)
{
	struct frame out = {};
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame->bytes,
		.data_size_in = (uint32_t)frame->size, .data_out = out.bytes,
		.data_size_out = sizeof(out.bytes));

	if (bpf_prog_test_run_opts(bpf_program__fd(program->progs.pod_out), &options) < 0)
		BAIL("cannot run pod_out");
	out.size = options.data_size_out;
	*frame = out;
	return options.retval;
}

/* Runs a segment through the program; *@segment becomes what came out. */
static uint32_t run_segment(struct segment *segment)
{
	struct frame frame;
	uint32_t verdict;

	frame_make(&frame, segment);
	verdict = run(&frame);
	if (verdict != VERDICT_DROP)
		CHECK("the checksums are right", frame_read(&frame, segment));
	return verdict;
}

TEST(each_frame_has_its_verdict_and_reason)
{
	static const struct {
		const char *what;
		struct segment segment;
		uint32_t verdict;
		int count;
	} cases[] = {
		{"to a Pod here", TCP(POD, OTHER, 4000, 8080, FLAG_SYN), VERDICT_POD, NO_COUNT},
		{"later packets too", TCP(POD, OTHER, 4000, 8080, FLAG_ACK), VERDICT_POD, NO_COUNT},
		{"to the outside", TCP(POD, OUTSIDE, 4000, 80, FLAG_SYN), VERDICT_STACK, NO_COUNT},
		{"another port of a VIP", TCP(POD, VIP, 4000, 99, FLAG_SYN), VERDICT_STACK,
			NO_COUNT},
		{"another Pod's address", TCP(OTHER, POD, 4000, 80, FLAG_SYN), VERDICT_DROP,
			COUNT_DROP_SPOOFED},
		{"nobody's address", TCP(OUTSIDE, OTHER, 4000, 80, FLAG_SYN), VERDICT_DROP,
			COUNT_DROP_SPOOFED},
		{"to a service", TCP(POD, VIP, 4000, 80, FLAG_SYN), VERDICT_POD, COUNT_FLOWS},
		{"with IP options", TCP(POD, VIP, 4001, 80, FLAG_SYN, .option_words = 3),
			VERDICT_POD, COUNT_FLOWS},
		{"to a service without backends", TCP(POD, VIP, 4000, 81, FLAG_SYN), VERDICT_POD,
			COUNT_REFUSED},
		{"of no known flow", TCP(POD, VIP, 5000, 80, FLAG_ACK), VERDICT_POD,
			COUNT_REFUSED_UNKNOWN},
		{"a reset of no known flow", TCP(POD, VIP, 5000, 80, FLAG_RST), VERDICT_DROP,
			COUNT_REFUSED_UNKNOWN},
		{"a datagram to a service", UDP(POD, VIP, 4000, 80), VERDICT_POD, COUNT_FLOWS},
		{"an empty one with IP options", UDP(POD, VIP, 4000, 80, .option_words = 3),
			VERDICT_POD, COUNT_FLOWS},
		{"without a checksum", UDP(POD, VIP, 4000, 80, .no_sum = true), VERDICT_POD,
			COUNT_FLOWS},
		{"to a Pod here", UDP(POD, OTHER, 4000, 8080), VERDICT_POD, NO_COUNT},
		{"to the outside", UDP(POD, OUTSIDE, 4000, 53), VERDICT_STACK, NO_COUNT},
		{"a datagram's fragment to a service", UDP(POD, VIP, 4000, 80, .fragment = 0x2000),
			VERDICT_STACK, NO_COUNT},
		{"a datagram with another's address", UDP(OTHER, VIP, 4000, 80), VERDICT_DROP,
			COUNT_DROP_SPOOFED},
		{"a fragment to a service", TCP(POD, VIP, 4000, 80, FLAG_SYN, .fragment = 0x2000),
			VERDICT_STACK, NO_COUNT},
		{"a later fragment to a Pod", TCP(POD, OTHER, 4000, 80, FLAG_SYN, .fragment = 100),
			VERDICT_POD, NO_COUNT},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct segment segment = cases[i].segment;

		setup();
		CHECK_EQ(cases[i].what, run_segment(&segment), cases[i].verdict);
		for (int counter = 0; counter < COUNTERS; counter++)
			CHECK_EQ(cases[i].what, counted((uint32_t)counter),
				counter == cases[i].count);
	}
}

TEST(what_is_not_ip4_is_judged_too)
{
	static const uint8_t arp[] = {0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 2, 10, 244, 0, 2, 0, 0,
		0, 0, 0, 0, 169, 254, 1, 1};
	static const struct {
		const char *what;
		uint16_t protocol;
		size_t at;
		uint8_t value;
		uint32_t verdict;
	} cases[] = {
		{"ARP for itself", ETH_P_ARP, 0, 0, VERDICT_STACK},
		{"ARP for another", ETH_P_ARP, 17, 3, VERDICT_DROP},
		{"IPv6 from the link", ETH_P_IPV6, 8, 0xfe, VERDICT_STACK},
		{"IPv6 from elsewhere", ETH_P_IPV6, 8, 0xfd, VERDICT_DROP},
		{"VLAN", ETH_P_8021Q, 0, 0, VERDICT_DROP},
		{"anything else", 0x88cc, 0, 0, VERDICT_DROP},
	};

	setup();
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct frame frame = {.size = 60};
		struct ethhdr *eth = (void *)frame.bytes;
		uint8_t *payload = frame.bytes + sizeof(*eth);

		memcpy(eth->h_source, "\2\0\0\0\0\2", ETH_ALEN);
		eth->h_proto = htons(cases[i].protocol);
		if (cases[i].protocol == ETH_P_ARP)
			memcpy(payload, arp, sizeof(arp));
		else
			payload[9] = 0x80;
		if (cases[i].value)
			payload[cases[i].at] = cases[i].value;
		CHECK_EQ(cases[i].what, run(&frame), cases[i].verdict);
	}
}

TEST(another_mac_is_dropped)
{
	struct segment segment = TCP(POD, OTHER, 4000, 80, FLAG_SYN);
	struct frame frame;

	setup();
	frame_make(&frame, &segment);
	frame.bytes[ETH_ALEN + 5] = 9;
	CHECK_EQ("dropped", run(&frame), VERDICT_DROP);
	CHECK_EQ("as spoofed", counted(COUNT_DROP_SPOOFED), 1);
}

/* What a look-up in a HASH can return while its elements are recycled. */
TEST(an_element_that_is_anothers_is_not_followed)
{
	struct segment segment = TCP(POD, VIP, 4000, 80, FLAG_SYN);
	struct svc4_key key = {htonl(VIP), htons(80), IPPROTO_TCP, SCOPE_INTERNAL};
	struct pod4 pod = {.ifindex = OTHER_IFINDEX, .address = htonl(OUTSIDE)};
	__be32 address = htonl(OTHER);
	uint32_t foreign = 3;

	setup();
	put(program->maps.svc4, &key, &foreign);
	CHECK_EQ("another service's id", run_segment(&segment), VERDICT_STACK);
	CHECK_EQ("leaves the packet alone", segment.destination, VIP);
	put(program->maps.pods4, &address, &pod);
	segment = (struct segment)TCP(POD, OTHER, 4000, 80, FLAG_SYN);
	CHECK_EQ("another Pod's interface", run_segment(&segment), VERDICT_STACK);
}

TEST(a_pod_without_peer_delivery_gets_frames_with_its_mac)
{
	struct segment segment = TCP(POD, OTHER, 4000, 80, FLAG_SYN);
	struct pod4 pod = {.ifindex = OTHER_IFINDEX,
		.address = htonl(OTHER),
		.mac = {2, 0, 0, 0, 0, 3},
		.flags = POD_NO_PEER};
	struct frame frame;

	setup();
	put(program->maps.pods4, &pod.address, &pod);
	frame_make(&frame, &segment);
	CHECK_EQ("redirected", run(&frame), VERDICT_POD);
	CHECK("to its MAC", memcmp(frame.bytes, pod.mac, sizeof(pod.mac)) == 0);
}

static void check_truncated(const struct segment *segment)
{
	size_t whole;
	struct frame frame;

	setup();
	frame_make(&frame, segment);
	whole = frame.size;
	for (size_t size = ETH_HLEN + sizeof(struct iphdr); size < whole; size++) {
		frame_make(&frame, segment);
		frame.size = size;
		CHECK_EQ("dropped", run(&frame), VERDICT_DROP);
	}
	CHECK_EQ("each as malformed", counted(COUNT_DROP_MALFORMED),
		whole - ETH_HLEN - sizeof(struct iphdr));
}

TEST(a_truncated_frame_is_dropped_whatever_its_length)
{
	struct segment tcp = TCP(POD, VIP, 4000, 80, FLAG_SYN, .option_words = 2);
	struct segment udp = UDP(POD, VIP, 4000, 80, .option_words = 2);

	check_truncated(&tcp);
	check_truncated(&udp);
}

TEST(a_connection_is_translated_both_ways)
{
	struct segment there = TCP(POD, VIP, 4000, 80, FLAG_SYN, .payload = 7);
	struct segment back = TCP(OTHER, POD, 8080, 4000, FLAG_SYN | FLAG_ACK);

	setup();
	CHECK_EQ("SYN", run_segment(&there), VERDICT_POD);
	CHECK_EQ("goes to the backend", there.destination, OTHER);
	CHECK_EQ("at its port", there.destination_port, 8080);
	CHECK_EQ("from the client", there.source, POD);
	CHECK_EQ("and its port", there.source_port, 4000);
	sender_is(OTHER);
	CHECK_EQ("SYN-ACK", run_segment(&back), VERDICT_POD);
	CHECK_EQ("comes from the service", back.source, VIP);
	CHECK_EQ("at its port", back.source_port, 80);
	CHECK_EQ("to the client", back.destination, POD);
}

TEST(an_open_connection_outlives_readiness_but_not_the_pod)
{
	struct segment first = TCP(POD, VIP, 4000, 80, FLAG_SYN);
	struct segment segment = TCP(POD, VIP, 4000, 80, FLAG_ACK);

	setup();
	CHECK_EQ("SYN", run_segment(&first), VERDICT_POD);
	put_endpoint(2, OTHER, ENDPOINT_UNREADY, 0);
	CHECK_EQ("unready", run_segment(&segment), VERDICT_POD);
	CHECK_EQ("goes on", segment.destination, OTHER);
	segment = (struct segment)TCP(POD, VIP, 4001, 80, FLAG_SYN);
	CHECK_EQ("a new one", run_segment(&segment), VERDICT_POD);
	CHECK_EQ("is refused", segment.flags, FLAG_RST | FLAG_ACK);
	put_endpoint(2, OTHER, ENDPOINT_READY, 1);
	segment = (struct segment)TCP(POD, VIP, 4000, 80, FLAG_ACK);
	CHECK_EQ("the address has another owner", run_segment(&segment), VERDICT_POD);
	CHECK_EQ("the old one is reset", segment.flags, FLAG_RST);
}

TEST(a_refusal_is_what_a_closed_port_answers)
{
	static const struct {
		const char *what;
		struct segment asks, answer;
	} cases[] = {
		{"SYN", TCP(POD, VIP, 4000, 81, FLAG_SYN, .sequence = 1000),
			TCP(VIP, POD, 81, 4000, FLAG_RST | FLAG_ACK, .acknowledged = 1001)},
		{"SYN with data",
			TCP(POD, VIP, 4000, 81, FLAG_SYN, .sequence = 1000, .payload = 50),
			TCP(VIP, POD, 81, 4000, FLAG_RST | FLAG_ACK, .acknowledged = 1051)},
		{"a highest sequence number",
			TCP(POD, VIP, 4000, 81, FLAG_SYN, .sequence = UINT32_MAX),
			TCP(VIP, POD, 81, 4000, FLAG_RST | FLAG_ACK, .acknowledged = 0)},
		{"ACK of no known flow",
			TCP(POD, VIP, 4000, 81, FLAG_ACK, .sequence = 5, .acknowledged = 77,
				.payload = 3),
			TCP(VIP, POD, 81, 4000, FLAG_RST, .sequence = 77)},
	};

	setup();
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct segment segment = cases[i].asks;

		CHECK_EQ(cases[i].what, run_segment(&segment), VERDICT_POD);
		segment.fragment = 0; /* "do not fragment" is of no interest */
		CHECK(cases[i].what, memcmp(&segment, &cases[i].answer, sizeof(segment)) == 0);
	}
}

TEST(a_pod_reaches_itself_through_its_service)
{
	struct segment there = TCP(POD, VIP, 4000, 82, FLAG_SYN);
	struct segment back = TCP(POD, CNI_GATEWAY, 8080, 4000, FLAG_SYN | FLAG_ACK);

	setup();
	CHECK_EQ("SYN", run_segment(&there), VERDICT_POD);
	CHECK_EQ("comes from the gateway", there.source, CNI_GATEWAY);
	CHECK_EQ("to itself", there.destination, POD);
	CHECK_EQ("SYN-ACK", run_segment(&back), VERDICT_POD);
	CHECK_EQ("comes from the service", back.source, VIP);
	CHECK_EQ("at its port", back.source_port, 82);
	CHECK_EQ("to itself", back.destination, POD);
}

TEST(one_ready_backend_of_fifty_is_always_found)
{
	struct row_line list[ROW_LIST_LINES] = {}, line = {};
	uint32_t first = 8, ready = 2, missed = 0;

	setup();
	/* The row is out of date: it names only backends that are not ready any more. */
	for (uint32_t id = 10; id < 59; id++) {
		put_endpoint(id, OTHER + id, ENDPOINT_UNREADY, 0);
		list[(id - 10) / ROW_LINE_IDS].backends[(id - 10) % ROW_LINE_IDS] = id;
	}
	list[49 / ROW_LINE_IDS].backends[49 % ROW_LINE_IDS] = ready;
	for (int i = 0; i < ROW_LINE_IDS; i++)
		line.backends[i] = 10;
	for (uint32_t at = 0; at < 8; at++) {
		uint32_t index = first + at;

		put(program->maps.rows, &index, at < ROW_LIST_LINES ? &list[at] : &line);
	}
	for (uint16_t port = 1000; port < 2000; port++) {
		struct segment segment = TCP(POD, VIP, port, 80, FLAG_SYN);

		if (run_segment(&segment) != VERDICT_POD || segment.destination != OTHER)
			missed++;
	}
	CHECK_EQ("missed", missed, 0);
}

TEST(two_connections_never_become_the_same_packets)
{
	struct segment first = TCP(POD, VIP, 4000, 80, FLAG_SYN);
	struct segment second = TCP(POD, VIP, 4000, 83, FLAG_SYN);
	struct segment again = second, direct = TCP(POD, OTHER, 4000, 8080, FLAG_SYN);

	setup();
	run_segment(&first);
	CHECK_EQ("the first keeps its port", first.source_port, 4000);
	run_segment(&second);
	CHECK("the second gets one of ours", second.source_port >= 61000);
	run_segment(&again);
	CHECK_EQ("the same when its SYN comes again", again.source_port, second.source_port);
	run_segment(&direct);
	CHECK("one to the backend itself gets a third",
		direct.source_port >= 61000 && direct.source_port != second.source_port);
	CHECK_EQ("and is counted", counted(COUNT_PORT_CHANGED), 3);
}

TEST(a_closed_connection_keeps_its_port_for_time_wait)
{
	struct segment first = TCP(POD, VIP, 4000, 80, FLAG_SYN),
		       second = TCP(POD, VIP, 4000, 83, FLAG_SYN);
	struct segment fin = TCP(OTHER, POD, 8080, 4000, FLAG_FIN | FLAG_ACK);
	struct flow4_key key = {
		{htonl(OTHER), htonl(POD), htons(8080), htons(4000)}, IPPROTO_TCP, {}};
	struct flow4 flow;

	setup();
	run_segment(&first);
	sender_is(OTHER);
	run_segment(&fin);
	sender_is(POD);
	run_segment(&second);
	CHECK("another port at first", second.source_port >= 61000);
	CHECK_EQ("read the flow",
		bpf_map_lookup_elem(bpf_map__fd(program->maps.flows4_tcp), &key, &flow), 0);
	CHECK("it is known to be closed", flow.closed > 0);
	flow.closed -= 61000000000; /* wraps when the machine is younger than that */
	put(program->maps.flows4_tcp, &key, &flow);
	second = (struct segment)TCP(POD, VIP, 4000, 83, FLAG_SYN);
	run_segment(&second);
	CHECK_EQ("its own a minute later", second.source_port, 4000);
}

TEST(datagrams_are_translated_both_ways)
{
	static const struct {
		const char *what;
		struct segment there, back;
	} cases[] = {
		{"with a checksum", UDP(POD, VIP, 4000, 80, .payload = 7),
			UDP(OTHER, POD, 8080, 4000, .payload = 5)},
		{"without one", UDP(POD, VIP, 4000, 80, .payload = 7, .no_sum = true),
			UDP(OTHER, POD, 8080, 4000, .no_sum = true)},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct segment there = cases[i].there, again = there, back = cases[i].back;

		setup();
		CHECK_EQ(cases[i].what, run_segment(&there), VERDICT_POD);
		CHECK_EQ("goes to the backend", there.destination, OTHER);
		CHECK_EQ("at its port", there.destination_port, 8080);
		CHECK_EQ("from the client", there.source, POD);
		CHECK_EQ("the next one too", run_segment(&again), VERDICT_POD);
		CHECK("the same way", memcmp(&there, &again, sizeof(there)) == 0);
		CHECK_EQ("of one flow", counted(COUNT_FLOWS), 1);
		CHECK_EQ("whose checksum is as it was", there.no_sum, cases[i].there.no_sum);
		sender_is(OTHER);
		CHECK_EQ("answer", run_segment(&back), VERDICT_POD);
		CHECK_EQ("comes from the service", back.source, VIP);
		CHECK_EQ("at its port", back.source_port, 80);
		sender_is(POD);
	}
}

/* Each datagram asks: there is no reset that would tell the client. */
TEST(a_datagram_flow_leaves_an_endpoint_that_is_gone)
{
	static const struct {
		const char *what;
		uint32_t state, generation, destination;
	} cases[] = {
		{"ready", ENDPOINT_READY, 0, OTHER},
		{"unready", ENDPOINT_UNREADY, 0, OTHER},
		{"terminating", ENDPOINT_TERMINATING, 0, OTHER},
		{"down", ENDPOINT_DOWN, 0, THIRD},
		{"another owner", ENDPOINT_READY, 1, THIRD},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct segment first = UDP(POD, VIP, 4000, 80), next = first;

		setup();
		run_segment(&first);
		CHECK_EQ("goes to the only backend", first.destination, OTHER);
		put_service(5, 80, IPPROTO_UDP, 3);
		put_endpoint(2, OTHER, cases[i].state, cases[i].generation);
		CHECK_EQ(cases[i].what, run_segment(&next), VERDICT_POD);
		CHECK_EQ("goes where it should", next.destination, cases[i].destination);
	}
}

TEST(a_pod_reaches_itself_by_datagrams)
{
	struct segment there = UDP(POD, VIP, 4000, 82);
	struct segment back = UDP(POD, CNI_GATEWAY, 8080, 4000);

	setup();
	CHECK_EQ("there", run_segment(&there), VERDICT_POD);
	CHECK_EQ("comes from the gateway", there.source, CNI_GATEWAY);
	CHECK_EQ("to itself", there.destination, POD);
	CHECK_EQ("back", run_segment(&back), VERDICT_POD);
	CHECK_EQ("comes from the service", back.source, VIP);
	CHECK_EQ("at its port", back.source_port, 82);
	CHECK_EQ("to itself", back.destination, POD);
}

TEST(datagrams_of_two_services_never_become_the_same)
{
	struct segment first = UDP(POD, VIP, 4000, 80), second = UDP(POD, VIP, 4000, 83);
	struct segment direct = UDP(POD, OTHER, 4000, 8080), again = direct;
	struct segment tcp = TCP(POD, VIP, 4000, 80, FLAG_SYN);

	setup();
	run_segment(&first);
	CHECK_EQ("the first keeps its port", first.source_port, 4000);
	run_segment(&second);
	CHECK("the second gets one of ours", second.source_port >= 61000);
	run_segment(&direct);
	CHECK("one to the backend itself gets a third",
		direct.source_port >= 61000 && direct.source_port != second.source_port);
	run_segment(&again);
	CHECK_EQ("and keeps it", again.source_port, direct.source_port);
	run_segment(&tcp);
	CHECK_EQ("TCP's ports are its own", tcp.source_port, 4000);
}

TEST(a_refused_datagram_is_answered_as_a_closed_port_does)
{
	for (uint8_t words = 0; words <= 10; words++) {
		struct segment asks = UDP(POD, VIP, 4000, 81, .payload = 9, .option_words = words);
		struct frame frame, sent;
		const struct iphdr *ip = (void *)(frame.bytes + ETH_HLEN);
		const struct icmphdr *icmp = (void *)(ip + 1);
		const struct iphdr *inner = (void *)(icmp + 1);

		setup();
		frame_make(&frame, &asks);
		sent = frame;
		CHECK_EQ("answered", run(&frame), VERDICT_POD);
		CHECK_EQ("with a header and the refused one's", frame.size, ETH_HLEN + 56);
		CHECK("from frame to frame", memcmp(frame.bytes, sent.bytes + ETH_ALEN, 6) == 0);
		CHECK_EQ("ICMP", ip->protocol, IPPROTO_ICMP);
		CHECK_EQ("from the service", ntohl(ip->saddr), VIP);
		CHECK_EQ("to the client", ntohl(ip->daddr), POD);
		CHECK_EQ("its header is right", sum_add(0, ip, 20), 0xffff);
		CHECK_EQ("unreachable", icmp->type, ICMP_DEST_UNREACH);
		CHECK_EQ("port", icmp->code, ICMP_PORT_UNREACH);
		CHECK_EQ("its checksum is right", sum_add(0, icmp, 36), 0xffff);
		CHECK_EQ("about its packet", ntohl(inner->daddr), VIP);
		CHECK("and port",
			memcmp(inner + 1, sent.bytes + ETH_HLEN + 20 + 4 * words, 8) == 0);
		CHECK_EQ("counted", counted(COUNT_REFUSED), 1);
	}
}
