// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>

#include "tests/check.h"
#include "user/node/cgroup.h"
#include "user/node/cgroup_tree.h"

#define GIB (INT64_C(1) << 30)

TEST(cpu_requests_and_limits_become_the_numbers_of_kubernetes)
{
	static const struct {
		int64_t milli;
		uint64_t shares, weight;
		int64_t quota;
	} cases[] = {
		{RESOURCE_UNSET, 2, 1, -1},
		{0, 2, 1, -1},
		{1, 2, 1, 1000},
		{2, 2, 1, 1000},
		{10, 10, 4, 1000},
		{100, 102, 17, 10000},
		{250, 256, 35, 25000},
		{500, 512, 59, 50000},
		{1000, 1024, 100, 100000},
		{2000, 2048, 174, 200000},
		{4000, 4096, 303, 400000},
		{8000, 8192, 532, 800000},
		{256000, 262144, 10000, 25600000},
		{1000000, 262144, 10000, 100000000},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		char what[32];

		snprintf(what, sizeof(what), "%" PRId64 "m", cases[i].milli);
		CHECK_EQ(what, cgroup_cpu_shares(cases[i].milli), cases[i].shares);
		CHECK_EQ(what, cgroup_cpu_weight(cases[i].shares), cases[i].weight);
		CHECK_EQ(what, cgroup_cpu_quota(cases[i].milli), cases[i].quota);
	}
	CHECK_EQ("no shares leave the weight unset", cgroup_cpu_weight(0), 0);
	CHECK_EQ("a request beyond all machines stays in range", cgroup_cpu_shares(INT64_MAX),
		262144);
	CHECK("a limit beyond all machines stays positive", cgroup_cpu_quota(INT64_MAX) > 0);
}

TEST(more_shares_never_weigh_less)
{
	uint64_t last = 0;
	bool grows = true;

	for (uint64_t shares = 2; shares <= 262144; shares++) {
		uint64_t weight = cgroup_cpu_weight(shares);

		grows &= weight >= last && weight >= 1 && weight <= 10000;
		last = weight;
	}
	CHECK("the weight grows from 1 to 10000", grows);
}

TEST(oom_scores_follow_the_class_and_the_memory_request)
{
	static const struct {
		const char *what;
		enum qos_class qos;
		int64_t request;
		uint64_t capacity;
		int want;
	} cases[] = {
		{"guaranteed is almost exempt", QOS_GUARANTEED, GIB, 4 * GIB, -997},
		{"best effort goes first", QOS_BEST_EFFORT, RESOURCE_UNSET, 4 * GIB, 1000},
		{"no request: one below best effort", QOS_BURSTABLE, RESOURCE_UNSET, 4 * GIB, 999},
		{"a tiny request: the same", QOS_BURSTABLE, 1, 4 * GIB, 999},
		{"a quarter of the memory", QOS_BURSTABLE, GIB, 4 * GIB, 750},
		{"a third, rounded as Kubernetes does", QOS_BURSTABLE, GIB, 3 * GIB, 667},
		{"all of it: just above guaranteed", QOS_BURSTABLE, 4 * GIB, 4 * GIB, 3},
		{"more than there is", QOS_BURSTABLE, 8 * GIB, 4 * GIB, 3},
		{"a request that would overflow", QOS_BURSTABLE, INT64_MAX / 2, INT64_MAX, 501},
		{"unknown capacity", QOS_BURSTABLE, GIB, 0, 3},
	};

	for (size_t i = 0; i < COUNT(cases); i++)
		CHECK_EQ(cases[i].what,
			cgroup_oom_score_adj(cases[i].qos, cases[i].request, cases[i].capacity),
			cases[i].want);
}

static const struct resources unset = {
	RESOURCE_UNSET, RESOURCE_UNSET, RESOURCE_UNSET, RESOURCE_UNSET};

TEST(a_pod_asks_for_the_sum_and_is_limited_only_when_all_are)
{
	struct container app[] = {
		{.resources = {100, 200, GIB, 2 * GIB}},
		{.resources = {50, 300, GIB, RESOURCE_UNSET}},
	};
	struct container init[] = {{.resources = {400, 400, GIB, GIB}}};
	struct pod pod = {.containers = app, .container_count = 2};
	struct resources got;

	cgroup_pod_resources(&pod, &got);
	CHECK_EQ("cpu requests add up", got.cpu_request, 150);
	CHECK_EQ("cpu limits add up", got.cpu_limit, 500);
	CHECK_EQ("memory requests add up", got.memory_request, 2 * GIB);
	CHECK_EQ("one container without a memory limit", got.memory_limit, RESOURCE_UNSET);

	pod.init_containers = init;
	pod.init_count = 1;
	cgroup_pod_resources(&pod, &got);
	CHECK_EQ("a larger init container counts", got.cpu_request, 400);
	CHECK_EQ("a smaller one does not", got.memory_request, 2 * GIB);

	init[0].resources = unset;
	cgroup_pod_resources(&pod, &got);
	CHECK_EQ("an init container without a limit", got.cpu_limit, RESOURCE_UNSET);
}

