// SPDX-License-Identifier: Apache-2.0
#include "user/api/review.h"

#include <errno.h>
#include <string.h>

#include "user/api/apply.h"
#include "user/api/authorize.h"
#include "user/api/body.h"
#include "user/api/failure.h"
#include "user/api/form.h"
#include "user/api/policy.h"
#include "user/api/request.h"
#include "user/api/state.h"
#include "user/api/token.h"
#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/http/server.h"
#include "user/model/defaults.h"
#include "user/model/managed.h"

static const struct schema_message *review_message(const struct api_request *request)
{
	return request->subresource ? request->subresource->message : request->kind->message;
}

/* Nobody keeps it: it has no name and no time, but somebody who has written it. */
static int review_meta(const struct api_request *request, json_t *review)
{
	char name[MANAGED_MANAGER_MAX + 1];
	struct manager room;
	struct managed_by by;

	if (!json_object_get(review, "metadata") &&
		json_object_set_new(review, "metadata", json_object()) < 0)
		return -ENOMEM;
	if (json_object_set_new(
		    json_object_get(review, "metadata"), "creationTimestamp", json_null()) < 0)
		return -ENOMEM;
	manager_name(request, name);
	by = manager_of(request, name, &room);
	by.subresource = "";
	by.api_version = json_string_at(review, "apiVersion", "");
	return managed_create(review, &by, review_message(request), true);
}

int review_answer(
	const struct api_request *request, json_t *review, json_t *status, struct failure *failure)
{
	if (defaults_apply(review, review_message(request)) < 0 ||
		review_meta(request, review) < 0 ||
		json_object_set_new(review, "status", status) < 0)
		return failure_internal(failure, "out of memory");
	form_answer(request, 201, review);
	return 0;
}

static int invalid(const struct api_request *request, const char *text, struct failure *failure)
{
	return failure_set(failure, 422, "Invalid", "%s.%s \"\" is invalid: %s",
		request->kind->kind, request->kind->group, text);
}

/* --- SelfSubjectReview and TokenReview --- */

static int review_self(const struct api_request *request, json_t *review, struct failure *failure)
{
	return review_answer(
		request, review, json_pack("{s:O}", "userInfo", request->who.info), failure);
}

static int review_token(const struct api_request *request, json_t *review, struct failure *failure)
{
	const json_t *spec = json_object_get(review, "spec");
	const char *token = json_string_at(spec, "token", "");
	AUTO_IDENTITY who = {0};
	AUTO_JSON audiences = NULL;
	struct err err;
	int r;

	if (!token[0])
		return failure_set(failure, 400, "BadRequest",
			"token is required for TokenReview in authentication");
	r = token_verify(
		request->api, token, json_object_get(spec, "audiences"), &who, &audiences, &err);
	if (r == -ENOMEM)
		return failure_internal(failure, "out of memory");
	if (r < 0)
		return review_answer(request, review,
			json_pack(
				"{s:b, s:{}, s:s}", "authenticated", 0, "user", "error", err.text),
			failure);
	return review_answer(request, review,
		json_pack("{s:b, s:O, s:O}", "authenticated", 1, "user", who.info, "audiences",
			audiences),
		failure);
}

/* --- SubjectAccessReview and its kin --- */

static int read_access(const struct api_request *request, const json_t *spec,
	const struct identity *who, struct access *ret, struct failure *failure)
{
	const json_t *resource = json_object_get(spec, "resourceAttributes");
	const json_t *path = json_object_get(spec, "nonResourceAttributes");
	const json_t *from = path ? path : resource;

	if (!resource == !path)
		return invalid(request,
			path ? "spec.nonResourceAttributes: Invalid value: cannot be specified in "
			       "combination with resourceAttributes"
			     : "spec.resourceAttributes: Required value: exactly one of "
			       "nonResourceAttributes or resourceAttributes must be specified",
			failure);
	*ret = (struct access){
		.who = who,
		.verb = json_string_at(from, "verb", ""),
		.group = json_string_at(resource, "group", ""),
		.version = json_string_at(resource, "version", ""),
		.resource = json_string_at(resource, "resource", ""),
		.subresource = json_string_at(resource, "subresource", ""),
		.namespace = json_string_at(resource, "namespace", ""),
		.name = json_string_at(resource, "name", ""),
		.fields = json_string_at(
			json_object_get(resource, "fieldSelector"), "rawSelector", ""),
		.path = path ? json_string_at(path, "path", "") : NULL,
	};
	return 0;
}

