// SPDX-License-Identifier: Apache-2.0
#include "user/api/api.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "user/api/audit.h"
#include "user/api/authenticate.h"
#include "user/api/authorize.h"
#include "user/api/builtin.h"
#include "user/api/change.h"
#include "user/api/discovery.h"
#include "user/api/failure.h"
#include "user/api/form.h"
#include "user/api/impersonate.h"
#include "user/api/policy.h"
#include "user/api/read.h"
#include "user/api/request.h"
#include "user/api/review.h"
#include "user/api/state.h"
#include "user/api/subresource.h"
#include "user/api/watch.h"
#include "user/api/write.h"
#include "user/base/err.h"
#include "user/http/server.h"
#include "user/pki/signature.h"

static int api_open(struct api *api, struct err *err)
{
	const struct api_config *config = &api->config;
	int r = policy_new(api->store, &api->policy, err);

	if (r == 0)
		r = builtin_write(api->store, err);
	if (r == 0 && config->token_key)
		r = signer_new(config->token_key, &api->signer, err);
	if (r == 0 && config->audit_log && config->audit_log[0])
		r = audit_open(config->audit_log, &api->audit, err);
	return r;
}

int api_new(sd_event *loop, struct store *store, const struct api_config *config, struct api **ret,
	struct err *err)
{
	struct api *api = calloc(1, sizeof(*api));
	int r;

	if (!api)
		return err_set(err, ENOMEM, "serve the API");
	r = range_parse(config->service_cidr, &api->services, err);
	if (r < 0) {
		free(api);
		return err_wrap(err, "addresses of Services");
	}
	api->loop = loop;
	api->store = store;
	api->config = *config;
	r = api_open(api, err);
	if (r < 0) {
		api_free(api);
		return r;
	}
	*ret = api;
	return 0;
}

struct api *api_free(struct api *api)
{
	if (!api)
		return NULL;
	watchers_free(api);
	writes_free(api);
	policy_free(api->policy);
	signer_free(api->signer);
	audit_free(api->audit);
	free(api);
	return NULL;
}

struct store *api_store(const struct api *api)
{
	return api->store;
}

sd_event *api_loop(const struct api *api)
{
	return api->loop;
}

const struct api_config *api_settings(const struct api *api)
{
	return &api->config;
}

/* Parts of the object, and changed as such. */
static bool is_part(const struct api_request *request)
{
	const char *name = request->subresource->name;

	return strcmp(name, "status") == 0 || strcmp(name, "approval") == 0 ||
	       strcmp(name, "ephemeralcontainers") == 0;
}

static int api_resource(struct api_request *request, struct failure *failure)
{
	struct form form;

	if (request->subresource && !is_part(request))
		return subresource_handle(request, failure);
	if (form_asked(request, &form, failure) < 0) /* before anything is done */
		return -1;
	if (!request->kind->stored_as)
		return review_create(request, failure);
	switch (request->verb) {
	case VERB_GET: return read_object(request, failure);
	case VERB_LIST: return read_list(request, failure);
	case VERB_WATCH: return watch_begin(request, failure);
	case VERB_CREATE: return change_create(request, failure);
	case VERB_UPDATE: return change_update(request, failure);
	case VERB_PATCH: return change_patch(request, failure);
	case VERB_DELETE: return change_delete(request, failure);
	case VERB_DELETE_COLLECTION: return change_delete_collection(request, failure);
	default:
		return failure_set(failure, 405, "MethodNotAllowed",
			"the server does not allow this method on the requested resource");
	}
}

/* --- requests --- */

static void api_refuse(struct api *api, struct http_exchange *exchange, const struct identity *who,
	const struct api_request *request, struct failure *failure)
{
	if (failure->status == 401 || failure->status == 403)
		audit_refusal(api->audit, exchange, who, request, failure->status);
	failure_answer(failure, exchange);
}

static void api_answer_path(
	struct api *api, struct http_exchange *exchange, const struct identity *who)
{
	struct failure failure;

	if (authorize_path(api, who, exchange, &failure) < 0)
		api_refuse(api, exchange, who, NULL, &failure);
	else
		discovery_answer(api, exchange);
}

static void api_answer_resource(
	struct api *api, struct http_exchange *exchange, const struct identity *who)
{
	struct api_request request;
	struct failure failure;

	if (request_read(api, exchange, &request, &failure) < 0) {
		api_refuse(api, exchange, who, NULL, &failure);
		return;
	}
	request.who = *who;
	if (authorize_request(&request, &failure) < 0) {
		api_refuse(api, exchange, who, &request, &failure);
		return;
	}
	audit_follow(api->audit, &request);
	if (api_resource(&request, &failure) < 0)
		failure_answer(&failure, exchange);
}

static void api_answer(struct api *api, struct http_exchange *exchange, struct identity *who)
{
	struct failure failure;

	if (impersonate(api, exchange, who, &failure) < 0)
		api_refuse(api, exchange, who, NULL, &failure);
	else if (discovery_is_wanted(exchange))
		api_answer_path(api, exchange, who);
	else
		api_answer_resource(api, exchange, who);
}

void api_handle(void *userdata, struct http_exchange *exchange)
{
	struct api *api = userdata;
	AUTO_IDENTITY who = {0};
	struct failure failure;

	if (discovery_is_public(exchange))
		discovery_answer(api, exchange);
	else if ((authenticate_is_open(exchange) ? authenticate_nobody(&who, &failure)
						 : authenticate(api, exchange, &who, &failure)) < 0)
		api_refuse(api, exchange, &who, NULL, &failure);
	else
		api_answer(api, exchange, &who);
}

#define BODY_OF_STRANGERS (4u << 10)

size_t api_body_most(void *userdata, const struct http_exchange *exchange)
{
	AUTO_IDENTITY who = {0};
	struct failure failure;

	return authenticate(userdata, exchange, &who, &failure) < 0 ? BODY_OF_STRANGERS : SIZE_MAX;
}

void api_handle_local(void *userdata, struct http_exchange *exchange)
{
	struct api *api = userdata;
	AUTO_IDENTITY who = {0};
	struct failure failure;

	if (authenticate_local(&who, &failure) < 0)
		failure_answer(&failure, exchange);
	else
		api_answer(api, exchange, &who);
}
