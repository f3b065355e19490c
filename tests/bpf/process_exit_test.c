// SPDX-License-Identifier: Apache-2.0
/* Processes that end, and what becomes of the endpoints that live by them.  No podnetd runs here. */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "podnet/abi.h"
#include "podnet/pins.h"
#include "tests/check.h"
#include "user/datapath/datapath.h"
#include "user/datapath/pindir.h"

#define POD	0x0af40002 /* 10.244.0.2 */
#define OTHER	0x0af40003
#define SERVICE 0x0a60000a

static char bpf_dir[64];
static const struct datapath_config config = {.bpf_dir = bpf_dir, .instance = "test"};

/* One or two Pods, each with a process, behind a service. */
struct node {
	struct datapath *datapath;
	struct dp_endpoint endpoints[2];
	struct dp_backend backends[2];
	struct dp_service service;
	struct dp_init inits[2];
	struct dp_desired desired;
};

static void process_await_stop(const struct dp_init *init)
{
	siginfo_t info;

	if (waitid(P_PID, (id_t)init->pid, &info, WSTOPPED) < 0)
		BAIL("cannot wait for a process");
}

/* A child that waits to be killed.  With a @body it stops, runs that when it is continued, and stops. */
static struct dp_init process_start(uint32_t address, void (*body)(void))
{
	static uint64_t started;
	struct dp_init init = {.address.s_addr = htonl(address)};

	init.started = ++started;
	init.pid = fork();
	if (init.pid < 0)
		BAIL("cannot fork");
	if (init.pid == 0) {
		if (body) {
			raise(SIGSTOP);
			body();
			raise(SIGSTOP);
		}
		for (;;)
			pause();
	}
	init.pidfd = (int)syscall(SYS_pidfd_open, init.pid, 0);
	if (init.pidfd < 0)
		BAIL("cannot open a process");
	if (body)
		process_await_stop(&init);
	return init;
}

/* It is a zombie when this returns: beyond all that the kernel does at its end. */
static void process_kill(const struct dp_init *init)
{
	siginfo_t info;

	kill(init->pid, SIGKILL);
	if (waitid(P_PID, (id_t)init->pid, &info, WEXITED | WNOWAIT) < 0)
		BAIL("cannot wait for a process");
}

static void process_reap(struct dp_init *init)
{
	process_kill(init);
	waitpid(init->pid, NULL, 0);
	close(init->pidfd);
}

static void apply(struct node *node)
{
	struct err err;

	if (datapath_apply(node->datapath, &node->desired, NULL, &err) < 0)
		BAIL(err.text);
}

static void reopen(struct node *node)
{
	struct err err;

	datapath_close(node->datapath);
	if (datapath_open(&config, &node->datapath, &err) < 0)
		BAIL(err.text);
}

static void setup(struct node *node)
{
	*node = (struct node){
		.endpoints = {{.address.s_addr = htonl(POD), .state = ENDPOINT_READY},
			{.address.s_addr = htonl(OTHER), .state = ENDPOINT_READY}},
		.backends = {{{htonl(POD)}, htons(80)}, {{htonl(OTHER)}, htons(80)}},
		.service = {.vip.s_addr = htonl(SERVICE),
			.port = htons(80),
			.protocol = IPPROTO_TCP,
			.accepts = 1 << ENDPOINT_READY,
			.backends = node->backends,
			.backend_count = 2},
		.inits = {process_start(POD, NULL), process_start(OTHER, NULL)},
		.desired = {.services = &node->service,
			.service_count = 1,
			.endpoints = node->endpoints,
			.endpoint_count = 2,
			.inits = node->inits,
			.init_count = 2},
	};
	snprintf(bpf_dir, sizeof(bpf_dir), "/run/podnet-test-exit.%d", getpid());
	reopen(node);
	apply(node);
}

static int inits_count(void)
{
	AUTO_FD map = -1;
	struct init_key key, *before = NULL;
	int count = 0;

	if (pindir_get(&config, "inits", &map, NULL) < 0)
		BAIL("no inits");
	for (; bpf_map_get_next_key(map, before, &key) == 0; before = &key)
		count++;
	return count;
}

