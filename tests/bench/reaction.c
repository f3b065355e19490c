// SPDX-License-Identifier: Apache-2.0
/*
 * reaction NETNS PORT kill PID
 * reaction NETNS PORT unready PROBE-PORT [PROBER]
 *
 * How long connections still come to a Pod that is not to get any more: milliseconds from the cause to
 * the last SYN to PORT that arrived inside the Pod's network namespace, 0 when none did; too little by
 * up to the time between two SYNs.  The cause is kill(PID, SIGKILL), or the first answer with status
 * 503 that PROBE-PORT gives: it is served here, inside the namespace, with 200 until the load is there.
 *
 * The process PROBER is stopped for 20 ms as that answer is sent: what is measured has to show it.
 *
 * Waits until the load is there.  SYNs are counted until none has come for 0.3 s.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>

#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "user/base/cleanup.h"

#define NSEC_PER_SEC INT64_C(1000000000)
#define QUIET	     (NSEC_PER_SEC * 3 / 10)
#define GIVE_UP	     (NSEC_PER_SEC * 10)
#define LOAD_LEAST   200 /* SYNs within LOAD_WINDOW: the load is there */
#define LOAD_WINDOW  (NSEC_PER_SEC / 5)
#define RECEIVE_SIZE (8 << 20)
#define STOP_USEC    20000

struct reaction {
	int packets, listener;
	uint16_t port;
	pid_t victim;  /* 0: unready */
	pid_t prober;  /* 0: it is not stopped */
	unsigned syns; /* of this window; all of them once the load is there */
	int64_t window;
	int64_t cause, last; /* wall clock, nanoseconds; 0: not yet */
};

static int check(int result, const char *what)
{
	if (result < 0) {
		fprintf(stderr, "reaction: %s: %s\n", what, strerror(errno));
		exit(1);
	}
	return result;
}

/* As the kernel stamps packets. */
static int64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_REALTIME, &time);
	return time.tv_sec * NSEC_PER_SEC + time.tv_nsec;
}

static void enter(const char *path)
{
	int fd = check(open(path, O_RDONLY | O_CLOEXEC), path);

	check(setns(fd, CLONE_NEWNET), "enter the namespace");
	close(fd);
}

static int packets_open(void)
{
	const int one = 1, size = RECEIVE_SIZE;
	int fd =
		check(socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, htons(ETH_P_IP)),
			"open a packet socket");

	check(setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof(one)), "ask for times");
	check(setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)), "ask for room");
	return fd;
}

static int probe_listen(uint16_t port)
{
	struct sockaddr_in end = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = check(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
	int one = 1;

	check(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)), "reuse the address");
	check(bind(fd, (struct sockaddr *)&end, sizeof(end)), "bind");
	check(listen(fd, SOMAXCONN), "listen");
	return fd;
}

static bool is_first(const uint8_t *packet, ssize_t size, uint16_t port)
{
	const struct iphdr *ip = (const void *)packet;
	const struct tcphdr *tcp = (const void *)(packet + ip->ihl * 4);

	return size >= (ssize_t)(sizeof(*ip) + sizeof(*tcp)) && ip->protocol == IPPROTO_TCP &&
	       tcp->dest == htons(port) && tcp->syn && !tcp->ack;
}

/* Counts what has arrived.  Retransmissions are SYNs like others. */
static void packets_read(struct reaction *reaction)
{
	for (;;) {
		union {
			struct cmsghdr header;
			char room[CMSG_SPACE(sizeof(struct timespec))];
		} control;
		_Alignas(8) uint8_t packet[128];
		struct sockaddr_ll from;
		struct iovec vector = {packet, sizeof(packet)};
		struct msghdr message = {.msg_name = &from,
			.msg_namelen = sizeof(from),
			.msg_iov = &vector,
			.msg_iovlen = 1,
			.msg_control = &control,
			.msg_controllen = sizeof(control)};
		ssize_t size = recvmsg(reaction->packets, &message, 0);
		struct timespec time;

		if (size < 0)
			return;
		if (from.sll_pkttype == PACKET_OUTGOING ||
			!is_first(packet, size, reaction->port) || !CMSG_FIRSTHDR(&message))
			continue;
		memcpy(&time, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(time));
		reaction->last = time.tv_sec * NSEC_PER_SEC + time.tv_nsec;
		if (reaction->syns < LOAD_LEAST &&
			reaction->last - reaction->window > LOAD_WINDOW) {
			reaction->window = reaction->last;
			reaction->syns = 0;
		}
		reaction->syns++;
	}
}

