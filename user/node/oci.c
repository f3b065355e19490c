// SPDX-License-Identifier: Apache-2.0
#include "user/node/oci.h"

#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/node/capability.h"

#define OPTIONS_MAX 6

struct mount {
	const char *destination, *type, *source;
	const char *options[OPTIONS_MAX + 1];
};

/* /dev/shm is the Pod's and comes as a bind. */
static const struct mount default_mounts[] = {
	{"/proc", "proc", "proc", {"nosuid", "noexec", "nodev"}},
	{"/dev", "tmpfs", "tmpfs", {"nosuid", "strictatime", "mode=755", "size=65536k"}},
	{"/dev/pts", "devpts", "devpts",
		{"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}},
	{"/dev/mqueue", "mqueue", "mqueue", {"nosuid", "noexec", "nodev"}},
	{"/sys", "sysfs", "sysfs", {"nosuid", "noexec", "nodev", "ro"}},
	{"/sys/fs/cgroup", "cgroup", "cgroup", {"nosuid", "noexec", "nodev", "relatime", "ro"}},
};

static const char *const masked_paths[] = {
	"/proc/asound",
	"/proc/acpi",
	"/proc/interrupts",
	"/proc/kcore",
	"/proc/keys",
	"/proc/latency_stats",
	"/proc/timer_list",
	"/proc/timer_stats",
	"/proc/sched_debug",
	"/proc/scsi",
	"/sys/firmware",
	"/sys/devices/virtual/powercap",
	NULL,
};

static const char *const read_only_paths[] = {
	"/proc/bus",
	"/proc/fs",
	"/proc/irq",
	"/proc/sys",
	"/proc/sysrq-trigger",
	NULL,
};

static json_t *strings(const char *const *list)
{
	AUTO_JSON array = json_array();

	for (; *list; list++)
		if (json_array_append_new(array, json_string(*list)) < 0)
			return NULL;
	return take_ptr(array);
}

static int args_append(
	json_t *args, const struct env *env, const char *const *list, bool expand, struct err *err)
{
	for (; list && *list; list++) {
		AUTO_FREE char *text = NULL;
		int r = expand ? env_expand(env, *list, &text, err) : 0;

		if (r < 0)
			return r;
		if (json_array_append_new(args, json_string(expand ? text : *list)) < 0)
			return err_refuse(
				err, EILSEQ, "argument '%.100s' is not UTF-8 text", *list);
	}
	return 0;
}

/* command replaces the entrypoint and takes the image's cmd with it; args replaces cmd alone. */
static int oci_args(const struct oci_input *input, json_t **ret, struct err *err)
{
	const struct container *container = input->container;
	const char *const *entrypoint = (const char *const *)input->image->entrypoint;
	const char *const *cmd = (const char *const *)input->image->cmd;
	AUTO_JSON args = json_array();
	int r = args ? 0 : err_set(err, ENOMEM, "make the command");

	if (r == 0 && container->command)
		r = args_append(
			args, input->env, (const char *const *)container->command, true, err);
	else if (r == 0)
		r = args_append(args, input->env, entrypoint, false, err);
	if (r == 0 && container->args)
		r = args_append(args, input->env, (const char *const *)container->args, true, err);
	else if (r == 0 && !container->command)
		r = args_append(args, input->env, cmd, false, err);
	if (r == 0 && json_array_size(args) == 0)
		return err_refuse(err, EINVAL, "no command specified");
	if (r == 0)
		*ret = take_ptr(args);
	return r;
}

/* An image may say "srv": Docker reads that as "/srv". */
static json_t *oci_cwd(const struct oci_input *input)
{
	const char *dir = input->container->working_dir;

	if (!dir || !*dir)
		dir = input->image->working_dir;
	return json_sprintf("%s%s", *dir == '/' ? "" : "/", dir);
}

static json_t *oci_user(const struct identity *identity)
{
	AUTO_JSON groups = json_array();

	for (size_t i = 0; i < identity->group_count; i++)
		if (json_array_append_new(groups, json_integer(identity->groups[i])) < 0)
			return NULL;
	return json_pack("{s:I, s:I, s:O}", "uid", (json_int_t)identity->uid, "gid",
		(json_int_t)identity->gid, "additionalGids", groups);
}

/* No inheritable ones: a setuid or file-capability program must not gain more than it asks for. */
static json_t *oci_capabilities(uint64_t set)
{
	return json_pack("{s:o, s:o, s:o}", "bounding", capability_names(set), "effective",
		capability_names(set), "permitted", capability_names(set));
}

static int oci_process(const struct oci_input *input, json_t **ret, struct err *err)
{
	const struct security *security = &input->container->security;
	json_t *args = NULL;
	int r = oci_args(input, &args, err);

	if (r < 0)
		return r;
	*ret = json_pack("{s:b, s:o, s:o, s:O, s:o, s:o, s:b, s:i}", "terminal",
		input->container->tty, "user", oci_user(input->identity), "args", args, "env",
		input->process_env, "cwd", oci_cwd(input), "capabilities",
		oci_capabilities(input->capabilities), "noNewPrivileges", security->no_new_privs,
		"oomScoreAdj", input->oom_score_adj);
	return *ret ? 0 : err_set(err, ENOMEM, "describe the process");
}

static bool binds_cover(const struct oci_input *input, const char *destination)
{
	for (size_t i = 0; i < input->bind_count; i++)
		if (strcmp(input->binds[i].destination, destination) == 0)
			return true;
	return false;
}

static json_t *mount_json(const struct mount *mount)
{
	return json_pack("{s:s, s:s, s:s, s:o}", "destination", mount->destination, "type",
		mount->type, "source", mount->source, "options", strings(mount->options));
}

static unsigned path_depth(const char *path)
{
	unsigned depth = 0;

	for (; *path; path++)
		depth += path[0] == '/' && path[1] != '/' && path[1] != '\0';
	return depth;
}

static unsigned binds_deepest(const struct oci_input *input)
{
	unsigned deepest = 0;

	for (size_t i = 0; i < input->bind_count; i++)
		if (path_depth(input->binds[i].destination) > deepest)
			deepest = path_depth(input->binds[i].destination);
	return deepest;
}

static json_t *oci_mounts(const struct oci_input *input)
{
	AUTO_JSON mounts = json_array();
	unsigned deepest = binds_deepest(input);
	int r = mounts ? 0 : -1;

	for (size_t i = 0; i < COUNT(default_mounts); i++)
		if (!binds_cover(input, default_mounts[i].destination))
			r |= json_array_append_new(mounts, mount_json(&default_mounts[i]));
	for (unsigned depth = 0; depth <= deepest; depth++)
		for (size_t i = 0; i < input->bind_count; i++) {
			const struct oci_bind *bind = &input->binds[i];
			const struct mount mount = {bind->destination, "bind", bind->source,
				{"rbind", "rprivate", bind->read_only ? "ro" : "rw"}};

			if (path_depth(bind->destination) == depth)
				r |= json_array_append_new(mounts, mount_json(&mount));
		}
	return r < 0 ? NULL : take_ptr(mounts);
}

static json_t *oci_namespaces(pid_t pause_pid, pid_t target_pid)
{
	json_t *pid = target_pid ? json_sprintf("/proc/%d/ns/pid", target_pid) : NULL;
	json_t *net = json_sprintf("/proc/%d/ns/net", pause_pid);
	json_t *ipc = json_sprintf("/proc/%d/ns/ipc", pause_pid);
	json_t *uts = json_sprintf("/proc/%d/ns/uts", pause_pid);

	return json_pack("[{s:s, s:o*}, {s:s}, {s:s}, {s:s, s:o}, {s:s, s:o}, {s:s, s:o}]", "type",
		"pid", "path", pid, "type", "mount", "type", "cgroup", "type", "network", "path",
		net, "type", "ipc", "path", ipc, "type", "uts", "path", uts);
}

static json_t *oci_linux(const struct oci_input *input)
{
	return json_pack("{s:s, s:o, s:O, s:o, s:o}", "cgroupsPath", input->cgroup_path,
		"namespaces", oci_namespaces(input->pause_pid, input->target_pid), "resources",
		input->resources, "maskedPaths", strings(masked_paths), "readonlyPaths",
		strings(read_only_paths));
}

int oci_config(const struct oci_input *input, json_t **ret, struct err *err)
{
	json_t *process = NULL, *config;
	int r = oci_process(input, &process, err);

	if (r < 0)
		return r;
	/* No hostname: the UTS namespace is pause's, who has set it. */
	config = json_pack("{s:s, s:o, s:{s:s, s:b}, s:o, s:o}", "ociVersion", "1.0.2", "process",
		process, "root", "path", "rootfs", "readonly",
		input->container->security.read_only_root, "mounts", oci_mounts(input), "linux",
		oci_linux(input));
	if (!config)
		return err_set(err, ENOMEM, "describe the container");
	*ret = config;
	return 0;
}
