// SPDX-License-Identifier: Apache-2.0
/* What a registry says of an image: manifest, 0x1e, configuration. */
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/image/manifest_oci.h"

static void check_layers(const struct oci_image *image)
{
	FUZZ_CHECK("layers have a limit", image->count <= OCI_LAYERS_MAX);
	for (size_t i = 0; i < image->count; i++)
		FUZZ_CHECK("a layer has its digests",
			digest_is_valid(image->layers[i].digest) &&
				digest_is_valid(image->layers[i].diff_id));
}

static void check_runtime(const json_t *runtime)
{
	static const char *const keys[] = {"entrypoint", "cmd", "env"};

	for (size_t i = 0; i < COUNT(keys); i++) {
		json_t *list = json_object_get(runtime, keys[i]), *entry;
		size_t index;

		FUZZ_CHECK("a list is always there", json_is_array(list));
		json_array_foreach (list, index, entry)
			FUZZ_CHECK("it holds strings", json_is_string(entry));
	}
	FUZZ_CHECK(
		"strings are always there", json_string_at(runtime, "user", NULL) &&
						    json_string_at(runtime, "workingDir", NULL) &&
						    json_string_at(runtime, "stopSignal", NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {(const char *)data, size}, part = fuzz_part(&input, 0x1e);
	AUTO_FREE char *manifest = fuzz_string(part), *config = fuzz_string(input);
	AUTO_JSON runtime = NULL;
	static struct oci_image image;
	struct err err;

	if (oci_manifest_parse(manifest, part.size, &image, &err) < 0 ||
		oci_config_parse(config, input.size, &image, &runtime, &err) < 0)
		return 0;
	check_layers(&image);
	check_runtime(runtime);
	return 0;
}
