// SPDX-License-Identifier: Apache-2.0
#include "user/api/token.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "user/api/body.h"
#include "user/api/failure.h"
#include "user/api/meta.h"
#include "user/api/request.h"
#include "user/api/review.h"
#include "user/api/state.h"
#include "user/api/stored.h"
#include "user/auth/claims.h"
#include "user/base/cleanup.h"
#include "user/base/clock.h"
#include "user/base/err.h"
#include "user/http/server.h"
#include "user/model/schema.h"
#include "user/pki/signature.h"
#include "user/store/store.h"

#define SECONDS_DEFAULT 3600
#define SECONDS_LEAST	600
#define SECONDS_MOST	86400 /* what is asked beyond it is cut, as an API server's own limit does */

static int64_t now_seconds(void)
{
	return (int64_t)(clock_wall() / USEC_PER_SEC);
}

static const char *uid_of(const json_t *object)
{
	return json_string_at(json_object_get(object, "metadata"), "uid", "");
}

/* --- looking at one --- */

static bool object_is_there(struct api *api, const char *plural, const char *namespace,
	const struct claim_object *claim)
{
	AUTO_JSON object =
		claim->name[0] ? stored_find(api->store, plural, namespace, claim->name) : NULL;

	return !claim->name[0] || (object && strcmp(uid_of(object), claim->uid) == 0);
}

static int claims_hold(struct api *api, const struct token_claims *claims, struct err *err)
{
	if (!object_is_there(api, "serviceaccounts", claims->namespace, &claims->account))
		return err_refuse(err, EBADMSG, "the token's service account has gone");
	if (!object_is_there(api, "pods", claims->namespace, &claims->pod))
		return err_refuse(err, EBADMSG, "the token's Pod has gone");
	if (!object_is_there(api, "secrets", claims->namespace, &claims->secret))
		return err_refuse(err, EBADMSG, "the token's Secret has gone");
	/* A Pod's node is for information; a token for a node alone ends with it. */
	if (!claims->pod.name[0] && !object_is_there(api, "nodes", NULL, &claims->node))
		return err_refuse(err, EBADMSG, "the token's node has gone");
	return 0;
}

int token_verify(struct api *api, const char *token, const json_t *audiences, struct identity *ret,
	json_t **ret_audiences, struct err *err)
{
	AUTO_JSON own = json_pack("[s]", TOKEN_AUDIENCE);
	AUTO_JSON both = NULL;
	AUTO_FREE char *payload = NULL;
	struct token_claims claims;
	int r;

	if (!api->signer)
		return err_refuse(err, EBADMSG, "no key for tokens is configured");
	if (!own)
		return err_set(err, ENOMEM, "look at a token");
	r = signer_verify(api->signer, token, &payload, err);
	if (r == 0)
		r = token_claims_read(payload, json_array_size(audiences) ? audiences : own,
			now_seconds(), &claims, &both, err);
	if (r == 0)
		r = claims_hold(api, &claims, err);
	if (r == 0 && token_claims_identity(&claims, ret) < 0)
		r = err_set(err, ENOMEM, "look at a token");
	if (r == 0 && ret_audiences)
		*ret_audiences = take_ptr(both);
	return r;
}

/* --- giving one --- */

static int invalid(const struct api_request *request, const char *field, const char *text,
	struct failure *failure)
{
	return failure_set(failure, 422, "Invalid",
		"TokenRequest.authentication.k8s.io \"%s\" is invalid: %s: %s", request->name,
		field, text);
}

static int claim_set(const struct api_request *request, const json_t *object, const char *name,
	const char *uid, struct claim_object *ret, struct failure *failure)
{
	if (!object)
		return failure_set(failure, 404, "NotFound", "\"%s\" not found", name);
	if (uid[0] && strcmp(uid, uid_of(object)) != 0)
		return failure_set(failure, 409, "Conflict",
			"the UID in the bound object reference (%.64s) does not match the UID in "
			"record",
			uid);
	(void)request;
	snprintf(ret->name, sizeof(ret->name), "%s", name);
	snprintf(ret->uid, sizeof(ret->uid), "%s", uid_of(object));
	return 0;
}

/* A Pod's token also says on which node the Pod is.  A mirror Pod has no account, and gets none. */
static int claim_pod(const struct api_request *request, const json_t *pod,
	struct token_claims *claims, struct failure *failure)
{
	const json_t *spec = json_object_get(pod, "spec");
	const char *node_name = json_string_at(spec, "nodeName", "");
	AUTO_JSON node = stored_find(request->api->store, "nodes", NULL, node_name);

	if (strcmp(json_string_at(spec, "serviceAccountName", ""), request->name) != 0)
		return invalid(request, "spec.boundObjectRef",
			"the Pod runs with another service account", failure);
	if (!node)
		return 0;
	return claim_set(request, node, node_name, "", &claims->node, failure);
}

