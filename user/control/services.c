// SPDX-License-Identifier: Apache-2.0
/* Services and what stands behind them, among what is followed.  Each key is the Service's. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/control/endpoint.h"
#include "user/control/endpoints.h"
#include "user/control/owned.h"
#include "user/control/state.h"

static const json_t *service_of(const struct controller *controller, const char *key)
{
	return json_object_get(control_objects(controller->control, FOLLOWED_SERVICES), key);
}

/* The Services that @pod stands behind. */
static void look_before(struct controller *controller, const json_t *pod)
{
	const char *key;
	json_t *service;

	json_object_foreach (
		(json_t *)control_objects(controller->control, FOLLOWED_SERVICES), key, service)
		if (service_selects(service) && service_has_pod(service, pod))
			controller_look(controller, key);
}

/* The Service whose slice this is. */
static void look_at_service(struct controller *controller, const json_t *slice)
{
	const json_t *labels = json_object_get(json_object_get(slice, "metadata"), "labels");
	char key[INFORMER_KEY_MAX];

	snprintf(key, sizeof(key), "%s/%s", meta_text(slice, "namespace"),
		json_string_at(labels, SLICE_SERVICE, ""));
	controller_look(controller, key);
}

static void slices_changed(struct controller *controller, enum followed kind, const json_t *object)
{
	if (kind == FOLLOWED_SERVICES)
		controller_look_at(controller, object);
	else if (kind == FOLLOWED_PODS)
		look_before(controller, object);
	else if (kind == FOLLOWED_SLICES)
		look_at_service(controller, object);
}

static int service_slices_plan(
	const struct controller *controller, const char *key, struct requests *plan)
{
	const json_t *service = service_of(controller, key);
	struct endpoint_view view = {
		.pods = control_objects(controller->control, FOLLOWED_PODS),
		.nodes = control_objects(controller->control, FOLLOWED_NODES),
		.slices = control_objects(controller->control, FOLLOWED_SLICES),
	};

	return service ? slices_plan(service, &view, plan) : 0;
}

const struct controller_kind controller_slices = {
	.name = "endpoint-slice-controller",
	.changed = slices_changed,
	.plan = service_slices_plan,
};

static void endpoints_changed(
	struct controller *controller, enum followed kind, const json_t *object)
{
	if (kind == FOLLOWED_SERVICES || kind == FOLLOWED_ENDPOINTS)
		controller_look_at(controller, object);
	else if (kind == FOLLOWED_PODS)
		look_before(controller, object);
}

static int service_endpoints_plan(
	const struct controller *controller, const char *key, struct requests *plan)
{
	const struct control *control = controller->control;

	return endpoints_plan(service_of(controller, key),
		json_object_get(control_objects(control, FOLLOWED_ENDPOINTS), key),
		control_objects(control, FOLLOWED_PODS), plan);
}

const struct controller_kind controller_endpoints = {
	.name = "endpoint-controller",
	.changed = endpoints_changed,
	.plan = service_endpoints_plan,
};

static void mirror_changed(struct controller *controller, enum followed kind, const json_t *object)
{
	const json_t *labels = json_object_get(json_object_get(object, "metadata"), "labels");

	if (kind == FOLLOWED_SERVICES || kind == FOLLOWED_ENDPOINTS)
		controller_look_at(controller, object);
	else if (kind == FOLLOWED_SLICES &&
		 strcmp(json_string_at(labels, SLICE_MANAGER, ""), SLICE_MIRROR) == 0)
		look_at_service(controller, object);
}

static int service_mirror_plan(
	const struct controller *controller, const char *key, struct requests *plan)
{
	const struct control *control = controller->control;
	const char *name = strchr(key, '/') + 1;
	AUTO_FREE char *namespace = strndup(key, (size_t)(name - key) - 1);

	return namespace
		       ? mirror_plan(namespace, name, service_of(controller, key),
				 json_object_get(control_objects(control, FOLLOWED_ENDPOINTS), key),
				 control_objects(control, FOLLOWED_SLICES), plan)
		       : -ENOMEM;
}

const struct controller_kind controller_mirror = {
	.name = "endpoint-slice-mirroring-controller",
	.changed = mirror_changed,
	.plan = service_mirror_plan,
};
