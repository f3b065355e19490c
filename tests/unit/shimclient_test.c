// SPDX-License-Identifier: Apache-2.0
/* podnetd's client of podnet-shim against a shim that this test plays. */
#include "tests/check.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "include/podnet/shimwire.h"
#include "user/base/fs.h"
#include "user/base/record.h"
#include "user/node/shim.h"

static char dir[256];
static sd_event *loop;
static struct shim *shim;
static int listener, peer; /* the shim's side */

/* What the callbacks saw last. */
static struct {
	int calls, result, pid, count, code, lost, in, out, err;
	char reason[SHIMWIRE_REASON_MAX], first[SHIM_ID_MAX];
	struct shim_exit exit;
} seen;

/* The socket's path is longer than sun_path. */
static void listen_in_dir(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	AUTO_FD dir_fd = -1;

	snprintf(dir, sizeof(dir), "/tmp/shimclient-XXXXXX");
	if (!mkdtemp(dir))
		BAIL("mkdtemp");
	snprintf(dir + strlen(dir), sizeof(dir) - strlen(dir), "/%0120d", 0);
	if (mkdir(dir, 0700) < 0)
		BAIL("mkdir");
	dir_fd = open(dir, O_PATH | O_CLOEXEC);
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", dir_fd,
		SHIMWIRE_SOCKET);
	listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
		listen(listener, 1) < 0)
		BAIL("listen");
}

static void dispatch(void)
{
	if (sd_event_run(loop, 5000000) < 0)
		BAIL("sd_event_run");
}

