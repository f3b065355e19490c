// SPDX-License-Identifier: Apache-2.0
/* Patches: an object, a zero byte, a patch.  Whatever they are, the object stays as it is. */
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/model/patch.h"
#include "user/model/schema.h"

static json_t *read_part(struct fuzz_input part)
{
	return json_loadb(part.data, part.size, 0, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {(const char *)data, size};
	AUTO_JSON object = read_part(fuzz_part(&input, '\0'));
	AUTO_JSON patch = read_part(input);
	AUTO_JSON before = json_deep_copy(object);
	AUTO_JSON merged = NULL;
	AUTO_JSON twice = NULL;
	AUTO_JSON edited = NULL;
	AUTO_JSON strategic = NULL;
	struct err err;

	if (!json_is_object(object) || !patch)
		return 0;
	if (patch_merge(object, patch, &merged, &err) == 0) {
		FUZZ_CHECK(
			"a merge twice can be made", patch_merge(merged, patch, &twice, &err) == 0);
		FUZZ_CHECK("it is as once", json_equal(merged, twice));
	}
	patch_json(object, patch, &edited, &err);
	patch_strategic(object, patch, &schema_pod, &strategic, &err);
	FUZZ_CHECK("the object stays as it is", json_equal(object, before));
	return 0;
}
