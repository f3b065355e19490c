// SPDX-License-Identifier: Apache-2.0
/* pod_out alone, on frames of our own: its verdict, its counters, and what the frame became. */
#include "tests/bpf/pod_out.h"

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

TEST(an_open_connection_outlives_its_backend)
{
	struct segment first = TCP(POD, VIP, 4000, 80, FLAG_SYN);
	struct segment there = TCP(POD, VIP, 4000, 80, FLAG_ACK);
	struct segment back = TCP(OTHER, POD, 8080, 4000, FLAG_ACK);

	setup();
	run_segment(&first);
	put_service(1, 80, IPPROTO_TCP, 3);
	put_backend(2, 2, 1);
	CHECK_EQ("there", run_segment(&there), VERDICT_POD);
	CHECK_EQ("to whom it began with", there.destination, OTHER);
	sender_is(OTHER);
	CHECK_EQ("and back", run_segment(&back), VERDICT_POD);
	CHECK_EQ("from the service", back.source, VIP);
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
		put_backend(id, id, 0);
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

TEST(who_is_on_the_way_out_serves_while_there_is_nobody_else)
{
	struct segment segment;
	struct row_line both = {.backends = {2, 3, 2, 3, 2, 3, 2, 3, 2, 3, 2, 3, 2, 3, 2, 3}};
	uint32_t missed = 0;

	setup();
	put_endpoint(2, OTHER, ENDPOINT_TERMINATING, 0);
	segment = (struct segment)TCP(POD, VIP, 4000, 80, FLAG_SYN);
	CHECK_EQ("nobody else", run_segment(&segment), VERDICT_POD);
	CHECK_EQ("it serves", segment.destination, OTHER);
	put_endpoint(3, THIRD, ENDPOINT_READY, 0);
	for (uint32_t at = 8; at < 16; at++)
		put(program->maps.rows, &at, &both);
	for (uint16_t port = 1000; port < 1100; port++) {
		segment = (struct segment)TCP(POD, VIP, port, 80, FLAG_SYN);
		if (run_segment(&segment) != VERDICT_POD || segment.destination != THIRD)
			missed++;
	}
	CHECK_EQ("went to it though one is ready", missed, 0);
	put_endpoint(3, THIRD, ENDPOINT_HELD, 0);
	put_endpoint(2, OTHER, ENDPOINT_DOWN, 0);
	segment = (struct segment)TCP(POD, VIP, 4001, 80, FLAG_SYN);
	CHECK_EQ("nobody at all", run_segment(&segment), VERDICT_POD);
	CHECK_EQ("is refused", segment.flags, FLAG_RST | FLAG_ACK);
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