static int answer_access(const struct api_request *request, json_t *review,
	const struct access *access, struct failure *failure)
{
	const char *reason;
	int r = authorize_ask(request->api, access, &reason);
	json_t *status;

	if (r < 0)
		return failure_internal(failure, "out of memory");
	status = json_pack("{s:b}", "allowed", r);
	if (reason[0])
		json_object_set_new(status, "reason", json_string(reason));
	return review_answer(request, review, status, failure);
}

static int review_own_access(
	const struct api_request *request, json_t *review, struct failure *failure)
{
	struct access access;

	if (read_access(request, json_object_get(review, "spec"), &request->who, &access, failure) <
		0)
		return -1;
	return answer_access(request, review, &access, failure);
}

static int review_access(const struct api_request *request, json_t *review, struct failure *failure)
{
	const json_t *spec = json_object_get(review, "spec");
	AUTO_IDENTITY who = {0};
	struct access access;

	if (!json_string_at(spec, "user", "")[0] &&
		json_array_size(json_object_get(spec, "groups")) == 0)
		return invalid(request,
			"spec.user: Required value: at least one of user or group must be "
			"specified",
			failure);
	if (identity_from_json(spec, &who) < 0)
		return failure_internal(failure, "out of memory");
	if (read_access(request, spec, &who, &access, failure) < 0)
		return -1;
	if (request->kind->namespaced && strcmp(access.namespace, request->namespace) != 0)
		return invalid(request,
			"spec.resourceAttributes.namespace: Invalid value: must match "
			"metadata.namespace",
			failure);
	return answer_access(request, review, &access, failure);
}

/* --- SelfSubjectRulesReview --- */

static json_t *rule_keys(const json_t *rule, const char *const *keys)
{
	json_t *part = json_object();

	for (; *keys; keys++) {
		json_t *value = json_object_get(rule, *keys);

		if (value)
			json_object_set(part, *keys, value);
	}
	return part;
}

static json_t *rules_status(const json_t *rules)
{
	static const char *const of_resource[] = {
		"verbs", "apiGroups", "resources", "resourceNames", NULL};
	static const char *const of_path[] = {"verbs", "nonResourceURLs", NULL};
	json_t *resources = json_array(), *paths = json_array(), *rule;
	size_t i;

	json_array_foreach (rules, i, rule) {
		if (json_array_size(json_object_get(rule, "resources")))
			json_array_append_new(resources, rule_keys(rule, of_resource));
		if (json_array_size(json_object_get(rule, "nonResourceURLs")))
			json_array_append_new(paths, rule_keys(rule, of_path));
	}
	return json_pack("{s:o, s:o, s:b}", "resourceRules", resources, "nonResourceRules", paths,
		"incomplete", 0);
}

/* What system:masters has, no binding says. */
static int add_masters(const struct identity *who, json_t *rules)
{
	if (!identity_has_group(who, GROUP_MASTERS))
		return 0;
	if (json_array_append_new(rules, json_pack("{s:[s], s:[s], s:[s]}", "verbs", "*",
						 "apiGroups", "*", "resources", "*")) < 0)
		return -ENOMEM;
	return json_array_append_new(
		       rules, json_pack("{s:[s], s:[s]}", "verbs", "*", "nonResourceURLs", "*")) < 0
		       ? -ENOMEM
		       : 0;
}

static int review_rules(const struct api_request *request, json_t *review, struct failure *failure)
{
	const char *namespace = json_string_at(json_object_get(review, "spec"), "namespace", "");
	AUTO_JSON rules = NULL;

	if (!namespace[0])
		return failure_set(failure, 400, "BadRequest", "no namespace on request");
	if (policy_rules(request->api->policy, &request->who, namespace, &rules) < 0 ||
		add_masters(&request->who, rules) < 0)
		return failure_internal(failure, "out of memory");
	return review_answer(request, review, rules_status(rules), failure);
}

static const struct {
	const char *plural;
	int (*answer)(const struct api_request *request, json_t *review, struct failure *failure);
} reviews[] = {
	{"selfsubjectreviews", review_self},
	{"tokenreviews", review_token},
	{"selfsubjectaccessreviews", review_own_access},
	{"subjectaccessreviews", review_access},
	{"localsubjectaccessreviews", review_access},
	{"selfsubjectrulesreviews", review_rules},
};

int review_create(const struct api_request *request, struct failure *failure)
{
	AUTO_JSON review = NULL;

	for (size_t i = 0; i < COUNT(reviews); i++) {
		if (strcmp(reviews[i].plural, request->kind->plural) != 0)
			continue;
		if (body_object(request, &review, failure) < 0)
			return -1;
		return reviews[i].answer(request, review, failure);
	}
	return failure_set(
		failure, 404, "NotFound", "the server could not find the requested resource");
}
