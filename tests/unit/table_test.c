// SPDX-License-Identifier: Apache-2.0
#include "tests/check.h"

#include "user/cli/columns.h"
#include "user/model/age.h"
#include "user/model/columns.h"
#include "user/cli/table.h"

#define MINUTE 60
#define HOUR   3600
#define DAY    86400
#define YEAR   (365 * DAY)
#define NOW    INT64_C(1795352716) /* 2026-11-22T13:05:16Z */

TEST(ages_read_as_kubectl_prints_them)
{
	static const struct {
		int64_t seconds;
		const char *want;
	} cases[] = {
		{-5, "<invalid>"},
		{-2, "<invalid>"},
		{-1, "0s"},
		{0, "0s"},
		{1, "1s"},
		{119, "119s"},
		{2 * MINUTE, "2m"},
		{2 * MINUTE + 1, "2m1s"},
		{9 * MINUTE + 59, "9m59s"},
		{10 * MINUTE, "10m"},
		{10 * MINUTE + 5, "10m"},
		{179 * MINUTE + 59, "179m"},
		{3 * HOUR, "3h"},
		{3 * HOUR + 59, "3h"},
		{3 * HOUR + 5 * MINUTE, "3h5m"},
		{7 * HOUR + 59 * MINUTE, "7h59m"},
		{8 * HOUR + 59 * MINUTE, "8h"},
		{47 * HOUR, "47h"},
		{2 * DAY, "2d"},
		{2 * DAY + 3 * HOUR, "2d3h"},
		{7 * DAY + 23 * HOUR, "7d23h"},
		{8 * DAY + 5 * HOUR, "8d"},
		{2 * YEAR - 1, "729d"},
		{2 * YEAR, "2y"},
		{2 * YEAR + DAY, "2y1d"},
		{8 * YEAR + DAY, "8y"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		char text[32];

		age_text(cases[i].seconds, text, sizeof(text));
		CHECK_STR("age", text, cases[i].want);
	}
	CHECK_EQ("a time", age_parse("2026-11-22T13:05:16Z"), NOW);
	CHECK_EQ("with fractions", age_parse("2026-11-22T13:05:16.25Z"), NOW);
	CHECK_EQ("none", age_parse("yesterday"), 0);
}

TEST(tables_are_laid_out_as_kubectl_does)
{
	AUTO_TABLE table = {.columns = 3};
	AUTO_FREE char *text = NULL;

	table_cell(&table, "A");
	table_cell(&table, "LONGER");
	table_cell(&table, "END");
	table_cell(&table, "xyz\t%d", 12);
	table_cell(&table, "b");
	table_cell(&table, "long last cell");
	text = table_render(&table);
	CHECK_STR("table", text,
		"A        LONGER   END\n"
		"xyz 12   b        long last cell\n");
}

#define RUNNING "\"ready\":true,\"restartCount\":0,\"state\":{\"running\":{}}"
#define STARTED "\"ready\":false,\"restartCount\":0,\"state\":{\"running\":{}}"
#define DONE                                                                                       \
	"\"ready\":false,\"restartCount\":0,\"state\":{\"terminated\":{\"exitCode\":0,\"reason\":" \
	"\"Completed\"}}"
#define WAITING(reason) \
	"\"ready\":false,\"restartCount\":0,\"state\":{\"waiting\":{\"reason\":\"" reason "\"}}"
#define ENDED(reason, code)                                                                \
	"\"ready\":false,\"restartCount\":0,\"state\":{\"terminated\":{\"exitCode\":" code \
	",\"reason\":\"" reason "\"}}"
#define POD(meta, init, containers)                                                            \
	"{\"metadata\":{\"name\":\"p\"" meta "},\"spec\":{\"initContainers\":[{},{}],"         \
	"\"containers\":[{},{}]},\"status\":{\"phase\":\"Running\",\"initContainerStatuses\":" \
	"[" init "],\"containerStatuses\":[" containers "]}}"
#define TWO(a, b) "{" a "},{" b "}"

TEST(pod_status_is_what_kubectl_says)
{
	static const struct {
		const char *what, *pod, *want;
	} cases[] = {
		{"running", POD("", "", TWO(RUNNING, RUNNING)), "Running"},
		{"running, not ready", POD("", "", TWO(RUNNING, STARTED)), "Running"},
		{"creating", POD("", "", TWO(WAITING("ContainerCreating"), RUNNING)),
			"ContainerCreating"},
		{"back-off", POD("", "", TWO(RUNNING, WAITING("CrashLoopBackOff"))),
			"CrashLoopBackOff"},
		{"the first container decides",
			POD("", "", TWO(WAITING("ErrImagePull"), WAITING("ImagePullBackOff"))),
			"ErrImagePull"},
		{"completed", POD("", "", TWO(DONE, DONE)), "Completed"},
		{"one of two completed, not ready", POD("", "", TWO(DONE, RUNNING)), "NotReady"},
		{"error", POD("", "", TWO(ENDED("Error", "1"), RUNNING)), "Error"},
		{"out of memory", POD("", "", TWO(ENDED("OOMKilled", "137"), RUNNING)),
			"OOMKilled"},
		{"no reason: exit code", POD("", "", TWO(ENDED("", "3"), RUNNING)), "ExitCode:3"},
		{"first init container runs",
			POD("", TWO(STARTED, WAITING("PodInitializing")),
				TWO(WAITING("X"), RUNNING)),
			"Init:0/2"},
		{"second init container waits", POD("", TWO(DONE, WAITING("PodInitializing")), ""),
			"Init:1/2"},
		{"init back-off", POD("", TWO(WAITING("CrashLoopBackOff"), STARTED), ""),
			"Init:CrashLoopBackOff"},
		{"init error", POD("", TWO(ENDED("Error", "1"), STARTED), ""), "Init:Error"},
		{"init done", POD("", TWO(DONE, DONE), TWO(RUNNING, RUNNING)), "Running"},
		{"terminating",
			POD(",\"deletionTimestamp\":\"2026-11-22T13:05:16Z\"", "",
				TWO(RUNNING, RUNNING)),
			"Terminating"},
		{"nothing known", "{}", "Unknown"},
		{"pending", "{\"status\":{\"phase\":\"Pending\"}}", "Pending"},
		{"behind gates",
			"{\"status\":{\"phase\":\"Pending\",\"conditions\":[{\"type\":"
			"\"PodScheduled\",\"reason\":\"SchedulingGated\"}]}}",
			"SchedulingGated"},
		{"evicted", "{\"status\":{\"phase\":\"Failed\",\"reason\":\"Evicted\"}}",
			"Evicted"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		AUTO_JSON pod = json_loads(cases[i].pod, 0, NULL);
		char text[64];

		if (!CHECK(cases[i].what, pod != NULL))
			continue;
		pod_status_text(pod, text, sizeof(text));
		CHECK_STR(cases[i].what, text, cases[i].want);
	}
}

TEST(restarts_tell_when_the_last_one_was)
{
	static const struct {
		const char *what, *statuses, *want;
	} cases[] = {
		{"none", "{\"restartCount\":0}", "0"},
		{"without a time", "{\"restartCount\":3}", "3"},
		{"the latest of all containers",
			"{\"restartCount\":2,\"lastState\":{\"terminated\":{\"finishedAt\":"
			"\"2026-11-22T13:00:16Z\"}}},{\"restartCount\":1,\"lastState\":{"
			"\"terminated\":{\"finishedAt\":\"2026-11-22T12:00:16Z\"}}}",
			"3 (5m ago)"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		char json[1000], text[64];
		AUTO_JSON pod = NULL;

		snprintf(json, sizeof(json), "{\"status\":{\"containerStatuses\":[%s]}}",
			cases[i].statuses);
		pod = json_loads(json, 0, NULL);
		pod_restarts_text(pod, NOW, text, sizeof(text));
		CHECK_STR(cases[i].what, text, cases[i].want);
	}
}

static char *render(
	const struct column_set *columns, const struct column_options *options, const char *object)
{
	AUTO_JSON json = json_loads(object, 0, NULL);
	AUTO_TABLE table = {0};

	if (!json)
		BAIL("broken test data");
	columns->heading(&table, options);
	columns->row(&table, options, json);
	return table_render(&table);
}

TEST(rows_have_the_columns_of_the_interface)
{
	static const char service[] =
		"{\"metadata\":{\"name\":\"web\",\"namespace\":\"shop\",\"creationTimestamp\":"
		"\"2026-11-22T13:00:16Z\"},\"spec\":{\"clusterIP\":\"10.96.0.9\",\"ports\":[{"
		"\"port\":80,\"protocol\":\"TCP\"},{\"port\":443,\"nodePort\":30443}],"
		"\"selector\":{\"a\":\"b\",\"c\":\"d\"}}}";
	static const char pod[] =
		"{\"metadata\":{\"name\":\"web-1\",\"creationTimestamp\":\"2026-11-22T13:05:06Z\"},"
		"\"spec\":{\"nodeName\":\"n1\",\"containers\":[{}]},\"status\":{\"phase\":"
		"\"Running\",\"podIP\":\"10.244.0.5\",\"containerStatuses\":[{" RUNNING "}]}}";
	struct column_options options = {.now = NOW};
	char *text = render(&pod_columns, &options, pod);

	CHECK_STR("pods", text,
		"NAME    READY   STATUS    RESTARTS   AGE   IP           NODE\n"
		"web-1   1/1     Running   0          10s   10.244.0.5   n1\n");
	free(text);
	text = render(&service_columns, &options, service);
	CHECK_STR("services", text,
		"NAME   TYPE        CLUSTER-IP   EXTERNAL-IP   PORT(S)                AGE\n"
		"web    ClusterIP   10.96.0.9    <none>        80/TCP,443:30443/TCP   5m\n");
	free(text);
	options.namespaces = options.wide = true;
	text = render(&service_columns, &options, service);
	CHECK_HAS("namespace first", text, "\nshop        web    ClusterIP");
	CHECK_HAS("wide has the selector", text, "   a=b,c=d\n");
	free(text);
	options.namespaces = options.wide = false;
	text = render(&backend_columns, &options,
		"{\"service\":\"web\",\"port\":80,\"pod\":\"web-1\",\"address\":\"10.244.0.5:80\","
		"\"state\":\"READY\",\"reason\":\"\"}");
	CHECK_STR("backends", text,
		"SERVICE   PORT   POD     ADDRESS         STATE   REASON\n"
		"web       80     web-1   10.244.0.5:80   READY   \n");
	free(text);
}
