// SPDX-License-Identifier: Apache-2.0
#include "user/control/plan.h"

#include <stdlib.h>

#include "user/base/cleanup.h"
#include "user/base/fs.h"

char *plan_target(const char *group, const char *version, const char *namespace, const char *plural,
	const char *name, const char *sub)
{
	return fs_format("%s%s/%s%s%s/%s%s%s%s%s", group[0] ? "/apis/" : "/api", group, version,
		namespace ? "/namespaces/" : "", namespace ? namespace : "", plural,
		name ? "/" : "", name ? name : "", sub ? "/" : "", sub ? sub : "");
}

static void plan_add(struct plan *plan, struct plan_write write)
{
	if (plan->count == plan->room) {
		size_t room = plan->room ? plan->room * 2 : 8;
		void *grown = realloc(plan->writes, room * sizeof(plan->writes[0]));

		if (!grown)
			goto lost;
		plan->writes = grown;
		plan->room = room;
	}
	if (write.target) {
		plan->writes[plan->count++] = write;
		return;
	}
lost:
	plan->no_memory = 1;
	free(write.target);
	json_decref(write.body);
}

void plan_create(struct plan *plan, char *target, json_t *body)
{
	plan->no_memory |= !body;
	plan_add(plan, (struct plan_write){.method = "POST", .target = target, .body = body});
}

void plan_delete(struct plan *plan, char *target, const char *uid)
{
	json_t *body = json_pack("{s:s, s:s, s:s, s:{s:s}}", "kind", "DeleteOptions", "apiVersion",
		"v1", "propagationPolicy", "Background", "preconditions", "uid", uid);

	plan->no_memory |= !body;
	plan_add(plan, (struct plan_write){.method = "DELETE", .target = target, .body = body});
}

void plan_patch(struct plan *plan, char *target, const char *content_type, json_t *body)
{
	plan->no_memory |= !body;
	plan_add(plan, (struct plan_write){.method = "PATCH",
			       .target = target,
			       .content_type = content_type,
			       .body = body});
}

void plan_clear(struct plan *plan)
{
	for (size_t i = 0; i < plan->count; i++) {
		free(plan->writes[i].target);
		json_decref(plan->writes[i].body);
	}
	free(plan->writes);
	*plan = (struct plan){.again = UINT64_MAX};
}
