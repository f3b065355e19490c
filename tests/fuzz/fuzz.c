// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "user/base/cleanup.h"

void fuzz_broken(const char *what, const char *reason)
{
	fprintf(stderr, "fuzz: broken: %s %s\n", what, reason);
	abort();
}

uint8_t fuzz_byte(struct fuzz_input *input)
{
	if (!input->size)
		return 0;
	input->size--;
	return (uint8_t)*input->data++;
}

struct fuzz_input fuzz_part(struct fuzz_input *input, char separator)
{
	const char *end = input->size ? memchr(input->data, separator, input->size) : NULL;
	struct fuzz_input part = {input->data, end ? (size_t)(end - input->data) : input->size};

	if (end) {
		input->size -= part.size + 1;
		input->data = end + 1;
	} else {
		*input = (struct fuzz_input){"", 0};
	}
	return part;
}

char *fuzz_string(struct fuzz_input input)
{
	char *text = malloc(input.size + 1);

	if (!text)
		fuzz_broken("malloc", strerror(errno));
	if (input.size)
		memcpy(text, input.data, input.size);
	text[input.size] = '\0';
	return text;
}

void fuzz_file(const char *path, struct fuzz_input input)
{
	AUTO_FD fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, input.data, input.size) != (ssize_t)input.size)
		fuzz_broken("write a file", strerror(errno));
}

void fuzz_send(int fd, struct fuzz_input input)
{
	while (input.size) {
		ssize_t n = send(fd, input.data, input.size, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n <= 0)
			return;
		input.data += n;
		input.size -= (size_t)n;
	}
}

void fuzz_packet(int fd, struct fuzz_input *input)
{
	int fds[4] = {fd, fd, fd, fd};
	union {
		char space[CMSG_SPACE(sizeof(fds))];
		struct cmsghdr align;
	} control = {{0}};
	size_t count = fuzz_byte(input) % 5, size = fuzz_byte(input) | fuzz_byte(input) << 8;
	struct iovec piece = {(char *)input->data, size < input->size ? size : input->size};
	struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};

	if (count) {
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(count * sizeof(int));
		control.align = (struct cmsghdr){.cmsg_level = SOL_SOCKET,
			.cmsg_type = SCM_RIGHTS,
			.cmsg_len = CMSG_LEN(count * sizeof(int))};
		memcpy(CMSG_DATA(&control.align), fds, count * sizeof(int));
	}
	if (piece.iov_len)
		sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	input->data += piece.iov_len;
	input->size -= piece.iov_len;
}

void fuzz_loop(sd_event *loop)
{
	int r;

	do {
		r = sd_event_run(loop, 0);
	} while (r > 0);
	if (r < 0)
		fuzz_broken("run the loop", strerror(-r));
}
