// SPDX-License-Identifier: Apache-2.0
#include "user/api/api.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "user/api/change.h"
#include "user/api/discovery.h"
#include "user/api/failure.h"
#include "user/api/read.h"
#include "user/api/request.h"
#include "user/api/state.h"
#include "user/api/subresource.h"
#include "user/api/watch.h"
#include "user/api/write.h"
#include "user/base/err.h"
#include "user/http/server.h"

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
	*ret = api;
	return 0;
}

struct api *api_free(struct api *api)
{
	if (!api)
		return NULL;
	watchers_free(api);
	writes_free(api);
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

/* Status is a part of the object, and changed as such. */
static bool is_status(const struct api_request *request)
{
	return strcmp(request->subresource->name, "status") == 0;
}

static int api_resource(struct api_request *request, struct failure *failure)
{
	if (request->subresource && !is_status(request))
		return subresource_handle(request, failure);
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

void api_handle(void *userdata, struct http_exchange *exchange)
{
	struct api *api = userdata;
	struct api_request request;
	struct failure failure;

	if (discovery_handle(api, exchange))
		return;
	if (request_read(api, exchange, &request, &failure) < 0 ||
		api_resource(&request, &failure) < 0)
		failure_answer(&failure, exchange);
}
