// SPDX-License-Identifier: Apache-2.0
#include "user/api/signing.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "user/api/failure.h"
#include "user/api/request.h"
#include "user/base/base64.h"
#include "user/base/cleanup.h"
#include "user/base/clock.h"
#include "user/base/err.h"
#include "user/model/causes.h"
#include "user/pki/request.h"

#define CLIENT_SIGNER "kubernetes.io/kube-apiserver-client"

static int refuse(const struct api_request *request, struct failure *failure, const char *field,
	enum cause_reason reason, const char *why)
{
	failure_set(failure, 422, "Invalid",
		"CertificateSigningRequest.certificates.k8s.io \"%s\" is invalid: %s: %s",
		request->name, field, why);
	failure->details = json_pack("{s:s, s:s, s:s, s:[{s:s, s:o, s:s}]}", "name", request->name,
		"group", request->kind->group, "kind", request->kind->kind, "causes", "reason",
		cause_reason_name(reason), "message", json_any_text(why), "field", field);
	return -1;
}

/* --- new ones --- */

/* What a client says of itself does not count. */
static int requestor_set(const struct api_request *request, json_t *spec)
{
	static const char *const keys[] = {"username", "uid", "groups", "extra"};
	int r = 0;

	for (size_t i = 0; i < COUNT(keys); i++) {
		json_t *value = json_object_get(request->who.info, keys[i]);

		json_object_del(spec, keys[i]);
		if (value)
			r |= json_object_set(spec, keys[i], value);
	}
	return r < 0 ? -ENOMEM : 0;
}

static bool names_have(char **names, const char *name)
{
	for (; *names; names++)
		if (strcmp(*names, name) == 0)
			return true;
	return false;
}

static int forbid_masters(const struct api_request *request,
	const struct certificate_request *asked, const char *signer, struct failure *failure)
{
	if (strcmp(signer, CLIENT_SIGNER) != 0 || !names_have(asked->organizations, GROUP_MASTERS))
		return 0;
	failure_set(failure, 403, "Forbidden",
		"certificatesigningrequests.certificates.k8s.io \"%s\" is forbidden: use "
		"of " CLIENT_SIGNER " signer with " GROUP_MASTERS " group is not allowed",
		request->name);
	failure_about(failure, request, request->name);
	return -1;
}

static int request_check(
	const struct api_request *request, const json_t *spec, struct failure *failure)
{
	AUTO_CLEANUP(certificate_request_clear) struct certificate_request asked = {0};
	AUTO_FREE void *text = NULL;
	char why[300];
	struct err err;
	size_t len;
	int r = base64_decode(json_string_at(spec, "request", ""), &text, &len);

	if (r == 0)
		r = certificate_request_read(text, &asked, &err);
	else
		err_refuse(&err, -r, "it is not base64");
	if (r == -ENOMEM)
		return failure_internal(failure, "out of memory");
	if (r < 0) {
		snprintf(why, sizeof(why), "Invalid value: %s", err.text);
		return refuse(request, failure, "spec.request", CAUSE_INVALID, why);
	}
	return forbid_masters(request, &asked, json_string_at(spec, "signerName", ""), failure);
}

int signing_create(const struct api_request *request, json_t *object, struct failure *failure)
{
	json_t *spec = json_object_get(object, "spec");

	if (requestor_set(request, spec) < 0)
		return failure_internal(failure, "out of memory");
	/* What lacks parts is refused with all that is wrong. */
	if (!json_string_at(spec, "request", "")[0])
		return 0;
	return request_check(request, spec, failure);
}

/* --- decided and signed --- */

const char *signing_verb(const struct api_request *request)
{
	if (!request->subresource)
		return NULL;
	return strcmp(request->subresource->name, "approval") == 0 ? "approve" : "sign";
}

static bool is_decision(const json_t *condition)
{
	const char *type = json_string_at(condition, "type", "");

	return strcmp(type, "Approved") == 0 || strcmp(type, "Denied") == 0;
}

static json_t *condition_of(const json_t *conditions, const char *type)
{
	json_t *condition;
	size_t i;

	json_array_foreach ((json_t *)conditions, i, condition)
		if (strcmp(json_string_at(condition, "type", ""), type) == 0)
			return condition;
	return NULL;
}

