// SPDX-License-Identifier: Apache-2.0
#include "cni/result.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "podnet/cniwire.h"
#include "user/base/cleanup.h"
#include "user/base/fs.h"

/* The array at @result[key], made when it is missing; borrowed. */
static json_t *result_array(json_t *result, const char *key)
{
	json_t *array = json_object_get(result, key);

	if (!array && json_object_set_new(result, key, json_array()) == 0)
		array = json_object_get(result, key);
	return array;
}

/* @sandbox NULL: the host's end. */
static json_t *result_interface(const struct config *config, const char *name, const uint8_t *mac,
	const char *sandbox, unsigned mtu)
{
	char text[LINK_MAC_TEXT];
	AUTO_JSON json = NULL;

	link_print_mac(mac, text);
	json = json_pack("{s:s, s:s, s:s*}", "name", name, "mac", text, "sandbox", sandbox);
	if (json && config_version_is_since(config->version, "1.1.0") &&
		json_object_set_new(json, "mtu", json_integer(mtu)) < 0)
		return NULL;
	return take_ptr(json);
}

static json_t *result_ip(const struct config *config, struct in_addr address, size_t interface)
{
	char text[INET_ADDRSTRLEN], gateway[INET_ADDRSTRLEN], with_len[INET_ADDRSTRLEN + 3];
	struct in_addr first = {htonl(CNI_GATEWAY)};
	bool numbered = !config_version_is_since(config->version, "1.0.0");

	snprintf(with_len, sizeof(with_len), "%s/32",
		inet_ntop(AF_INET, &address, text, sizeof(text)));
	inet_ntop(AF_INET, &first, gateway, sizeof(gateway));
	return json_pack("{s:s*, s:s, s:s, s:I}", "version", numbered ? "4" : NULL, "address",
		with_len, "gateway", gateway, "interface", (json_int_t)interface);
}

static json_t *result_route(void)
{
	struct in_addr first = {htonl(CNI_GATEWAY)};
	char gateway[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, &first, gateway, sizeof(gateway));
	return json_pack("{s:s, s:s}", "dst", "0.0.0.0/0", "gw", gateway);
}

/* -ENOMEM when anything is missing: json_array_append_new refuses NULLs. */
static int result_fill(
	json_t *result, const struct config *config, const struct attachment *attachment)
{
	json_t *interfaces = result_array(result, "interfaces"), *ips = result_array(result, "ips");
	json_t *routes = result_array(result, "routes");
	size_t before = json_array_size(interfaces);

	if (json_object_set_new(result, "cniVersion", json_string(config->version)) < 0 ||
		json_array_append_new(
			interfaces, result_interface(config, attachment->host_ifname,
					    attachment->host_mac, NULL, attachment->mtu)) < 0 ||
		json_array_append_new(
			interfaces, result_interface(config, attachment->ifname, attachment->mac,
					    attachment->netns, attachment->mtu)) < 0 ||
		json_array_append_new(ips, result_ip(config, attachment->address, before + 1)) <
			0 ||
		json_array_append_new(routes, result_route()) < 0)
		return -ENOMEM;
	if (json_object_get(result, "dns"))
		return 0;
	return json_object_set_new(
		       result, "dns", config->dns ? json_incref(config->dns) : json_object()) < 0
		       ? -ENOMEM
		       : 0;
}

int result_make(const struct config *config, const struct attachment *attachment, json_t **ret,
	struct fault *fault)
{
	AUTO_JSON result = config->previous ? json_deep_copy(config->previous) : json_object();

	if (!result || result_fill(result, config, attachment) < 0)
		return err_set(&fault->err, ENOMEM, "build the result");
	*ret = take_ptr(result);
	return 0;
}

json_t *result_error(const char *version, const struct fault *fault)
{
	return json_pack("{s:s, s:i, s:s, s:s}", "cniVersion", version, "code", (int)fault->code,
		"msg", fault->err.text, "details", strerror(fault->err.code));
}

json_t *result_versions(const char *version)
{
	AUTO_JSON supported = json_array();

	for (size_t i = 0; config_versions[i]; i++)
		if (json_array_append_new(supported, json_string(config_versions[i])) < 0)
			return NULL;
	return json_pack("{s:s, s:O}", "cniVersion", version, "supportedVersions", supported);
}

int result_print(const json_t *json, int fd, struct err *err)
{
	AUTO_FREE char *text = json ? json_text(json) : NULL;
	AUTO_FREE char *line = text ? fs_format("%s\n", text) : NULL;

	if (!line)
		return err_set(err, ENOMEM, "print the answer");
	for (size_t sent = 0, len = strlen(line); sent < len;) {
		ssize_t n = write(fd, line + sent, len - sent);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(err, errno, "print the answer");
		sent += (size_t)n;
	}
	return 0;
}
