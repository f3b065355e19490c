// SPDX-License-Identifier: Apache-2.0
/* The order in which a change becomes known: data plane, record, status. */
#include <unistd.h>

#include "tests/check.h"
#include "tests/json.h"
#include "user/base/fs.h"
#include "user/base/record.h"
#include "user/model/manifest.h"
#include "user/node/nodepod.h"

static const char manifest[] = "apiVersion: v1\n"
			       "kind: Pod\n"
			       "metadata: {name: web, uid: 0000-1}\n"
			       "spec:\n"
			       "  containers:\n"
			       "  - name: main\n"
			       "    image: nginx\n"
			       "    readinessProbe: {tcpSocket: {port: 80}}\n";

static char run_dir[64];
static char heard[256]; /* what was told, and what the record said at that moment */

/* "ready", "unready" or "none": what a podnetd that starts now would go on from. */
static const char *recorded(const struct node_pod *pod)
{
	AUTO_FREE char *path = fs_format("%s/observed", pod->run_dir);
	AUTO_FREE char *text = NULL;
	const char *verdict = "none";
	json_t *record = NULL;
	size_t len;

	if (path && record_read(path, "observed", &text, &len, NULL, NULL) == 0 &&
		json_parse(text, len, path, &record, NULL) == 0) {
		const json_t *container = json_array_get(json_object_get(record, "containers"), 0);

		verdict = json_is_true(json_object_get(container, "ready")) ? "ready" : "unready";
	}
	json_decref(record);
	return verdict;
}

static void note(const struct node_pod *pod, const char *what)
{
	size_t len = strlen(heard);

	snprintf(heard + len, sizeof(heard) - len, "%s(%s) ", what, recorded(pod));
}

static void told_serving(void *userdata, struct node_pod *pod, enum pod_serving state)
{
	static const char *const names[] = {"none", "READY", "UNREADY", "TERMINATING", "DOWN"};

	(void)userdata;
	note(pod, names[state]);
}

static void told_changed(void *userdata, struct node_pod *pod)
{
	(void)userdata;
	note(pod, "status");
}

static void told_happened(void *userdata, struct node_pod *pod, const struct node_event *happened)
{
	(void)userdata;
	(void)pod;
	snprintf(heard, sizeof(heard), "%s %s %s: %s", happened->warning ? "Warning" : "Normal",
		happened->container ? happened->container : "-", happened->reason,
		happened->message);
}

static struct pod *spec_make(void)
{
	struct manifest *read;
	struct pod *spec;
	struct err err;

	if (manifest_read(manifest, strlen(manifest), &read, &err) < 0 ||
		!read->documents[0].object ||
		pod_decode(read->documents[0].object, &spec, &err) < 0)
		BAIL("cannot make a Pod");
	manifest_free(read);
	return spec;
}

static struct node_pod *pod_make(struct node *node)
{
	struct node_pod *pod;
	struct err err;

	if (nodepod_new(node, spec_make(), clock_wall(), &pod, &err) < 0 ||
		fs_mkdir(pod->run_dir, 0700, &err) < 0)
		BAIL("cannot make a Pod's worker");
	pod->run_made = true;
	pod->observed.prepared = pod->observed.networked = true;
	pod->observed.sandbox = SANDBOX_RUNNING;
	pod->observed.ip.s_addr = 1;
	pod->observed.containers[0].phase = CONTAINER_RUNNING;
	return pod;
}

TEST(the_data_plane_hears_of_lost_readiness_before_the_record_and_the_status)
{
	const struct node_config config = {
		.state_dir = run_dir, .run_dir = run_dir, .log_dir = run_dir};
	struct node node = {
		.config = &config, .events = {.serving = told_serving, .changed = told_changed}};
	struct node_pod *pod;
	struct err err;

	snprintf(run_dir, sizeof(run_dir), "/tmp/podnet-test-nodepod.%d", getpid());
	if (sd_event_new(&node.loop) < 0)
		BAIL("no event loop");
	pod = pod_make(&node);
	pod->observed.containers[0].probe_ready = true;
	nodepod_touch(pod);
	CHECK_STR("readiness won", heard, "READY(none) status(ready) ");
	heard[0] = '\0';
	pod->observed.containers[0].probe_ready = false;
	nodepod_touch(pod);
	CHECK_STR("readiness lost", heard, "UNREADY(ready) status(unready) ");
	heard[0] = '\0';
	pod->observed.containers[0].gone = true;
	nodepod_touch(pod);
	CHECK_STR("its init is gone", heard, "DOWN(unready) status(unready) ");
	heard[0] = '\0';
	nodepod_touch(pod);
	CHECK_STR("nothing new for the data plane", heard, "status(unready) ");
	nodepod_free(pod);
	sd_event_unref(node.loop);
	CHECK_OK("clean up", fs_remove(run_dir, &err), &err);
}

