// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <fcntl.h>
#include <unistd.h>

#include "cni/config.h"
#include "cni/environment.h"
#include "cni/names.h"
#include "cni/plugin.h"
#include "tests/check.h"

#define IPAM(ranges) "\"ipam\":{\"type\":\"podnet\",\"ranges\":" ranges "}"
#define RANGE	     IPAM("[[{\"subnet\":\"10.244.0.0/24\"}]]")
#define CONF(more)   "{\"cniVersion\":\"1.0.0\",\"name\":\"pods\",\"type\":\"podnet\"," more "}"

/* --- configuration ---------------------------------------------------------------------------- */

static int read_config(const char *text, struct config *ret, struct fault *fault)
{
	AUTO_JSON json = NULL;

	*fault = FAULT_NONE;
	if (json_parse(text, strlen(text), "test", &json, &fault->err) < 0)
		BAIL(fault->err.text);
	return config_read(json, ret, fault);
}

TEST(a_configuration_has_the_defaults_of_the_manual)
{
	AUTO_CONFIG config = CONFIG_EMPTY;
	struct fault fault;

	if (!CHECK_OK("it is accepted", read_config(CONF(RANGE), &config, &fault), &fault.err))
		return;
	CHECK_STR("version", config.version, "1.0.0");
	CHECK_STR("instance", config.instance, "default");
	CHECK_STR("BPF file system", config.bpf_dir, "/sys/fs/bpf");
	CHECK_STR("pool", config.pool_dir, "/var/lib/podnet/ipam/pods");
	CHECK("masquerade", config.masquerade);
	CHECK_EQ("MTU of the uplink", config.mtu, 0);
	CHECK_EQ("service range", ntohl(config.service.address.s_addr), 0x0a600000);
	CHECK_EQ("one range", config.range_count, 1);
	CHECK_EQ("network address and gateway are spared", config.ranges[0].first, 0x0af40002);
	CHECK_EQ("and the broadcast address", config.ranges[0].last, 0x0af400fe);
	CHECK("nothing came before", !config.previous);
}

TEST(every_key_of_the_manual_is_honoured)
{
	static const char text[] =
		CONF("\"instance\":\"two\",\"bpfDir\":\"/b\",\"stateDir\":\"/s\","
		     "\"serviceCIDR\":\"10.97.0.0/16\",\"mtu\":1400,\"ipMasq\":false,"
		     "\"dns\":{\"nameservers\":[\"10.96.0.10\"]},"
		     "\"prevResult\":{\"ips\":[]},\"args\":{\"cni\":{}},\"unknown\":1," IPAM(
			     "[[{\"subnet\":\"10.1.0.0/24\",\"rangeStart\":\"10.1.0.10\","
			     "\"rangeEnd\":\"10.1.0.20\"},{\"subnet\":\"10.2.0.0/30\"}]]"));
	AUTO_CONFIG config = CONFIG_EMPTY;
	struct fault fault;

	if (!CHECK_OK("it is accepted", read_config(text, &config, &fault), &fault.err))
		return;
	CHECK_STR("instance", config.instance, "two");
	CHECK_STR("BPF file system", config.bpf_dir, "/b");
	CHECK_STR("pool", config.pool_dir, "/s/ipam/pods");
	CHECK("no masquerade", !config.masquerade);
	CHECK_EQ("MTU", config.mtu, 1400);
	CHECK_EQ("service range", ntohl(config.service.address.s_addr), 0x0a610000);
	CHECK_EQ("two ranges", config.range_count, 2);
	CHECK_EQ("rangeStart", config.ranges[0].first, 0x0a01000a);
	CHECK_EQ("rangeEnd", config.ranges[0].last, 0x0a010014);
	CHECK_EQ("the smallest subnet holds one", config.ranges[1].first, config.ranges[1].last);
	CHECK("prevResult", config.previous != NULL);
	CHECK("dns", config.dns != NULL);
}

