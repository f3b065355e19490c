// SPDX-License-Identifier: Apache-2.0
#include "tests/check.h"

#include <signal.h>

#include "user/shim/request.h"

static struct request request;

static struct shimwire_create create_message(void)
{
	return (struct shimwire_create){
		.header = {.seq = 7, .type = SHIMWIRE_CREATE},
		.id = "web.0",
		.bundle = "/run/b",
		.log = "/var/log/l",
	};
}

struct exec_message {
	struct shimwire_exec exec;
	char argv[16];
};

static struct exec_message exec_message(void)
{
	return (struct exec_message){
		.exec =
			{
				.header = {.seq = 9, .type = SHIMWIRE_EXEC},
				.id = "web.0",
				.timeout_usec = 5000,
				.flags = SHIMWIRE_EXEC_STDIN,
				.argv_offset = sizeof(struct shimwire_exec),
				.argv_size = 8,
				.argc = 3,
			},
		.argv = "sh\0-c\0\0",
	};
}

TEST(a_create_request_is_read)
{
	struct shimwire_create message = create_message();

	CHECK_EQ("it is accepted", request_parse(&message, sizeof(message), &request), 0);
	CHECK_EQ("seq", request.header.seq, 7);
	CHECK_STR("id", request.create.id, "web.0");
	CHECK_STR("bundle", request.create.bundle, "/run/b");
	CHECK_STR("log", request.create.log, "/var/log/l");
}

TEST(an_exec_request_is_read)
{
	struct exec_message message = exec_message();

	CHECK_EQ("it is accepted", request_parse(&message, sizeof(message), &request), 0);
	CHECK_STR("first argument", request.exec.argv[0], "sh");
	CHECK_STR("second argument", request.exec.argv[1], "-c");
	CHECK_STR("an empty argument", request.exec.argv[2], "");
	CHECK("the end", request.exec.argv[3] == NULL);
	CHECK("stdin is wanted", request.exec.with_stdin);
	CHECK_EQ("time", request.exec.timeout_usec, 5000);
}

/* Each prefix is copied to an allocation of its size, so that a sanitizer sees a read behind it. */
static int parse_prefix(const void *message, size_t size)
{
	AUTO_FREE char *copy = malloc(size ? size : 1);

	memcpy(copy, message, size);
	return request_parse(copy, size, &request);
}

static void check_prefixes(const char *what, const void *message, size_t full, size_t size)
{
	for (size_t i = 0; i < full; i++) {
		int want = i < sizeof(struct shimwire_header) ? -EBADMSG : -EINVAL;

		if (!CHECK_EQ(what, parse_prefix(message, i), want))
			return;
	}
	for (size_t i = full; i <= size; i++)
		if (!CHECK_EQ(what, parse_prefix(message, i), 0))
			return;
}

TEST(every_truncation_is_refused_and_every_extension_accepted)
{
	struct {
		struct shimwire_create create;
		char more[32];
	} create = {.create = create_message()};
	struct exec_message exec = exec_message();
	struct {
		struct shimwire_signal signal;
		char more[32];
	} signal = {
		.signal = {.header.type = SHIMWIRE_SIGNAL, .id = "a", .signo = SIGTERM},
	};
	struct {
		struct shimwire_hello hello;
		char more[32];
	} hello = {.hello = {.header.type = SHIMWIRE_HELLO}};
	struct {
		struct shimwire_attach attach;
		char more[32];
	} attach = {.attach = {.header.type = SHIMWIRE_ATTACH, .id = "a"}};

	check_prefixes("create", &create, SHIMWIRE_CREATE_LEAST, sizeof(create));
	check_prefixes("attach", &attach, sizeof(attach.attach), sizeof(attach));
	check_prefixes("exec", &exec, sizeof(exec.exec) + exec.exec.argv_size, sizeof(exec));
	check_prefixes("signal", &signal, sizeof(signal.signal), sizeof(signal));
	check_prefixes("hello", &hello, sizeof(hello.hello), sizeof(hello));
}

TEST(a_create_of_the_first_clients_has_no_flags)
{
	struct shimwire_create create = create_message();

	create.flags = SHIMWIRE_CREATE_STDIN | SHIMWIRE_CREATE_TTY;
	CHECK_EQ("read", request_parse(&create, sizeof(create), &request), 0);
	CHECK_EQ("today's", request.create.flags, create.flags);
	CHECK_EQ("read", request_parse(&create, SHIMWIRE_CREATE_LEAST, &request), 0);
	CHECK_EQ("theirs", request.create.flags, 0);
}

