// SPDX-License-Identifier: Apache-2.0
#include "user/datapath/loader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bpf/pod_in.skel.h"
#include "bpf/pod_out.skel.h"
#include "bpf/process_exit.skel.h"
#include "bpf/sock_lb.skel.h"
#include "podnet/abi.h"
#include "podnet/pins.h"
#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/datapath/attach.h"
#include "user/datapath/datapath.h"
#include "user/datapath/filter.h"
#include "user/datapath/pindir.h"

#define LRU_ENTRIES_PER_CPU 256 /* fewer, and CPUs steal each other's free lists */

static const struct object {
	const char *name;
	const void *(*elf)(size_t *ret_size);
} objects[] = {
	{"pod_out", pod_out_bpf__elf_bytes},
	{"pod_in", pod_in_bpf__elf_bytes},
	{"sock_lb", sock_lb_bpf__elf_bytes},
	{"process_exit", process_exit_bpf__elf_bytes},
};

/* Each is pinned under its name in the object. */
static const char *const programs[] = {PIN_POD_OUT, PIN_POD_IN, PIN_CONNECT4, PIN_SENDMSG4,
	PIN_RECVMSG4, PIN_RECVMSG6, PIN_GETPEERNAME4, PIN_GETPEERNAME6, PIN_CONNECT6,
	PIN_PROCESS_EXIT};

/* The replies' hooks first: nobody is to hear from a backend that he did not ask. */
static const struct hook {
	const char *program, *link;
	enum bpf_attach_type type;
} hooks[] = {
	{PIN_GETPEERNAME4, PIN_GETPEERNAME4 PIN_LINK_SUFFIX, BPF_CGROUP_INET4_GETPEERNAME},
	{PIN_GETPEERNAME6, PIN_GETPEERNAME6 PIN_LINK_SUFFIX, BPF_CGROUP_INET6_GETPEERNAME},
	{PIN_RECVMSG6, PIN_RECVMSG6 PIN_LINK_SUFFIX, BPF_CGROUP_UDP6_RECVMSG},
	{PIN_RECVMSG4, PIN_RECVMSG4 PIN_LINK_SUFFIX, BPF_CGROUP_UDP4_RECVMSG},
	{PIN_SENDMSG4, PIN_SENDMSG4 PIN_LINK_SUFFIX, BPF_CGROUP_UDP4_SENDMSG},
	{PIN_CONNECT4, PIN_CONNECT4 PIN_LINK_SUFFIX, BPF_CGROUP_INET4_CONNECT},
	{PIN_CONNECT6, PIN_CONNECT6 PIN_LINK_SUFFIX, BPF_CGROUP_INET6_CONNECT},
};

/* libbpf says what went wrong only by printing: its first complaint is kept for our own error. */
static _Thread_local char complaint[128];

__attribute__((format(printf, 2, 0))) static int complaint_keep(
	enum libbpf_print_level level, const char *format, va_list arguments)
{
	size_t length;

	if (level != LIBBPF_WARN || complaint[0])
		return 0;
	vsnprintf(complaint, sizeof(complaint), format, arguments);
	length = strcspn(complaint, "\n");
	complaint[length] = '\0';
	return 0;
}

static void cleanup_object(struct bpf_object **object)
{
	bpf_object__close(*object);
}

#define AUTO_OBJECT AUTO_CLEANUP(cleanup_object) struct bpf_object *

/* FNV-1a over all programs: another build's differ. */
static uint64_t build_id(void)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < COUNT(objects); i++) {
		size_t size;
		const uint8_t *bytes = objects[i].elf(&size);

		for (size_t at = 0; at < size; at++)
			hash = (hash ^ bytes[at]) * UINT64_C(0x100000001b3);
	}
	return hash;
}

static int build_open(const struct datapath_config *config, int *ret_fd, struct err *err)
{
	AUTO_FD fd = -1;
	int r;

	r = pindir_get(config, PIN_BUILD, ret_fd, NULL);
	if (r != -ENOENT)
		return r == 0 ? 0 : pindir_get(config, PIN_BUILD, ret_fd, err);
	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "podnet_build", 4, 8, 1, NULL);
	if (fd < 0)
		return err_set(err, -fd, "create map '" PIN_BUILD "'");
	r = pindir_put(config, PIN_BUILD, fd, err);
	if (r < 0)
		return r;
	*ret_fd = take_fd(&fd);
	return 0;
}

