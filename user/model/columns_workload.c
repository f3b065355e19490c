// SPDX-License-Identifier: Apache-2.0
/* Deployments and ReplicaSets. */
#include "user/model/columns_part.h"

static long long number_at(const json_t *object, const char *a, const char *b)
{
	return json_integer_at(json_object_get(object, a), b, 0);
}

static json_t *cell_deployment_ready(const json_t *deployment, int64_t now)
{
	(void)now;
	return json_sprintf("%lld/%lld", number_at(deployment, "status", "readyReplicas"),
		number_at(deployment, "spec", "replicas"));
}

static json_t *cell_updated(const json_t *object, int64_t now)
{
	(void)now;
	return json_integer(number_at(object, "status", "updatedReplicas"));
}

static json_t *cell_available(const json_t *object, int64_t now)
{
	(void)now;
	return json_integer(number_at(object, "status", "availableReplicas"));
}

static json_t *cell_desired(const json_t *object, int64_t now)
{
	(void)now;
	return json_integer(number_at(object, "spec", "replicas"));
}

static json_t *cell_current(const json_t *object, int64_t now)
{
	(void)now;
	return json_integer(number_at(object, "status", "replicas"));
}

static json_t *cell_ready_replicas(const json_t *object, int64_t now)
{
	(void)now;
	return json_integer(number_at(object, "status", "readyReplicas"));
}

#define COLUMNS_TEMPLATE                                   \
	{"Containers", "string", "", 1, cell_containers},  \
		{"Images", "string", "", 1, cell_images},  \
	{                                                  \
		"Selector", "string", "", 1, cell_selector \
	}

const struct column columns_deployment[] = {
	COLUMN_NAME,
	{"Ready", "string", "", 0, cell_deployment_ready},
	{"Up-to-date", "string", "", 0, cell_updated},
	{"Available", "string", "", 0, cell_available},
	COLUMN_AGE,
	COLUMNS_TEMPLATE,
	COLUMN_END,
};

const struct column columns_replica_set[] = {
	COLUMN_NAME,
	{"Desired", "integer", "", 0, cell_desired},
	{"Current", "integer", "", 0, cell_current},
	{"Ready", "integer", "", 0, cell_ready_replicas},
	COLUMN_AGE,
	COLUMNS_TEMPLATE,
	COLUMN_END,
};