/* The programs stay for the next case: where the machine is emulated, loading them takes a second. */
static void teardown(struct node *node)
{
	struct err err;

	process_reap(&node->inits[0]);
	process_reap(&node->inits[1]);
	node->desired = (struct dp_desired){};
	if (!node->datapath)
		reopen(node);
	apply(node);
	CHECK_OK("grace", datapath_grace(node->datapath, &err), &err);
	datapath_reclaim(node->datapath);
	CHECK_EQ("nothing is registered", inits_count(), 0);
	datapath_close(node->datapath);
}

/* In the kernel, by a way of our own. */
static uint32_t find(uint32_t address, struct endpoint *ret)
{
	AUTO_FD map = -1;
	uint32_t id = 0;

	if (pindir_get(&config, "endpoints", &map, NULL) < 0)
		BAIL("no endpoints");
	while (bpf_map_lookup_elem(map, &id, ret) == 0 && ret->address4 != htonl(address))
		id++;
	return id;
}

static uint32_t state_of(uint32_t address)
{
	struct endpoint endpoint;

	find(address, &endpoint);
	return endpoint.state;
}

/* Writes an entry as a podnetd of earlier would have. */
static void init_write(const struct dp_init *init, uint32_t endpoint, uint32_t generation)
{
	struct init entry = {.endpoint = endpoint, .generation = generation};
	AUTO_FD map = -1;
	struct stat own;

	if (stat("/proc/self/ns/pid", &own) < 0 || pindir_get(&config, "inits", &map, NULL) < 0)
		BAIL("no inits");
	entry.key = (struct init_key){(uint32_t)own.st_ino, (uint32_t)init->pid};
	if (bpf_map_update_elem(map, &entry.key, &entry, BPF_ANY) < 0)
		BAIL("cannot write an entry");
}

TEST(the_end_of_a_process_sets_its_endpoint_down_and_no_other)
{
	struct node node;

	setup(&node);
	CHECK_EQ("ready", state_of(POD), ENDPOINT_READY);
	CHECK_EQ("two are registered", inits_count(), 2);
	process_kill(&node.inits[0]);
	CHECK_EQ("down", state_of(POD), ENDPOINT_DOWN);
	CHECK_EQ("the other is ready", state_of(OTHER), ENDPOINT_READY);
	CHECK_EQ("one is registered", inits_count(), 1);
	teardown(&node);
}

TEST(it_does_so_when_nobody_has_the_data_plane_open)
{
	struct node node;

	setup(&node);
	node.datapath = datapath_close(node.datapath);
	process_kill(&node.inits[0]);
	CHECK_EQ("down", state_of(POD), ENDPOINT_DOWN);
	CHECK_EQ("the other is ready", state_of(OTHER), ENDPOINT_READY);
	teardown(&node);
}

static void *thread_run(void *argument)
{
	pause();
	return argument;
}

/* The thread that the process began with ends, another one goes on. */
static void leader_end(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, thread_run, NULL);
	pthread_exit(NULL);
}

static void child_end(void)
{
	if (fork() == 0)
		_exit(0);
	wait(NULL);
}

/* Waits until its first thread is a zombie. */
static void wait_for_leader(pid_t pid)
{
	char path[64], line[256] = "";

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", pid, pid);
	for (int i = 0; i < 5000 && !strstr(line, ") Z"); i++) {
		FILE *file = fopen(path, "re");

		if (!file || !fgets(line, sizeof(line), file))
			BAIL("cannot read of a thread");
		fclose(file);
		usleep(1000);
	}
	CHECK_HAS("its first thread has ended", line, ") Z");
}

TEST(a_thread_or_a_child_that_ends_is_not_the_process)
{
	struct node node;

	setup(&node);
	process_reap(&node.inits[0]);
	process_reap(&node.inits[1]);
	node.inits[0] = process_start(POD, leader_end);
	node.inits[1] = process_start(OTHER, child_end);
	apply(&node);
	kill(node.inits[0].pid, SIGCONT);
	wait_for_leader(node.inits[0].pid);
	kill(node.inits[1].pid, SIGCONT);
	process_await_stop(&node.inits[1]);
	CHECK_EQ("one thread is left", state_of(POD), ENDPOINT_READY);
	CHECK_EQ("a child has ended", state_of(OTHER), ENDPOINT_READY);
	process_kill(&node.inits[0]);
	CHECK_EQ("none is left", state_of(POD), ENDPOINT_DOWN);
	teardown(&node);
}

