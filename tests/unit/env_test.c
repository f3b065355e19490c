// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>

#include "tests/check.h"
#include "user/node/env.h"

static struct object config_map, secret;

static const struct object *source_get(
	void *userdata, enum object_kind kind, const char *namespace, const char *name)
{
	(void)userdata;
	if (strcmp(namespace, "shop") != 0 || strcmp(name, "settings") != 0)
		return NULL;
	return kind == KIND_CONFIG_MAP ? &config_map : kind == KIND_SECRET ? &secret : NULL;
}

static struct pod pod;
static struct container containers[2];

static struct env_input input_make(struct env_var *env, size_t count)
{
	struct env_input input = {
		.about = {.pod = &pod, .node_name = "node1", .node_cpu = 2000, .node_memory = 4096},
		.container = &containers[0],
		.source = {.get = source_get},
	};

	inet_pton(AF_INET, "10.244.0.7", &input.about.pod_ip);
	inet_pton(AF_INET, "192.0.2.1", &input.about.host_ip);
	json_decref(config_map.json);
	json_decref(secret.json);
	config_map = (struct object){.kind = KIND_CONFIG_MAP,
		.meta = {.name = "settings", .namespace = "shop"},
		.json = json_pack("{s:{s:s, s:s, s:s}}", "data", "color", "red", "size", "xl",
			"a=b", "not a name")};
	secret = (struct object){.kind = KIND_SECRET,
		.meta = {.name = "settings", .namespace = "shop"},
		.json = json_pack("{s:{s:s, s:s}}", "data", "color", "Ymx1ZQ==", "nul", "AA==")};
	containers[0] = (struct container){
		.name = "web", .env = env, .env_count = count, .resources = {100, -1, 1000, 1025}};
	containers[1] = (struct container){.name = "side", .resources = {-1, 1500, -1, -1}};
	json_decref(pod.json);
	pod = (struct pod){
		.json = json_pack("{s:{s:s}}", "spec", "serviceAccountName", "runner"),
		.meta = {.name = "web-1", .namespace = "shop", .uid = "u-1"},
		.containers = containers,
		.container_count = 2,
	};
	return input;
}

/* Both are released with the program; LeakSanitizer sees them through the globals. */
static struct env *make(struct env_input *input)
{
	struct env *env = NULL;
	struct err err = {0};

	CHECK_OK("the environment is made", env_make(input, &env, &err), &err);
	return env;
}

TEST(references_expand_as_in_kubernetes)
{
	static const struct {
		const char *what, *text, *want;
	} cases[] = {
		{"plain text", "abc", "abc"},
		{"a reference", "$(A)", "alpha"},
		{"in the middle", "x-$(A)-y", "x-alpha-y"},
		{"two of them", "$(A)$(A)", "alphaalpha"},
		{"an unknown name stays", "$(NOPE)", "$(NOPE)"},
		{"escaped", "$$(A)", "$(A)"},
		{"escaped twice", "$$$$(A)", "$$(A)"},
		{"escape and reference", "$$$(A)", "$alpha"},
		{"no parenthesis", "$A", "$A"},
		{"braces mean nothing", "${A}", "${A}"},
		{"never closed", "$(A", "$(A"},
		{"a dollar at the end", "5$", "5$"},
		{"empty name", "$()", "$()"},
		{"what is put in is not read again", "$(B)", "$(A)"},
		{"nested is one name", "$(A$(A))", "$(A$(A))"},
		{"empty", "", ""},
	};
	struct env_var vars[] = {
		{.name = "A", .value = "alpha"},
		{.name = "B", .value = "$$(A)"},
	};
	struct env_input input = input_make(vars, COUNT(vars));
	struct env *env = make(&input);

	for (size_t i = 0; env && i < COUNT(cases); i++) {
		AUTO_FREE char *got = NULL;
		struct err err = {0};

		CHECK_OK(cases[i].what, env_expand(env, cases[i].text, &got, &err), &err);
		CHECK_STR(cases[i].what, got, cases[i].want);
	}
	env_free(env);
}

