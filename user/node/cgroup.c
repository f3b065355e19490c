// SPDX-License-Identifier: Apache-2.0
#include "user/node/cgroup.h"

#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/base/fs.h"
#include "user/node/cgroup_tree.h"
#include "user/node/mountinfo.h"

#define ATTRIBUTE_MAX 65536

const char *const cgroup_parents[CGROUP_PARENTS] = {
	[QOS_GUARANTEED] = "/kubepods",
	[QOS_BURSTABLE] = "/kubepods/burstable",
	[QOS_BEST_EFFORT] = "/kubepods/besteffort",
};

/* What Pods are accounted and limited by on v2. */
static const char *const controllers[] = {"cpu", "cpuset", "io", "memory", "pids", "hugetlb"};

/* True when @word is one of the words in @list, which @separators part. */
static bool list_has(const char *list, const char *word, const char *separators)
{
	size_t len = strlen(word);

	for (const char *p = list; *p;) {
		size_t n = strcspn(p, separators);

		if (n == len && memcmp(p, word, len) == 0)
			return true;
		p += n + (p[n] != '\0');
	}
	return false;
}

bool hierarchy_has(const struct hierarchy *hierarchy, const char *name)
{
	return list_has(hierarchy->controllers, name, ",");
}

static int cgroups_add(const struct mount_entry *entry, void *userdata)
{
	struct cgroups *cgroups = userdata;
	bool v2 = strcmp(entry->type, "cgroup2") == 0;
	struct hierarchy *grown;

	if (!v2 && strcmp(entry->type, "cgroup") != 0)
		return 0;
	for (size_t i = 0; i < cgroups->count; i++)
		if (strcmp(cgroups->list[i].device, entry->device) == 0)
			return 0;
	grown = reallocarray(cgroups->list, cgroups->count + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	cgroups->list = grown;
	grown += cgroups->count++;
	*grown = (struct hierarchy){
		.mount = strdup(entry->point),
		.controllers = strdup(v2 ? "" : entry->options),
		.device = strdup(entry->device),
		.v2 = v2,
	};
	return grown->mount && grown->controllers && grown->device ? 0 : -ENOMEM;
}

struct cgroups *cgroups_free(struct cgroups *cgroups)
{
	if (!cgroups)
		return NULL;
	for (size_t i = 0; i < cgroups->count; i++) {
		free(cgroups->list[i].mount);
		free(cgroups->list[i].controllers);
		free(cgroups->list[i].device);
	}
	free(cgroups->list);
	free(cgroups->base);
	free(cgroups->root2);
	free(cgroups->left_over);
	free(cgroups);
	return NULL;
}

static const struct hierarchy *cgroups_unified(const struct cgroups *cgroups)
{
	for (size_t i = 0; i < cgroups->count; i++)
		if (cgroups->list[i].v2)
			return &cgroups->list[i];
	return NULL;
}

/* systemd keeps a named v1 hierarchy on some hosts where all controllers are on v2: that is v2. */
static enum cgroup_mode cgroups_detect(const struct cgroups *cgroups)
{
	bool v1 = false;

	for (size_t i = 0; i < cgroups->count; i++)
		v1 |= !cgroups->list[i].v2 && !strstr(cgroups->list[i].controllers, "name=");
	if (!v1)
		return CGROUP_MODE_V2;
	return cgroups_unified(cgroups) ? CGROUP_MODE_HYBRID : CGROUP_MODE_V1;
}

/* BASE is what --cgroup-root adds to the mount that it lies in. */
static int cgroups_set_base(struct cgroups *cgroups, const char *cgroup_root, struct err *err)
{
	const struct hierarchy *unified = cgroups_unified(cgroups);
	AUTO_FREE char *real = cgroup_root ? realpath(cgroup_root, NULL) : NULL;

	if (cgroup_root && !real)
		return err_set(err, errno, "resolve the cgroup root '%s'", cgroup_root);
	cgroups->base = real ? NULL : strdup("");
	for (size_t i = 0; real && i < cgroups->count && !cgroups->base; i++) {
		const struct hierarchy *one = &cgroups->list[i];
		size_t len = strlen(one->mount);

		if ((!unified || one == unified) && strncmp(real, one->mount, len) == 0 &&
			(real[len] == '/' || real[len] == '\0'))
			cgroups->base = strdup(real + len);
	}
	if (!cgroups->base)
		return err_refuse(err, EINVAL,
			"the cgroup root '%s' is not below the cgroup2 mount", cgroup_root);
	cgroups->root2 = unified ? fs_format("%s%s", unified->mount, cgroups->base) : strdup("");
	return cgroups->root2 ? 0 : err_set(err, ENOMEM, "read cgroup mounts");
}

/*
 * Controllers that keep crun from working on a hybrid host: cgroup2 holds them, or a hierarchy that is
 * mounted in somebody else's namespace (the claim of a running shim) does for as long as that lives.
 */
static int cgroups_find_left_over(struct cgroups *cgroups, struct err *err)
{
	AUTO_FREE char *held = NULL;
	AUTO_FREE char *path = fs_format("%s/cgroup.controllers",
		cgroups->mode == CGROUP_MODE_HYBRID ? cgroups_unified(cgroups)->mount : "");
	AUTO_FREE char *known = NULL;
	char *rest, *line;
	int r;

	cgroups->left_over = strdup("");
	if (!path || !cgroups->left_over)
		return err_set(err, ENOMEM, "read cgroup controllers");
	if (cgroups->mode != CGROUP_MODE_HYBRID)
		return 0;
	r = fs_read(path, ATTRIBUTE_MAX, &held, NULL, err);
	if (r == 0)
		r = fs_read("/proc/cgroups", ATTRIBUTE_MAX, &known, NULL, err);
	if (r < 0)
		return r;
	for (rest = known; (line = strsep(&rest, "\n"));) {
		char name[64];
		unsigned id;
		bool mounted = false;

		if (line[0] == '#' || sscanf(line, "%63s %u", name, &id) != 2)
			continue;
		for (size_t i = 0; i < cgroups->count; i++)
			mounted |= hierarchy_has(&cgroups->list[i], name);
		if (mounted || (id == 0 && !list_has(held, name, " \n")))
			continue;
		line = fs_format(
			"%s%s%s", cgroups->left_over, *cgroups->left_over ? "," : "", name);
		if (!line)
			return err_set(err, ENOMEM, "read cgroup controllers");
		free(cgroups->left_over);
		cgroups->left_over = line;
	}
	return 0;
}

static void cgroups_cleanup(struct cgroups **cgroups)
{
	cgroups_free(*cgroups);
}

int cgroups_read(char *mountinfo, const char *cgroup_root, struct cgroups **ret, struct err *err)
{
	AUTO_CLEANUP(cgroups_cleanup) struct cgroups *cgroups = calloc(1, sizeof(*cgroups));
	int r = cgroups ? mountinfo_parse(mountinfo, cgroups_add, cgroups) : -ENOMEM;

	if (r < 0)
		return err_set(err, -r, "read cgroup mounts");
	if (cgroups->count == 0)
		return err_refuse(err, ENOENT, "no cgroup hierarchy is mounted");
	cgroups->mode = cgroups_detect(cgroups);
	r = cgroups_set_base(cgroups, cgroup_root, err);
	if (r == 0)
		r = cgroups_find_left_over(cgroups, err);
	if (r == 0)
		*ret = take_ptr(cgroups);
	return r;
}

int cgroups_open(const char *cgroup_root, struct cgroups **ret, struct err *err)
{
	AUTO_FREE char *text = NULL;
	int r = mountinfo_read(&text, err);

	return r < 0 ? r : cgroups_read(text, cgroup_root, ret, err);
}

enum cgroup_mode cgroups_mode(const struct cgroups *cgroups)
{
	return cgroups->mode;
}

const char *cgroups_root2(const struct cgroups *cgroups)
{
	return cgroups->root2;
}

const char *cgroups_left_over(const struct cgroups *cgroups)
{
	return cgroups->left_over;
}

char *cgroups_pod_path(const struct cgroups *cgroups, const struct pod *pod)
{
	return fs_format("%s%s/pod%s", cgroups->base, cgroup_parents[pod_qos(pod)], pod->meta.uid);
}

char *cgroups_shim_path(const struct cgroups *cgroups)
{
	return fs_format("%s/podnet-shims", cgroups->base);
}

static int attribute_set(const char *dir, const char *name, int64_t value, struct err *err)
{
	AUTO_FREE char *path = fs_format("%s/%s", dir, name);
	char text[24];

	if (!path)
		return err_set(err, ENOMEM, "set '%s'", name);
	snprintf(text, sizeof(text), "%" PRId64, value);
	return fs_write(path, text, err);
}

/* A v1 cpuset takes no process before it has CPUs and memory nodes. */
static int cpuset_inherit(const char *dir, const char *name, struct err *err)
{
	AUTO_FREE char *mine = fs_format("%s/%s", dir, name);
	AUTO_FREE char *parents = fs_format("%s/../%s", dir, name);
	AUTO_FREE char *now = NULL;
	AUTO_FREE char *theirs = NULL;
	int r;

	if (!mine || !parents)
		return err_set(err, ENOMEM, "set up '%s'", dir);
	r = fs_read(mine, ATTRIBUTE_MAX, &now, NULL, err);
	if (r < 0 || now[strspn(now, "\n")] != '\0')
		return r;
	r = fs_read(parents, ATTRIBUTE_MAX, &theirs, NULL, err);
	return r < 0 ? r : fs_write(mine, theirs, err);
}

/* Hands the controllers that @dir has on to its children. */
static int controllers_enable(const char *dir, struct err *err)
{
	AUTO_FREE char *from = fs_format("%s/cgroup.controllers", dir);
	AUTO_FREE char *to = fs_format("%s/cgroup.subtree_control", dir);
	AUTO_FREE char *has = NULL;
	AUTO_FREE char *gives = NULL;
	int r;

	if (!from || !to)
		return err_set(err, ENOMEM, "enable the controllers of '%s'", dir);
	r = fs_read(from, ATTRIBUTE_MAX, &has, NULL, err);
	if (r == 0)
		r = fs_read(to, ATTRIBUTE_MAX, &gives, NULL, err);
	for (size_t i = 0; r == 0 && i < COUNT(controllers); i++) {
		char text[16];

		if (!list_has(has, controllers[i], " \n") || list_has(gives, controllers[i], " \n"))
			continue;
		snprintf(text, sizeof(text), "+%s", controllers[i]);
		r = fs_write(to, text, err);
	}
	return r == -EBUSY ? err_wrap(err, "processes sit in the cgroup itself") : r;
}

/* @path: below the mount.  Each step inherits what its hierarchy asks for and hands it on. */
static int cgroup_make(const struct cgroups *cgroups, const struct hierarchy *hierarchy,
	const char *path, struct err *err)
{
	AUTO_FREE char *dir = fs_format("%s%s/", hierarchy->mount, path);
	bool unified = hierarchy->v2 && cgroups->mode == CGROUP_MODE_V2;
	bool cpuset = hierarchy_has(hierarchy, "cpuset");
	int r = 0;

	if (!dir)
		return err_set(err, ENOMEM, "make cgroup '%s'", path);
	for (char *p = dir + strlen(hierarchy->mount); r == 0 && p; p = strchr(p + 1, '/')) {
		*p = '\0';
		if (mkdir(dir, 0755) < 0 && errno != EEXIST)
			return err_set(err, errno, "make cgroup '%s'", dir);
		if (unified)
			r = controllers_enable(dir, err);
		if (cpuset && p != dir + strlen(hierarchy->mount))
			r = cpuset_inherit(dir, "cpuset.cpus", err);
		if (r == 0 && cpuset && p != dir + strlen(hierarchy->mount))
			r = cpuset_inherit(dir, "cpuset.mems", err);
		*p = '/';
	}
	return r;
}

/* Writes shares or the weight that stands for them. */
static int cgroup_weigh(const struct cgroups *cgroups, const struct hierarchy *hierarchy,
	const char *path, uint64_t shares, struct err *err)
{
	AUTO_FREE char *dir = fs_format("%s%s%s", hierarchy->mount, cgroups->base, path);

	if (!dir)
		return err_set(err, ENOMEM, "weigh cgroup '%s'", path);
	if (cgroups->mode == CGROUP_MODE_V2 && hierarchy->v2)
		return attribute_set(dir, "cpu.weight", (int64_t)cgroup_cpu_weight(shares), err);
	if (hierarchy_has(hierarchy, "cpu"))
		return attribute_set(dir, "cpu.shares", (int64_t)shares, err);
	return 0;
}

/* The share of Pods as a whole against the rest of the machine, as kubelet sets it. */
static int parents_weigh(const struct cgroups *cgroups, const struct hierarchy *hierarchy,
	enum qos_class qos, struct err *err)
{
	int64_t milli = sysconf(_SC_NPROCESSORS_ONLN) * INT64_C(1000);
	int r = cgroup_weigh(cgroups, hierarchy, "/kubepods", cgroup_cpu_shares(milli), err);

	if (r == 0 && qos == QOS_BEST_EFFORT)
		r = cgroup_weigh(
			cgroups, hierarchy, cgroup_parents[qos], cgroup_cpu_shares(0), err);
	return r;
}

static int limits_set_v2(const char *dir, const struct resources *resources, struct err *err)
{
	AUTO_FREE char *path = fs_format("%s/cpu.max", dir);
	int64_t quota = cgroup_cpu_quota(resources->cpu_limit);
	char text[48];
	int r;

	snprintf(text, sizeof(text), "%" PRId64 " 100000", quota);
	if (!path)
		return err_set(err, ENOMEM, "limit '%s'", dir);
	r = fs_write(path, quota < 0 ? "max 100000" : text, err);
	if (r == 0 && resources->memory_limit > 0)
		r = attribute_set(dir, "memory.max", resources->memory_limit, err);
	return r;
}

static int limits_set_v1(const struct hierarchy *hierarchy, const char *dir,
	const struct resources *resources, struct err *err)
{
	int r = 0;

	if (hierarchy_has(hierarchy, "cpu")) {
		r = attribute_set(dir, "cpu.cfs_period_us", 100000, err);
		if (r == 0)
			r = attribute_set(dir, "cpu.cfs_quota_us",
				cgroup_cpu_quota(resources->cpu_limit), err);
	}
	if (r == 0 && hierarchy_has(hierarchy, "memory") && resources->memory_limit > 0)
		r = attribute_set(dir, "memory.limit_in_bytes", resources->memory_limit, err);
	return r;
}

static int pod_make_in(const struct cgroups *cgroups, const struct hierarchy *hierarchy,
	const char *path, const struct pod *pod, struct err *err)
{
	AUTO_FREE char *dir = fs_format("%s%s", hierarchy->mount, path);
	struct resources resources;
	int r = cgroup_make(cgroups, hierarchy, path, err);

	if (r < 0)
		return r;
	if (!dir)
		return err_set(err, ENOMEM, "make cgroup '%s'", path);
	cgroup_pod_resources(pod, &resources);
	r = parents_weigh(cgroups, hierarchy, pod_qos(pod), err);
	if (r == 0)
		r = cgroup_weigh(cgroups, hierarchy, path + strlen(cgroups->base),
			cgroup_cpu_shares(resources.cpu_request), err);
	if (r < 0)
		return r;
	if (!hierarchy->v2)
		return limits_set_v1(hierarchy, dir, &resources, err);
	return cgroups->mode == CGROUP_MODE_V2 ? limits_set_v2(dir, &resources, err) : 0;
}

int cgroups_pod_make(const struct cgroups *cgroups, const struct pod *pod, struct err *err)
{
	AUTO_FREE char *path = cgroups_pod_path(cgroups, pod);
	int r = path ? 0 : err_set(err, ENOMEM, "make the cgroups of the Pod");

	for (size_t i = 0; r == 0 && i < cgroups->count; i++)
		r = pod_make_in(cgroups, &cgroups->list[i], path, pod, err);
	return r < 0 ? r : cgroups_weigh_burstable(cgroups, err);
}

/* The smallest shares that become @weight: what the kernel can tell about a Pod's request on v2. */
static uint64_t shares_of_weight(uint64_t weight)
{
	uint64_t low = 2, high = 262144;

	while (low < high) {
		uint64_t middle = (low + high) / 2;

		if (cgroup_cpu_weight(middle) < weight)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int shares_sum(const char *parent, bool v2, uint64_t *ret, struct err *err)
{
	AUTO_DIR dir = opendir(parent);
	struct dirent *entry;

	*ret = 0;
	if (!dir)
		return errno == ENOENT ? 0 : err_set(err, errno, "list '%s'", parent);
	while ((entry = readdir(dir))) {
		AUTO_FREE char *path = NULL;
		AUTO_FREE char *text = NULL;
		uint64_t value;

		if (entry->d_type != DT_DIR || strncmp(entry->d_name, "pod", 3) != 0)
			continue;
		path = fs_format(
			"%s/%s/%s", parent, entry->d_name, v2 ? "cpu.weight" : "cpu.shares");
		if (!path)
			return err_set(err, ENOMEM, "list '%s'", parent);
		if (fs_read(path, ATTRIBUTE_MAX, &text, NULL, NULL) < 0)
			continue; /* removed meanwhile */
		value = strtoull(text, NULL, 10);
		*ret += v2 ? shares_of_weight(value) : value;
	}
	return 0;
}

int cgroups_weigh_burstable(const struct cgroups *cgroups, struct err *err)
{
	const char *burstable = cgroup_parents[QOS_BURSTABLE];

	for (size_t i = 0; i < cgroups->count; i++) {
		const struct hierarchy *one = &cgroups->list[i];
		bool v2 = one->v2 && cgroups->mode == CGROUP_MODE_V2;
		AUTO_FREE char *dir = NULL;
		uint64_t sum;
		int r;

		if (!v2 && !hierarchy_has(one, "cpu"))
			continue;
		dir = fs_format("%s%s%s", one->mount, cgroups->base, burstable);
		if (!dir)
			return err_set(err, ENOMEM, "weigh '%s'", burstable);
		r = shares_sum(dir, v2, &sum, err);
		if (r == 0 && sum > 0)
			r = cgroup_weigh(cgroups, one, burstable, sum > 262144 ? 262144 : sum, err);
		if (r < 0)
			return r;
	}
	return 0;
}