TEST(an_endpoint_of_another_generation_is_somebody_elses)
{
	struct endpoint endpoint;
	struct node node;
	uint32_t id;

	setup(&node);
	id = find(POD, &endpoint);
	init_write(&node.inits[0], id, endpoint.generation - 1);
	process_kill(&node.inits[0]);
	CHECK_EQ("ready", state_of(POD), ENDPOINT_READY);
	CHECK_EQ("the entry is deleted", inits_count(), 1);
	teardown(&node);
}

TEST(only_what_is_held_stays_so)
{
	static const struct {
		uint32_t state, after;
	} cases[] = {
		{ENDPOINT_UNREADY, ENDPOINT_DOWN},
		{ENDPOINT_TERMINATING, ENDPOINT_DOWN}, /* it may serve on until then */
		{ENDPOINT_HELD, ENDPOINT_HELD},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct in_addr pod = {htonl(POD)};
		struct node node;

		setup(&node);
		datapath_endpoint_state(node.datapath, pod, cases[i].state);
		process_kill(&node.inits[0]);
		CHECK_EQ("its end", state_of(POD), cases[i].after);
		teardown(&node);
	}
}

TEST(an_older_decision_does_not_undo_it)
{
	struct in_addr pod = {htonl(POD)};
	struct node node;
	uint64_t gone;

	setup(&node);
	gone = datapath_gone(node.datapath);
	process_kill(&node.inits[0]);
	apply(&node);
	CHECK_EQ("a plan that had it ready", state_of(POD), ENDPOINT_DOWN);
	CHECK("UDP is to be looked at", datapath_gone(node.datapath) != gone);
	datapath_endpoint_state(node.datapath, pod, ENDPOINT_UNREADY);
	CHECK_EQ("a probe that failed", state_of(POD), ENDPOINT_DOWN);
	datapath_endpoint_state(node.datapath, pod, ENDPOINT_READY);
	CHECK_EQ("a probe that succeeded", state_of(POD), ENDPOINT_DOWN);
	datapath_endpoint_state(node.datapath, pod, ENDPOINT_TERMINATING);
	CHECK_EQ("its deletion", state_of(POD), ENDPOINT_DOWN);
	datapath_endpoint_state(node.datapath, pod, ENDPOINT_HELD);
	CHECK_EQ("a hand is another matter", state_of(POD), ENDPOINT_HELD);
	teardown(&node);
}

TEST(the_next_process_may_be_ready)
{
	struct node node;

	setup(&node);
	process_reap(&node.inits[0]);
	node.endpoints[0].state = ENDPOINT_DOWN;
	apply(&node);
	node.inits[0] = process_start(POD, NULL);
	node.endpoints[0].state = ENDPOINT_READY;
	apply(&node);
	CHECK_EQ("ready", state_of(POD), ENDPOINT_READY);
	process_kill(&node.inits[0]);
	CHECK_EQ("and down", state_of(POD), ENDPOINT_DOWN);
	teardown(&node);
}

TEST(even_when_nobody_noticed_the_end_of_the_one_before)
{
	struct node node;

	setup(&node);
	process_reap(&node.inits[0]);
	node.inits[0] = process_start(POD, NULL);
	apply(&node);
	CHECK_EQ("ready", state_of(POD), ENDPOINT_READY);
	CHECK_EQ("two are registered", inits_count(), 2);
	teardown(&node);
}

TEST(one_that_ended_before_it_was_registered_is_missed_by_nobody)
{
	struct node node;

	setup(&node);
	process_kill(&node.inits[1]);
	process_reap(&node.inits[0]);
	node.inits[0] = process_start(POD, NULL);
	process_kill(&node.inits[0]);
	apply(&node);
	CHECK_EQ("down", state_of(POD), ENDPOINT_DOWN);
	CHECK_EQ("nothing is registered that a later process could have the number of",
		inits_count(), 0);
	teardown(&node);
}