static const struct {
	const char *what, *text;
	int code;
	const char *message;
} refusals[] = {
	{"no object", "[]", 6, "not a JSON object"},
	{"no version means 0.1.0", "{}", 1, "'0.1.0'"},
	{"an unknown version", "{\"cniVersion\":\"9.9.9\"}", 1,
		"'9.9.9', the plugin supports 0.3.1, 0.4.0, 1.0.0, 1.1.0"},
	{"a version of another type", "{\"cniVersion\":1}", 6, "cniVersion"},
	{"no name", "{\"cniVersion\":\"1.0.0\"}", 7, "name: ''"},
	{"a name that leaves the directory", "{\"cniVersion\":\"1.0.0\",\"name\":\"../x\"}", 7,
		"name: '../x'"},
	{"a name of another type", "{\"cniVersion\":\"1.0.0\",\"name\":7}", 7, "name: not a"},
	{"an instance with a dot", CONF("\"instance\":\"a.b\"," RANGE), 7, "instance: 'a.b'"},
	{"a relative directory", CONF("\"stateDir\":\"x\"," RANGE), 7, "stateDir: 'x'"},
	{"no ipam", CONF("\"mtu\":1500"), 7, "ipam: missing"},
	{"another ipam", CONF("\"ipam\":{\"type\":\"dhcp\"}"), 7, "ipam.type: 'dhcp'"},
	{"no ranges", CONF("\"ipam\":{\"type\":\"podnet\"}"), 7, "ipam.ranges: must be"},
	{"empty ranges", CONF(IPAM("[[]]")), 7, "ipam.ranges: must be"},
	{"a range that is no object", CONF(IPAM("[[1]]")), 7, "a range is not an object"},
	{"two sets", CONF(IPAM("[[{\"subnet\":\"10.1.0.0/24\"}],[{\"subnet\":\"10.2.0.0/24\"}]]")),
		7, "more than one set"},
	{"IPv6", CONF(IPAM("[[{\"subnet\":\"fd00::/64\"}]]")), 7, "'fd00::/64' is not an IPv4"},
	{"host bits", CONF(IPAM("[[{\"subnet\":\"10.1.0.1/24\"}]]")), 7, "behind its length"},
	{"too small", CONF(IPAM("[[{\"subnet\":\"10.1.0.0/31\"}]]")), 7, "between /8 and /30"},
	{"too large", CONF(IPAM("[[{\"subnet\":\"0.0.0.0/0\"}]]")), 7, "between /8 and /30"},
	{"a length that is none", CONF(IPAM("[[{\"subnet\":\"10.1.0.0/2x\"}]]")), 7, "is not an"},
	{"a negative length", CONF(IPAM("[[{\"subnet\":\"10.1.0.0/-1\"}]]")), 7, "is not an"},
	{"a start outside",
		CONF(IPAM("[[{\"subnet\":\"10.1.0.0/24\",\"rangeStart\":\"10.2.0.1\"}]]")), 7,
		"rangeStart '10.2.0.1' is outside"},
	{"an end before the start",
		CONF(IPAM("[[{\"subnet\":\"10.1.0.0/24\",\"rangeStart\":\"10.1.0.9\","
			  "\"rangeEnd\":\"10.1.0.8\"}]]")),
		7, "is empty"},
	{"an MTU too small", CONF("\"mtu\":67," RANGE), 7, "mtu: must be"},
	{"an MTU of another type", CONF("\"mtu\":\"1500\"," RANGE), 7, "mtu: not an integer"},
	{"ipMasq of another type", CONF("\"ipMasq\":\"yes\"," RANGE), 7, "ipMasq"},
	{"a service range that is none", CONF("\"serviceCIDR\":\"x\"," RANGE), 7, "serviceCIDR"},
	{"prevResult that is no object", CONF("\"prevResult\":[]," RANGE), 6, "prevResult: not"},
	{"prevResult with wrong ips", CONF("\"prevResult\":{\"ips\":1}," RANGE), 6,
		"prevResult.ips: not an array"},
};

TEST(a_wrong_configuration_is_refused_with_its_code_and_key)
{
	for (size_t i = 0; i < COUNT(refusals); i++) {
		AUTO_CONFIG config = CONFIG_EMPTY;
		struct fault fault;

		CHECK(refusals[i].what, read_config(refusals[i].text, &config, &fault) < 0);
		CHECK_EQ(refusals[i].what, fault.code, refusals[i].code);
		CHECK_HAS(refusals[i].what, fault.err.text, refusals[i].message);
	}
}

