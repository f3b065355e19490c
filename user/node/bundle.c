// SPDX-License-Identifier: Apache-2.0
#include "user/node/bundle.h"

#include <linux/capability.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/base/fs.h"
#include "user/node/capability.h"
#include "user/node/env.h"
#include "user/node/mountinfo.h"
#include "user/node/oci.h"
#include "user/node/passwd.h"
#include "user/node/podfiles.h"
#include "user/node/rootfs.h"
#include "user/node/subpath.h"

/* Files of every container: made once per Pod, writable as in Kubernetes. */
static const struct {
	const char *name, *destination;
} pod_files[] = {
	{"etc-hosts", "/etc/hosts"},
	{"hostname", "/etc/hostname"},
	{"resolv.conf", "/etc/resolv.conf"},
	{"volumes/" VOLUME_SHM, "/dev/shm"},
};

struct binds {
	struct oci_bind *list;
	size_t count;
};

static void binds_free(struct binds *binds)
{
	for (size_t i = 0; i < binds->count; i++)
		free(binds->list[i].source);
	free(binds->list);
}

static char *bundle_dir(const char *run_dir, const char *container, unsigned attempt)
{
	return fs_format("%s/bundles/%s.%u", run_dir, container, attempt);
}

static char *writable_dir(const char *state_dir, const char *container, unsigned attempt)
{
	return fs_format("%s/rootfs/%s.%u", state_dir, container, attempt);
}

static bool is_mounted_over(const struct container *container, const char *destination)
{
	for (size_t i = 0; i < container->mount_count; i++)
		if (strcmp(container->mounts[i].path, destination) == 0)
			return true;
	return false;
}

static int binds_add_files(const struct bundle_input *input, struct binds *binds, struct err *err)
{
	for (size_t i = 0; i < COUNT(pod_files); i++) {
		struct oci_bind *bind = &binds->list[binds->count];

		if (is_mounted_over(input->container, pod_files[i].destination))
			continue;
		*bind = (struct oci_bind){
			.source = fs_format("%s/%s", input->state_dir, pod_files[i].name),
			.destination = pod_files[i].destination,
		};
		if (!bind->source)
			return err_set(err, ENOMEM, "list mounts");
		binds->count++;
	}
	return 0;
}

/* configMap, secret and their like are read-only whatever the mount says, as in Kubernetes. */
static bool volume_is_read_only(const struct pod *pod, const char *name)
{
	for (size_t i = 0; i < pod->volume_count; i++)
		if (strcmp(pod->volumes[i].name, name) == 0)
			return pod->volumes[i].kind == VOLUME_PROJECTED;
	return false;
}

/* @index: of the mount in the container, names the place of its subPath in the bundle. */
static int mount_source(const struct bundle_input *input, const char *bundle, size_t index,
	char **ret, struct err *err)
{
	const struct volume_mount *mount = &input->container->mounts[index];
	AUTO_FREE char *volumes = fs_format("%s/volumes", input->state_dir);
	AUTO_FREE char *parent = fs_format("%s/subpaths", bundle);
	AUTO_FREE char *target = fs_format("%s/subpaths/%zu", bundle, index);
	AUTO_FREE char *path = NULL;
	int r;

	if (!volumes || !parent || !target)
		return err_set(err, ENOMEM, "mount volume '%s'", mount->volume);
	r = volume_path(input->pod, mount->volume, volumes, &path, err);
	if (r < 0)
		return r;
	if (!mount->sub_path || !*mount->sub_path) {
		*ret = take_ptr(path);
		return 0;
	}
	r = fs_mkdir(parent, 0700, err);
	if (r == 0)
		r = subpath_mount(path, mount->sub_path, target, err);
	if (r < 0)
		return err_wrap(err, "volume %s", mount->volume);
	*ret = take_ptr(target);
	return 0;
}

static int binds_make(
	const struct bundle_input *input, const char *bundle, struct binds *binds, struct err *err)
{
	const struct container *container = input->container;
	int r;

	binds->list = calloc(container->mount_count + COUNT(pod_files), sizeof(*binds->list));
	if (!binds->list)
		return err_set(err, ENOMEM, "list mounts");
	r = binds_add_files(input, binds, err);
	for (size_t i = 0; r == 0 && i < container->mount_count; i++) {
		const struct volume_mount *mount = &container->mounts[i];
		struct oci_bind *bind = &binds->list[binds->count];

		bind->destination = mount->path;
		bind->read_only =
			mount->read_only || volume_is_read_only(input->pod, mount->volume);
		r = mount_source(input, bundle, i, &bind->source, err);
		if (r == 0)
			binds->count++;
	}
	return r;
}

/* Without CAP_SYS_RESOURCE nobody's score can go below ours; the runtime would refuse to start. */
static int oom_score_adj(const struct bundle_input *input)
{
	int want = cgroup_oom_score_adj(pod_qos(input->pod),
		input->container->resources.memory_request, (uint64_t)host_memory());
	AUTO_FREE char *text = NULL;
	int ours;

	if (capability_held() & UINT64_C(1) << CAP_SYS_RESOURCE)
		return want;
	if (fs_read("/proc/self/oom_score_adj", 64, &text, NULL, NULL) < 0)
		return want;
	ours = atoi(text);
	return want < ours ? ours : want;
}

/* What config.json is written from. */
struct parts {
	struct env *env;
	json_t *process_env, *resources;
	struct identity identity;
	struct binds binds;
	char *pod_cgroup, *cgroup;
};

