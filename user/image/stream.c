// SPDX-License-Identifier: Apache-2.0
#include "user/image/stream.h"

#include <archive.h>
#include <archive_entry.h>
#include <inttypes.h>
#include <poll.h>

#include "user/base/cleanup.h"
#include "user/base/clock.h"
#include "user/base/err.h"

#define STREAM_CHUNK (64u << 10)

struct stream {
	struct stream_source source;
	struct archive *filter; /* decompresses; its "archive" is one raw file */
	struct sha256_ctx blob, plain;
	uint64_t blob_bytes, plain_bytes;
	bool begun, ended;
	bool empty; /* not even a first byte when decompressed */
	char chunk[STREAM_CHUNK];
};

/* The next bytes of the blob into the chunk: their number, 0 at the end. */
static ssize_t stream_fill(struct stream *stream, struct err *err)
{
	const struct stream_source *source = &stream->source;
	struct pollfd poll_fd = {.fd = source->fd, .events = POLLIN};
	int timeout = source->stall_usec ? (int)(source->stall_usec / USEC_PER_MSEC) : -1;
	ssize_t n;

	do {
		n = poll(&poll_fd, 1, timeout);
	} while (n < 0 && errno == EINTR);
	if (n == 0)
		return err_refuse(err, ETIMEDOUT, "no data for %" PRIu64 " s",
			source->stall_usec / USEC_PER_SEC);
	if (n > 0)
		n = read(source->fd, stream->chunk, sizeof(stream->chunk));
	if (n < 0)
		return err_set(err, errno, "read a layer");
	if (n == 0)
		stream->ended = true;
	stream->blob_bytes += (size_t)n;
	if (stream->blob_bytes > source->size)
		return err_refuse(err, EBADMSG,
			"a layer has more than the %" PRIu64 " bytes its manifest says",
			source->size);
	sha256_update(&stream->blob, (size_t)n, (const uint8_t *)stream->chunk);
	return n;
}

static la_ssize_t filter_read(struct archive *filter, void *userdata, const void **ret)
{
	struct stream *stream = userdata;
	struct err err;
	ssize_t n = stream_fill(stream, &err);

	if (n < 0) {
		archive_set_error(filter, err.code, "%s", err.text);
		return ARCHIVE_FATAL;
	}
	*ret = stream->chunk;
	return n;
}

/* Only what the specification names: libarchive would also start programs for exotic formats. */
static int filter_open(struct stream *stream, struct err *err)
{
	struct archive *filter = stream->filter;
	struct archive_entry *entry;

	stream->begun = true;
	if (archive_read_support_filter_gzip(filter) != ARCHIVE_OK ||
		archive_read_support_filter_zstd(filter) != ARCHIVE_OK ||
		archive_read_support_format_raw(filter) != ARCHIVE_OK ||
		archive_read_support_format_empty(filter) != ARCHIVE_OK)
		return err_refuse(err, ENOSYS, "libarchive lacks gzip or zstd: %s",
			archive_error_string(filter));
	if (archive_read_open(filter, stream, NULL, filter_read, NULL) != ARCHIVE_OK)
		return err_refuse(err, EBADMSG, "layer: %s", archive_error_string(filter));
	switch (archive_read_next_header(filter, &entry)) {
	case ARCHIVE_OK: return 0;
	case ARCHIVE_EOF: stream->empty = true; return 0;
	default: return err_refuse(err, EBADMSG, "layer: %s", archive_error_string(filter));
	}
}

int stream_open(const struct stream_source *source, struct stream **ret, struct err *err)
{
	struct stream *stream = calloc(1, sizeof(*stream));

	if (!stream)
		return err_set(err, ENOMEM, "open a layer");
	stream->source = *source;
	sha256_init(&stream->blob);
	sha256_init(&stream->plain);
	stream->filter = archive_read_new();
	if (!stream->filter) {
		stream_free(stream);
		return err_set(err, ENOMEM, "open a layer");
	}
	*ret = stream;
	return 0;
}

struct stream *stream_free(struct stream *stream)
{
	if (!stream)
		return NULL;
	archive_read_free(stream->filter);
	free(stream);
	return NULL;
}

ssize_t stream_read(struct stream *stream, const void **ret, struct err *err)
{
	la_int64_t offset;
	size_t len = 0;

	if (!stream->begun && filter_open(stream, err) < 0)
		return -err->code;
	if (stream->empty)
		return 0;
	switch (archive_read_data_block(stream->filter, ret, &len, &offset)) {
	case ARCHIVE_EOF: return 0;
	case ARCHIVE_OK: break;
	default: return err_refuse(err, EBADMSG, "layer: %s", archive_error_string(stream->filter));
	}
	stream->plain_bytes += len;
	if (stream->plain_bytes > stream->source.max_plain)
		return err_refuse(err, EFBIG,
			"image is larger than the limit, %" PRIu64 " bytes left",
			stream->source.max_plain);
	sha256_update(&stream->plain, len, *ret);
	return (ssize_t)len;
}

int stream_finish(struct stream *stream, char ret_digest[DIGEST_SIZE],
	char ret_diff_id[DIGEST_SIZE], struct err *err)
{
	const void *data;
	ssize_t n;

	/* The diff id covers the padding behind the tar's end, the digest what follows the last frame. */
	do {
		n = stream_read(stream, &data, err);
	} while (n > 0);
	while (n == 0 && !stream->ended)
		n = stream_fill(stream, err) < 0 ? -err->code : 0;
	if (n < 0)
		return (int)n;
	digest_finish(&stream->blob, ret_digest);
	digest_finish(&stream->plain, ret_diff_id);
	return 0;
}

bool stream_ended(const struct stream *stream)
{
	return stream->ended;
}