TEST(only_earlier_variables_are_seen_and_later_ones_win)
{
	struct env_var vars[] = {
		{.name = "FIRST", .value = "$(SECOND)"},
		{.name = "SECOND", .value = "2"},
		{.name = "THIRD", .value = "$(SECOND)$(color)"},
		{.name = "SECOND", .value = "two"},
		{.name = "size", .value = "m"},
	};
	struct env_from from[] = {{.prefix = "", .object = "settings"}};
	struct env_input input = input_make(vars, COUNT(vars));
	struct env *env;

	containers[0].env_from = from;
	containers[0].env_from_count = 1;
	env = make(&input);
	if (!env)
		return;
	CHECK_STR("a later one is unknown yet", env_get(env, "FIRST"), "$(SECOND)");
	CHECK_STR("envFrom comes before env", env_get(env, "THIRD"), "2red");
	CHECK_STR("the last value of a name counts", env_get(env, "SECOND"), "two");
	CHECK_STR("env overrides envFrom", env_get(env, "size"), "m");
	CHECK_STR("a key that is no name is left out", env_get(env, "a=b"), NULL);
	env_free(env);
}

TEST(fields_of_the_pod_become_values)
{
	static const struct {
		const char *path, *want;
	} cases[] = {
		{"metadata.name", "web-1"},
		{"metadata.namespace", "shop"},
		{"metadata.uid", "u-1"},
		{"metadata.labels['app']", "web"},
		{"metadata.labels['absent']", ""},
		{"metadata.annotations['a.b/c']", "note"},
		{"spec.nodeName", "node1"},
		{"spec.serviceAccountName", "runner"},
		{"status.podIP", "10.244.0.7"},
		{"status.podIPs", "10.244.0.7"},
		{"status.hostIP", "192.0.2.1"},
	};
	AUTO_JSON labels = json_pack("{s:s}", "app", "web");
	AUTO_JSON annotations = json_pack("{s:s}", "a.b/c", "note");

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct env_var var = {.name = "X", .kind = ENV_FIELD, .path = cases[i].path};
		struct env_input input = input_make(&var, 1);
		struct env *env;

		pod.meta.labels = labels;
		pod.meta.annotations = annotations;
		env = make(&input);
		if (env)
			CHECK_STR(cases[i].path, env_get(env, "X"), cases[i].want);
		env_free(env);
	}
}

