// SPDX-License-Identifier: Apache-2.0
#include "user/node/cniconf.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/base/fs.h"

static bool cniconf_ends_with(const char *name, const char *end)
{
	size_t len = strlen(name), end_len = strlen(end);

	return len > end_len && strcmp(name + len - end_len, end) == 0;
}

/* The first by byte order, as every runtime does it. */
static int cniconf_find(const char *path, char ret[NAME_MAX + 1], struct err *err)
{
	AUTO_DIR dir = opendir(path);
	struct dirent *file;

	if (!dir)
		return err_set(err, errno, "open the CNI configuration directory '%s'", path);
	ret[0] = '\0';
	while (errno = 0, file = readdir(dir)) {
		if (!cniconf_ends_with(file->d_name, ".conflist") &&
			!cniconf_ends_with(file->d_name, ".conf"))
			continue;
		if (!ret[0] || strcmp(file->d_name, ret) < 0)
			snprintf(ret, NAME_MAX + 1, "%s", file->d_name);
	}
	if (errno)
		return err_set(err, errno, "list the CNI configuration directory '%s'", path);
	if (!ret[0])
		return err_refuse(err, ENOENT, "no *.conflist in '%s'", path);
	return 0;
}

static json_t *cniconf_wrap(json_t *plugin)
{
	return json_pack("{s:s, s:s, s:[O]}", "cniVersion",
		json_string_at(plugin, "cniVersion", "0.1.0"), "name",
		json_string_at(plugin, "name", ""), "plugins", plugin);
}

int cniconf_load(const char *dir, json_t **ret, struct err *err)
{
	AUTO_FREE char *path = NULL, *text = NULL;
	char name[NAME_MAX + 1];
	AUTO_JSON json = NULL;
	AUTO_JSON list = NULL;
	size_t len;
	int r;

	r = cniconf_find(dir, name, err);
	if (r < 0)
		return r;
	path = fs_format("%s/%s", dir, name);
	if (!path)
		return err_set(err, ENOMEM, "read the CNI configuration");
	r = fs_read(path, CNICONF_SIZE_MAX, &text, &len, err);
	if (r == 0)
		r = json_parse(text, len, path, &json, err);
	if (r < 0)
		return r;
	list = cniconf_ends_with(name, ".conf") ? cniconf_wrap(json) : json_incref(json);
	if (!list)
		return err_set(err, ENOMEM, "read '%s'", path);
	r = cniconf_check(list, path, err);
	if (r < 0)
		return r;
	*ret = take_ptr(list);
	return 0;
}

int cniconf_check(const json_t *list, const char *what, struct err *err)
{
	const json_t *plugins = json_object_get(list, "plugins");
	size_t count = json_array_size(plugins);

	if (!json_string_at(list, "name", "")[0])
		return err_refuse(err, EINVAL, "%s: name: missing", what);
	if (count == 0 || count > CNICONF_PLUGINS_MAX)
		return err_refuse(err, EINVAL, "%s: plugins: must be a list of 1 to %d", what,
			CNICONF_PLUGINS_MAX);
	for (size_t i = 0; i < count; i++) {
		const char *type = json_string_at(json_array_get(plugins, i), "type", "");

		if (!type[0] || strchr(type, '/') || type[0] == '.' || strlen(type) > NAME_MAX)
			return err_refuse(err, EINVAL,
				"%s: plugins[%zu].type: '%.64s' is not the name of a plugin", what,
				i, type);
	}
	return 0;
}

size_t cniconf_count(const json_t *list)
{
	return json_array_size(json_object_get(list, "plugins"));
}

const char *cniconf_type(const json_t *list, size_t index)
{
	return json_string_at(json_array_get(json_object_get(list, "plugins"), index), "type", "");
}

