// SPDX-License-Identifier: Apache-2.0
/* Requests for certificates, and bootstrap tokens, among what is followed. */
#include <string.h>

#include "user/base/clock.h"
#include "user/control/issue.h"
#include "user/control/owned.h"
#include "user/control/state.h"

static struct issue issue_of(const struct controller *controller)
{
	const struct control_config *config = &controller->control->config;

	return (struct issue){
		.requests = control_objects(controller->control, FOLLOWED_CERTIFICATE_REQUESTS),
		.tokens = control_objects(controller->control, FOLLOWED_BOOTSTRAP_TOKENS),
		.authority = {.text = (char *)config->ca, .key = (char *)config->ca_key},
		.seconds = config->certificate_seconds,
		.now = (int64_t)(clock_wall() / USEC_PER_SEC),
	};
}

/* --- requests: a key is the user who asks --- */

static void requests_changed(
	struct controller *controller, enum followed kind, const json_t *object)
{
	if (kind == FOLLOWED_CERTIFICATE_REQUESTS)
		controller_look(controller,
			json_string_at(json_object_get(object, "spec"), "username", ""));
}

static int requests_plan(
	const struct controller *controller, const char *key, struct requests *plan)
{
	struct issue issue = issue_of(controller);

	return issue_plan(&issue, key, plan);
}

const struct controller_kind controller_certificates = {
	.name = "certificate-controller",
	.changed = requests_changed,
	.plan = requests_plan,
};

/* --- tokens: a key is the Secret's --- */

static void tokens_changed(struct controller *controller, enum followed kind, const json_t *object)
{
	const char *user = json_string_at(json_object_get(object, "spec"), "username", "");
	char of_token[ISSUE_USER_MAX];
	const char *key;
	json_t *token;

	if (kind == FOLLOWED_BOOTSTRAP_TOKENS)
		controller_look_at(controller, object);
	if (kind != FOLLOWED_CERTIFICATE_REQUESTS)
		return;
	json_object_foreach (
		(json_t *)control_objects(controller->control, FOLLOWED_BOOTSTRAP_TOKENS), key,
		token) {
		issue_token_user(token, of_token);
		if (strcmp(of_token, user) == 0)
			controller_look(controller, key);
	}
}

static int tokens_plan(const struct controller *controller, const char *key, struct requests *plan)
{
	struct issue issue = issue_of(controller);

	return issue_token_plan(&issue, key, plan);
}

const struct controller_kind controller_tokens = {
	.name = "token-cleaner",
	.changed = tokens_changed,
	.plan = tokens_plan,
};
