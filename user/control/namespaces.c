// SPDX-License-Identifier: Apache-2.0
/* Namespaces among what is followed.  Each key is the namespace's. */
#include <stdio.h>
#include <string.h>

#include "user/control/namespace.h"
#include "user/control/owned.h"
#include "user/control/state.h"

static const json_t *namespace_of(const struct controller *controller, const char *key)
{
	return json_object_get(control_objects(controller->control, FOLLOWED_NAMESPACES), key);
}

/* The namespace that @object is in. */
static void look_around(struct controller *controller, const json_t *object)
{
	char key[INFORMER_KEY_MAX];

	snprintf(key, sizeof(key), "/%s", meta_text(object, "namespace"));
	controller_look(controller, key);
}

/* --- life --- */

/* Pods take their time to go; all else is looked after by trying again. */
static void namespaces_changed(
	struct controller *controller, enum followed kind, const json_t *object)
{
	const json_t *namespace;

	if (kind == FOLLOWED_NAMESPACES && meta_is_deleting(object))
		controller_look_at(controller, object);
	if (kind != FOLLOWED_PODS)
		return;
	namespace = control_object(
		controller->control, FOLLOWED_NAMESPACES, "", meta_text(object, "namespace"));
	if (namespace && meta_is_deleting(namespace) &&
		!control_object(controller->control, FOLLOWED_PODS, meta_text(object, "namespace"),
			meta_text(object, "name")))
		controller_look_at(controller, namespace);
}

static int namespaces_plan(
	const struct controller *controller, const char *key, struct requests *plan)
{
	const json_t *namespace = namespace_of(controller, key);

	return namespace ? namespace_plan(namespace, plan) : 0;
}

const struct controller_kind controller_namespaces = {
	.name = "namespace-controller",
	.changed = namespaces_changed,
	.plan = namespaces_plan,
};

/* --- the service account of each --- */

static void accounts_changed(
	struct controller *controller, enum followed kind, const json_t *object)
{
	if (kind == FOLLOWED_NAMESPACES)
		controller_look_at(controller, object);
	else if (kind == FOLLOWED_SERVICE_ACCOUNTS)
		look_around(controller, object);
}

static int accounts_plan(
	const struct controller *controller, const char *key, struct requests *plan)
{
	const json_t *namespace = namespace_of(controller, key);

	return namespace ? namespace_account_plan(namespace,
				   control_object(controller->control, FOLLOWED_SERVICE_ACCOUNTS,
					   meta_text(namespace, "name"), "default"),
				   plan)
			 : 0;
}

const struct controller_kind controller_service_accounts = {
	.name = "serviceaccount-controller",
	.changed = accounts_changed,
	.plan = accounts_plan,
};

/* --- and the certificates by which Pods know the API server --- */

static void certificates_changed(
	struct controller *controller, enum followed kind, const json_t *object)
{
	if (kind == FOLLOWED_NAMESPACES)
		controller_look_at(controller, object);
	else if (kind == FOLLOWED_ROOT_CERTIFICATES)
		look_around(controller, object);
}

static int certificates_plan(
	const struct controller *controller, const char *key, struct requests *plan)
{
	const json_t *namespace = namespace_of(controller, key);
	const char *ca = controller->control->config.ca;

	return namespace && ca
		       ? namespace_certificate_plan(namespace,
				 control_object(controller->control, FOLLOWED_ROOT_CERTIFICATES,
					 meta_text(namespace, "name"), ROOT_CERTIFICATE),
				 ca, plan)
		       : 0;
}

const struct controller_kind controller_root_certificates = {
	.name = "root-ca-certificate-publisher-controller",
	.changed = certificates_changed,
	.plan = certificates_plan,
};