TEST(arguments_cannot_point_outside_of_the_message)
{
	static const struct {
		const char *what;
		unsigned offset, size, argc;
	} cases[] = {
		{"offset before the body", 8, 8, 1},
		{"offset behind the end", sizeof(struct exec_message) + 1, 0, 1},
		{"size behind the end", sizeof(struct shimwire_exec), 17, 1},
		{"offset and size that wrap", sizeof(struct shimwire_exec), 0xffffffff, 1},
		{"an offset that wraps", 0xfffffff0, 0x20, 1},
		{"more arguments than strings", sizeof(struct shimwire_exec), 8, 5},
		{"a last argument without an end", sizeof(struct shimwire_exec), 2, 1},
		{"no argument", sizeof(struct shimwire_exec), 8, 0},
		{"too many arguments", sizeof(struct shimwire_exec), 8, SHIMWIRE_ARGS_MAX + 1},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct exec_message message = exec_message();

		message.exec.argv_offset = cases[i].offset;
		message.exec.argv_size = cases[i].size;
		message.exec.argc = cases[i].argc;
		CHECK_EQ(cases[i].what, parse_prefix(&message, sizeof(message)), -EINVAL);
	}
}

TEST(ids_become_names_of_files_and_are_checked)
{
	static const struct {
		const char *id;
		int want;
	} cases[] = {
		{"web.0", 0},
		{"a", 0},
		{"A_b-9.12", 0},
		{"", -EINVAL},
		{".", -EINVAL},
		{"..", -EINVAL},
		{".hidden", -EINVAL},
		{"-option", -EINVAL},
		{"a/b", -EINVAL},
		{"a b", -EINVAL},
		{"a\"b", -EINVAL},
		{"\xc3\xa4", -EINVAL},
	};
	struct shimwire_id message = {.header.type = SHIMWIRE_START};

	for (size_t i = 0; i < COUNT(cases); i++) {
		memset(message.id, 0, sizeof(message.id));
		strcpy(message.id, cases[i].id);
		CHECK_EQ(cases[i].id, request_parse(&message, sizeof(message), &request),
			cases[i].want);
	}
	memset(message.id, 'x', sizeof(message.id));
	CHECK_EQ("an id without an end", request_parse(&message, sizeof(message), &request),
		-EINVAL);
}

TEST(paths_and_signals_are_checked)
{
	struct shimwire_create create = create_message();
	struct shimwire_signal signal = {.header.type = SHIMWIRE_SIGNAL, .id = "a"};

	create.bundle[0] = 'r';
	CHECK_EQ("a relative path", request_parse(&create, sizeof(create), &request), -EINVAL);
	memset(create.bundle, '/', sizeof(create.bundle));
	CHECK_EQ(
		"a path without an end", request_parse(&create, sizeof(create), &request), -EINVAL);
	CHECK_EQ("signal 0", request_parse(&signal, sizeof(signal), &request), -EINVAL);
	signal.signo = NSIG;
	CHECK_EQ("a signal too high", request_parse(&signal, sizeof(signal), &request), -EINVAL);
}

TEST(unknown_requests_can_be_answered)
{
	static const __u32 types[] = {0, SHIMWIRE_RESIZE, SHIMWIRE_ANSWER, 4711};

	for (size_t i = 0; i < COUNT(types); i++) {
		struct shimwire_header message = {.seq = 5, .type = types[i]};

		CHECK_EQ("ENOSYS", request_parse(&message, sizeof(message), &request), -ENOSYS);
		CHECK_EQ("its seq is known", request.header.seq, 5);
	}
}

TEST(a_message_that_was_cut_by_the_socket_is_refused)
{
	static char message[SHIMWIRE_MESSAGE_MAX];

	((struct shimwire_header *)message)->type = SHIMWIRE_LIST;
	CHECK_EQ("the largest", request_parse(message, sizeof(message), &request), 0);
	CHECK_EQ("one byte more", request_parse(message, sizeof(message) + 1, &request), -EMSGSIZE);
}
