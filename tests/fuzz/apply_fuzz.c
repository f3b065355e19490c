// SPDX-License-Identifier: Apache-2.0
/* Server-side apply: a Pod as it is stored, a zero byte, what somebody applies to it. */
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/model/codec_json.h"
#include "user/model/fields.h"
#include "user/model/managed.h"
#include "user/model/schema.h"

static const struct schema_message *const message = &schema_pod;

/* As the server reads a body. */
static json_t *read_part(struct fuzz_input part)
{
	AUTO_JSON problems = NULL;
	json_t *object = NULL;
	struct err err;

	if (codec_json_decode(part.data, part.size, message, &object, &problems, &err) < 0)
		return NULL;
	return object;
}

static struct managed_by by_name(const char *manager, bool force)
{
	return (struct managed_by){.manager = manager,
		.api_version = "v1",
		.subresource = "",
		.now = "2026-01-02T03:04:05Z",
		.force = force};
}

/* Whoever applies by force gets what is asked for, and the second time changes nothing. */
static void check_forced(const json_t *live, const json_t *applied)
{
	struct managed_by by = by_name("fuzz", true);
	AUTO_JSON once = NULL;
	AUTO_JSON twice = NULL;
	AUTO_JSON conflicts = NULL;
	AUTO_JSON again = NULL;
	AUTO_JSON laid_over = NULL;

	if (managed_apply(live, applied, &by, message, &once, &conflicts) < 0)
		return;
	FUZZ_CHECK("force knows no conflict", once && json_array_size(conflicts) == 0);
	laid_over = fields_merge(once, applied, message);
	FUZZ_CHECK("all that was applied is there", json_equal(laid_over, once));
	if (managed_apply(once, applied, &by, message, &twice, &again) == 0)
		FUZZ_CHECK("twice is as once", json_equal(once, twice));
}

/* Whoever does not use force changes nothing that is another's. */
static void check_asked(const json_t *live, const json_t *applied)
{
	struct managed_by by = by_name("another", false);
	AUTO_JSON result = NULL;
	AUTO_JSON conflicts = NULL;

	if (managed_apply(live, applied, &by, message, &result, &conflicts) == 0)
		FUZZ_CHECK("a result or conflicts", !result == (json_array_size(conflicts) > 0));
	if (result && managed_update(result, live, &by, message) < 0)
		return;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {(const char *)data, size};
	AUTO_JSON live = read_part(fuzz_part(&input, '\0'));
	AUTO_JSON applied = read_part(input);
	AUTO_JSON live_before = json_deep_copy(live);
	AUTO_JSON applied_before = json_deep_copy(applied);

	if (!live || !applied || fields_repeated(applied, message))
		return 0;
	check_forced(live, applied);
	check_asked(live, applied);
	FUZZ_CHECK("the object stays as it is", json_equal(live, live_before));
	FUZZ_CHECK("so does what is applied", json_equal(applied, applied_before));
	return 0;
}
