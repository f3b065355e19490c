// SPDX-License-Identifier: Apache-2.0
/* Payloads of records, as another version may have written them: a Pod's, and a container's exit. */
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/base/fs.h"
#include "user/base/record.h"
#include "user/node/podrecord.h"
#include "user/node/shim.h"

static struct pod_observed observed_make(size_t count)
{
	struct container containers[8] = {{0}};
	const struct pod pod = {.containers = containers, .container_count = count};
	struct pod_observed observed;

	if (observed_init(&pod, 0, &observed) < 0)
		fuzz_broken("malloc", "");
	return observed;
}

static void read_observed(const json_t *record)
{
	size_t count = json_array_size(json_object_get(record, "containers"));
	struct pod_observed first = observed_make(count < 8 ? count : 8);
	struct pod_observed second = observed_make(first.count);
	AUTO_JSON once = NULL;
	AUTO_JSON twice = NULL;
	struct err err;

	if (podrecord_decode(record, &first, &err) == 0) {
		once = podrecord_encode(&first);
		FUZZ_CHECK("what was decoded can be encoded", once);
		if (podrecord_decode(once, &second, &err) < 0)
			fuzz_broken("it decodes again", err.text);
		twice = podrecord_encode(&second);
		FUZZ_CHECK("it stays the same", json_equal(once, twice));
	}
	observed_free(&first);
	observed_free(&second);
}

static void read_files(const char *text, size_t len)
{
	struct pod *pod = NULL;
	struct shim_exit exit;
	uint64_t created;
	struct err err;

	if (record_write("pod", "pod", text, len, FS_VOLATILE, &err) < 0 ||
		fs_mkdir("exit", 0700, &err) < 0 ||
		record_write("exit/web.0", "exit", text, len, FS_VOLATILE, &err) < 0)
		fuzz_broken("write records", err.text);
	if (podrecord_read_admitted(".", &pod, &created, &err) == 0)
		pod_free(pod);
	if (shim_exit_read(".", "web.0", &exit, &err) == 0)
		FUZZ_CHECK("an id is terminated", memchr(exit.id, '\0', sizeof(exit.id)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE char *text = fuzz_string((struct fuzz_input){(const char *)data, size});
	AUTO_JSON record = NULL;
	struct err err;

	if (json_parse(text, size, "record", &record, &err) < 0)
		return 0;
	read_observed(record);
	read_files(text, size);
	return 0;
}
