// SPDX-License-Identifier: Apache-2.0
/* Selectors: the text of a label selector is one, and selects the same. */
#include "tests/fuzz/fuzz.h"
#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/model/kinds.h"
#include "user/model/selector.h"

static void try_labels(const char *text, const json_t *labels)
{
	struct label_selector *first, *second;
	AUTO_FREE char *written = NULL;
	struct err err;

	if (label_selector_parse(text, &first, &err) < 0)
		return;
	written = label_selector_text(first);
	FUZZ_CHECK("the text is a selector", label_selector_parse(written, &second, &err) == 0);
	FUZZ_CHECK("it selects the same",
		label_selector_matches(first, labels) == label_selector_matches(second, labels));
	label_selector_free(first);
	label_selector_free(second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE char *text = fuzz_string((struct fuzz_input){(const char *)data, size});
	AUTO_JSON labels = json_pack("{ss ss}", "a", "b", "n", "4");
	struct field_selector *fields;
	struct err err;

	try_labels(text, labels);
	if (field_selector_parse(text, kind_by_type("v1", "Pod"), &fields, &err) == 0) {
		field_selector_matches(fields, labels);
		field_selector_free(fields);
	}
	return 0;
}