TEST(resources_become_whole_numbers_rounded_up)
{
	static const struct {
		const char *what, *path, *container;
		int64_t divisor;
		const char *want;
	} cases[] = {
		{"100m is one CPU", "requests.cpu", NULL, 1000, "1"},
		{"in thousandths", "requests.cpu", NULL, 1, "100"},
		{"no limit: the machine's", "limits.cpu", NULL, 1000, "2"},
		{"another container's", "limits.cpu", "side", 1000, "2"},
		{"bytes", "limits.memory", NULL, 1000, "1025"},
		{"KiB", "limits.memory", NULL, 1024000, "2"},
		{"no memory limit: the machine's", "limits.memory", "side", 1000, "4096"},
		{"no request", "requests.memory", "side", 1000, "0"},
		{"an absent divisor is one", "requests.memory", NULL, 0, "1000"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct env_var var = {.name = "X",
			.kind = ENV_RESOURCE_FIELD,
			.path = cases[i].path,
			.container = cases[i].container,
			.divisor = cases[i].divisor};
		struct env_input input = input_make(&var, 1);
		struct env *env = make(&input);

		if (env)
			CHECK_STR(cases[i].what, env_get(env, "X"), cases[i].want);
		env_free(env);
	}
}

TEST(keys_of_configmaps_and_secrets_become_values)
{
	struct env_var vars[] = {
		{.name = "C", .kind = ENV_CONFIG_MAP_KEY, .object = "settings", .key = "color"},
		{.name = "S", .kind = ENV_SECRET_KEY, .object = "settings", .key = "color"},
		{.name = "K",
			.kind = ENV_SECRET_KEY,
			.object = "settings",
			.key = "absent",
			.optional = true},
		{.name = "O",
			.kind = ENV_CONFIG_MAP_KEY,
			.object = "absent",
			.key = "k",
			.optional = true},
	};
	struct env_from from[] = {
		{.prefix = "P_", .object = "settings"},
		{.prefix = "", .object = "absent", .optional = true},
	};
	struct env_input input = input_make(vars, COUNT(vars));
	struct env *env;

	containers[0].env_from = from;
	containers[0].env_from_count = COUNT(from);
	env = make(&input);
	if (!env)
		return;
	CHECK_STR("a ConfigMap's", env_get(env, "C"), "red");
	CHECK_STR("a Secret's is decoded", env_get(env, "S"), "blue");
	CHECK_STR("an optional key that is absent sets nothing", env_get(env, "K"), NULL);
	CHECK_STR("nor does an optional object", env_get(env, "O"), NULL);
	CHECK_STR("envFrom with a prefix", env_get(env, "P_size"), "xl");
	env_free(env);
}

TEST(what_is_missing_is_named)
{
	static const struct {
		const char *what;
		struct env_var var;
		int code;
		const char *text;
	} cases[] = {
		{"ConfigMap",
			{.name = "X", .kind = ENV_CONFIG_MAP_KEY, .object = "gone", .key = "k"},
			ENOENT, "configmap \"gone\" not found"},
		{"Secret", {.name = "X", .kind = ENV_SECRET_KEY, .object = "gone", .key = "k"},
			ENOENT, "secret \"gone\" not found"},
		{"key", {.name = "X", .kind = ENV_CONFIG_MAP_KEY, .object = "settings", .key = "k"},
			ENOENT, "couldn't find key k in ConfigMap shop/settings"},
		{"NUL", {.name = "X", .kind = ENV_SECRET_KEY, .object = "settings", .key = "nul"},
			EINVAL, "holds a NUL byte"},
		{"field", {.name = "X", .kind = ENV_FIELD, .path = "status.phase"}, EINVAL,
			"field 'status.phase' is not supported"},
		{"resource", {.name = "X", .kind = ENV_RESOURCE_FIELD, .path = "limits.gpu"},
			EINVAL, "resource 'limits.gpu'"},
		{"container",
			{.name = "X",
				.kind = ENV_RESOURCE_FIELD,
				.path = "limits.cpu",
				.container = "nobody"},
			EINVAL, "no container 'nobody'"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct env_var var = cases[i].var;
		struct env_input input = input_make(&var, 1);
		struct env *env = NULL;
		struct err err = {0};

		CHECK_FAILS(cases[i].what, env_make(&input, &env, &err), cases[i].code, &err,
			cases[i].text);
		CHECK_HAS("the variable is named", err.text, "variable X");
	}
}

TEST(references_cannot_grow_without_end)
{
	enum { DOUBLINGS = 40 };
	static char names[DOUBLINGS][8], values[DOUBLINGS][32];
	struct env_var vars[DOUBLINGS];
	struct env_input input;
	struct env *env = NULL;
	struct err err = {0};

	for (int i = 0; i < DOUBLINGS; i++) {
		snprintf(names[i], sizeof(names[i]), "V%d", i);
		snprintf(values[i], sizeof(values[i]), i ? "$(V%d)$(V%d)" : "0123456789", i - 1,
			i - 1);
		vars[i] = (struct env_var){.name = names[i], .value = values[i]};
	}
	input = input_make(vars, DOUBLINGS);
	CHECK_FAILS("refused", env_make(&input, &env, &err), E2BIG, &err, "variable V");
}

TEST(the_process_gets_image_and_pod_variables)
{
	char *image[] = {"PATH=/bin", "LANG=C", "BROKEN", "=x", NULL}, *none[] = {NULL};
	struct env_var vars[] = {
		{.name = "LANG", .value = "en"},
		{.name = "SEES", .value = "$(PATH)"},
	};
	struct env_input input = input_make(vars, COUNT(vars));
	struct env *env = make(&input);
	AUTO_JSON full = NULL;
	AUTO_JSON bare = NULL;
	AUTO_FREE char *text = NULL, *bare_text = NULL;
	struct err err = {0};

	if (!env)
		return;
	CHECK_OK("merged", env_merge(env, image, "web-1", true, &full, &err), &err);
	text = json_text(full);
	CHECK_STR("the later wins, image variables are not referred to", text,
		"[\"PATH=/bin\",\"HOSTNAME=web-1\",\"TERM=xterm\",\"LANG=en\",\"SEES=$(PATH)\"]");
	CHECK_OK("without an image's", env_merge(env, none, "web-1", false, &bare, &err), &err);
	bare_text = json_text(bare);
	CHECK_HAS("PATH has a default", bare_text,
		"[\"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\"");
	env_free(env);
}
