// SPDX-License-Identifier: Apache-2.0
#include "tests/check.h"
#include "user/node/capability.h"
#include "user/node/oci.h"

static const char *none[] = {NULL};
static char *image_entrypoint[] = {"/entry", "-x", NULL}, *image_cmd[] = {"serve", NULL},
	    *nothing[] = {NULL};

static struct container container;
static struct image image;
static struct identity identity;

static struct env *env_of_a(void)
{
	struct env_var var = {.name = "A", .value = "alpha"};
	struct container with = {.env = &var, .env_count = 1};
	struct env_input input = {.container = &with};
	struct env *env = NULL;
	struct err err = {0};

	CHECK_OK("environment", env_make(&input, &env, &err), &err);
	return env;
}

static pid_t target_pid;

static int config_make(const struct oci_bind *binds, size_t count, json_t **ret, struct err *err)
{
	struct env *env = env_of_a();
	AUTO_JSON process_env = json_pack("[s]", "A=alpha");
	AUTO_JSON resources = json_object();
	struct oci_input input = {
		.container = &container,
		.image = &image,
		.identity = &identity,
		.env = env,
		.process_env = process_env,
		.resources = resources,
		.capabilities = 1,
		.oom_score_adj = 999,
		.cgroup_path = "/kubepods/podu/web.0",
		.pause_pid = 4242,
		.target_pid = target_pid,
		.binds = binds,
		.bind_count = count,
	};
	int r = oci_config(&input, ret, err);

	env_free(env);
	return r;
}

static void fresh(void)
{
	container =
		(struct container){.name = "web", .security = {.cap_add = none, .cap_drop = none}};
	image = (struct image){.entrypoint = image_entrypoint,
		.cmd = image_cmd,
		.env = nothing,
		.working_dir = ""};
	identity = (struct identity){.uid = 33, .gid = 34, .groups = {34, 40}, .group_count = 2};
}