/* --- environment ------------------------------------------------------------------------------ */

static const char *variables[4]; /* command, container id, netns, ifname */

static char *get_variable(const char *name)
{
	static const char *const names[] = {
		"CNI_COMMAND", "CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME"};

	for (size_t i = 0; i < COUNT(names); i++)
		if (strcmp(names[i], name) == 0)
			return (char *)variables[i];
	return NULL;
}

static const struct {
	const char *what, *command, *id, *netns, *ifname, *message; /* NULL message: accepted */
} environments[] = {
	{"a complete ADD", "ADD", "c1", "/n", "eth0", NULL},
	{"DEL without a namespace", "DEL", "c1", NULL, "eth0", NULL},
	{"DEL with an empty one", "DEL", "c1", "", "eth0", NULL},
	{"VERSION alone", "VERSION", NULL, NULL, NULL, NULL},
	{"VERSION with anything", "VERSION", "dummy", "dummy", "dummy", NULL},
	{"no command", NULL, "c1", "/n", "eth0", "missing: CNI_COMMAND"},
	{"an unknown command", "FLY", "c1", "/n", "eth0", "'FLY'"},
	{"one that we do not offer", "CHECK", "c1", "/n", "eth0", "'CHECK'"},
	{"ADD with nothing", "ADD", NULL, NULL, NULL,
		"missing: CNI_CONTAINERID, CNI_NETNS, CNI_IFNAME"},
	{"DEL with nothing", "DEL", "", "", "", "missing: CNI_CONTAINERID, CNI_IFNAME"},
	{"an id with a slash", "DEL", "a/b", "", "eth0", "CNI_CONTAINERID 'a/b'"},
	{"an id that begins with a dot", "DEL", ".a", "", "eth0", "CNI_CONTAINERID"},
	{"a long interface name", "DEL", "a", "", "sixteen-letters-", "CNI_IFNAME"},
	{"dot", "DEL", "a", "", ".", "CNI_IFNAME"},
	{"dots", "DEL", "a", "", "..", "CNI_IFNAME"},
	{"a slash", "DEL", "a", "", "a/b", "CNI_IFNAME"},
	{"a colon", "DEL", "a", "", "a:b", "CNI_IFNAME"},
	{"a space", "DEL", "a", "", "a b", "CNI_IFNAME"},
};

TEST(the_environment_is_checked_as_the_specification_says)
{
	for (size_t i = 0; i < COUNT(environments); i++) {
		struct fault fault = FAULT_NONE;
		struct environment environment;
		int r;

		variables[0] = environments[i].command;
		variables[1] = environments[i].id;
		variables[2] = environments[i].netns;
		variables[3] = environments[i].ifname;
		r = environment_read(get_variable, &environment, &fault);
		if (!environments[i].message) {
			CHECK_OK(environments[i].what, r, &fault.err);
			continue;
		}
		CHECK(environments[i].what, r < 0);
		CHECK_EQ(environments[i].what, fault.code, CNI_INVALID_ENVIRONMENT);
		CHECK_HAS(environments[i].what, fault.err.text, environments[i].message);
	}
}

/* --- names ------------------------------------------------------------------------------------ */

TEST(names_of_an_attachment_never_change)
{
	struct attachment_names names = {.tag = ""}, others = {.tag = ""};

	/* An update of the plugin must find what its predecessor made. */
	attachment_name("c1", "eth0", &names);
	CHECK_STR("tag", names.tag, "dd162ccb905e");
	CHECK_EQ("length of the interface's name", strlen(names.host_ifname), 14);
	CHECK("prefix", strncmp(names.host_ifname, "pn", 2) == 0);
	attachment_name("c1", "eth1", &others);
	CHECK("another interface has another one", strcmp(names.tag, others.tag) != 0);
	attachment_name("c1e", "th0", &others);
	CHECK("the two parts do not run into each other", strcmp(names.tag, others.tag) != 0);
}

/* --- the whole, on bad input ------------------------------------------------------------------ */

static int file_with(const char *text, size_t len)
{
	char path[] = "/tmp/podnet-input-XXXXXX";
	int fd = mkstemp(path);

	if (fd < 0 || unlink(path) < 0 || write(fd, text, len) != (ssize_t)len ||
		lseek(fd, 0, SEEK_SET) != 0)
		BAIL("temporary file");
	return fd;
}

