// SPDX-License-Identifier: Apache-2.0
/* Manifests, YAML and JSON: read, decoded, and what was decoded once decodes again to the same. */
#include <stdlib.h>

#include "tests/fuzz/fuzz.h"
#include "user/base/cleanup.h"
#include "user/model/manifest.h"
#include "user/model/place.h"
#include "user/model/service.h"

static void check_pod(const struct object *object)
{
	struct err err;
	struct pod *pod = NULL;

	if (pod_decode(object, &pod, &err) < 0)
		return;
	pod_qos(pod);
	for (size_t i = 0; i < pod->container_count; i++) {
		const struct container *container = &pod->containers[i];

		if (container->readiness)
			container_port_number(container, &container->readiness->handler.port);
	}
	pod_free(pod);
}

static void check_service(const struct object *object)
{
	struct service *service = NULL;
	struct err err;

	if (service_decode(object, &service, &err) < 0)
		return;
	selector_matches(service->selector, object->meta.labels);
	service_free(service);
}

static void check_object(const struct object *object)
{
	AUTO_JSON again = json_deep_copy(object->json);
	struct object *second = NULL;
	struct err err;

	if (object_decode(again, PLACE_ROOT(NULL), &second, &err) < 0)
		fuzz_broken("an object decodes again", err.text);
	FUZZ_CHECK("an object decodes again to the same", json_equal(again, object->json));
	object_free(second);
	if (object->kind == KIND_POD)
		check_pod(object);
	else if (object->kind == KIND_SERVICE)
		check_service(object);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE char *text = fuzz_string((struct fuzz_input){(const char *)data, size});
	struct manifest *manifest = NULL;
	struct err err;

	if (manifest_read(text, size, &manifest, &err) < 0)
		fuzz_broken("only memory fails", err.text);
	for (size_t i = 0; i < manifest->count; i++)
		if (manifest->documents[i].object)
			check_object(manifest->documents[i].object);
	manifest_free(manifest);
	return 0;
}
