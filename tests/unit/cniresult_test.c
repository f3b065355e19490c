// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>

#include "cni/result.h"
#include "tests/check.h"

static const struct attachment one = {
	.host_ifname = "pn000000000001",
	.ifname = "eth0",
	.netns = "/run/netns/a",
	.host_mac = {2, 0, 0, 0, 0, 1},
	.mac = {2, 0, 0, 0, 0, 2},
	.mtu = 1400,
};

/* The result for a configuration of @version, as sorted text that the caller frees. */
static char *result_text(const char *version, const char *previous, const char *dns)
{
	AUTO_JSON before = previous ? json_loads(previous, 0, NULL) : NULL;
	AUTO_JSON names = dns ? json_loads(dns, 0, NULL) : NULL;
	struct config config = {.version = version, .previous = before, .dns = names};
	struct attachment attachment = one;
	struct fault fault = FAULT_NONE;
	AUTO_JSON result = NULL;

	attachment.address.s_addr = htonl(0x0af40005);
	if (result_make(&config, &attachment, &result, &fault) < 0)
		BAIL(fault.err.text);
	return json_dumps(result, JSON_COMPACT | JSON_SORT_KEYS);
}

#define HOST_END "{\"mac\":\"02:00:00:00:00:01\",\"name\":\"pn000000000001\"}"
#define POD_END	 "{\"mac\":\"02:00:00:00:00:02\",\"name\":\"eth0\",\"sandbox\":\"/run/netns/a\"}"
#define IP	 "{\"address\":\"10.244.0.5/32\",\"gateway\":\"169.254.1.1\",\"interface\":1"
#define ROUTES	 "\"routes\":[{\"dst\":\"0.0.0.0/0\",\"gw\":\"169.254.1.1\"}]"

static const struct {
	const char *version, *want;
} shapes[] = {
	{"0.3.1", "{\"cniVersion\":\"0.3.1\",\"dns\":{},\"interfaces\":[" HOST_END "," POD_END
		  "],\"ips\":[" IP ",\"version\":\"4\"}]," ROUTES "}"},
	{"0.4.0", "{\"cniVersion\":\"0.4.0\",\"dns\":{},\"interfaces\":[" HOST_END "," POD_END
		  "],\"ips\":[" IP ",\"version\":\"4\"}]," ROUTES "}"},
	{"1.0.0", "{\"cniVersion\":\"1.0.0\",\"dns\":{},\"interfaces\":[" HOST_END "," POD_END
		  "],\"ips\":[" IP "}]," ROUTES "}"},
	{"1.1.0", "{\"cniVersion\":\"1.1.0\",\"dns\":{},\"interfaces\":[{\"mac\":\"02:00:00:00:00:"
		  "01\",\"mtu\":1400,\"name\":\"pn000000000001\"},{\"mac\":\"02:00:00:00:00:02\","
		  "\"mtu\":1400,\"name\":\"eth0\",\"sandbox\":\"/run/netns/a\"}],\"ips\":[" IP
		  "}]," ROUTES "}"},
};

TEST(each_version_has_its_own_shape)
{
	for (size_t i = 0; i < COUNT(shapes); i++) {
		AUTO_FREE char *text = result_text(shapes[i].version, NULL, NULL);

		CHECK_STR(shapes[i].version, text, shapes[i].want);
	}
}

TEST(dns_of_the_configuration_is_passed_on)
{
	AUTO_FREE char *text = result_text("1.0.0", NULL, "{\"nameservers\":[\"10.96.0.10\"]}");

	CHECK_HAS("nameservers", text, "\"dns\":{\"nameservers\":[\"10.96.0.10\"]}");
}

TEST(what_earlier_plugins_made_comes_first_and_unchanged)
{
	static const char previous[] =
		"{\"cniVersion\":\"1.0.0\",\"interfaces\":[{\"name\":\"a\"},{\"name\":\"b\"}],"
		"\"ips\":[{\"address\":\"10.9.0.1/24\",\"interface\":1}],"
		"\"dns\":{\"search\":[\"x\"]},\"extra\":1}";
	AUTO_FREE char *text = result_text("1.0.0", previous, "{\"search\":[\"y\"]}");

	CHECK_HAS("interfaces", text, "[{\"name\":\"a\"},{\"name\":\"b\"}," HOST_END);
	CHECK_HAS("its address", text, "[{\"address\":\"10.9.0.1/24\",\"interface\":1},");
	CHECK_HAS("our address names our interface", text,
		"\"gateway\":\"169.254.1.1\",\"interface\":3}");
	CHECK_HAS("its dns", text, "\"dns\":{\"search\":[\"x\"]}");
	CHECK_HAS("what we do not know", text, "\"extra\":1");
}

TEST(an_error_has_all_that_the_specification_wants)
{
	struct fault fault = FAULT_NONE;
	AUTO_JSON json = NULL;
	AUTO_FREE char *text = NULL;

	fault.code = CNI_TRY_AGAIN;
	err_refuse(&fault.err, EADDRNOTAVAIL, "no free address");
	json = result_error("1.0.0", &fault);
	text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
	CHECK_STR("the error", text,
		"{\"cniVersion\":\"1.0.0\",\"code\":11,\"details\":\"Cannot assign requested "
		"address\",\"msg\":\"no free address\"}");
}

TEST(an_answer_to_version_names_all_versions)
{
	AUTO_JSON json = result_versions("0.4.0");
	AUTO_FREE char *text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);

	CHECK_STR("the answer", text,
		"{\"cniVersion\":\"0.4.0\",\"supportedVersions\":[\"0.3.1\",\"0.4.0\",\"1.0.0\","
		"\"1.1.0\"]}");
}
