// SPDX-License-Identifier: Apache-2.0
/* ReplicaSets and Deployments: what is written, given what is there. */
#include "tests/check.h"
#include "user/base/json.h"
#include "user/control/deployment.h"
#include "user/control/requests.h"
#include "user/control/replicaset.h"

#define NOW 1000000

static json_t *read_json(const char *text)
{
	json_t *json = json_loads(text, 0, NULL);

	if (!json)
		BAIL(text);
	return json;
}

static json_t *set_make(long long replicas)
{
	json_t *set = read_json(
		"{\"kind\":\"ReplicaSet\",\"apiVersion\":\"apps/"
		"v1\",\"metadata\":{\"name\":\"web-1\","
		"\"namespace\":\"default\",\"uid\":\"set\",\"generation\":1},\"spec\":{"
		"\"selector\":"
		"{\"matchLabels\":{\"app\":\"web\"}},\"template\":{\"metadata\":{\"labels\":{"
		"\"app\":"
		"\"web\"}},\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"nginx\"}]}}}}");

	json_object_set_new(json_object_get(set, "spec"), "replicas", json_integer(replicas));
	return set;
}

static void pod_put(json_t *pods, const char *name, const char *node, bool ready)
{
	char key[64];

	snprintf(key, sizeof(key), "default/%s", name);
	json_object_set_new(pods, key,
		json_pack("{s:{s:s, s:s, s:s, s:s, s:{s:s}, s:[{s:s, s:b}]}, s:{s:s}, s:{s:s, "
			  "s:[{s:s, s:s, s:s}]}}",
			"metadata", "name", name, "namespace", "default", "uid", name,
			"creationTimestamp", "1970-01-12T00:00:00Z", "labels", "app", "web",
			"ownerReferences", "uid", "set", "controller", 1, "spec", "nodeName", node,
			"status", "phase", node[0] ? "Running" : "Pending", "conditions", "type",
			"Ready", "status", ready ? "True" : "False", "lastTransitionTime",
			"1970-01-12T13:00:00Z"));
}

static const json_t *write_find(
	const struct requests *plan, const char *method, const char *target, size_t *ret_count)
{
	const json_t *body = NULL;

	*ret_count = 0;
	for (size_t i = 0; i < plan->count; i++)
		if (strcmp(plan->writes[i].method, method) == 0 &&
			strcmp(plan->writes[i].target, target) == 0) {
			body = plan->writes[i].body;
			++*ret_count;
		}
	return body;
}

TEST(missing_pods_are_created_from_the_template)
{
	AUTO_JSON set = set_make(3);
	AUTO_JSON pods = json_object();
	struct requests plan = {.again = UINT64_MAX};
	const json_t *pod, *owner;
	size_t count;

	pod_put(pods, "one", "n1", true);
	CHECK_EQ("planned", replicaset_plan(set, pods, NOW, &plan), 0);
	pod = write_find(&plan, "POST", "/api/v1/namespaces/default/pods", &count);
	CHECK_EQ("two are missing", count, 2);
	CHECK_STR("named after the set",
		json_string_at(json_object_get(pod, "metadata"), "generateName", ""), "web-1-");
	owner = json_array_get(
		json_object_get(json_object_get(pod, "metadata"), "ownerReferences"), 0);
	CHECK_STR("owned by it", json_string_at(owner, "uid", ""), "set");
	CHECK("as its controller", json_is_true(json_object_get(owner, "controller")));
	requests_clear(&plan);
}

TEST(the_pod_that_is_missed_least_goes)
{
	AUTO_JSON set = set_make(2);
	AUTO_JSON pods = json_object();
	struct requests plan = {.again = UINT64_MAX};
	size_t count;

	pod_put(pods, "ready", "n1", true);
	pod_put(pods, "unready", "n1", false);
	pod_put(pods, "pending", "", false);
	CHECK_EQ("planned", replicaset_plan(set, pods, NOW, &plan), 0);
	write_find(&plan, "DELETE", "/api/v1/namespaces/default/pods/pending", &count);
	CHECK_EQ("the one without a node", count, 1);
	write_find(&plan, "DELETE", "/api/v1/namespaces/default/pods/unready", &count);
	CHECK_EQ("only it", count, 0);
	requests_clear(&plan);
	json_object_set_new(json_object_get(set, "spec"), "replicas", json_integer(1));
	CHECK_EQ("planned", replicaset_plan(set, pods, NOW, &plan), 0);
	write_find(&plan, "DELETE", "/api/v1/namespaces/default/pods/unready", &count);
	CHECK_EQ("then the one that is not ready", count, 1);
	requests_clear(&plan);
}

