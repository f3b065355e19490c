// SPDX-License-Identifier: Apache-2.0
#include "user/control/issue.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/base64.h"
#include "user/base/cleanup.h"
#include "user/base/clock.h"
#include "user/base/err.h"
#include "user/control/issuerules.h"
#include "user/control/owned.h"
#include "user/control/requests.h"
#include "user/model/age.h"
#include "user/pki/request.h"

#define GROUP	     "certificates.k8s.io"
#define PLURAL	     "certificatesigningrequests"
#define PENDING_LIFE (24 * 3600) /* seconds: as upstream */
#define DECIDED_LIFE 3600
#define USED_LIFE    60 /* so long who has used a token may still look for his certificate */

/* --- looking at a request --- */

static const json_t *condition_of(const json_t *request, const char *type)
{
	const json_t *conditions =
		json_object_get(json_object_get(request, "status"), "conditions");
	json_t *condition;
	size_t i;

	json_array_foreach ((json_t *)conditions, i, condition)
		if (strcmp(json_string_at(condition, "type", ""), type) == 0)
			return condition;
	return NULL;
}

static bool is_issued(const json_t *request)
{
	return json_string_at(json_object_get(request, "status"), "certificate", "")[0];
}

static const char *user_of(const json_t *request)
{
	return json_string_at(json_object_get(request, "spec"), "username", "");
}

/* NULL: it has not ended. */
static const json_t *last_condition(const json_t *request)
{
	static const char *const types[] = {"Failed", "Denied", "Approved"};
	const json_t *condition = NULL;

	for (size_t i = 0; i < COUNT(types) && !condition; i++)
		condition = condition_of(request, types[i]);
	return condition;
}

static int64_t forgotten_at(const json_t *request)
{
	const json_t *condition = last_condition(request);
	int64_t since = age_parse(json_string_at(condition, "lastUpdateTime", ""));

	if (!condition || !since)
		return age_parse(meta_text(request, "creationTimestamp")) + PENDING_LIFE;
	return since + DECIDED_LIFE;
}

/* --- writing --- */

static char *target_of(const json_t *request, const char *sub)
{
	return request_target(GROUP, "v1", NULL, PLURAL, meta_text(request, "name"), sub);
}

static void again_in(int64_t seconds, struct requests *plan)
{
	requests_again(plan,
		clock_now() + (seconds > 0 ? (uint64_t)seconds * USEC_PER_SEC : USEC_PER_SEC));
}

/* The whole object goes back: with another revision than it had it is not what was looked at. */
static json_t *with_condition(
	const json_t *request, const char *type, const char *reason, const char *message)
{
	json_t *copy = json_deep_copy(request), *status = json_object_get(copy, "status");
	json_t *conditions;

	if (copy && !status) {
		status = json_object();
		json_object_set_new(copy, "status", status);
	}
	conditions = json_object_get(status, "conditions");
	if (status && !conditions) {
		conditions = json_array();
		json_object_set_new(status, "conditions", conditions);
	}
	if (json_array_append_new(
		    conditions, json_pack("{s:s, s:s, s:s, s:o}", "type", type, "status", "True",
					"reason", reason, "message", json_any_text(message))) == 0)
		return copy;
	json_decref(copy);
	return NULL;
}

static void decide(const json_t *request, const char *type, const char *reason, const char *message,
	struct requests *plan)
{
	requests_update(plan, target_of(request, "approval"),
		with_condition(request, type, reason, message));
}

static void fail(const json_t *request, const char *message, struct requests *plan)
{
	requests_update(plan, target_of(request, "status"),
		with_condition(request, "Failed", "SignerValidationFailure", message));
}

static void deliver(const json_t *request, const char *certificate, struct requests *plan)
{
	AUTO_FREE char *encoded = base64_encode(certificate, strlen(certificate));
	json_t *copy = encoded ? json_deep_copy(request) : NULL;

	json_object_set_new(json_object_get(copy, "status"), "certificate", json_string(encoded));
	requests_update(plan, target_of(request, "status"), copy);
}

/* --- signing --- */

static bool has_usage(const json_t *request, const char *usage)
{
	return json_array_has(json_object_get(json_object_get(request, "spec"), "usages"), usage);
}

static int64_t life_of(const struct issue *issue, const json_t *request)
{
	int64_t asked = json_integer_at(
		json_object_get(request, "spec"), "expirationSeconds", issue->seconds);

	return asked < issue->seconds ? asked : issue->seconds;
}

static int sign(
	const struct issue *issue, const json_t *request, const char *text, struct requests *plan)
{
	bool serving = issuerules_signer(request) == ISSUE_SERVING;
	AUTO_FREE char *certificate = NULL;
	struct err err;
	int r = certificate_request_sign(text, &issue->authority,
		serving ? CERTIFICATE_SERVER : CERTIFICATE_CLIENT,
		has_usage(request, "key encipherment"), life_of(issue, request), &certificate,
		&err);

	if (r == -ENOMEM)
		return r;
	if (r < 0)
		fail(request, err.text, plan);
	else
		deliver(request, certificate, plan);
	return 0;
}

/* --- approving --- */

static const json_t *token_of(const struct issue *issue, const char *user)
{
	char of_token[ISSUE_USER_MAX];
	const char *key;
	json_t *token;

	json_object_foreach ((json_t *)issue->tokens, key, token) {
		issue_token_user(token, of_token);
		if (strcmp(of_token, user) == 0)
			return token;
	}
	return NULL;
}

