// SPDX-License-Identifier: Apache-2.0
/* A record's file as a crash or a foreign hand may leave it. */
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/base/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE char *text = NULL, *again = NULL;
	size_t len, again_len;
	bool this_boot;
	struct err err;

	fuzz_file("record", (struct fuzz_input){(const char *)data, size});
	if (record_read("record", "pod", &text, &len, &this_boot, &err) < 0)
		return 0;
	FUZZ_CHECK("the payload is terminated", text[len] == '\0');
	if (record_write("again", "pod", text, len, FS_VOLATILE, &err) < 0 ||
		record_read("again", "pod", &again, &again_len, &this_boot, &err) < 0)
		fuzz_broken("what was read can be written", err.text);
	FUZZ_CHECK("it stays the same",
		len == again_len && memcmp(text, again, len) == 0 && this_boot);
	return 0;
}
