// SPDX-License-Identifier: Apache-2.0
#include "user/base/record.h"

#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <zlib.h>

#include "user/base/cleanup.h"
#include "user/base/clock.h"
#include "user/base/err.h"

#define RECORD_HEADER_MAX 160
#define ASIDE		  ".damaged"

int record_write(const char *path, const char *kind, const void *payload, size_t len,
	enum fs_durability durability, struct err *err)
{
	AUTO_FREE char *file = malloc(RECORD_HEADER_MAX + len);
	int head;

	if (!file)
		return err_set(err, ENOMEM, "write record '%s'", path);
	head = snprintf(file, RECORD_HEADER_MAX, "podnet-record %d %s %08lx %zu %s\n",
		RECORD_VERSION, kind, crc32(0, payload, (uInt)len), len, clock_boot_id());
	memcpy(file + head, payload, len);
	return fs_replace(path, file, (size_t)head + len, 0600, durability, err);
}

int record_read(const char *path, const char *kind, char **ret, size_t *ret_len,
	bool *ret_this_boot, struct err *err)
{
	AUTO_FREE char *file = NULL;
	char got_kind[32], boot[40] = "";
	unsigned long crc;
	size_t size, len, head;
	unsigned version;
	char *line_end;
	int r;

	r = fs_read(path, RECORD_MAX + RECORD_HEADER_MAX, &file, &size, err);
	if (r < 0)
		return r;
	line_end = memchr(file, '\n', size < RECORD_HEADER_MAX ? size : RECORD_HEADER_MAX);
	if (!line_end)
		return err_refuse(err, EBADMSG, "record '%s' is damaged: no header", path);
	head = (size_t)(line_end - file) + 1;
	*line_end = '\0';
	if (sscanf(file, "podnet-record %u %31s %lx %zu %39s", &version, got_kind, &crc, &len,
		    boot) < 4)
		return err_refuse(err, EBADMSG, "record '%s' is damaged: bad header", path);
	if (version > RECORD_VERSION)
		return err_refuse(err, EPROTONOSUPPORT,
			"record '%s' has format %u, this program reads up to %d", path, version,
			RECORD_VERSION);
	if (strcmp(got_kind, kind) != 0)
		return err_refuse(err, EBADMSG, "record '%s' is damaged: it holds '%s', not '%s'",
			path, got_kind, kind);
	if (len != size - head)
		return err_refuse(err, EBADMSG, "record '%s' is damaged: %zu bytes instead of %zu",
			path, size - head, len);
	if (crc32(0, (const Bytef *)file + head, (uInt)len) != crc)
		return err_refuse(err, EBADMSG, "record '%s' is damaged: wrong checksum", path);

	memmove(file, file + head, len);
	file[len] = '\0';
	if (ret_len)
		*ret_len = len;
	if (ret_this_boot)
		*ret_this_boot = boot[0] && strcmp(boot, clock_boot_id()) == 0;
	*ret = take_ptr(file);
	return 0;
}

int record_set_aside(const char *path, struct err *err)
{
	char aside[PATH_MAX];

	if (snprintf(aside, sizeof(aside), "%s" ASIDE, path) >= (int)sizeof(aside))
		return err_set(err, ENAMETOOLONG, "set aside '%s'", path);
	if (rename(path, aside) < 0)
		return err_set(err, errno, "set aside '%s'", path);
	return 0;
}

bool record_is_aside(const char *name)
{
	size_t len = strlen(name);

	return len > strlen(ASIDE) && strcmp(name + len - strlen(ASIDE), ASIDE) == 0;
}