TEST(command_and_args_override_as_in_kubernetes)
{
	static const char *command[] = {"/run", "$(A)", NULL}, *args[] = {"$$(A)", "$(B)", NULL},
			  *empty[] = {NULL};
	static const struct {
		const char *what;
		const char **command, **args;
		const char *want;
	} cases[] = {
		{"the image's", NULL, NULL, "[\"/entry\",\"-x\",\"serve\"]"},
		{"args replace cmd", NULL, args, "[\"/entry\",\"-x\",\"$(A)\",\"$(B)\"]"},
		{"command drops cmd", command, NULL, "[\"/run\",\"alpha\"]"},
		{"both", command, args, "[\"/run\",\"alpha\",\"$(A)\",\"$(B)\"]"},
		{"args that are empty replace cmd too", NULL, empty, "[\"/entry\",\"-x\"]"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		AUTO_JSON config = NULL;
		AUTO_FREE char *text = NULL;
		struct err err = {0};

		fresh();
		container.command = cases[i].command;
		container.args = cases[i].args;
		if (!CHECK_OK(cases[i].what, config_make(NULL, 0, &config, &err), &err))
			continue;
		text = json_text(json_object_get(json_object_get(config, "process"), "args"));
		CHECK_STR(cases[i].what, text, cases[i].want);
	}
}

TEST(a_container_without_a_command_is_refused)
{
	AUTO_JSON config = NULL;
	struct err err = {0};

	fresh();
	image.entrypoint = image.cmd = nothing;
	CHECK_FAILS("nothing to run", config_make(NULL, 0, &config, &err), EINVAL, &err,
		"no command specified");
}

TEST(the_process_is_what_pod_and_image_say)
{
	AUTO_JSON config = NULL;
	AUTO_FREE char *text = NULL;
	json_t *process;
	struct err err = {0};

	fresh();
	image.working_dir = "srv";
	container.security.no_new_privs = true;
	if (!CHECK_OK("built", config_make(NULL, 0, &config, &err), &err))
		return;
	process = json_object_get(config, "process");
	json_object_del(process, "args");
	text = json_text(process);
	CHECK_STR("whole", text,
		"{\"terminal\":false,\"user\":{\"uid\":33,\"gid\":34,\"additionalGids\":[34,40]},"
		"\"env\":[\"A=alpha\"],\"cwd\":\"/srv\",\"capabilities\":{\"bounding\":[\"CAP_"
		"CHOWN\"],\"effective\":[\"CAP_CHOWN\"],\"permitted\":[\"CAP_CHOWN\"]},"
		"\"noNewPrivileges\":true,\"oomScoreAdj\":999}");
}

TEST(namespaces_are_pauses_or_fresh)
{
	AUTO_JSON config = NULL;
	AUTO_FREE char *text = NULL;
	struct err err = {0};

	fresh();
	if (!CHECK_OK("built", config_make(NULL, 0, &config, &err), &err))
		return;
	text = json_text(json_object_get(json_object_get(config, "linux"), "namespaces"));
	CHECK_STR("all six", text,
		"[{\"type\":\"pid\"},{\"type\":\"mount\"},{\"type\":\"cgroup\"},"
		"{\"type\":\"network\",\"path\":\"/proc/4242/ns/net\"},"
		"{\"type\":\"ipc\",\"path\":\"/proc/4242/ns/ipc\"},"
		"{\"type\":\"uts\",\"path\":\"/proc/4242/ns/uts\"}]");
	CHECK("no hostname: the UTS namespace has one", !json_object_get(config, "hostname"));
	CHECK("rlimits stay what they are",
		!json_object_get(json_object_get(config, "process"), "rlimits"));
}

TEST(mounts_are_ordered_and_replace_defaults)
{
	const struct oci_bind binds[] = {
		{"/s/inner", "/data/inner/", false},
		{"/s/root", "/data", true},
		{"/s/shm", "/dev/shm", false},
		{"/s/proc", "/dev/mqueue", false},
	};
	static const char *const want[] = {"/proc", "/dev", "/dev/pts", "/sys", "/sys/fs/cgroup",
		"/data", "/data/inner/", "/dev/shm", "/dev/mqueue"};
	AUTO_JSON config = NULL;
	AUTO_FREE char *text = NULL;
	json_t *mounts;
	struct err err = {0};

	fresh();
	if (!CHECK_OK("built", config_make(binds, COUNT(binds), &config, &err), &err))
		return;
	mounts = json_object_get(config, "mounts");
	CHECK_EQ("count", json_array_size(mounts), COUNT(want));
	for (size_t i = 0; i < COUNT(want); i++)
		CHECK_STR("order", json_string_at(json_array_get(mounts, i), "destination", ""),
			want[i]);
	text = json_text(json_array_get(mounts, 5));
	CHECK_STR("a read-only bind", text,
		"{\"destination\":\"/data\",\"type\":\"bind\",\"source\":\"/s/root\","
		"\"options\":[\"rbind\",\"rprivate\",\"ro\"]}");
}

TEST(capabilities_add_and_drop)
{
	static const char *all[] = {"ALL", NULL}, *bind[] = {"NET_BIND_SERVICE", NULL},
			  *raw[] = {"NET_RAW", "MKNOD", NULL}, *admin[] = {"SYS_ADMIN", NULL};
	const uint64_t defaults = 0xa80425fb, held = UINT64_C(0x1ffffffffff);
	const struct {
		const char *what, **add, **drop;
		uint64_t want;
	} cases[] = {
		{"the default 14", none, none, defaults},
		{"drop two", none, raw, defaults & ~(UINT64_C(1) << 13) & ~(UINT64_C(1) << 27)},
		{"drop all", none, all, 0},
		{"drop all, add one", bind, all, 1 << 10},
		{"add one", admin, none, defaults | 1 << 21},
		{"add all: what we hold", all, none, held},
		{"add all, drop one", all, bind, held & ~(UINT64_C(1) << 10)},
		{"the same in both: dropped", raw, raw,
			defaults & ~(UINT64_C(1) << 13) & ~(UINT64_C(1) << 27)},
	};
	static const char *wrong[] = {"FLY", NULL};
	struct security bad = {.cap_add = wrong, .cap_drop = none};
	struct err err = {0};
	uint64_t got = 0;

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct security security = {.cap_add = cases[i].add, .cap_drop = cases[i].drop};

		CHECK_OK(cases[i].what, capability_set(&security, held, &got, &err), &err);
		CHECK_EQ(cases[i].what, got, cases[i].want);
	}
	CHECK_FAILS("an unknown one", capability_set(&bad, held, &got, &err), EINVAL, &err,
		"unknown capability 'FLY'");
}

TEST(a_container_sees_its_own_processes_or_those_of_its_target)
{
	static const struct {
		pid_t target;
		const char *want;
	} rows[] = {{0, ""}, {77, "/proc/77/ns/pid"}};

	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO_JSON config = NULL;
		json_t *namespaces, *namespace;
		struct err err;
		size_t k;

		fresh();
		target_pid = rows[i].target;
		CHECK_OK("config", config_make(NULL, 0, &config, &err), &err);
		namespaces = json_object_get(json_object_get(config, "linux"), "namespaces");
		json_array_foreach (namespaces, k, namespace)
			if (strcmp(json_string_at(namespace, "type", ""), "pid") == 0)
				CHECK_STR("path", json_string_at(namespace, "path", ""),
					rows[i].want);
	}
	target_pid = 0;
}