/* Decisions and results stand, once there. */
static int conditions_check(const struct api_request *request, const json_t *conditions,
	const json_t *old, struct failure *failure)
{
	json_t *condition;
	char why[200];
	size_t i;

	json_array_foreach ((json_t *)old, i, condition) {
		const char *type = json_string_at(condition, "type", "");

		if (condition_of(conditions, type))
			continue;
		snprintf(why, sizeof(why),
			"Forbidden: updates may not remove a condition of type \"%.60s\"", type);
		return refuse(request, failure, "status.conditions", CAUSE_FORBIDDEN, why);
	}
	json_array_foreach ((json_t *)conditions, i, condition)
		if (is_decision(condition) &&
			strcmp(json_string_at(condition, "status", ""), "True") != 0)
			return refuse(request, failure, "status.conditions.status",
				CAUSE_NOT_SUPPORTED,
				"Unsupported value: supported values: \"True\"");
	if (condition_of(conditions, "Approved") && condition_of(conditions, "Denied"))
		return refuse(request, failure, "status.conditions", CAUSE_INVALID,
			"Invalid value: \"Denied\": Approved and Denied conditions are mutually "
			"exclusive");
	return 0;
}

/* Of what is sent only the kind of condition that the request is about, of the rest what was there before. */
static json_t *conditions_merge(const json_t *sent, const json_t *old, bool decisions)
{
	json_t *merged = json_array(), *condition;
	size_t i;

	json_array_foreach ((json_t *)old, i, condition)
		if (is_decision(condition) != decisions)
			json_array_append(merged, condition);
	json_array_foreach ((json_t *)sent, i, condition)
		if (is_decision(condition) == decisions)
			json_array_append(merged, condition);
	return merged;
}

static void conditions_date(json_t *conditions)
{
	char now[CLOCK_RFC3339_LEN];
	json_t *condition;
	size_t i;

	clock_rfc3339(clock_wall(), now);
	json_array_foreach (conditions, i, condition) {
		if (!json_string_at(condition, "lastUpdateTime", "")[0])
			json_object_set_new(condition, "lastUpdateTime", json_string(now));
		if (!json_string_at(condition, "lastTransitionTime", "")[0])
			json_object_set_new(condition, "lastTransitionTime", json_string(now));
	}
}

static int certificate_keep(const struct api_request *request, json_t *status, const json_t *old,
	bool decisions, struct failure *failure)
{
	json_t *before = json_object_get(old, "certificate");
	const json_t *sent = json_object_get(status, "certificate");

	if (!decisions && before && (!sent || !json_equal(before, sent)))
		return refuse(request, failure, "status.certificate", CAUSE_FORBIDDEN,
			"Forbidden: updates may not modify existing certificate content");
	if (!decisions)
		return 0;
	json_object_del(status, "certificate");
	if (before && json_object_set(status, "certificate", before) < 0)
		return failure_internal(failure, "out of memory");
	return 0;
}

int signing_update(const struct api_request *request, json_t *object, const json_t *old,
	struct failure *failure)
{
	const char *verb = signing_verb(request);
	bool decisions = verb && strcmp(verb, "approve") == 0;
	const json_t *old_status = json_object_get(old, "status");
	const json_t *old_conditions = json_object_get(old_status, "conditions");
	json_t *status = json_object_get(object, "status");
	AUTO_JSON conditions = NULL;

	if (!verb)
		return json_object_set(object, "spec", json_object_get(old, "spec")) < 0
			       ? failure_internal(failure, "out of memory")
			       : 0;
	if (!status) {
		status = json_object();
		json_object_set_new(object, "status", status);
	}
	if (certificate_keep(request, status, old_status, decisions, failure) < 0)
		return -1;
	conditions =
		conditions_merge(json_object_get(status, "conditions"), old_conditions, decisions);
	if (!conditions)
		return failure_internal(failure, "out of memory");
	conditions_date(conditions);
	json_object_del(status, "conditions");
	if (json_array_size(conditions) > 0 &&
		json_object_set(status, "conditions", conditions) < 0)
		return failure_internal(failure, "out of memory");
	return conditions_check(request, conditions, old_conditions, failure);
}