static int claim_bound(const struct api_request *request, const json_t *spec,
	struct token_claims *claims, struct failure *failure)
{
	const json_t *bound = json_object_get(spec, "boundObjectRef");
	const char *kind = json_string_at(bound, "kind", "");
	const char *name = json_string_at(bound, "name", "");
	const char *uid = json_string_at(bound, "uid", "");
	bool pod = strcmp(kind, "Pod") == 0, node = strcmp(kind, "Node") == 0;
	AUTO_JSON object = NULL;

	if (json_object_size(bound) == 0)
		return 0;
	if (!pod && !node && strcmp(kind, "Secret") != 0)
		return invalid(request, "spec.boundObjectRef",
			"cannot bind token for serviceaccount to object of this kind", failure);
	if (strlen(name) >= CLAIM_NAME_MAX)
		return invalid(request, "spec.boundObjectRef.name", "Too long", failure);
	object = stored_find(request->api->store,
		pod    ? "pods"
		: node ? "nodes"
		       : "secrets",
		node ? NULL : request->namespace, name);
	if (claim_set(request, object, name, uid,
		    pod	   ? &claims->pod
		    : node ? &claims->node
			   : &claims->secret,
		    failure) < 0)
		return -1;
	return pod ? claim_pod(request, object, claims, failure) : 0;
}

/* A node gets tokens for the Pods that it runs, and for nothing else. */
static int check_node(const struct api_request *request, const struct token_claims *claims,
	struct failure *failure)
{
	const char *node = identity_node(&request->who);

	if (!node || (claims->pod.name[0] && strcmp(claims->node.name, node) == 0))
		return 0;
	return failure_set(failure, 403, "Forbidden",
		"serviceaccounts \"%s\" is forbidden: node requested token not bound to a pod of "
		"its own",
		request->name);
}

static int token_seconds(const struct api_request *request, const json_t *spec, int64_t *ret,
	struct failure *failure)
{
	int64_t seconds = json_integer_at(spec, "expirationSeconds", SECONDS_DEFAULT);

	if (seconds < SECONDS_LEAST)
		return invalid(request, "spec.expirationSeconds",
			"Invalid value: may not specify a duration less than 10 minutes", failure);
	*ret = seconds < SECONDS_MOST ? seconds : SECONDS_MOST;
	return 0;
}

static int claims_fill(const struct api_request *request, const json_t *spec,
	struct token_claims *ret, struct failure *failure)
{
	AUTO_JSON account = stored_find(
		request->api->store, "serviceaccounts", request->namespace, request->name);
	int64_t seconds = 0;

	*ret = (struct token_claims){.issued = now_seconds()};
	if (!account)
		return failure_not_found(failure, request);
	if (strlen(request->namespace) >= sizeof(ret->namespace))
		return failure_not_found(failure, request);
	snprintf(ret->namespace, sizeof(ret->namespace), "%.*s", CLAIM_NAME_MAX - 1,
		request->namespace);
	if (claim_set(request, account, request->name, "", &ret->account, failure) < 0 ||
		token_seconds(request, spec, &seconds, failure) < 0 ||
		claim_bound(request, spec, ret, failure) < 0 ||
		check_node(request, ret, failure) < 0)
		return -1;
	ret->expires = ret->issued + seconds;
	if (!meta_uuid(ret->id))
		return failure_internal(failure, "no random numbers");
	return 0;
}

static int token_answer(const struct api_request *request, json_t *asked, const char *token,
	int64_t expires, struct failure *failure)
{
	char when[CLOCK_RFC3339_LEN];

	clock_rfc3339((uint64_t)expires * USEC_PER_SEC, when);
	return review_answer(request, asked,
		json_pack("{s:s, s:s}", "token", token, "expirationTimestamp", when), failure);
}

int token_create(const struct api_request *request, struct failure *failure)
{
	AUTO_JSON own = json_pack("[s]", TOKEN_AUDIENCE);
	AUTO_JSON asked = NULL;
	AUTO_FREE char *payload = NULL;
	AUTO_FREE char *token = NULL;
	const json_t *spec, *audiences;
	struct token_claims claims;
	struct err err;

	if (!request->api->signer)
		return failure_internal(failure, "no key for tokens is configured");
	if (body_object(request, &asked, failure) < 0)
		return -1;
	spec = json_object_get(asked, "spec");
	if (claims_fill(request, spec, &claims, failure) < 0)
		return -1;
	audiences = json_object_get(spec, "audiences");
	payload = token_claims_write(&claims, json_array_size(audiences) ? audiences : own);
	if (!payload)
		return failure_internal(failure, "out of memory");
	if (signer_sign(request->api->signer, payload, &token, &err) < 0)
		return failure_internal(failure, "%s", err.text);
	return token_answer(request, asked, token, claims.expires, failure);
}