json_t *cniconf_input(const json_t *list, size_t index, const json_t *previous)
{
	AUTO_JSON input = json_copy(json_array_get(json_object_get(list, "plugins"), index));

	if (!input ||
		json_object_set_new(input, "name", json_string(json_string_at(list, "name", ""))) <
			0 ||
		json_object_set_new(input, "cniVersion",
			json_string(json_string_at(list, "cniVersion", "0.1.0"))) < 0)
		return NULL;
	if (previous && json_object_set_new(input, "prevResult", json_deep_copy(previous)) < 0)
		return NULL;
	return take_ptr(input);
}

static void cniconf_copy(char *to, size_t size, const json_t *object, const char *key)
{
	snprintf(to, size, "%s", json_string_at(object, key, ""));
}

/* "10.244.0.5/32" or, in old results, with any length. */
static bool cniconf_is_ipv4(const json_t *ip, struct in_addr *ret)
{
	const char *address = json_string_at(ip, "address", "");
	char text[INET_ADDRSTRLEN];
	size_t len = strcspn(address, "/");

	if (len >= sizeof(text))
		return false;
	memcpy(text, address, len);
	text[len] = '\0';
	return inet_pton(AF_INET, text, ret) == 1;
}

/* The host's end is the last interface outside of the sandbox: a bridge would come before it. */
static void cniconf_read_interfaces(const json_t *interfaces, long long own, struct cni_result *ret)
{
	const json_t *interface;
	size_t i;

	json_array_foreach ((json_t *)interfaces, i, interface) {
		if (!json_string_at(interface, "sandbox", "")[0]) {
			cniconf_copy(ret->host_interface, sizeof(ret->host_interface), interface,
				"name");
		} else if ((long long)i == own || (own < 0 && !ret->interface[0])) {
			cniconf_copy(ret->interface, sizeof(ret->interface), interface, "name");
			cniconf_copy(ret->mac, sizeof(ret->mac), interface, "mac");
		}
	}
}

int cniconf_read_result(const json_t *result, struct cni_result *ret, struct err *err)
{
	struct cni_result found = {.mac = ""};
	json_t *ips = json_object_get(result, "ips"), *ip;
	size_t i;

	json_array_foreach (ips, i, ip) {
		if (!cniconf_is_ipv4(ip, &found.address))
			continue;
		cniconf_read_interfaces(json_object_get(result, "interfaces"),
			json_integer_at(ip, "interface", -1), &found);
		*ret = found;
		return 0;
	}
	return err_refuse(err, EBADMSG, "the CNI result has no IPv4 address");
}

/* Cuts at the first line's end and replaces control characters: it goes into messages. */
static void cniconf_print_line(char *ret, size_t size, const char *text)
{
	size_t len = 0;

	while (*text == '\n' || *text == ' ')
		text++;
	for (; text[len] && text[len] != '\n' && len + 1 < size; len++)
		ret[len] = (unsigned char)text[len] < ' ' ? ' ' : text[len];
	ret[len] = '\0';
}

int cniconf_describe(const char *type, const char *out, const char *errors, const char *ended,
	char ret[CNICONF_REASON])
{
	AUTO_JSON answer = json_loads(out, 0, NULL);
	const char *message = json_string_at(answer, "msg", "");
	const char *details = json_string_at(answer, "details", "");
	AUTO_FREE char *both = NULL;
	int code = (int)json_integer_at(answer, "code", 0), used;

	if (code != 0 && message[0]) {
		used = snprintf(ret, CNICONF_REASON, "plugin '%.64s': code %d: ", type, code);
		both = fs_format("%s%s%s", message, details[0] ? "; " : "", details);
		cniconf_print_line(
			ret + used, CNICONF_REASON - (size_t)used, both ? both : message);
		return code;
	}
	used = snprintf(
		ret, CNICONF_REASON, "plugin '%.64s': %s%s", type, ended, errors[0] ? ": " : "");
	cniconf_print_line(ret + used, CNICONF_REASON - (size_t)used, errors);
	return 0;
}
