// SPDX-License-Identifier: Apache-2.0
/* Quantities: the canonical text is a quantity, the same one, and canonical. */
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "user/base/cleanup.h"
#include "user/model/quantity.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE char *text = fuzz_string((struct fuzz_input){(const char *)data, size});
	char canonical[QUANTITY_TEXT_LEN], again[QUANTITY_TEXT_LEN];
	struct quantity first, second;
	int64_t number;

	if (quantity_parse(text, &first) < 0)
		return 0;
	quantity_milli(&first, &number);
	quantity_units(&first, &number);
	quantity_text(&first, canonical);
	FUZZ_CHECK("the canonical text is a quantity", quantity_parse(canonical, &second) == 0);
	FUZZ_CHECK("it is the same quantity, or rounded up where 64 bits do not hold it",
		first.nano == second.nano ||
			(first.nano != (int64_t)first.nano && first.nano < second.nano));
	quantity_text(&second, again);
	FUZZ_CHECK("it stays as it is", strcmp(canonical, again) == 0);
	return 0;
}
