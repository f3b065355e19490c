// SPDX-License-Identifier: Apache-2.0
#include "user/shim/filter.h"

#include <seccomp.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"

#define FILTER_ARGS_MAX 6

static int action_of(const char *name, uint32_t errno_value, uint32_t *ret)
{
	const struct {
		const char *name;
		uint32_t action;
	} actions[] = {
		{"SCMP_ACT_ALLOW", SCMP_ACT_ALLOW},
		{"SCMP_ACT_ERRNO", SCMP_ACT_ERRNO(errno_value)},
		{"SCMP_ACT_KILL", SCMP_ACT_KILL},
		{"SCMP_ACT_KILL_THREAD", SCMP_ACT_KILL_THREAD},
		{"SCMP_ACT_KILL_PROCESS", SCMP_ACT_KILL_PROCESS},
		{"SCMP_ACT_TRAP", SCMP_ACT_TRAP},
		{"SCMP_ACT_TRACE", SCMP_ACT_TRACE(errno_value)},
		{"SCMP_ACT_LOG", SCMP_ACT_LOG},
	};

	for (size_t i = 0; i < COUNT(actions); i++)
		if (strcmp(name, actions[i].name) == 0) {
			*ret = actions[i].action;
			return 0;
		}
	return -EINVAL;
}

static int compare_of(const char *name, enum scmp_compare *ret)
{
	static const struct {
		const char *name;
		enum scmp_compare compare;
	} compares[] = {
		{"SCMP_CMP_NE", SCMP_CMP_NE},
		{"SCMP_CMP_LT", SCMP_CMP_LT},
		{"SCMP_CMP_LE", SCMP_CMP_LE},
		{"SCMP_CMP_EQ", SCMP_CMP_EQ},
		{"SCMP_CMP_GE", SCMP_CMP_GE},
		{"SCMP_CMP_GT", SCMP_CMP_GT},
		{"SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ},
	};

	for (size_t i = 0; i < COUNT(compares); i++)
		if (strcmp(name, compares[i].name) == 0) {
			*ret = compares[i].compare;
			return 0;
		}
	return -EINVAL;
}

static int rule_args(const json_t *list, struct scmp_arg_cmp ret[FILTER_ARGS_MAX], unsigned *count)
{
	size_t i;
	json_t *arg;

	*count = 0;
	json_array_foreach (list, i, arg) {
		struct scmp_arg_cmp *out = &ret[i];

		if (i == FILTER_ARGS_MAX || compare_of(json_string_at(arg, "op", ""), &out->op) < 0)
			return -EINVAL;
		out->arg = (unsigned)json_integer_at(arg, "index", 0);
		out->datum_a = (scmp_datum_t)json_integer_at(arg, "value", 0);
		out->datum_b = (scmp_datum_t)json_integer_at(arg, "valueTwo", 0);
		++*count;
	}
	return 0;
}

/* A name that this libseccomp or architecture does not know cannot be called: as the runtimes do, it is left out. */
static int filter_rule(
	scmp_filter_ctx filter, const json_t *rule, uint32_t fallback, struct err *err)
{
	struct scmp_arg_cmp args[FILTER_ARGS_MAX];
	uint32_t action = 0;
	unsigned count;
	json_t *name;
	size_t i;

	if (action_of(json_string_at(rule, "action", ""),
		    (uint32_t)json_integer_at(rule, "errnoRet", EPERM), &action) < 0 ||
		rule_args(json_object_get(rule, "args"), args, &count) < 0)
		return err_refuse(err, EINVAL, "linux.seccomp.syscalls: unknown action or args");
	if (action == fallback)
		return 0;
	json_array_foreach (json_object_get(rule, "names"), i, name) {
		const char *text = json_string_value(name);
		int call = text ? seccomp_syscall_resolve_name(text) : __NR_SCMP_ERROR;
		int r;

		if (call == __NR_SCMP_ERROR)
			continue;
		r = seccomp_rule_add_array(filter, action, call, count, args);
		if (r < 0)
			return err_set(err, -r, "linux.seccomp: rule for '%s'", text);
	}
	return 0;
}

static int filter_architectures(scmp_filter_ctx filter, const json_t *list, struct err *err)
{
	json_t *entry;
	size_t i;

	json_array_foreach (list, i, entry) {
		const char *text = json_string_value(entry);
		char name[32] = "";
		uint32_t token;
		int r;

		if (text && strncmp(text, "SCMP_ARCH_", 10) == 0)
			for (size_t c = 0; text[10 + c] && c < sizeof(name) - 1; c++)
				name[c] = (char)(text[10 + c] | 0x20);
		token = seccomp_arch_resolve_name(name);
		r = token ? seccomp_arch_add(filter, token) : -EINVAL;
		if (r < 0 && r != -EEXIST)
			return err_set(err, -r, "linux.seccomp.architectures[%zu]", i);
	}
	return 0;
}

static int filter_build(
	scmp_filter_ctx filter, const json_t *seccomp, uint32_t fallback, struct err *err)
{
	json_t *rule;
	size_t i;
	/* no_new_privs is the profile's business, not the filter's. */
	int r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0);

	if (r < 0)
		return err_set(err, -r, "make a seccomp filter");
	r = filter_architectures(filter, json_object_get(seccomp, "architectures"), err);
	if (r < 0)
		return r;
	json_array_foreach (json_object_get(seccomp, "syscalls"), i, rule) {
		r = filter_rule(filter, rule, fallback, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int filter_compile(const json_t *seccomp, int fd, struct err *err)
{
	scmp_filter_ctx filter;
	uint32_t fallback;
	int r;

	if (action_of(json_string_at(seccomp, "defaultAction", ""),
		    (uint32_t)json_integer_at(seccomp, "defaultErrnoRet", EPERM), &fallback) < 0)
		return err_refuse(err, EINVAL, "linux.seccomp.defaultAction: unknown action");
	filter = seccomp_init(fallback);
	if (!filter)
		return err_set(err, ENOMEM, "make a seccomp filter");
	r = filter_build(filter, seccomp, fallback, err);
	if (r == 0) {
		r = seccomp_export_bpf(filter, fd);
		if (r < 0)
			err_set(err, -r, "compile a seccomp filter");
	}
	seccomp_release(filter);
	return r;
}
