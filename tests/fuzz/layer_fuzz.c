// SPDX-License-Identifier: Apache-2.0
/* A layer's blob, unpacked: nothing appears beside its directory (tests/fuzz/run sees to what is farther). */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "tests/fuzz/fuzz.h"
#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/base/fs.h"
#include "user/image/stream.h"
#include "user/image/unpack.h"

#define MAX_BYTES (1u << 20)
#define MAX_FILES 50

static int blob_make(const uint8_t *data, size_t size)
{
	int fd = memfd_create("layer", MFD_CLOEXEC);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size || lseek(fd, 0, SEEK_SET) != 0)
		fuzz_broken("make a blob", strerror(errno));
	return fd;
}

static void check_alone(const char *path, const char *name)
{
	AUTO_DIR dir = opendir(path);
	struct dirent *entry;

	if (!dir)
		fuzz_broken("open a directory", strerror(errno));
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.' || strlen(entry->d_name) > 2)
			FUZZ_CHECK("nothing leaves the layer", strcmp(entry->d_name, name) == 0);
}

static void unpack(int blob, size_t size)
{
	struct unpack_budget budget = {.bytes = MAX_BYTES, .files = MAX_FILES};
	const struct stream_source source = {.fd = blob, .size = size, .max_plain = MAX_BYTES};
	AUTO_FD root = open("top/layer/fs", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char digest[DIGEST_SIZE], diff_id[DIGEST_SIZE];
	struct stream *stream;
	struct err err;

	if (root < 0 || stream_open(&source, &stream, &err) < 0)
		fuzz_broken("set up", strerror(errno));
	if (unpack_layer(stream, root, &budget, &err) == 0 &&
		stream_finish(stream, digest, diff_id, &err) == 0)
		FUZZ_CHECK(
			"digests are digests", digest_is_valid(digest) && digest_is_valid(diff_id));
	stream_free(stream);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FD blob = blob_make(data, size);
	struct err err;

	if (fs_mkdir("top/layer/fs", 0755, &err) < 0)
		fuzz_broken("set up", err.text);
	unpack(blob, size);
	check_alone("top", "layer");
	check_alone("top/layer", "fs");
	if (fs_remove("top", &err) < 0)
		fuzz_broken("what was unpacked can be removed", err.text);
	return 0;
}