/* A child lets it go on. */
static void prober_stop(pid_t prober)
{
	pid_t child;

	check(kill(prober, SIGSTOP), "stop the prober");
	signal(SIGCHLD, SIG_IGN);
	child = fork();
	if (child > 0)
		return;
	if (child == 0)
		usleep(STOP_USEC);
	kill(prober, SIGCONT);
	if (child == 0)
		_exit(0);
	check(child, "fork");
}

static void probe_answer(struct reaction *reaction)
{
	static const char good[] = "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n";
	static const char bad[] = "HTTP/1.0 503 Not Now\r\nContent-Length: 0\r\n\r\n";
	bool ready = reaction->syns < LOAD_LEAST;
	const char *answer = ready ? good : bad;
	int fd = accept4(reaction->listener, NULL, NULL, SOCK_CLOEXEC);
	char request[2048];

	if (fd < 0)
		return;
	if (recv(fd, request, sizeof(request), 0) > 0) {
		/* Before it is sent: whoever gets it may run before we do. */
		if (!ready && !reaction->cause) {
			if (reaction->prober)
				prober_stop(reaction->prober);
			reaction->cause = now();
		}
		send(fd, answer, strlen(answer), MSG_NOSIGNAL);
	}
	close(fd);
}

static void wait_for_something(struct reaction *reaction)
{
	struct pollfd polled[] = {
		{.fd = reaction->packets, .events = POLLIN},
		{.fd = reaction->listener, .events = POLLIN},
	};

	check(poll(polled, COUNT(polled), 10), "wait");
	if (polled[1].revents)
		probe_answer(reaction);
	packets_read(reaction);
}

static void measure(struct reaction *reaction)
{
	int64_t began = now(), quiet_since;

	while (!reaction->cause) {
		wait_for_something(reaction);
		if (reaction->syns >= LOAD_LEAST && reaction->victim > 0) {
			check(kill(reaction->victim, SIGKILL), "kill");
			reaction->cause = now();
		}
		if (now() - began > GIVE_UP) {
			fprintf(stderr, "reaction: the load is too low: %u SYNs\n", reaction->syns);
			exit(1);
		}
	}
	do {
		wait_for_something(reaction);
		quiet_since = reaction->last > reaction->cause ? reaction->last : reaction->cause;
		if (now() - reaction->cause > GIVE_UP) {
			fputs("reaction: there is no end of SYNs\n", stderr);
			exit(1);
		}
	} while (now() - quiet_since < QUIET);
	printf("%.3f\n", reaction->last > reaction->cause
				 ? (double)(reaction->last - reaction->cause) / 1e6
				 : 0.0);
}

int main(int argc, char **argv)
{
	struct reaction reaction = {.listener = -1};

	if (argc < 5 || argc > 6 ||
		(strcmp(argv[3], "kill") != 0 && strcmp(argv[3], "unready") != 0)) {
		fputs("reaction: bad arguments; they are described at the top of its source\n",
			stderr);
		return 2;
	}
	enter(argv[1]);
	reaction.port = (uint16_t)atoi(argv[2]);
	reaction.packets = packets_open();
	if (strcmp(argv[3], "kill") == 0)
		reaction.victim = atoi(argv[4]);
	else
		reaction.listener = probe_listen((uint16_t)atoi(argv[4]));
	reaction.prober = argc == 6 ? atoi(argv[5]) : 0;
	measure(&reaction);
	return 0;
}