TEST(status_counts_and_is_written_once)
{
	AUTO_JSON set = set_make(2);
	AUTO_JSON pods = json_object();
	struct requests plan = {.again = UINT64_MAX};
	const json_t *status;
	size_t count;

	pod_put(pods, "one", "n1", true);
	pod_put(pods, "two", "n1", false);
	CHECK_EQ("planned", replicaset_plan(set, pods, NOW, &plan), 0);
	status = json_object_get(
		write_find(&plan, "PATCH",
			"/apis/apps/v1/namespaces/default/replicasets/web-1/status", &count),
		"status");
	CHECK_EQ("two there", json_integer_at(status, "replicas", 0), 2);
	CHECK_EQ("one ready", json_integer_at(status, "readyReplicas", 0), 1);
	CHECK_EQ("one available", json_integer_at(status, "availableReplicas", 0), 1);
	json_object_set(set, "status", (json_t *)status);
	requests_clear(&plan);
	CHECK_EQ("planned", replicaset_plan(set, pods, NOW, &plan), 0);
	CHECK_EQ("nothing more to write", plan.count, 0);
	requests_clear(&plan);
}

static json_t *deployment_make(void)
{
	return read_json("{\"kind\":\"Deployment\",\"apiVersion\":\"apps/"
			 "v1\",\"metadata\":{\"name\":\"web\","
			 "\"namespace\":\"default\",\"uid\":\"dep\",\"generation\":1},\"spec\":{"
			 "\"replicas\":3,"
			 "\"selector\":{\"matchLabels\":{\"app\":\"web\"}},\"strategy\":{\"type\":"
			 "\"RollingUpdate\",\"rollingUpdate\":{\"maxSurge\":\"25%\","
			 "\"maxUnavailable\":\"25%\"}},"
			 "\"template\":{\"metadata\":{\"labels\":{\"app\":\"web\"}},\"spec\":{"
			 "\"containers\":"
			 "[{\"name\":\"c\",\"image\":\"nginx:1\"}]}}}}");
}

/* What the API server would make of a created ReplicaSet. */
static void set_store(json_t *sets, const json_t *body, long long available)
{
	json_t *set = json_deep_copy(body), *meta = json_object_get(set, "metadata");
	long long replicas = json_integer_at(json_object_get(set, "spec"), "replicas", 0);
	char key[96];

	snprintf(key, sizeof(key), "default/%s", json_string_at(meta, "name", ""));
	json_object_set_new(meta, "uid", json_string(key));
	json_object_set_new(meta, "creationTimestamp",
		json_sprintf("1970-01-12T00:00:0%zuZ", json_object_size(sets)));
	json_object_set_new(set, "status",
		json_pack("{s:I, s:I, s:I}", "replicas", (json_int_t)replicas, "readyReplicas",
			(json_int_t)available, "availableReplicas", (json_int_t)available));
	json_object_set_new(sets, key, set);
}

#define SETS "/apis/apps/v1/namespaces/default/replicasets"

TEST(a_deployment_makes_a_set_for_each_template)
{
	AUTO_JSON deployment = deployment_make();
	AUTO_JSON sets = json_object();
	AUTO_JSON pods = json_object();
	struct requests plan = {.again = UINT64_MAX};
	const json_t *set, *labels;
	json_t *container;
	size_t count;

	CHECK_EQ("planned", deployment_plan(deployment, sets, pods, NOW, &plan), 0);
	set = write_find(&plan, "POST", SETS, &count);
	CHECK_EQ("one set", count, 1);
	CHECK_EQ("with all Pods", json_integer_at(json_object_get(set, "spec"), "replicas", 0), 3);
	labels = json_object_get(json_object_get(set, "metadata"), "labels");
	CHECK_STR("labels of the template", json_string_at(labels, "app", ""), "web");
	CHECK_HAS("named by its hash", json_string_at(json_object_get(set, "metadata"), "name", ""),
		json_string_at(labels, DEPLOYMENT_HASH, "none"));
	set_store(sets, set, 3);
	requests_clear(&plan);

	container = json_array_get(
		json_object_get(json_object_get(json_object_get(json_object_get(deployment, "spec"),
							"template"),
					"spec"),
			"containers"),
		0);
	json_object_set_new(container, "image", json_string("nginx:2"));
	CHECK_EQ("planned", deployment_plan(deployment, sets, pods, NOW, &plan), 0);
	set = write_find(&plan, "POST", SETS, &count);
	CHECK_EQ("a second set", count, 1);
	CHECK_EQ("with the surge only",
		json_integer_at(json_object_get(set, "spec"), "replicas", 0), 1);
	CHECK_STR("is the second revision",
		json_string_at(json_object_get(json_object_get(set, "metadata"), "annotations"),
			"deployment.kubernetes.io/revision", ""),
		"2");
	requests_clear(&plan);

	json_object_set_new(container, "image", json_string("nginx:1"));
	CHECK_EQ("planned", deployment_plan(deployment, sets, pods, NOW, &plan), 0);
	write_find(&plan, "POST", SETS, &count);
	CHECK_EQ("the template that comes back has a set", count, 0);
	requests_clear(&plan);
}

TEST(a_paused_deployment_makes_nothing_new)
{
	AUTO_JSON deployment = deployment_make();
	AUTO_JSON sets = json_object();
	AUTO_JSON pods = json_object();
	struct requests plan = {.again = UINT64_MAX};
	size_t count;

	json_object_set_new(json_object_get(deployment, "spec"), "paused", json_true());
	CHECK_EQ("planned", deployment_plan(deployment, sets, pods, NOW, &plan), 0);
	write_find(&plan, "POST", SETS, &count);
	CHECK_EQ("no set", count, 0);
	requests_clear(&plan);
}