TEST(an_endpoint_that_comes_later_is_watched_too)
{
	struct node node;

	setup(&node);
	node.desired.service_count = 0;
	node.desired.endpoint_count = 0;
	apply(&node);
	CHECK_EQ("no endpoints, nothing is registered", inits_count(), 0);
	node.desired.service_count = 1;
	node.desired.endpoint_count = 2;
	apply(&node);
	CHECK_EQ("two are registered", inits_count(), 2);
	process_kill(&node.inits[0]);
	CHECK_EQ("down", state_of(POD), ENDPOINT_DOWN);
	teardown(&node);
}

static struct bpf_link_info link_info(void)
{
	struct bpf_link_info info = {};
	__u32 size = sizeof(info);
	AUTO_FD link = -1;

	if (pindir_get(&config, PIN_PROCESS_EXIT PIN_LINK_SUFFIX, &link, NULL) < 0 ||
		bpf_obj_get_info_by_fd(link, &info, &size) < 0)
		BAIL("no link");
	return info;
}

static uint32_t program_id(void)
{
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);
	AUTO_FD program = -1;

	if (pindir_get(&config, PIN_PROCESS_EXIT, &program, NULL) < 0 ||
		bpf_obj_get_info_by_fd(program, &info, &size) < 0)
		BAIL("no program");
	return info.id;
}

/* As if another build had pinned the programs. */
static void build_forget(void)
{
	uint32_t zero = 0;
	uint64_t other = 1;
	AUTO_FD map = -1;

	if (pindir_get(&config, PIN_BUILD, &map, NULL) < 0 ||
		bpf_map_update_elem(map, &zero, &other, BPF_ANY) < 0)
		BAIL("no build");
}

TEST(the_next_podnetd_adopts_what_is_right_and_deletes_what_is_not)
{
	struct dp_init stale = process_start(POD, NULL);
	struct endpoint endpoint;
	struct node node;
	uint32_t link;

	setup(&node);
	link = link_info().id;
	init_write(&stale, find(POD, &endpoint), endpoint.generation);
	CHECK_EQ("one too many", inits_count(), 3);
	reopen(&node);
	CHECK_EQ("the same link", link_info().id, link);
	CHECK_EQ("nothing is decided yet", inits_count(), 3);
	apply(&node);
	CHECK_EQ("what is asked for is left", inits_count(), 2);
	process_kill(&node.inits[1]);
	CHECK_EQ("and works", state_of(OTHER), ENDPOINT_DOWN);
	process_reap(&stale);
	CHECK_EQ("the stale one does not", state_of(POD), ENDPOINT_READY);
	teardown(&node);
}

TEST(the_next_build_replaces_the_program)
{
	struct bpf_link_info before;
	struct node node;

	setup(&node);
	before = link_info();
	CHECK_EQ("its own program is attached", before.prog_id, program_id());
	build_forget();
	reopen(&node);
	CHECK("another program is", link_info().prog_id != before.prog_id);
	CHECK_EQ("the one that is pinned", link_info().prog_id, program_id());
	process_kill(&node.inits[0]);
	CHECK_EQ("what was registered before is seen", state_of(POD), ENDPOINT_DOWN);
	teardown(&node);
}

TEST(a_pod_that_is_not_known_again_yet_stays_watched_and_down)
{
	struct node node;

	setup(&node);
	reopen(&node);
	node.desired.init_count = 0;
	node.endpoints[0].unsure = node.endpoints[1].unsure = true;
	apply(&node);
	CHECK_EQ("both are registered", inits_count(), 2);
	process_kill(&node.inits[0]);
	apply(&node);
	CHECK_EQ("down", state_of(POD), ENDPOINT_DOWN);
	CHECK_EQ("the other is ready", state_of(OTHER), ENDPOINT_READY);
	teardown(&node);
}

TEST(removal_leaves_nothing)
{
	struct err err;

	CHECK_OK("remove", datapath_remove(&config, &err), &err);
	CHECK_EQ("unmount", umount(bpf_dir), 0);
	CHECK_EQ("nothing is in the way", rmdir(bpf_dir), 0);
}
