// SPDX-License-Identifier: Apache-2.0
/* Numbers of Kubernetes: requests and limits as shares, weights, quotas and OOM scores. */
#include "user/node/cgroup.h"

#include <math.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"

#define SHARES_MIN	 2
#define SHARES_MAX	 262144
#define WEIGHT_MAX	 10000
#define QUOTA_PERIOD	 100000 /* microseconds */
#define QUOTA_MIN	 1000
#define SCORE_GUARANTEED -997
#define SCORE_MAX	 1000
#define MILLI_MAX	 (INT64_MAX / 1024) /* more CPU than anybody has; keeps products in range */

uint64_t cgroup_cpu_shares(int64_t milli_cpu)
{
	int64_t milli = milli_cpu > MILLI_MAX ? MILLI_MAX : milli_cpu;
	int64_t shares = milli < 0 ? 0 : milli * 1024 / 1000;

	if (shares < SHARES_MIN)
		return SHARES_MIN;
	return shares > SHARES_MAX ? SHARES_MAX : (uint64_t)shares;
}

/*
 * ceil(10^((l^2 + 125 l) / 612 - 7/34)), l = log2(shares): 2 becomes 1, 1024 becomes 100, 262144 becomes
 * 10000.  7/34 is 126/612: one fraction makes the exponent of those points exact, and the small bias
 * keeps pow's last bit from lifting a whole number to the next.
 */
uint64_t cgroup_cpu_weight(uint64_t shares)
{
	double l;

	if (shares == 0)
		return 0;
	if (shares <= SHARES_MIN)
		return 1;
	if (shares >= SHARES_MAX)
		return WEIGHT_MAX;
	l = log2((double)shares);
	return (uint64_t)ceil(pow(10, (l * l + 125 * l - 126) / 612) - 1e-9);
}

int64_t cgroup_cpu_quota(int64_t milli_cpu)
{
	int64_t milli = milli_cpu > MILLI_MAX ? MILLI_MAX : milli_cpu;
	int64_t quota = milli * (QUOTA_PERIOD / 1000);

	if (milli_cpu <= 0)
		return -1;
	return quota < QUOTA_MIN ? QUOTA_MIN : quota;
}

int cgroup_oom_score_adj(enum qos_class qos, int64_t memory_request, uint64_t memory_capacity)
{
	uint64_t request = memory_request < 0 ? 0 : (uint64_t)memory_request;
	uint64_t part;

	if (qos == QOS_GUARANTEED)
		return SCORE_GUARANTEED;
	if (qos == QOS_BEST_EFFORT)
		return SCORE_MAX;
	if (memory_capacity == 0 || request >= memory_capacity)
		return SCORE_MAX + SCORE_GUARANTEED;
	part = (uint64_t)((unsigned __int128)request * SCORE_MAX / memory_capacity);
	if (SCORE_MAX - (int)part < SCORE_MAX + SCORE_GUARANTEED)
		return SCORE_MAX + SCORE_GUARANTEED;
	/* The last point belongs to BestEffort. */
	return part == 0 ? SCORE_MAX - 1 : SCORE_MAX - (int)part;
}

static int64_t add_or_unset(int64_t sum, int64_t value)
{
	return value <= 0 ? sum : sum + value;
}

static int64_t larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* Containers run together, init containers one by one before them. */
static void resources_effective(const struct pod *pod, struct resources *ret)
{
	struct resources sum = {0};

	for (size_t i = 0; i < pod->container_count; i++) {
		const struct resources *one = &pod->containers[i].resources;

		sum.cpu_request = add_or_unset(sum.cpu_request, one->cpu_request);
		sum.cpu_limit = add_or_unset(sum.cpu_limit, one->cpu_limit);
		sum.memory_request = add_or_unset(sum.memory_request, one->memory_request);
		sum.memory_limit = add_or_unset(sum.memory_limit, one->memory_limit);
	}
	for (size_t i = 0; i < pod->init_count; i++) {
		const struct resources *one = &pod->init_containers[i].resources;

		sum.cpu_request = larger(sum.cpu_request, one->cpu_request);
		sum.cpu_limit = larger(sum.cpu_limit, one->cpu_limit);
		sum.memory_request = larger(sum.memory_request, one->memory_request);
		sum.memory_limit = larger(sum.memory_limit, one->memory_limit);
	}
	*ret = sum;
}

void cgroup_pod_resources(const struct pod *pod, struct resources *ret)
{
	resources_effective(pod, ret);
	for (size_t i = 0; i < pod->container_count + pod->init_count; i++) {
		const struct resources *one =
			i < pod->container_count
				? &pod->containers[i].resources
				: &pod->init_containers[i - pod->container_count].resources;

		if (one->cpu_limit <= 0)
			ret->cpu_limit = RESOURCE_UNSET;
		if (one->memory_limit <= 0)
			ret->memory_limit = RESOURCE_UNSET;
	}
}

static json_t *oci_cpu(enum cgroup_mode mode, const struct resources *resources)
{
	AUTO_JSON cpu = json_object();
	int64_t quota = cgroup_cpu_quota(resources->cpu_limit);
	int r = cpu ? 0 : -1;

	/* Debian's runtimes turn shares into a weight by the formula that v2 has left behind. */
	if (mode != CGROUP_MODE_V2)
		r |= json_object_set_new(cpu, "shares",
			json_integer((json_int_t)cgroup_cpu_shares(resources->cpu_request)));
	if (quota > 0) {
		r |= json_object_set_new(cpu, "quota", json_integer(quota));
		r |= json_object_set_new(cpu, "period", json_integer(QUOTA_PERIOD));
	}
	return r < 0 ? NULL : json_incref(cpu);
}

static json_t *oci_unified(const struct resources *resources)
{
	char weight[24];

	snprintf(weight, sizeof(weight), "%llu",
		(unsigned long long)cgroup_cpu_weight(cgroup_cpu_shares(resources->cpu_request)));
	return json_pack("{s:s, s:s}", "cpu.weight", weight, "memory.oom.group", "1");
}

int cgroup_oci_resources(
	enum cgroup_mode mode, const struct resources *resources, json_t **ret, struct err *err)
{
	/* Denied first; runtimes then allow null, zero, full, random, urandom, tty and the pts. */
	AUTO_JSON json = json_pack("{s:[{s:b, s:s}], s:o}", "devices", "allow", 0, "access", "rwm",
		"cpu", oci_cpu(mode, resources));
	int r = json ? 0 : -1;

	if (resources->memory_limit > 0)
		r |= json_object_set_new(json, "memory",
			json_pack("{s:I}", "limit", (json_int_t)resources->memory_limit));
	if (mode == CGROUP_MODE_V2)
		r |= json_object_set_new(json, "unified", oci_unified(resources));
	if (r < 0)
		return err_set(err, ENOMEM, "describe resources");
	*ret = take_ptr(json);
	return 0;
}
