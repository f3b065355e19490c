// SPDX-License-Identifier: Apache-2.0
/* Protobuf bodies: what can be read can be written, and reads as the same. */
#include "tests/fuzz/fuzz.h"
#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/model/codec_protobuf.h"
#include "user/model/kinds.h"

static void try_kind(const uint8_t *data, size_t size, const struct kind *kind)
{
	AUTO_JSON object = NULL;
	AUTO_JSON again = NULL;
	AUTO_FREE void *written = NULL;
	size_t len = 0;
	struct err err;

	if (codec_protobuf_decode(data, size, kind->message, &object, &err) < 0)
		return;
	FUZZ_CHECK("what was read can be written",
		codec_protobuf_encode(object, kind->message, &written, &len, &err) == 0);
	FUZZ_CHECK("what was written can be read",
		codec_protobuf_decode(written, len, kind->message, &again, &err) == 0);
	FUZZ_CHECK("it is the same", json_equal(object, again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char api_version[PROTOBUF_TYPE_LEN], kind_name[PROTOBUF_TYPE_LEN];
	const struct kind *kind;
	struct err err;

	if (codec_protobuf_type(data, size, api_version, kind_name, &err) < 0)
		return 0;
	kind = kind_by_type(api_version, kind_name);
	try_kind(data, size, kind ? kind : kind_by_type("v1", "Pod"));
	return 0;
}