TEST(oci_resources_speak_the_language_of_the_host)
{
	static const struct resources asked = {500, 1000, GIB, GIB};
	static const struct {
		const char *what;
		enum cgroup_mode mode;
		const struct resources *resources;
		const char *want;
	} cases[] = {
		{"v2: the new weight, the whole container dies", CGROUP_MODE_V2, &asked,
			"{\"devices\":[{\"allow\":false,\"access\":\"rwm\"}],\"cpu\":{\"quota\":"
			"100000,\"period\":100000},\"memory\":{\"limit\":1073741824},\"unified\":{"
			"\"cpu.weight\":\"59\",\"memory.oom.group\":\"1\"}}"},
		{"v1: shares, and no unified", CGROUP_MODE_V1, &asked,
			"{\"devices\":[{\"allow\":false,\"access\":\"rwm\"}],\"cpu\":{\"shares\":"
			"512,\"quota\":100000,\"period\":100000},\"memory\":{\"limit\":1073741824}"
			"}"},
		{"hybrid without requests: the least", CGROUP_MODE_HYBRID, &unset,
			"{\"devices\":[{\"allow\":false,\"access\":\"rwm\"}],\"cpu\":{\"shares\":2}"
			"}"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		AUTO_JSON json = NULL;
		AUTO_FREE char *text = NULL;
		struct err err = {0};

		CHECK_OK(cases[i].what,
			cgroup_oci_resources(cases[i].mode, cases[i].resources, &json, &err), &err);
		text = json_text(json);
		CHECK_STR(cases[i].what, text, cases[i].want);
	}
}

static const char v1_lines[] = "32 31 0:29 / /cg/cpu rw,relatime - cgroup cgroup rw,cpu,cpuacct\n"
			       "33 31 0:30 / /cg/sys\\040temd rw,relatime shared:5 master:2 - "
			       "cgroup cgroup rw,name=systemd\n"
			       "34 31 0:29 / /again rw,relatime - cgroup cgroup rw,cpu,cpuacct\n"
			       "35 31 0:31 / /etc rw - ext4 /dev/vda rw\n";

TEST(hierarchies_are_read_from_mountinfo)
{
	char text[sizeof(v1_lines)];
	struct cgroups *cgroups;
	struct err err = {0};
	int r;

	memcpy(text, v1_lines, sizeof(text));
	r = cgroups_read(text, NULL, &cgroups, &err);
	CHECK_OK("v1 alone", r, &err);
	if (r < 0)
		return;
	CHECK_EQ("its mode", cgroups_mode(cgroups), CGROUP_MODE_V1);
	CHECK_STR("it has no cgroup2", cgroups_root2(cgroups), "");
	CHECK_STR("and nothing left over", cgroups_left_over(cgroups), "");
	CHECK_EQ("a hierarchy mounted twice is one", cgroups->count, 2);
	CHECK_STR("blanks are unescaped", cgroups->list[1].mount, "/cg/sys temd");
	CHECK("a joint hierarchy has both", hierarchy_has(&cgroups->list[0], "cpuacct"));
	CHECK("a part of a name is none", !hierarchy_has(&cgroups->list[0], "cpua"));
	CHECK("names are names", hierarchy_has(&cgroups->list[1], "name=systemd"));
	cgroups_free(cgroups);
}

TEST(a_named_hierarchy_beside_cgroup2_is_v2)
{
	char text[] = "32 31 0:29 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
		      "33 31 0:30 / /cg/systemd rw - cgroup cgroup rw,name=systemd\n";
	struct cgroups *cgroups;
	struct err err = {0};

	if (!CHECK_OK("it is read", cgroups_read(text, NULL, &cgroups, &err), &err))
		return;
	CHECK_EQ("v2", cgroups_mode(cgroups), CGROUP_MODE_V2);
	CHECK_STR("the root", cgroups_root2(cgroups), "/sys/fs/cgroup");
	cgroups_free(cgroups);
}

TEST(the_cgroup_root_must_lie_in_cgroup2)
{
	static const struct {
		const char *what, *mountinfo, *root;
		int code;
		const char *text;
	} cases[] = {
		{"elsewhere", "32 31 0:29 / /cg rw - cgroup2 cgroup2 rw\n", "/tmp", EINVAL,
			"'/tmp' is not below the cgroup2 mount"},
		{"missing", "32 31 0:29 / /cg rw - cgroup2 cgroup2 rw\n", "/nonexistent", ENOENT,
			"/nonexistent"},
		{"no cgroups at all", "", NULL, ENOENT, "no cgroup hierarchy"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		AUTO_FREE char *text = strdup(cases[i].mountinfo);
		struct cgroups *cgroups = NULL;
		struct err err = {0};

		CHECK_FAILS(cases[i].what, cgroups_read(text, cases[i].root, &cgroups, &err),
			cases[i].code, &err, cases[i].text);
	}
}

TEST(the_classes_have_their_own_parents)
{
	char text[] = "32 31 0:29 / / rw - cgroup2 cgroup2 rw\n";
	struct container container = {.resources = unset};
	struct pod pod = {.containers = &container, .container_count = 1, .meta.uid = "u1"};
	struct cgroups *cgroups;
	AUTO_FREE char *effort = NULL, *burst = NULL, *sure = NULL, *shims = NULL;
	struct err err = {0};

	if (!CHECK_OK("it is read", cgroups_read(text, NULL, &cgroups, &err), &err))
		return;
	effort = cgroups_pod_path(cgroups, &pod);
	CHECK_STR("best effort", effort, "/kubepods/besteffort/podu1");
	container.resources.cpu_request = 100;
	burst = cgroups_pod_path(cgroups, &pod);
	CHECK_STR("burstable", burst, "/kubepods/burstable/podu1");
	container.resources = (struct resources){100, 100, GIB, GIB};
	sure = cgroups_pod_path(cgroups, &pod);
	CHECK_STR("guaranteed", sure, "/kubepods/podu1");
	shims = cgroups_shim_path(cgroups);
	CHECK_STR("shims live beside", shims, "/podnet-shims");
	cgroups_free(cgroups);
}
