// SPDX-License-Identifier: Apache-2.0
#include "user/image/stream.h"

#include <archive.h>
#include <archive_entry.h>
#include <sys/mman.h>

#include "tests/check.h"
#include "user/base/clock.h"

#define DATA_SIZE (300u << 10) /* several pieces */

enum packing { PLAIN, GZIP, ZSTD };

/* Bytes that do not compress to nothing, the same each time. */
static const char *data_make(void)
{
	static char data[DATA_SIZE];
	uint32_t state = 1;

	for (size_t i = 0; i < sizeof(data); i++) {
		state = state * 1664525 + 1013904223;
		data[i] = (char)(state >> 24 & 0x3f);
	}
	return data;
}

static int blob_make(enum packing packing)
{
	int fd = memfd_create("blob", MFD_CLOEXEC);
	struct archive *archive = archive_write_new();
	struct archive_entry *entry = archive_entry_new();

	archive_write_set_format_raw(archive);
	if (packing == GZIP)
		archive_write_add_filter_gzip(archive);
	if (packing == ZSTD)
		archive_write_add_filter_zstd(archive);
	archive_write_set_bytes_in_last_block(archive, 1);
	archive_entry_set_filetype(entry, AE_IFREG);
	if (fd < 0 || archive_write_open_fd(archive, fd) != ARCHIVE_OK ||
		archive_write_header(archive, entry) != ARCHIVE_OK ||
		archive_write_data(archive, data_make(), DATA_SIZE) != DATA_SIZE ||
		archive_write_free(archive) != ARCHIVE_OK || lseek(fd, 0, SEEK_SET) != 0)
		BAIL("cannot make a blob");
	archive_entry_free(entry);
	return fd;
}

/* What a blob turned out to be. */
struct result {
	char digest[DIGEST_SIZE], diff_id[DIGEST_SIZE];
	size_t len;
	bool same; /* as the data made above */
	bool ended;
};

static int stream_all(const struct stream_source *source, struct result *ret, struct err *err)
{
	struct stream *stream;
	const void *piece;
	ssize_t n;
	int r = stream_open(source, &stream, err);

	if (r < 0)
		return r;
	*ret = (struct result){.same = true};
	while ((n = stream_read(stream, &piece, err)) > 0) {
		ret->same = ret->same && ret->len + (size_t)n <= DATA_SIZE &&
			    memcmp(data_make() + ret->len, piece, (size_t)n) == 0;
		ret->len += (size_t)n;
	}
	r = n < 0 ? (int)n : stream_finish(stream, ret->digest, ret->diff_id, err);
	ret->ended = stream_ended(stream);
	stream_free(stream);
	return r;
}

TEST(each_packing_gives_the_data_and_both_digests)
{
	static const char *const names[] = {"plain", "gzip", "zstd"};
	char want[DIGEST_SIZE], blob_digest[DIGEST_SIZE];
	static char blob[2 * DATA_SIZE];

	digest_of(data_make(), DATA_SIZE, want);
	for (enum packing packing = PLAIN; packing <= ZSTD; packing++) {
		AUTO_FD fd = blob_make(packing);
		ssize_t size = pread(fd, blob, sizeof(blob), 0);
		struct result result;
		struct err err;

		if (!CHECK_OK(names[packing],
			    stream_all(&(struct stream_source){.fd = fd,
					       .size = (uint64_t)size,
					       .max_plain = DATA_SIZE},
				    &result, &err),
			    &err))
			continue;
		digest_of(blob, (size_t)size, blob_digest);
		CHECK_EQ(names[packing], result.len, DATA_SIZE);
		CHECK(names[packing], result.same);
		CHECK_STR(names[packing], result.diff_id, want);
		CHECK_STR(names[packing], result.digest, blob_digest);
		CHECK(names[packing], result.ended);
	}
}