static int map_prepare(const struct datapath_config *config, struct bpf_map *map, struct err *err)
{
	struct bpf_map_info info = {};
	__u32 size = sizeof(info), entries = bpf_map__max_entries(map), least;
	char path[PIN_PATH_MAX];
	AUTO_FD fd = -1;
	int r;

	r = pindir_path(config, bpf_map__name(map), path, err);
	if (r < 0)
		return r;
	fd = bpf_obj_get(path);
	if (fd < 0 && fd != -ENOENT)
		return err_set(err, -fd, "open '%s'", path);
	least = LRU_ENTRIES_PER_CPU * (__u32)libbpf_num_possible_cpus();
	if (fd >= 0) {
		r = bpf_obj_get_info_by_fd(fd, &info, &size);
		if (r < 0)
			return err_set(err, -r, "read about '%s'", path);
		entries = info.max_entries;
	} else if (bpf_map__type(map) == BPF_MAP_TYPE_LRU_HASH && entries < least) {
		entries = least;
	}
	r = bpf_map__set_max_entries(map, entries);
	if (r == 0)
		r = bpf_map__set_pin_path(map, path);
	return r == 0 ? 0 : err_set(err, -r, "size map '%s'", bpf_map__name(map));
}

static int object_load(
	const struct datapath_config *config, const struct object *source, struct err *err)
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = source->name);
	AUTO_OBJECT object = NULL;
	struct bpf_program *program;
	struct bpf_map *map;
	const void *elf;
	size_t size;
	int r;

	elf = source->elf(&size);
	object = bpf_object__open_mem(elf, size, &options);
	if (!object)
		return err_set(err, errno, "open program '%s'", source->name);
	bpf_object__for_each_map(map, object)
	{
		r = map_prepare(config, map, err);
		if (r < 0)
			return r;
	}
	complaint[0] = '\0';
	r = bpf_object__load(object);
	if (r < 0)
		return err_set(err, -r, "load program '%s' (%s)", source->name, complaint);
	bpf_object__for_each_program(program, object)
	{
		r = pindir_put(config, bpf_program__name(program), bpf_program__fd(program), err);
		if (r < 0)
			return r;
	}
	return 0;
}

static bool programs_pinned(const struct datapath_config *config)
{
	for (size_t i = 0; i < COUNT(programs); i++) {
		AUTO_FD fd = -1;

		if (pindir_get(config, programs[i], &fd, NULL) < 0)
			return false;
	}
	return true;
}

/* Pods whose interface has vanished meanwhile are the CNI plugin's to clean up. */
int loader_attach_pods(const struct datapath_config *config, struct err *err)
{
	AUTO_FD pods_fd = -1;
	struct pod4 pod;
	__be32 address;
	int r;

	r = pindir_get(config, "pods4", &pods_fd, err);
	if (r < 0)
		return r;
	for (r = bpf_map_get_next_key(pods_fd, NULL, &address); r == 0;
		r = bpf_map_get_next_key(pods_fd, &address, &address)) {
		if (bpf_map_lookup_elem(pods_fd, &address, &pod) < 0)
			continue;
		r = filter_attach(config, pod.ifindex, err);
		if (r < 0 && r != -ENODEV)
			return r;
	}
	return r == -ENOENT ? 0 : err_set(err, -r, "read map 'pods4'");
}

int loader_run(const struct datapath_config *config, struct err *err)
{
	uint64_t ours = build_id(), pinned = 0;
	libbpf_print_fn_t print;
	uint32_t zero = 0;
	AUTO_FD build = -1;
	int r;

	r = build_open(config, &build, err);
	if (r < 0)
		return r;
	r = bpf_map_lookup_elem(build, &zero, &pinned);
	if (r < 0)
		return err_set(err, -r, "read map '" PIN_BUILD "'");
	if (pinned == ours && programs_pinned(config))
		return 0;

	print = libbpf_set_print(complaint_keep);
	for (size_t i = 0; i < COUNT(objects) && r == 0; i++)
		r = object_load(config, &objects[i], err);
	libbpf_set_print(print);
	if (r < 0)
		return r;
	r = loader_attach_pods(config, err);
	if (r < 0)
		return r;
	/* Last: whoever finds another build, or none, does all of it again. */
	r = bpf_map_update_elem(build, &zero, &ours, BPF_ANY);
	return r == 0 ? 0 : err_set(err, -r, "write map '" PIN_BUILD "'");
}