static bool is_for_one(const json_t *token)
{
	const char *once = json_string_at(json_object_get(token, "data"), ISSUE_ONCE, "");

	return strcmp(once, "dHJ1ZQ==") == 0; /* true */
}

/* The request that @user's token was used for; NULL: it may be used (still). */
static const json_t *used_for(const struct issue *issue, const char *user, const json_t *request)
{
	const char *key;
	json_t *other;

	if (!is_for_one(token_of(issue, user)))
		return NULL;
	json_object_foreach ((json_t *)issue->requests, key, other)
		if (other != request && strcmp(user_of(other), user) == 0 &&
			condition_of(other, "Approved"))
			return other;
	return NULL;
}

/* Sets *@approved once: what is written here is not yet seen in issue->requests. */
static void approve(
	const struct issue *issue, const json_t *request, bool *approved, struct requests *plan)
{
	const char *user = user_of(request), *message = issuerules_approval(request);
	const json_t *other;
	char why[400];

	if (!message)
		return;
	other = used_for(issue, user, request);
	if (!other && !(*approved && is_for_one(token_of(issue, user)))) {
		decide(request, "Approved", "AutoApproved", message, plan);
		*approved = true;
		return;
	}
	snprintf(why, sizeof(why), "the bootstrap token was used%s%.253s", other ? " by " : "",
		other ? meta_text(other, "name") : " already");
	decide(request, "Denied", "TokenUsed", why, plan);
}

/* --- all requests of a user --- */

static int request_plan(
	const struct issue *issue, const json_t *request, bool *approved, struct requests *plan)
{
	AUTO_CLEANUP(certificate_request_clear) struct certificate_request asked = {0};
	const char *encoded = json_string_at(json_object_get(request, "spec"), "request", "");
	AUTO_FREE void *text = NULL;
	const char *problem;
	struct err err;
	size_t len;
	int r;

	if (issuerules_signer(request) == ISSUE_OTHER || !issue->authority.key)
		return 0;
	r = base64_decode(encoded, &text, &len);
	if (r == 0)
		r = certificate_request_read(text, &asked, &err);
	if (r == -ENOMEM)
		return r;
	problem = r < 0 ? "unable to parse the request" : issuerules_problem(request, &asked);
	if (!condition_of(request, "Approved")) {
		if (!problem && issuerules_is_own(request, &asked))
			approve(issue, request, approved, plan);
		return 0;
	}
	if (!problem)
		return sign(issue, request, text, plan);
	fail(request, problem, plan);
	return 0;
}

int issue_plan(const struct issue *issue, const char *user, struct requests *plan)
{
	bool approved = false;
	const char *key;
	json_t *request;
	int r = 0;

	json_object_foreach ((json_t *)issue->requests, key, request) {
		int64_t left = forgotten_at(request) - issue->now;

		if (r < 0 || strcmp(user_of(request), user) != 0 || meta_is_deleting(request))
			continue;
		if (left <= 0) {
			requests_delete(plan, target_of(request, NULL), meta_text(request, "uid"));
			continue;
		}
		again_in(left, plan);
		if (!is_issued(request) && !condition_of(request, "Failed") &&
			!condition_of(request, "Denied"))
			r = request_plan(issue, request, &approved, plan);
	}
	return r < 0 || plan->no_memory ? -ENOMEM : 0;
}

/* --- tokens --- */

void issue_token_user(const json_t *token, char ret[ISSUE_USER_MAX])
{
	static const char prefix[] = "bootstrap-token-";
	const char *name = meta_text(token, "name");
	bool fits = strncmp(name, prefix, strlen(prefix)) == 0;

	snprintf(ret, ISSUE_USER_MAX, "system:bootstrap:%s", fits ? name + strlen(prefix) : "");
}

/* Seconds since 1970; INT64_MAX: never. */
static int64_t token_end(const json_t *token)
{
	const char *encoded = json_string_at(json_object_get(token, "data"), "expiration", "");
	AUTO_FREE void *text = NULL;
	size_t len;

	/* What cannot be read does not authenticate either; people may mend it. */
	if (!encoded[0] || base64_decode(encoded, &text, &len) < 0 || !age_parse(text))
		return INT64_MAX;
	return age_parse(text);
}

/* When the certificate that was given for @token had been there long enough; INT64_MAX: none was. */
static int64_t token_used(const struct issue *issue, const json_t *token)
{
	char user[ISSUE_USER_MAX];
	const char *key;
	json_t *request;

	issue_token_user(token, user);
	json_object_foreach ((json_t *)issue->requests, key, request)
		if (strcmp(user_of(request), user) == 0 && is_issued(request))
			return age_parse(json_string_at(
				       last_condition(request), "lastUpdateTime", "")) +
			       USED_LIFE;
	return INT64_MAX;
}

int issue_token_plan(const struct issue *issue, const char *key, struct requests *plan)
{
	const json_t *token = json_object_get(issue->tokens, key);
	int64_t end, used;

	if (!token || meta_is_deleting(token) ||
		strcmp(meta_text(token, "namespace"), "kube-system") != 0)
		return 0;
	end = token_end(token);
	used = is_for_one(token) ? token_used(issue, token) : INT64_MAX;
	if (used < end)
		end = used;
	if (end <= issue->now)
		requests_delete(plan,
			request_target(
				"", "v1", "kube-system", "secrets", meta_text(token, "name"), NULL),
			meta_text(token, "uid"));
	else if (end != INT64_MAX)
		again_in(end - issue->now, plan);
	return plan->no_memory ? -ENOMEM : 0;
}