static const struct {
	const char *what, *json;
	bool stops, records;
	const char *event;
} updates[] = {
	{"the same words change nothing",
		"{'metadata':{},'spec':{'containers':[{'name':'main','image':'nginx'}]}}", false,
		false, ""},
	{"a label is recorded",
		"{'metadata':{'labels':{'a':'b'}},'spec':{'containers':[{'name':'main','image':'"
		"nginx'}]}}",
		false, true, ""},
	{"another image ends its container, and is told",
		"{'metadata':{'labels':{'a':'b'}},'spec':{'containers':[{'name':'main','image':'"
		"busybox'}]}}",
		true, true,
		"Normal main Killing: Container main definition changed, will be restarted"},
	{"a container that is not named stays",
		"{'metadata':{'labels':{'a':'b'}},'spec':{'containers':[]}}", false, false, ""},
};

TEST(what_may_change_in_a_pod_is_taken_over)
{
	const struct node_config config = {
		.state_dir = run_dir, .run_dir = run_dir, .log_dir = run_dir};
	struct node node = {.config = &config,
		.events = {.serving = told_serving,
			.changed = told_changed,
			.happened = told_happened}};
	struct container_observed *container;
	struct node_pod *pod;
	struct err err;

	snprintf(run_dir, sizeof(run_dir), "/tmp/podnet-test-nodepod.%d", getpid());
	if (sd_event_new(&node.loop) < 0)
		BAIL("no event loop");
	pod = pod_make(&node);
	container = &pod->observed.containers[0];
	node.events.changed = NULL;
	for (size_t i = 0; i < COUNT(updates); i++) {
		AUTO_JSON json = json_quoted(updates[i].json);

		heard[0] = '\0';
		pod->observed.prepared = container->image_present = true;
		container->stop_requested = false;
		pod->adopting = true; /* nobody is told of more than the event */
		node_pod_update(pod, json);
		CHECK_EQ(updates[i].what, container->stop_requested, updates[i].stops);
		CHECK_EQ(updates[i].what, !container->image_present, updates[i].stops);
		CHECK_EQ(updates[i].what, !pod->observed.prepared, updates[i].records);
		CHECK_STR(updates[i].what, heard, updates[i].event);
	}
	CHECK_STR("the image is the new one", pod->spec->containers[0].image, "busybox");
	pod->adopting = false;
	nodepod_free(pod);
	sd_event_unref(node.loop);
	CHECK_OK("clean up", fs_remove(run_dir, &err), &err);
}

#define DEBUGGED(containers)                                                               \
	"{'metadata':{},'spec':{'containers':[{'name':'main','image':'nginx'}],'ephemeral" \
	"Containers':[" containers "]}}"

static const struct {
	const char *what, *json;
	size_t count;
	const char *event;
} additions[] = {
	{"one", DEBUGGED("{'name':'d','image':'busybox','targetContainerName':'main'}"), 1, ""},
	{"the same again", DEBUGGED("{'name':'d','image':'busybox'}"), 1, ""},
	{"another before it",
		DEBUGGED("{'name':'e','image':'busybox','targetContainerName':'gone'},"
			 "{'name':'d','image':'busybox'}"),
		2, ""},
	{"one that cannot be is told of", DEBUGGED("{'name':'f'}"), 2,
		"Warning - Failed: Ephemeral container f: spec.ephemeralContainers[0].image: "
		"required"},
	{"once", DEBUGGED("{'name':'f'}"), 2, ""},
};

TEST(ephemeral_containers_are_taken_over_one_by_one)
{
	const struct node_config config = {
		.state_dir = run_dir, .run_dir = run_dir, .log_dir = run_dir};
	struct node node = {.config = &config,
		.events = {.serving = told_serving,
			.changed = told_changed,
			.happened = told_happened}};
	struct node_pod *pod;
	struct err err;

	snprintf(run_dir, sizeof(run_dir), "/tmp/podnet-test-nodepod.%d", getpid());
	if (sd_event_new(&node.loop) < 0)
		BAIL("no event loop");
	pod = pod_make(&node);
	pod->observed.containers[0].pid = 77;
	pod->adopting = true; /* nobody is told of more than the event */
	for (size_t i = 0; i < COUNT(additions); i++) {
		AUTO_JSON json = json_quoted(additions[i].json);

		heard[0] = '\0';
		node_pod_update(pod, json);
		CHECK_EQ(additions[i].what, pod->observed.ephemeral, additions[i].count);
		CHECK_EQ(additions[i].what, pod->observed.count, additions[i].count + 1);
		CHECK_STR(additions[i].what, heard, additions[i].event);
	}
	CHECK_STR("the first", observed_container(pod->spec, 1)->name, "d");
	CHECK_STR("the second", observed_container(pod->spec, 2)->name, "e");
	CHECK_EQ("what runs is as it was", pod->observed.containers[0].pid, 77);
	CHECK_EQ("it joins its target", ephemeral_target(pod, 1), 77);
	CHECK_EQ("which may not be there", ephemeral_target(pod, 2), -1);
	CHECK_EQ("others have none", ephemeral_target(pod, 0), 0);
	CHECK_EQ("the Pod that is recorded has them",
		json_array_size(json_object_get(
			json_object_get(pod->spec->json, "spec"), "ephemeralContainers")),
		2);
	pod->adopting = false;
	nodepod_free(pod);
	sd_event_unref(node.loop);
	CHECK_OK("clean up", fs_remove(run_dir, &err), &err);
}
