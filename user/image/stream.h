/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A layer's blob on its way: bytes from a pipe are hashed, decompressed (gzip, zstd or plain) and hashed
 * again, without ever being stored.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "user/image/digest.h"

struct err;
struct stream;

struct stream_source {
	int fd;		     /* borrowed */
	uint64_t size;	     /* the blob's bytes; one more is an error */
	uint64_t max_plain;  /* bytes it may have when decompressed */
	uint64_t stall_usec; /* give up when nothing came for so long; 0: never */
};

/* Reads nothing yet.  The caller owns *@ret. */
int stream_open(const struct stream_source *source, struct stream **ret, struct err *err);
struct stream *stream_free(struct stream *stream);

/* The next piece of the decompressed: its length, 0 at the end.  *@ret is valid until the next call. */
ssize_t stream_read(struct stream *stream, const void **ret, struct err *err);

/* Reads what is left of both forms and tells the digests of the blob and of the decompressed. */
int stream_finish(struct stream *stream, char ret_digest[DIGEST_SIZE],
	char ret_diff_id[DIGEST_SIZE], struct err *err);

/* True when the source has nothing more: whoever fills the pipe can tell how that ended. */
bool stream_ended(const struct stream *stream);
