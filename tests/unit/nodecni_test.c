// SPDX-License-Identifier: Apache-2.0
/* The chain runner with shell scripts for plugins: each logs how it was called. */
#include <arpa/inet.h>
#include <limits.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/check.h"
#include "user/base/fs.h"
#include "user/node/cni.h"
#include "user/node/cniconf.h"

static char dir[PATH_MAX];
static sd_event *loop;
static struct cni *cni;

static const char *path_of(const char *name)
{
	static char path[PATH_MAX + 64];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void write_file(const char *name, const char *content, mode_t mode)
{
	struct err err;

	if (fs_replace(path_of(name), content, strlen(content), mode, FS_VOLATILE, &err) < 0)
		BAIL(err.text);
}

/* A plugin that logs "COMMAND NAME [after PREVIOUS]" and then does @rest. */
static void write_plugin(const char *name, const char *rest)
{
	AUTO_FREE char *file = fs_format("bin/%s", name);
	AUTO_FREE char *text =
		fs_format("#!/bin/sh\n"
			  "input=$(cat)\n"
			  "case $input in *prevResult*) after=' with a result' ;; esac\n"
			  "echo \"$CNI_COMMAND %s$after\" >>%s/log\n"
			  "echo \"$input\" >%s/%s.input; env | grep ^CNI_ | sort >%s/%s.env\n"
			  "%s\n",
			name, dir, dir, name, dir, name, rest);

	write_file(file, text, 0755);
}

#define ANSWER(address)                                                              \
	"[ $CNI_COMMAND = DEL ] || echo '{\"cniVersion\":\"1.0.0\",\"interfaces\":[" \
	"{\"name\":\"pn1\"},{\"name\":\"eth0\",\"mac\":\"02:00:00:00:00:02\","       \
	"\"sandbox\":\"/n\"}],\"ips\":[{\"address\":\"" address "\",\"interface\":1}]}'"

static void begin(void)
{
	struct cni_config config;
	AUTO_FREE char *conf = NULL, *bin = NULL, *cache = NULL;
	struct err err;

	snprintf(dir, sizeof(dir), "/tmp/podnet-cni-XXXXXX");
	if (!mkdtemp(dir) || sd_event_new(&loop) < 0)
		BAIL("set up");
	conf = fs_format("%s/net.d", dir);
	bin = fs_format("%s/bin", dir);
	cache = fs_format("%s/cache", dir);
	mkdir(conf, 0755);
	mkdir(bin, 0755);
	config = (struct cni_config){conf, bin, cache};
	if (cni_new(loop, &config, &cni, &err) < 0)
		BAIL(err.text);
	write_file("net.d/20-later.conflist", "not read", 0644);
	write_file("net.d/10-two.conflist",
		"{\"cniVersion\":\"1.0.0\",\"name\":\"pods\",\"plugins\":["
		"{\"type\":\"first\",\"key\":1},{\"type\":\"second\"}]}",
		0644);
	write_plugin("first", ANSWER("10.1.0.2/32"));
	write_plugin("second", ANSWER("10.1.0.3/24"));
}

static void end(void)
{
	struct err err;

	cni = cni_free(cni);
	loop = sd_event_unref(loop);
	if (fs_remove(dir, &err) < 0)
		BAIL(err.text);
}

/* What the last call told its caller. */
static struct {
	bool done, has_result;
	int result;
	struct cni_result added;
	char reason[512];
} told;

static void on_done(void *userdata, int result, const struct cni_result *added, const char *reason)
{
	(void)userdata;
	told.done = true;
	told.result = result;
	told.has_result = added != NULL;
	if (added)
		told.added = *added;
	snprintf(told.reason, sizeof(told.reason), "%s", reason);
}

static const struct cni_attachment attachment = {
	.container_id = "u1",
	.netns = "/proc/7/ns/net",
	.pod_name = "web",
	.pod_namespace = "default",
	.pod_uid = "u1",
};

/* Runs one call to its end. */
static int run(int (*start)(struct cni *, const struct cni_attachment *, cni_done_fn, void *,
		       struct cni_call **, struct err *),
	struct err *err)
{
	int r;

	memset(&told, 0, sizeof(told));
	r = start(cni, &attachment, on_done, NULL, NULL, err);
	while (r >= 0 && !told.done)
		r = sd_event_run(loop, 10 * 1000 * 1000);
	return r < 0 ? r : 0;
}

/* What the plugins logged since the last time; the caller frees it. */
static char *take_log(void)
{
	char *text = NULL;

	if (fs_read(path_of("log"), 65536, &text, NULL, NULL) < 0)
		return strdup("");
	unlink(path_of("log"));
	return text;
}

#define CHECK_LOG(what, want)                     \
	do {                                      \
		AUTO_FREE char *log = take_log(); \
		CHECK_STR(what, log, want);       \
	} while (0)

TEST(add_runs_the_chain_in_order_and_del_backwards)
{
	struct cni_result cached;
	struct err err;

	begin();
	CHECK_OK("add", run(cni_add, &err), &err);
	CHECK_STR("it succeeds", told.reason, "");
	CHECK_LOG("the first has no result yet", "ADD first\nADD second with a result\n");
	CHECK("there is a result", told.has_result);
	CHECK_EQ("the last plugin's address", ntohl(told.added.address.s_addr), 0x0a010003);
	CHECK_STR("MAC", told.added.mac, "02:00:00:00:00:02");
	CHECK_STR("interface", told.added.interface, "eth0");
	CHECK_STR("host's interface", told.added.host_interface, "pn1");
	CHECK_OK("it is cached", cni_cached(cni, "u1", &cached, &err), &err);
	CHECK_EQ("as it was", cached.address.s_addr, told.added.address.s_addr);

	CHECK_OK("del", run(cni_del, &err), &err);
	CHECK_EQ("it succeeds", told.result, 0);
	CHECK_LOG("both see the result", "DEL second with a result\nDEL first with a result\n");
	CHECK_FAILS("it is forgotten", cni_cached(cni, "u1", &cached, &err), ENOENT, &err, "");
	end();
}

TEST(a_plugin_is_told_what_the_specification_says)
{
	AUTO_FREE char *input = NULL, *environment = NULL, *want = NULL;
	struct err err;

	begin();
	CHECK_OK("add", run(cni_add, &err), &err);
	CHECK_OK("input", fs_read(path_of("first.input"), 65536, &input, NULL, &err), &err);
	CHECK_HAS("name of the list", input, "\"name\":\"pods\"");
	CHECK_HAS("version of the list", input, "\"cniVersion\":\"1.0.0\"");
	CHECK_HAS("its own keys", input, "\"key\":1");
	CHECK_OK("environment", fs_read(path_of("first.env"), 65536, &environment, NULL, &err),
		&err);
	want = fs_format("CNI_ARGS=IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=web;"
			 "K8S_POD_INFRA_CONTAINER_ID=u1;K8S_POD_UID=u1\n"
			 "CNI_COMMAND=ADD\nCNI_CONTAINERID=u1\nCNI_IFNAME=eth0\n"
			 "CNI_NETNS=/proc/7/ns/net\nCNI_PATH=%s/bin\n",
		dir);
	CHECK_STR("environment", environment, want);
	end();
}

TEST(a_failure_undoes_what_was_added)
{
	struct cni_result cached;
	struct err err;

	begin();
	write_plugin("second",
		"[ $CNI_COMMAND = DEL ] || { echo '{\"code\":11,\"msg\":\"no free address\"}'; "
		"exit 1; }");
	CHECK_OK("add", run(cni_add, &err), &err);
	CHECK_EQ("it may be tried again", told.result, -EAGAIN);
	CHECK_STR("and says why", told.reason, "plugin 'second': code 11: no free address");
	CHECK_LOG("the one that failed is undone, too",
		"ADD first\nADD second with a result\nDEL second\nDEL first\n");
	CHECK_FAILS("nothing is cached", cni_cached(cni, "u1", &cached, &err), ENOENT, &err, "");
	end();
}

static const struct {
	const char *what, *plugin, *reason;
	int result;
} failures[] = {
	{"code and details", "echo '{\"code\":100,\"msg\":\"a\",\"details\":\"b\"}'; exit 1",
		"plugin 'first': code 100: a; b", -EIO},
	{"words on stderr", "echo oops >&2; echo more >&2; exit 3",
		"plugin 'first': exit code 3: oops", -EIO},
	{"a signal", "kill -9 $$", "plugin 'first': killed by signal 9", -EIO},
	{"success without a result", "exit 0", "plugin 'first': its result: ", -EINVAL},
	{"control characters in a message",
		"printf '{\"code\":7,\"msg\":\"a\\\\nb\\\\u001b\"}'; exit 1",
		"plugin 'first': code 7: a", -EIO},
};

TEST(every_kind_of_failure_is_told_in_one_line)
{
	for (size_t i = 0; i < COUNT(failures); i++) {
		struct err err;

		begin();
		write_plugin("first", failures[i].plugin);
		CHECK_OK(failures[i].what, run(cni_add, &err), &err);
		CHECK_EQ(failures[i].what, told.result, failures[i].result);
		CHECK_HAS(failures[i].what, told.reason, failures[i].reason);
		CHECK(failures[i].what, !strchr(told.reason, '\n') && !strchr(told.reason, 033));
		end();
	}
}

TEST(a_result_without_an_address_is_a_failure)
{
	struct err err;

	begin();
	write_plugin("second", "[ $CNI_COMMAND = DEL ] || echo '{}'");
	CHECK_OK("add", run(cni_add, &err), &err);
	CHECK_EQ("it fails", told.result, -EBADMSG);
	CHECK_HAS("and says why", told.reason, "no IPv4 address");
	CHECK_LOG("and is undone", "ADD first\nADD second with a result\nDEL second\nDEL first\n");
	end();
}

TEST(del_works_without_a_cache_and_with_a_damaged_one)
{
	struct err err;

	begin();
	CHECK_OK("del of what was never added", run(cni_del, &err), &err);
	CHECK_EQ("it succeeds", told.result, 0);
	CHECK_LOG("the list of today is used", "DEL second\nDEL first\n");
	mkdir(path_of("cache"), 0700);
	write_file("cache/u1-eth0", "garbage", 0600);
	CHECK_OK("del", run(cni_del, &err), &err);
	CHECK_EQ("it succeeds", told.result, 0);
	CHECK("the damaged record is kept", access(path_of("cache/u1-eth0.damaged"), F_OK) == 0);
	end();
}

TEST(del_uses_the_list_of_its_add)
{
	struct err err;

	begin();
	CHECK_OK("add", run(cni_add, &err), &err);
	write_file("net.d/10-two.conflist",
		"{\"cniVersion\":\"1.0.0\",\"name\":\"new\",\"plugins\":[{\"type\":\"third\"}]}",
		0644);
	free(take_log());
	CHECK_OK("del", run(cni_del, &err), &err);
	CHECK_LOG("not that of today", "DEL second with a result\nDEL first with a result\n");
	end();
}

TEST(a_del_that_fails_stops_and_can_be_repeated)
{
	struct err err;

	begin();
	CHECK_OK("add", run(cni_add, &err), &err);
	write_plugin("second", "echo '{\"code\":5,\"msg\":\"busy\"}'; exit 1");
	free(take_log());
	CHECK_OK("del", run(cni_del, &err), &err);
	CHECK_STR("it says why", told.reason, "plugin 'second': code 5: busy");
	CHECK_LOG("the first is not reached", "DEL second with a result\n");
	write_plugin("second", "true");
	CHECK_OK("again", run(cni_del, &err), &err);
	CHECK_EQ("it succeeds", told.result, 0);
	CHECK_LOG("with the result", "DEL second with a result\nDEL first with a result\n");
	end();
}

TEST(a_call_can_be_cancelled)
{
	struct cni_call *call;
	AUTO_FREE char *script = NULL, *text = NULL;
	struct err err;
	pid_t pid;

	begin();
	memset(&told, 0, sizeof(told));
	script = fs_format(
		"echo $$ >%s/pid.new; mv %s/pid.new %s/pid; exec sleep 600", dir, dir, dir);
	write_plugin("first", script);
	CHECK_OK("add", cni_add(cni, &attachment, on_done, NULL, &call, &err), &err);
	while (fs_read(path_of("pid"), 64, &text, NULL, &err) < 0 && err.code == ENOENT)
		sd_event_run(loop, 10000);
	CHECK("it is gone", !cni_call_cancel(call));
	pid = atoi(text);
	while (kill(pid, 0) == 0)
		if (sd_event_run(loop, 10 * 1000 * 1000) <= 0)
			break;
	CHECK("so is the plugin", kill(pid, 0) < 0);
	CHECK("nobody is told", !told.done);
	end();
}

static const struct {
	const char *what, *file, *content, *message;
	int code;
} lists[] = {
	{"no JSON", "10-a.conflist", "x", "10-a.conflist: line 1", EINVAL},
	{"no name", "10-a.conflist", "{\"plugins\":[{\"type\":\"a\"}]}", "name: missing", EINVAL},
	{"no plugins", "10-a.conflist", "{\"name\":\"n\",\"plugins\":[]}", "plugins: must", EINVAL},
	{"a path as type", "10-a.conflist",
		"{\"name\":\"n\",\"plugins\":[{\"type\":\"../bin/sh\"}]}", "type: '../bin/sh'",
		EINVAL},
	{"a missing plugin", "10-a.conflist",
		"{\"name\":\"n\",\"plugins\":[{\"type\":\"absent\"}]}", "absent", ENOENT},
	{"a missing plugin in a single configuration", "10-a.conf",
		"{\"name\":\"n\",\"type\":\"single\"}", "single", ENOENT},
};

TEST(a_list_that_cannot_work_is_refused_before_anything_runs)
{
	for (size_t i = 0; i < COUNT(lists); i++) {
		AUTO_FREE char *name = fs_format("net.d/%s", lists[i].file);
		struct err err;

		begin();
		write_file(name, lists[i].content, 0644);
		CHECK_FAILS(
			lists[i].what, run(cni_add, &err), lists[i].code, &err, lists[i].message);
		CHECK("nothing is left", access(path_of("cache/u1-eth0"), F_OK) < 0);
		end();
	}
}

TEST(a_directory_without_a_list_is_refused)
{
	struct err err;

	begin();
	unlink(path_of("net.d/10-two.conflist"));
	unlink(path_of("net.d/20-later.conflist"));
	CHECK_FAILS("add", run(cni_add, &err), ENOENT, &err, "no *.conflist in");
	end();
}