/* Reads one request; its size is answered. */
static size_t expect(const char *what, __u32 type, void *ret, size_t size)
{
	struct timeval limit = {.tv_sec = 5};
	ssize_t n;

	setsockopt(peer, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	memset(ret, 0, size);
	n = recv(peer, ret, size, 0);
	CHECK(what, n >= (ssize_t)sizeof(struct shimwire_header));
	CHECK_EQ(what, ((struct shimwire_header *)ret)->type, type);
	return n > 0 ? (size_t)n : 0;
}

static void reply(const void *message, size_t size)
{
	if (send(peer, message, size, MSG_NOSIGNAL) != (ssize_t)size)
		BAIL("send");
}

static void reply_result(__u32 seq, int result, const char *reason)
{
	struct shimwire_answer answer = {
		.header = {.seq = seq, .type = SHIMWIRE_ANSWER, .result = result},
	};

	snprintf(answer.reason, sizeof(answer.reason), "%s", reason);
	reply(&answer, sizeof(answer));
}

static void on_listed(void *userdata, int result, pid_t pause_pid,
	const struct shim_container *containers, size_t count)
{
	(void)userdata;
	seen.calls++;
	seen.result = result;
	seen.pid = pause_pid;
	seen.count = (int)count;
	if (count)
		strcpy(seen.first, containers[0].id);
	if (count > 1)
		seen.exit = containers[1].exit;
}

static void on_done(void *userdata, int result, const char *reason)
{
	(void)userdata;
	seen.calls++;
	seen.result = result;
	snprintf(seen.reason, sizeof(seen.reason), "%s", reason);
}

static void on_exited(void *userdata, const struct shim_exit *ended)
{
	(void)userdata;
	seen.calls++;
	seen.exit = *ended;
}

static void on_lost(void *userdata)
{
	(void)userdata;
	seen.lost++;
}

static void on_started(void *userdata, int in_fd, int out_fd, int err_fd)
{
	(void)userdata;
	seen.calls++;
	seen.in = in_fd;
	seen.out = out_fd;
	seen.err = err_fd;
}

static void on_ended(void *userdata, int code, const char *reason)
{
	(void)userdata;
	seen.calls++;
	seen.code = code;
	snprintf(seen.reason, sizeof(seen.reason), "%s", reason);
}

static const struct shim_events events = {.exited = on_exited, .lost = on_lost};

static void begin_unlisted(void)
{
	struct err err;

	memset(&seen, 0, sizeof(seen));
	seen.in = seen.out = seen.err = -1;
	listen_in_dir();
	if (sd_event_new(&loop) < 0)
		BAIL("sd_event_new");
	if (shim_adopt(loop, dir, &events, on_listed, NULL, &shim, &err) < 0)
		BAIL(err.text);
	peer = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
}

/* Two containers; each item is longer than this client's, as a newer shim would send them. */
static void reply_list(__u32 seq)
{
	struct {
		struct shimwire_answer answer;
		struct {
			struct shimwire_container container;
			char newer[16];
		} items[2];
	} message = {
		.answer =
			{
				.header = {.seq = seq, .type = SHIMWIRE_ANSWER},
				.pause_pid = 42,
				.count = 2,
				.item_offset = sizeof(struct shimwire_answer),
				.item_size = sizeof(message.items[0]),
			},
		.items =
			{
				{.container = {.id = "web.0",
					 .state = SHIMWIRE_RUNNING,
					 .pid = 43}},
				{.container = {.id = "old.1",
					 .state = SHIMWIRE_ENDED,
					 .code = 137,
					 .signal = 9,
					 .oom = 1,
					 .finished_wall = 5}},
			},
	};

	reply(&message, sizeof(message));
}

static void begin(void)
{
	struct shimwire_hello hello;

	begin_unlisted();
	expect("hello", SHIMWIRE_HELLO, &hello, sizeof(hello));
	reply_result(hello.header.seq, 0, "");
	dispatch();
	expect("list", SHIMWIRE_LIST, &hello, sizeof(hello));
	reply_list(hello.header.seq);
	dispatch();
}

static void finish(void)
{
	int fds[] = {listener, peer, seen.in, seen.out, seen.err};

	shim = shim_free(shim);
	sd_event_unref(loop);
	for (size_t i = 0; i < COUNT(fds); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	*strrchr(dir, '/') = '\0';
	fs_remove(dir, NULL);
}

TEST(adopting_lists_what_the_shim_holds)
{
	begin();
	CHECK_EQ("told once", seen.calls, 1);
	CHECK_EQ("result", seen.result, 0);
	CHECK_EQ("pause", seen.pid, 42);
	CHECK_EQ("containers", seen.count, 2);
	CHECK_STR("the first", seen.first, "web.0");
	CHECK_STR("the second has ended", seen.exit.id, "old.1");
	CHECK_EQ("its code", seen.exit.code, 137);
	CHECK("by the OOM killer", seen.exit.oom);
	CHECK_EQ("the shim's pid is the peer's", shim_pid(shim), getpid());
	finish();
}

TEST(adopting_where_no_shim_is_fails_at_once)
{
	struct err err;

	listen_in_dir();
	sd_event_new(&loop);
	close(listener);
	CHECK_FAILS("nobody listens", shim_adopt(loop, dir, &events, on_listed, NULL, &shim, &err),
		ECONNREFUSED, &err, SHIMWIRE_SOCKET);
	*strrchr(dir, '/') = '\0';
	fs_remove(dir, NULL);
	CHECK_FAILS("no directory", shim_adopt(loop, dir, &events, on_listed, NULL, &shim, &err),
		ENOENT, &err, dir);
	sd_event_unref(loop);
}

TEST(a_version_the_shim_does_not_speak_is_an_error)
{
	struct shimwire_hello hello;

	begin_unlisted();
	expect("hello", SHIMWIRE_HELLO, &hello, sizeof(hello));
	CHECK("a range is offered", hello.version_min <= hello.version_max);
	reply_result(hello.header.seq, -EPROTONOSUPPORT, "this shim speaks version 9");
	dispatch();
	CHECK_EQ("result", seen.result, -EPROTONOSUPPORT);
	finish();
}

TEST(answers_find_their_request_in_any_order)
{
	struct shimwire_id first, second;

	begin();
	seen.calls = 0;
	CHECK_EQ("send", shim_start_container(shim, "web.0", on_done, NULL), 0);
	CHECK_EQ("send", shim_delete(shim, "old.1", on_done, NULL), 0);
	expect("start", SHIMWIRE_START, &first, sizeof(first));
	expect("delete", SHIMWIRE_DELETE, &second, sizeof(second));
	CHECK_STR("id", second.id, "old.1");
	reply_result(second.header.seq, -EIO, "the runtime says no");
	dispatch();
	CHECK_EQ("the second failed", seen.result, -EIO);
	CHECK_STR("with its reason", seen.reason, "the runtime says no");
	reply_result(first.header.seq, 0, "");
	dispatch();
	CHECK_EQ("the first did not", seen.result, 0);
	CHECK_EQ("each once", seen.calls, 2);
	reply_result(first.header.seq, -EIO, "again");
	dispatch();
	CHECK_EQ("an answer too many is nobody's", seen.calls, 2);
	finish();
}

TEST(an_exit_is_an_event)
{
	struct shimwire_exited event = {
		.header.type = SHIMWIRE_EXITED,
		.container = {.id = "web.0", .state = SHIMWIRE_ENDED, .code = 3},
	};

	begin();
	reply(&event, sizeof(event));
	dispatch();
	CHECK_STR("id", seen.exit.id, "web.0");
	CHECK_EQ("code", seen.exit.code, 3);
	finish();
}

static __u32 exec_begin(__u32 *ret_exec)
{
	static const char *const argv[] = {"cat", "a b", NULL};
	struct shim_exec_spec spec = {.container = "web.0", .argv = argv, .with_stdin = true};
	struct shim_exec_events exec = {.started = on_started, .ended = on_ended};
	struct {
		struct shimwire_exec exec;
		char argv[64];
	} message;
	struct err err;

	CHECK_OK("send", shim_exec(shim, &spec, &exec, ret_exec, &err), &err);
	expect("exec", SHIMWIRE_EXEC, &message, sizeof(message));
	CHECK_EQ("arguments", message.exec.argc, 2);
	CHECK_STR("the second", message.argv + 4, "a b");
	CHECK_EQ("stdin", message.exec.flags, SHIMWIRE_EXEC_STDIN);
	return message.exec.header.seq;
}

static void reply_pipes(__u32 seq, size_t count)
{
	struct shimwire_answer answer = {.header = {.seq = seq, .type = SHIMWIRE_ANSWER}};
	union {
		char space[CMSG_SPACE(4 * sizeof(int))];
		struct cmsghdr align;
	} control = {0};
	struct iovec piece = {&answer, sizeof(answer)};
	struct msghdr header = {.msg_iov = &piece,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = CMSG_SPACE(count * sizeof(int))};
	struct cmsghdr *c = CMSG_FIRSTHDR(&header);
	int fds[4];

	for (size_t i = 0; i < COUNT(fds); i++)
		fds[i] = open("/dev/null", O_RDWR | O_CLOEXEC);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(count * sizeof(int));
	memcpy(CMSG_DATA(c), fds, count * sizeof(int));
	if (sendmsg(peer, &header, 0) < 0)
		BAIL("sendmsg");
	for (size_t i = 0; i < COUNT(fds); i++)
		close(fds[i]);
}

TEST(an_exec_hands_over_its_pipes_and_later_its_code)
{
	struct shimwire_exec_ended ended = {.header.type = SHIMWIRE_EXEC_ENDED, .code = 7};
	__u32 exec, seq;

	begin();
	seq = exec_begin(&exec);
	CHECK_EQ("its name is its seq", exec, seq);
	reply_pipes(seq, 3);
	dispatch();
	CHECK("stdin, stdout, stderr", seen.in >= 0 && seen.out >= 0 && seen.err >= 0);
	CHECK("they end with exec", fcntl(seen.out, F_GETFD) == FD_CLOEXEC);
	ended.exec = seq;
	reply(&ended, sizeof(ended));
	dispatch();
	CHECK_EQ("code", seen.code, 7);
	seen.calls = 0;
	reply(&ended, sizeof(ended));
	dispatch();
	CHECK_EQ("it ends once", seen.calls, 0);
	finish();
}

TEST(an_exec_without_pipes_is_an_error)
{
	__u32 exec;

	begin();
	reply_pipes(exec_begin(&exec), 1);
	dispatch();
	CHECK_EQ("code", seen.code, -EBADMSG);
	CHECK_EQ("nothing is handed over", seen.out, -1);
	finish();
}

static unsigned descriptors_count(void)
{
	unsigned count = 0;

	for (int fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

TEST(a_descriptor_too_many_is_not_leaked)
{
	unsigned before;
	__u32 exec;

	begin();
	before = descriptors_count();
	reply_pipes(exec_begin(&exec), 4);
	dispatch();
	CHECK("stdin, stdout, stderr", seen.in >= 0 && seen.out >= 0 && seen.err >= 0);
	CHECK_EQ("and no other", descriptors_count(), before + 3);
	finish();
}

TEST(a_killed_exec_is_not_heard_of_again)
{
	struct shimwire_exec_ended ended = {.header.type = SHIMWIRE_EXEC_ENDED};
	struct shimwire_exec_kill kill_message;
	__u32 exec;

	begin();
	reply_pipes(exec_begin(&exec), 3);
	dispatch();
	seen.calls = 0;
	shim_exec_kill(shim, exec);
	expect("kill", SHIMWIRE_EXEC_KILL, &kill_message, sizeof(kill_message));
	CHECK_EQ("which", kill_message.exec, exec);
	ended.exec = exec;
	reply(&ended, sizeof(ended));
	dispatch();
	CHECK_EQ("no event", seen.calls, 0);
	finish();
}

TEST(a_lost_shim_fails_all_who_wait_and_then_says_so)
{
	__u32 exec;

	begin();
	reply_pipes(exec_begin(&exec), 3);
	dispatch();
	shim_delete(shim, "old.1", on_done, NULL);
	seen.calls = 0;
	close(peer);
	peer = -1;
	dispatch();
	CHECK_EQ("exec and delete", seen.calls, 2);
	CHECK_EQ("the exec's code", seen.code, -EPIPE);
	CHECK_EQ("the delete's result", seen.result, -EPIPE);
	CHECK_EQ("lost once", seen.lost, 1);
	CHECK_EQ("later requests fail at once", shim_delete(shim, "x", on_done, NULL), -EPIPE);
	finish();
}

static void free_in_callback(void *userdata, int result, const char *reason)
{
	on_done(userdata, result, reason);
	shim = shim_free(shim);
}

TEST(a_callback_may_free_the_client)
{
	struct shimwire_id request;

	begin();
	shim_delete(shim, "old.1", free_in_callback, NULL);
	shim_delete(shim, "web.0", free_in_callback, NULL);
	expect("delete", SHIMWIRE_DELETE, &request, sizeof(request));
	seen.calls = 0;
	reply_result(request.header.seq, 0, "");
	dispatch();
	CHECK_EQ("called", seen.calls, 1);
	finish();

	begin();
	shim_delete(shim, "old.1", free_in_callback, NULL);
	shim_delete(shim, "web.0", free_in_callback, NULL);
	seen.calls = seen.lost = 0;
	close(peer);
	peer = -1;
	dispatch();
	CHECK_EQ("nobody else is called when it is freed while it is being lost", seen.calls, 1);
	CHECK_EQ("nor lost", seen.lost, 0);
	finish();
}

TEST(nonsense_from_the_shim_is_survived)
{
	struct shimwire_hello hello;
	struct shimwire_answer answer = {
		.header = {.type = SHIMWIRE_ANSWER},
		.count = 3,
		.item_offset = sizeof(answer),
		.item_size = 128,
	};

	begin_unlisted();
	expect("hello", SHIMWIRE_HELLO, &hello, sizeof(hello));
	reply("x", 1);
	dispatch();
	reply_result(hello.header.seq, 0, "");
	dispatch();
	expect("list", SHIMWIRE_LIST, &hello, sizeof(hello));
	answer.header.seq = hello.header.seq;
	reply(&answer, sizeof(answer));
	dispatch();
	CHECK_EQ("a list behind the end of its message", seen.result, -EBADMSG);
	finish();
}

TEST(a_result_that_means_nothing_is_a_failure)
{
	struct shimwire_hello hello;

	begin_unlisted();
	expect("hello", SHIMWIRE_HELLO, &hello, sizeof(hello));
	reply_result(hello.header.seq, 1, "");
	dispatch();
	CHECK_EQ("listed", seen.calls, 1);
	CHECK_EQ("result", seen.result, -EBADMSG);
	finish();
}

TEST(an_exec_that_is_answered_twice_still_ends)
{
	struct shimwire_exec_ended ended = {.header.type = SHIMWIRE_EXEC_ENDED, .code = 7};
	__u32 exec;

	begin();
	ended.exec = exec_begin(&exec);
	reply_pipes(exec, 3);
	dispatch();
	reply_result(exec, 0, "");
	dispatch();
	reply(&ended, sizeof(ended));
	dispatch();
	CHECK_EQ("code", seen.code, 7);
	finish();
}

TEST(the_end_of_what_is_no_exec_takes_no_answer_away)
{
	struct shimwire_exec_ended ended = {.header.type = SHIMWIRE_EXEC_ENDED};
	struct shimwire_id start;

	begin();
	CHECK_EQ("send", shim_start_container(shim, "web.0", on_done, NULL), 0);
	expect("start", SHIMWIRE_START, &start, sizeof(start));
	seen.calls = 0;
	ended.exec = start.header.seq;
	reply(&ended, sizeof(ended));
	dispatch();
	CHECK_EQ("not answered", seen.calls, 0);
	reply_result(start.header.seq, -ENOENT, "no such container");
	dispatch();
	CHECK_EQ("answered", seen.result, -ENOENT);
	finish();
}

TEST(what_does_not_fit_into_a_message_is_refused)
{
	char *argv[] = {NULL, NULL};
	struct shim_exec_spec spec = {.container = "web.0", .argv = (const char *const *)argv};
	struct shim_exec_events exec = {.started = on_started, .ended = on_ended};
	AUTO_FREE char *text = malloc(SHIMWIRE_MESSAGE_MAX + 1);
	struct err err;
	__u32 number;

	begin();
	memset(text, 'x', SHIMWIRE_MESSAGE_MAX);
	text[SHIMWIRE_MESSAGE_MAX] = '\0';
	CHECK_FAILS("no argument", shim_exec(shim, &spec, &exec, &number, &err), EINVAL, &err,
		"without arguments");
	argv[0] = text;
	CHECK_FAILS("a long argument", shim_exec(shim, &spec, &exec, &number, &err), E2BIG, &err,
		"longer than");
	CHECK_EQ("a long id", shim_delete(shim, text, on_done, NULL), -ENAMETOOLONG);
	finish();
}

TEST(an_exit_record_is_read_and_a_damaged_one_told_from_a_missing_one)
{
	static const char json[] = "{\"id\":\"a.0\",\"code\":137,\"signal\":9,\"oom\":true,"
				   "\"started\":1000000,\"finished\":2000000}";
	char path[300], exits[280];
	struct shim_exit e;
	struct err err;

	begin();
	snprintf(exits, sizeof(exits), "%s/%s", dir, SHIMWIRE_EXIT_DIR);
	snprintf(path, sizeof(path), "%s/a.0", exits);
	mkdir(exits, 0700);
	CHECK_FAILS("missing", shim_exit_read(dir, "a.0", &e, &err), ENOENT, &err, path);
	record_write(path, "exit", json, strlen(json), FS_VOLATILE, NULL);
	CHECK_OK("present", shim_exit_read(dir, "a.0", &e, &err), &err);
	CHECK_STR("id", e.id, "a.0");
	CHECK_EQ("code", e.code, 137);
	CHECK_EQ("signal", e.signal, 9);
	CHECK("oom", e.oom);
	CHECK_EQ("finished", e.finished_wall, 2000000);
	fs_replace(path, "rubbish", 7, 0600, FS_VOLATILE, NULL);
	CHECK_FAILS("damaged", shim_exit_read(dir, "a.0", &e, &err), EBADMSG, &err, "damaged");
	finish();
}