static void parts_free(struct parts *parts)
{
	env_free(parts->env);
	json_decref(parts->process_env);
	json_decref(parts->resources);
	binds_free(&parts->binds);
	free(parts->pod_cgroup);
	free(parts->cgroup);
}

static int parts_make_env(const struct bundle_input *input, struct parts *parts, struct err *err)
{
	const struct env_input env = {
		.about = {.pod = input->pod,
			.pod_ip = input->pod_ip,
			.host_ip = input->host_ip,
			.node_name = input->node_name,
			.node_cpu = host_cpu(),
			.node_memory = host_memory()},
		.container = input->container,
		.source = input->source,
	};
	int r = env_make(&env, &parts->env, err);

	return r < 0 ? r
		     : env_merge(parts->env, input->image->env, input->pod->hostname, false,
			       &parts->process_env, err);
}

static int parts_make(const struct bundle_input *input, const char *bundle, const char *rootfs,
	struct parts *parts, struct err *err)
{
	int r = parts_make_env(input, parts, err);

	if (r == 0)
		r = identity_resolve(rootfs, input->image->user, &input->container->security,
			&parts->identity, err);
	if (r == 0)
		r = binds_make(input, bundle, &parts->binds, err);
	if (r == 0)
		r = cgroup_oci_resources(cgroups_mode(input->cgroups), &input->container->resources,
			&parts->resources, err);
	if (r < 0)
		return r;
	parts->pod_cgroup = cgroups_pod_path(input->cgroups, input->pod);
	parts->cgroup = parts->pod_cgroup ? fs_format("%s/%s.%u", parts->pod_cgroup,
						    input->container->name, input->attempt)
					  : NULL;
	return parts->cgroup ? 0 : err_set(err, ENOMEM, "name the container's cgroup");
}

static int config_make(
	const struct bundle_input *input, const struct parts *parts, json_t **ret, struct err *err)
{
	struct oci_input oci = {
		.container = input->container,
		.image = input->image,
		.identity = &parts->identity,
		.env = parts->env,
		.process_env = parts->process_env,
		.resources = parts->resources,
		.oom_score_adj = oom_score_adj(input),
		.cgroup_path = parts->cgroup,
		.pause_pid = input->pause_pid,
		.target_pid = input->target_pid,
		.binds = parts->binds.list,
		.bind_count = parts->binds.count,
	};
	int r = capability_set(
		&input->container->security, capability_held(), &oci.capabilities, err);

	return r < 0 ? r : oci_config(&oci, ret, err);
}

/* 0600: the environment may hold secrets. */
static int config_write(const json_t *config, const char *bundle, struct err *err)
{
	AUTO_FREE char *path = fs_format("%s/config.json", bundle);
	AUTO_FREE char *text = json_text(config);

	if (!path || !text)
		return err_set(err, ENOMEM, "write config.json");
	return fs_replace(path, text, strlen(text), 0600, FS_VOLATILE, err);
}

static int bundle_fill(const struct bundle_input *input, const char *bundle, struct err *err)
{
	AUTO_CLEANUP(parts_free) struct parts parts = {0};
	AUTO_JSON config = NULL;
	AUTO_FREE char *rootfs = fs_format("%s/rootfs", bundle);
	AUTO_FREE char *writable =
		writable_dir(input->state_dir, input->container->name, input->attempt);
	int r;

	if (!rootfs || !writable)
		return err_set(err, ENOMEM, "make bundle '%s'", bundle);
	r = fs_mkdir(bundle, 0700, err);
	if (r == 0)
		r = rootfs_mount(input->image->layers, writable, rootfs, err);
	if (r == 0)
		r = podfiles_write(input->pod, input->pod_ip, input->state_dir, err);
	if (r == 0)
		r = parts_make(input, bundle, rootfs, &parts, err);
	if (r == 0)
		r = config_make(input, &parts, &config, err);
	return r < 0 ? r : config_write(config, bundle, err);
}

int bundle_make(const struct bundle_input *input, char **ret_dir, struct err *err)
{
	const char *name = input->container->name;
	AUTO_FREE char *bundle = bundle_dir(input->run_dir, name, input->attempt);
	AUTO_FREE char *writable = writable_dir(input->state_dir, name, input->attempt);
	int r;

	if (!bundle || !writable)
		return err_set(err, ENOMEM, "make a bundle");
	if (input->pod->share_process_namespace)
		return err_refuse(err, ENOTSUP, "spec.shareProcessNamespace is not supported");
	if (input->target_pid < 0)
		return err_refuse(err, ESRCH, "its target container %s is not running",
			input->container->target);
	/* What a crash left half done is not worth telling from what is whole. */
	if (access(bundle, F_OK) == 0 || access(writable, F_OK) == 0)
		return err_refuse(err, EEXIST, "'%s' is not empty", bundle);
	r = bundle_fill(input, bundle, err);
	if (r == 0)
		*ret_dir = take_ptr(bundle);
	return r;
}

int bundle_remove(const char *run_dir, const char *state_dir, const char *container,
	unsigned attempt, struct err *err)
{
	AUTO_FREE char *bundle = bundle_dir(run_dir, container, attempt);
	AUTO_FREE char *writable = writable_dir(state_dir, container, attempt);
	int r;

	if (!bundle || !writable)
		return err_set(err, ENOMEM, "remove a bundle");
	r = mounts_detach(bundle, err);
	if (r == 0)
		r = fs_remove(bundle, err);
	return r < 0 ? r : fs_remove(writable, err);
}
