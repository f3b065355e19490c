// SPDX-License-Identifier: Apache-2.0
#include "user/control/requests.h"

#include <stdlib.h>

#include "user/base/cleanup.h"
#include "user/base/fs.h"

char *request_target(const char *group, const char *version, const char *namespace,
	const char *plural, const char *name, const char *sub)
{
	return fs_format("%s%s/%s%s%s/%s%s%s%s%s", group[0] ? "/apis/" : "/api", group, version,
		namespace ? "/namespaces/" : "", namespace ? namespace : "", plural,
		name ? "/" : "", name ? name : "", sub ? "/" : "", sub ? sub : "");
}

static void requests_add(struct requests *requests, struct api_write write)
{
	if (requests->count == requests->room) {
		size_t room = requests->room ? requests->room * 2 : 8;
		void *grown = realloc(requests->writes, room * sizeof(requests->writes[0]));

		if (!grown)
			goto lost;
		requests->writes = grown;
		requests->room = room;
	}
	if (write.target) {
		requests->writes[requests->count++] = write;
		return;
	}
lost:
	requests->no_memory = 1;
	free(write.target);
	json_decref(write.body);
}

void requests_create(struct requests *requests, char *target, json_t *body)
{
	requests->no_memory |= !body;
	requests_add(
		requests, (struct api_write){.method = "POST", .target = target, .body = body});
}

void requests_delete(struct requests *requests, char *target, const char *uid)
{
	json_t *body = json_pack("{s:s, s:s, s:s, s:{s:s}}", "kind", "DeleteOptions", "apiVersion",
		"v1", "propagationPolicy", "Background", "preconditions", "uid", uid);

	requests->no_memory |= !body;
	requests_add(
		requests, (struct api_write){.method = "DELETE", .target = target, .body = body});
}

void requests_patch(struct requests *requests, char *target, const char *content_type, json_t *body)
{
	requests->no_memory |= !body;
	requests_add(requests, (struct api_write){.method = "PATCH",
				       .target = target,
				       .content_type = content_type,
				       .body = body});
}

void requests_clear(struct requests *requests)
{
	for (size_t i = 0; i < requests->count; i++) {
		free(requests->writes[i].target);
		json_decref(requests->writes[i].body);
	}
	free(requests->writes);
	*requests = (struct requests){.again = UINT64_MAX};
}