TEST(limits_and_damage_are_noticed)
{
	static const struct {
		const char *what;
		enum packing packing;
		off_t cut, flip; /* keep so many bytes; change that byte; 0: do not */
		uint64_t size, max_plain;
		int code;
		const char *part;
	} cases[] = {
		{"a blob longer than it says", GZIP, 0, 0, 1000, DATA_SIZE, EBADMSG,
			"more than the 1000 bytes"},
		{"more data than allowed", ZSTD, 0, 0, 2 * DATA_SIZE, DATA_SIZE - 1, EFBIG,
			"larger than the limit"},
		{"plain data beyond the limit", PLAIN, 0, 0, 2 * DATA_SIZE, 1000, EFBIG,
			"larger than the limit"},
		{"gzip cut short", GZIP, 100000, 0, 2 * DATA_SIZE, DATA_SIZE, EBADMSG, "truncated"},
		{"gzip cut in its header", GZIP, 5, 0, 2 * DATA_SIZE, DATA_SIZE, 0, NULL},
		{"gzip with a wrong byte", GZIP, 0, 200, 2 * DATA_SIZE, 2 * DATA_SIZE, EBADMSG,
			"layer: "},
		{"zstd cut short", ZSTD, 100000, 0, 2 * DATA_SIZE, DATA_SIZE, EBADMSG, "layer: "},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		AUTO_FD fd = blob_make(cases[i].packing);
		struct result result;
		struct err err = {0};
		int r;

		if ((cases[i].cut && ftruncate(fd, cases[i].cut) < 0) ||
			(cases[i].flip && pwrite(fd, "\xff\xff", 2, cases[i].flip) != 2))
			BAIL("cannot damage a blob");
		r = stream_all(
			&(struct stream_source){
				.fd = fd, .size = cases[i].size, .max_plain = cases[i].max_plain},
			&result, &err);
		if (cases[i].code)
			CHECK_FAILS(cases[i].what, r, cases[i].code, &err, cases[i].part);
		else /* too short for a magic number: plain bytes, which the diff id gives away */
			CHECK("not the data", r == 0 && result.len == (size_t)cases[i].cut);
	}
}

TEST(what_follows_the_compressed_data_counts_for_the_digest)
{
	AUTO_FD fd = blob_make(ZSTD);
	off_t end = lseek(fd, 0, SEEK_END);
	struct result before, after;
	struct err err = {0};

	lseek(fd, 0, SEEK_SET);
	stream_all(&(struct stream_source){.fd = fd, .size = (uint64_t)end, .max_plain = DATA_SIZE},
		&before, &err);
	if (pwrite(fd, "\x50\x2a\x4d\x18\4\0\0\0abcd", 12, end) != 12) /* a frame zstd skips */
		BAIL("pwrite");
	lseek(fd, 0, SEEK_SET);
	if (!CHECK_OK("it is read",
		    stream_all(
			    &(struct stream_source){
				    .fd = fd, .size = (uint64_t)end + 12, .max_plain = DATA_SIZE},
			    &after, &err),
		    &err))
		return;
	CHECK_STR("the same data", after.diff_id, before.diff_id);
	CHECK("another blob", strcmp(after.digest, before.digest) != 0);
}

TEST(a_source_that_stalls_is_given_up)
{
	uint64_t before = clock_now();
	struct result result;
	struct err err = {0};
	int fds[2], r;

	if (pipe(fds) < 0)
		BAIL("pipe");
	r = stream_all(&(struct stream_source){.fd = fds[0],
			       .size = 10,
			       .max_plain = 10,
			       .stall_usec = 50 * USEC_PER_MSEC},
		&result, &err);
	CHECK("it fails", r < 0);
	CHECK_HAS("and says why", err.text, "no data for");
	CHECK("not before the time is over", clock_now() - before >= 50 * USEC_PER_MSEC);
	CHECK("its end was not seen", !result.ended);
	close(fds[0]);
	close(fds[1]);
}
