// SPDX-License-Identifier: Apache-2.0
/*
 * Makes and removes the parts of a Pod on disk and in cgroups, for tests/netns/bundle_test.sh:
 *
 *	bundle cgroup|volumes|erase MANIFEST DIR
 *	bundle reap MANIFEST DIR	kills and removes what it can at once
 *	bundle make MANIFEST DIR PAUSE-PID CONTAINER ATTEMPT LAYER...	prints the bundle's directory
 *	bundle remove MANIFEST DIR CONTAINER ATTEMPT
 *	bundle pids MANIFEST DIR	"PID CONTAINER" of each process
 *
 * DIR/run and DIR/state are the Pod's directories.  IMAGE_USER is the image's USER.
 */
#include <arpa/inet.h>
#include <limits.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/base/fs.h"
#include "user/model/manifest.h"
#include "user/node/bundle.h"

struct world {
	struct manifest *manifest;
	struct pod *pod;
	struct cgroups *cgroups;
	char run_dir[PATH_MAX / 2], state_dir[PATH_MAX / 2], volume_dir[PATH_MAX];
};

static const struct object *world_get(
	void *userdata, enum object_kind kind, const char *namespace, const char *name)
{
	const struct manifest *manifest = ((struct world *)userdata)->manifest;

	for (size_t i = 0; i < manifest->count; i++) {
		const struct object *object = manifest->documents[i].object;

		if (object->kind == kind && strcmp(object->meta.namespace, namespace) == 0 &&
			strcmp(object->meta.name, name) == 0)
			return object;
	}
	return NULL;
}

static struct object_source world_source(struct world *world)
{
	return (struct object_source){.get = world_get, .userdata = world};
}

static int world_open(const char *path, const char *dir, struct world *world, struct err *err)
{
	AUTO_FREE char *text = NULL;
	size_t len;
	int r = fs_read(path, MANIFEST_MAX_BYTES, &text, &len, err);

	if (r == 0)
		r = manifest_read(text, len, &world->manifest, err);
	for (size_t i = 0; r == 0 && i < world->manifest->count; i++) {
		const struct manifest_document *document = &world->manifest->documents[i];

		if (!document->object)
			return err_refuse(err, EINVAL, "%s", document->err.text);
		if (document->object->kind == KIND_POD)
			r = pod_decode(document->object, &world->pod, err);
	}
	if (r == 0 && !world->pod)
		return err_refuse(err, EINVAL, "no Pod in '%s'", path);
	if (r < 0)
		return r;
	world->pod->meta.uid = world->pod->meta.name;
	snprintf(world->run_dir, sizeof(world->run_dir), "%s/run", dir);
	snprintf(world->state_dir, sizeof(world->state_dir), "%s/state", dir);
	snprintf(world->volume_dir, sizeof(world->volume_dir), "%s/state/volumes", dir);
	return cgroups_open(NULL, &world->cgroups, err);
}

static const struct container *container_find(const struct pod *pod, const char *name)
{
	for (size_t i = 0; i < pod->container_count; i++)
		if (strcmp(pod->containers[i].name, name) == 0)
			return &pod->containers[i];
	return NULL;
}

static int remove_attempt(const struct world *world, char **args, struct err *err)
{
	return bundle_remove(
		world->run_dir, world->state_dir, args[0], (unsigned)atoi(args[1]), err);
}

static int make(struct world *world, char **args, struct err *err)
{
	char *shell[] = {"/bin/sh", NULL}, *none[] = {NULL}, *env[] = {"FROM_IMAGE=yes", NULL};
	const struct image image = {
		.layers = args + 3,
		.entrypoint = shell,
		.cmd = none,
		.env = env,
		.user = getenv("IMAGE_USER") ? getenv("IMAGE_USER") : "",
		.working_dir = "",
	};
	struct bundle_input input = {
		.pod = world->pod,
		.container = container_find(world->pod, args[1]),
		.attempt = (unsigned)atoi(args[2]),
		.image = &image,
		.pause_pid = (pid_t)atoi(args[0]),
		.node_name = "node1",
		.cgroups = world->cgroups,
		.run_dir = world->run_dir,
		.state_dir = world->state_dir,
		.source = world_source(world),
	};
	AUTO_FREE char *dir = NULL;
	int r;

	inet_pton(AF_INET, "10.244.0.7", &input.pod_ip);
	inet_pton(AF_INET, "192.0.2.1", &input.host_ip);
	if (!input.container)
		return err_refuse(err, EINVAL, "no container '%s'", args[1]);
	r = bundle_make(&input, &dir, err);
	if (r == -EEXIST && remove_attempt(world, args + 1, err) == 0)
		r = bundle_make(&input, &dir, err);
	if (r == 0)
		puts(dir);
	else
		remove_attempt(world, args + 1, NULL);
	return r;
}

static void print_member(pid_t pid, const char *container, void *userdata)
{
	(void)userdata;
	printf("%d %s\n", pid, container);
}

static int volumes(struct world *world, struct err *err)
{
	const struct object_source source = world_source(world);
	struct payload *payloads;
	const struct downward about = {.pod = world->pod};
	int r = volumes_gather(&about, &source, &payloads, err);

	if (r < 0)
		return r;
	r = volumes_make(world->pod, world->volume_dir, payloads, err);
	volumes_forget(world->pod, payloads);
	return r;
}

static int run(struct world *world, const char *verb, int count, char **args, struct err *err)
{
	int r;

	if (strcmp(verb, "cgroup") == 0)
		return cgroups_pod_make(world->cgroups, world->pod, err);
	if (strcmp(verb, "volumes") == 0)
		return volumes(world, err);
	if (strcmp(verb, "reap") == 0)
		return cgroups_pod_remove(world->cgroups, world->pod->meta.uid, err);
	if (strcmp(verb, "make") == 0 && count >= 4)
		return make(world, args, err);
	if (strcmp(verb, "remove") == 0 && count == 2)
		return remove_attempt(world, args, err);
	if (strcmp(verb, "pids") == 0)
		return cgroups_pod_each(world->cgroups, world->pod->meta.uid, print_member, NULL);
	if (strcmp(verb, "erase") != 0)
		return err_refuse(err, EINVAL, "what is '%s'?", verb);
	r = volumes_remove(world->volume_dir, err);
	return r < 0 ? r : cgroups_pod_remove(world->cgroups, world->pod->meta.uid, err);
}

int main(int argc, char **argv)
{
	struct world world = {0};
	struct err err = {0};
	int r;

	if (argc < 4)
		return 2;
	r = world_open(argv[2], argv[3], &world, &err);
	if (r == 0)
		r = run(&world, argv[1], argc - 4, argv + 4, &err);
	pod_free(world.pod);
	manifest_free(world.manifest);
	cgroups_free(world.cgroups);
	if (r < 0)
		fprintf(stderr, "bundle: %s\n", err.text);
	return r < 0 ? 1 : 0;
}
