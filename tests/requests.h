/* SPDX-License-Identifier: Apache-2.0 */
/* What a controller plans, as text that a row can hold. */
#pragma once

#include "tests/check.h"
#include "user/base/json.h"
#include "user/control/requests.h"

#define PLAN_TEXT 4096

/* "POST /api/v1/x\nDELETE /api/v1/y\n" */
static inline const char *plan_text(const struct requests *plan, char ret[PLAN_TEXT])
{
	size_t len = 0;

	ret[0] = '\0';
	for (size_t i = 0; i < plan->count && len < PLAN_TEXT; i++)
		len += (size_t)snprintf(ret + len, PLAN_TEXT - len, "%s %s\n",
			plan->writes[i].method, plan->writes[i].target);
	return ret;
}

/* The body of the first request with that method; NULL: there is none. */
static inline const json_t *plan_body(const struct requests *plan, const char *method)
{
	for (size_t i = 0; i < plan->count; i++)
		if (strcmp(plan->writes[i].method, method) == 0)
			return plan->writes[i].body;
	return NULL;
}

/* Compact JSON of @json; never NULL.  The caller frees it. */
static inline char *json_short(const json_t *json)
{
	char *text = json_dumps(
		json ? json : json_null(), JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);

	if (!text)
		BAIL("no memory");
	return text;
}
