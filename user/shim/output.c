// SPDX-License-Identifier: Apache-2.0
#include "user/shim/output.h"

#include <errno.h>
#include <unistd.h>

#include "user/shim/attach.h"
#include "user/shim/container.h"

/* A process that outlives its container could refill the pipe for ever. */
#define OUTPUT_DRAIN_MAX (2u << 20) /* bytes */

/* As read(2): 0 at the end. */
static ssize_t output_read(struct container_output *output)
{
	static char chunk[32768];
	struct timespec now;
	ssize_t n = read(output->source.fd, chunk, sizeof(chunk));

	/* A terminal that nobody holds any more. */
	if (n < 0 && errno == EIO)
		return 0;
	if (n <= 0)
		return n;
	clock_gettime(CLOCK_REALTIME, &now);
	crilog_feed(&output->stream, chunk, (size_t)n, &now);
	if (output->container->attaches)
		attach_feed(output->container, output->is_err, chunk, (size_t)n);
	return n;
}

static void output_ready(struct source *source)
{
	struct container_output *output = CONTAINER_OF(source, struct container_output, source);

	if (output_read(output) == 0)
		output_close(output);
}

int output_watch(struct reactor *reactor, struct container_output *output, int fd, struct err *err)
{
	return source_add(reactor, &output->source, fd, output_ready, err);
}

void output_drain(struct container_output *output)
{
	size_t taken = 0;
	ssize_t n = 1;

	while (output->source.fd >= 0 && n > 0 && taken < OUTPUT_DRAIN_MAX) {
		n = output_read(output);
		if (n == 0)
			output_close(output);
		else if (n > 0)
			taken += (size_t)n;
	}
}

void output_close(struct container_output *output)
{
	struct timespec now;

	if (output->source.fd < 0)
		return;
	source_close(&output->source);
	clock_gettime(CLOCK_REALTIME, &now);
	crilog_end(&output->stream, &now);
}
