// SPDX-License-Identifier: Apache-2.0
/* Image references: the normal form is a reference, and normal. */
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/image/reference.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE char *text = fuzz_string((struct fuzz_input){(const char *)data, size});
	struct reference first, second;
	struct err err;

	if (reference_parse(text, &first, &err) < 0)
		return 0;
	if (reference_parse(first.text, &second, &err) < 0)
		fuzz_broken("the normal form is a reference", err.text);
	FUZZ_CHECK("it is normal", strcmp(first.text, second.text) == 0);
	FUZZ_CHECK("its source stays", strcmp(first.source, second.source) == 0);
	FUZZ_CHECK("it can be said to skopeo", !strpbrk(first.source, " \t\r\n\"\\"));
	return 0;
}
