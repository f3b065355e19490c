// SPDX-License-Identifier: Apache-2.0
/* pod_out and datagrams of Services: when a flow goes on, and when it goes elsewhere. */
#include <linux/icmp.h>

#include "tests/bpf/pod_out.h"

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

/* Backend 2 leaves service 5; the same endpoint is backend 4 of service 8. */
TEST(a_datagram_flow_leaves_a_backend_that_has_left_its_service)
{
	struct segment first = UDP(POD, VIP, 4000, 80), next = first;
	struct segment other = UDP(POD, VIP, 4001, 83), other_next = other;
	struct segment late = UDP(OTHER, POD, 8080, 4000);
	struct segment answer = UDP(THIRD, POD, 8080, 4000);

	setup();
	run_segment(&first);
	CHECK_EQ("goes to the only backend", first.destination, OTHER);
	run_segment(&other);
	CHECK_EQ("another Service's too", other.destination, OTHER);
	put_service(5, 80, IPPROTO_UDP, 3);
	put_backend(2, 2, 1);
	sender_is(OTHER);
	CHECK_EQ("an answer that it still owes", run_segment(&late), VERDICT_POD);
	CHECK_EQ("comes from the service", late.source, VIP);
	sender_is(POD);
	CHECK_EQ("the next datagram", run_segment(&next), VERDICT_POD);
	CHECK_EQ("goes elsewhere", next.destination, THIRD);
	CHECK_EQ("from the same port", next.source_port, 4000);
	CHECK_EQ("the other Service's", run_segment(&other_next), VERDICT_POD);
	CHECK_EQ("stays", other_next.destination, OTHER);
	put_pod(THIRD, OWN_IFINDEX, "\2\0\0\0\0\2");
	CHECK_EQ("an answer from there", run_segment(&answer), VERDICT_POD);
	CHECK_EQ("comes from the service, too", answer.source, VIP);
}

/* What the former flow's answers would be taken for is free again. */
TEST(a_void_datagram_flow_takes_no_port_from_others)
{
	struct segment first = UDP(POD, VIP, 4000, 80), second = UDP(POD, VIP, 4000, 83);

	setup();
	run_segment(&first);
	put_service(5, 80, IPPROTO_UDP, 3);
	put_backend(2, 2, 1);
	run_segment(&second);
	CHECK_EQ("to the same endpoint", second.destination, OTHER);
	CHECK_EQ("from its own port", second.source_port, 4000);
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