static int hook_info(
	const struct hook *hook, int link_fd, struct bpf_link_info *ret, struct err *err)
{
	__u32 size = sizeof(*ret);
	int r;

	memset(ret, 0, sizeof(*ret));
	r = bpf_obj_get_info_by_fd(link_fd, ret, &size);
	return r == 0 ? 0 : err_set(err, -r, "read about '%s'", hook->link);
}

static int hook_make(const struct datapath_config *config, const struct hook *hook, int program_fd,
	int cgroup_fd, struct err *err)
{
	AUTO_FD link = bpf_link_create(program_fd, cgroup_fd, hook->type, NULL);

	if (link < 0)
		return err_set(
			err, -link, "attach '%s' to '%s'", hook->program, config->cgroup_root);
	return pindir_put(config, hook->link, link, err);
}

/* Puts the pinned program into the hook that is there. */
static int hook_update(const struct hook *hook, int link_fd, const struct bpf_link_info *link,
	int program_fd, struct err *err)
{
	struct bpf_prog_info program = {};
	__u32 size = sizeof(program);
	int r;

	r = bpf_obj_get_info_by_fd(program_fd, &program, &size);
	if (r < 0)
		return err_set(err, -r, "read about '%s'", hook->program);
	if (program.id == link->prog_id)
		return 0;
	r = bpf_link_update(link_fd, program_fd, NULL);
	return r == 0 ? 0 : err_set(err, -r, "replace '%s'", hook->program);
}

static int hook_attach(const struct datapath_config *config, const struct hook *hook, int cgroup_fd,
	uint64_t cgroup_id, struct err *err)
{
	AUTO_FD link = -1, program = -1;
	struct bpf_link_info info;
	int r;

	r = pindir_get(config, hook->program, &program, err);
	if (r < 0)
		return r;
	r = pindir_get(config, hook->link, &link, err);
	if (r == -ENOENT)
		return hook_make(config, hook, program, cgroup_fd, err);
	if (r < 0)
		return r;
	r = hook_info(hook, link, &info, err);
	if (r < 0)
		return r;
	/* The id is 0 once the cgroup is gone. */
	if (info.cgroup.cgroup_id != cgroup_id)
		return hook_make(config, hook, program, cgroup_fd, err);
	return hook_update(hook, link, &info, program, err);
}

static int hook_remove(
	const struct datapath_config *config, const struct hook *hook, struct err *err)
{
	char path[PIN_PATH_MAX];
	int r;

	r = pindir_path(config, hook->link, path, err);
	if (r < 0)
		return r;
	if (unlink(path) < 0 && errno != ENOENT)
		return err_set(err, errno, "remove '%s'", path);
	return 0;
}

static int hooks_remove(const struct datapath_config *config, struct err *err)
{
	int r = 0;

	for (size_t i = COUNT(hooks); i > 0 && r == 0; i--)
		r = hook_remove(config, &hooks[i - 1], err);
	return r;
}

int loader_attach_hooks(const struct datapath_config *config, struct err *err)
{
	AUTO_FD cgroup = -1;
	struct stat root;
	int r = 0;

	if (!config->cgroup_root)
		return hooks_remove(config, err);
	cgroup = open(config->cgroup_root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (cgroup < 0 || fstat(cgroup, &root) < 0)
		return err_set(err, errno, "open cgroup '%s'", config->cgroup_root);
	/* A cgroup's id is its inode number. */
	for (size_t i = 0; i < COUNT(hooks) && r == 0; i++)
		r = hook_attach(config, &hooks[i], cgroup, root.st_ino, err);
	return r;
}