static const json_t *condition(const struct requests *plan, const char *type)
{
	const json_t *conditions, *item;
	size_t i, count;

	conditions = json_object_get(
		json_object_get(
			write_find(plan, "PATCH",
				"/apis/apps/v1/namespaces/default/deployments/web/status", &count),
			"status"),
		"conditions");
	json_array_foreach (conditions, i, item)
		if (strcmp(json_string_at(item, "type", ""), type) == 0)
			return item;
	return NULL;
}

TEST(a_deployment_says_that_it_is_paused_and_resumed)
{
	AUTO_JSON deployment = deployment_make();
	AUTO_JSON sets = json_object();
	AUTO_JSON pods = json_object();
	struct requests plan = {.again = UINT64_MAX};
	json_t *status;
	size_t count;

	json_object_set_new(json_object_get(deployment, "spec"), "paused", json_true());
	CHECK_EQ("planned", deployment_plan(deployment, sets, pods, NOW, &plan), 0);
	CHECK_STR("paused", json_string_at(condition(&plan, "Progressing"), "reason", ""),
		"DeploymentPaused");
	status = json_deep_copy(json_object_get(
		write_find(&plan, "PATCH",
			"/apis/apps/v1/namespaces/default/deployments/web/status", &count),
		"status"));
	json_object_set_new(deployment, "status", status);
	requests_clear(&plan);
	json_object_del(json_object_get(deployment, "spec"), "paused");
	CHECK_EQ("planned", deployment_plan(deployment, sets, pods, NOW, &plan), 0);
	CHECK_STR("resumed", json_string_at(condition(&plan, "Progressing"), "reason", ""),
		"DeploymentResumed");
	requests_clear(&plan);
}

TEST(a_name_that_another_template_has_is_not_taken)
{
	AUTO_JSON deployment = deployment_make();
	AUTO_JSON sets = json_object();
	AUTO_JSON pods = json_object();
	struct requests plan = {.again = UINT64_MAX};
	const json_t *set;
	json_t *other;
	size_t count;

	deployment_plan(deployment, sets, pods, NOW, &plan);
	set = write_find(&plan, "POST", SETS, &count);
	set_store(sets, set, 0);
	requests_clear(&plan);
	other = json_object_iter_value(json_object_iter(sets));
	json_object_set_new(json_object_get(other, "metadata"), "ownerReferences",
		json_pack("[{s:s, s:b}]", "uid", "another", "controller", 1));
	CHECK_EQ("planned", deployment_plan(deployment, sets, pods, NOW, &plan), 0);
	write_find(&plan, "POST", SETS, &count);
	CHECK_EQ("no set is made", count, 0);
	CHECK_EQ("but the next has another name",
		json_integer_at(json_object_get(write_find(&plan, "PATCH",
							"/apis/apps/v1/namespaces/default/"
							"deployments/web/status",
							&count),
					"status"),
			"collisionCount", 0),
		1);
	requests_clear(&plan);
}

TEST(pods_without_an_owner_are_adopted)
{
	AUTO_JSON set = set_make(1);
	AUTO_JSON pods = json_object();
	struct requests plan = {.again = UINT64_MAX};
	const json_t *patch;
	json_t *pod;
	size_t count;

	pod_put(pods, "one", "n1", true);
	pod = json_object_get(pods, "default/one");
	json_object_del(json_object_get(pod, "metadata"), "ownerReferences");
	CHECK_EQ("planned", replicaset_plan(set, pods, NOW, &plan), 0);
	patch = write_find(&plan, "PATCH", "/api/v1/namespaces/default/pods/one", &count);
	CHECK_EQ("it is", count, 1);
	CHECK_EQ("by one owner",
		json_array_size(
			json_object_get(json_object_get(patch, "metadata"), "ownerReferences")),
		1);
	write_find(&plan, "POST", "/api/v1/namespaces/default/pods", &count);
	CHECK_EQ("and no other is made beside it", count, 0);
	requests_clear(&plan);
	json_object_set_new(json_object_get(pod, "metadata"), "labels", json_object());
	CHECK_EQ("planned", replicaset_plan(set, pods, NOW, &plan), 0);
	write_find(&plan, "PATCH", "/api/v1/namespaces/default/pods/one", &count);
	CHECK_EQ("not one with other labels", count, 0);
	requests_clear(&plan);
}

TEST(hashes_are_stable_and_of_safe_letters)
{
	AUTO_JSON a = read_json("{\"b\":1,\"a\":2}");
	AUTO_JSON b = read_json("{\"a\":2,\"b\":1}");
	char first[DEPLOYMENT_HASH_LEN], second[DEPLOYMENT_HASH_LEN];

	CHECK_EQ("made", deployment_hash(a, 0, first), 0);
	deployment_hash(b, 0, second);
	CHECK_STR("the order of keys says nothing", first, second);
	deployment_hash(a, 1, second);
	CHECK("a collision gives another", strcmp(first, second) != 0);
	CHECK_EQ("letters", strspn(first, "bcdfghjklmnpqrstvwxz2456789"), strlen(first));
}