/* Runs the plugin on @input; the caller owns what it printed. */
static int run_plugin(int input, json_t **ret)
{
	AUTO_FD output = file_with("", 0);
	struct err err;
	int r = plugin_run(get_variable, input, output, &err);

	lseek(output, 0, SEEK_SET);
	*ret = json_loadfd(output, 0, NULL);
	return r;
}

/* What the plugin answers to @text on stdin, which it must refuse; the caller owns it. */
static json_t *answer_to(const char *text, size_t len)
{
	AUTO_FD input = file_with(text, len);
	json_t *answer;

	CHECK("it fails", run_plugin(input, &answer) < 0);
	return answer;
}

static void del_variables(void)
{
	variables[0] = "DEL";
	variables[1] = "c1";
	variables[2] = "";
	variables[3] = "eth0";
}

static const struct {
	const char *what, *text;
} inputs[] = {
	{"nothing", ""},
	{"no JSON", "hello"},
	{"truncated JSON", "{\"cniVersion\":\"1.0.0\","},
	{"a key twice", "{\"cniVersion\":\"1.0.0\",\"cniVersion\":\"1.1.0\"}"},
	{"no UTF-8", "{\"cniVersion\":\"1.0.0\",\"name\":\"\xff\xfe\"}"},
};

TEST(input_that_is_no_configuration_is_a_decoding_failure)
{
	del_variables();
	for (size_t i = 0; i < COUNT(inputs); i++) {
		AUTO_JSON answer = answer_to(inputs[i].text, strlen(inputs[i].text));

		CHECK_EQ(inputs[i].what, json_integer_at(answer, "code", 0), 6);
		CHECK(inputs[i].what, json_string_at(answer, "msg", "")[0]);
	}
}

TEST(input_without_end_and_without_bottom_is_refused)
{
	size_t size = 10 << 20;
	AUTO_FREE char *text = malloc(size);
	AUTO_JSON spaces = NULL;
	AUTO_JSON brackets = NULL;

	del_variables();
	memset(text, ' ', size);
	spaces = answer_to(text, size);
	CHECK_EQ("10 MiB of spaces", json_integer_at(spaces, "code", 0), 6);
	CHECK_HAS("are too large", json_string_at(spaces, "msg", ""), "larger than");
	memset(text, '[', 100000);
	brackets = answer_to(text, 100000);
	CHECK_EQ("100,000 brackets", json_integer_at(brackets, "code", 0), 6);
}

TEST(input_that_cannot_be_read_is_an_io_failure)
{
	AUTO_FD directory = open("/", O_RDONLY | O_DIRECTORY);
	AUTO_JSON answer = NULL;

	del_variables();
	CHECK("it fails", run_plugin(directory, &answer) < 0);
	CHECK_EQ("with its code", json_integer_at(answer, "code", 0), 5);
}

TEST(version_needs_no_input)
{
	AUTO_FD nothing = open("/dev/null", O_RDONLY);
	AUTO_JSON answer = NULL;

	variables[0] = "VERSION";
	CHECK_EQ("it succeeds", run_plugin(nothing, &answer), 0);
	CHECK_EQ("with all versions", json_array_size(json_object_get(answer, "supportedVersions")),
		4);
}

TEST(an_error_carries_the_version_that_was_asked_for)
{
	static const char text[] = "{\"cniVersion\":\"0.4.0\"}";
	AUTO_JSON answer = NULL;

	del_variables();
	answer = answer_to(text, strlen(text));
	CHECK_STR("version", json_string_at(answer, "cniVersion", ""), "0.4.0");
	CHECK_EQ("code", json_integer_at(answer, "code", 0), 7);
	CHECK("details", json_string_at(answer, "details", "")[0]);
}

TEST(an_answer_that_cannot_be_printed_is_told_to_the_caller)
{
	AUTO_FD input = file_with("x", 1), full = open("/dev/full", O_WRONLY);
	struct err err = {.code = 0};

	del_variables();
	CHECK_FAILS("it fails", plugin_run(get_variable, input, full, &err), ENOSPC, &err,
		"line 1, column 1");
}
