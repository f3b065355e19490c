// SPDX-License-Identifier: Apache-2.0
#include "user/client/kubeconfig.h"

#include <libgen.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/base64.h"
#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/base/fs.h"
#include "user/client/client.h"
#include "user/model/yaml.h"

#define KUBECONFIG_MOST (1u << 20)
#define NODES_MOST	100000
#define HTTPS_SCHEME	"https://"
#define UNIX_SCHEME	"unix://"

/* An entry under reading: "users[0].user". */
struct section {
	const json_t *json;
	const char *list, *name, *key;
	const char *dir;
};

static int read_json(const char *text, size_t len, json_t **ret, struct err *err)
{
	size_t budget = NODES_MOST;
	const struct yaml_node *root;
	struct yaml_reader *reader;
	unsigned line;
	int r = yaml_reader_new(text, len, 1, &budget, &reader, err);

	if (r < 0)
		return r;
	r = yaml_reader_next(reader, &root, &line, err);
	if (r == 0)
		r = err_refuse(err, EINVAL, "it is empty");
	else if (r > 0)
		r = yaml_to_json(root, &budget, ret, err);
	yaml_reader_free(reader);
	return r;
}

/* The string at @key; a number or a list in its place is refused.  Empty counts as not given. */
static int section_string(
	const struct section *section, const char *key, const char **ret, struct err *err)
{
	const json_t *value = json_object_get(section->json, key);

	*ret = NULL;
	if (value && !json_is_null(value) && !json_is_string(value))
		return err_refuse(err, EINVAL, "%s '%s': %s.%s: must be a string", section->list,
			section->name, section->key, key);
	if (json_string_length(value))
		*ret = json_string_value(value);
	return 0;
}

static int section_copy(const struct section *section, const char *key, char **ret, struct err *err)
{
	const char *text;
	int r = section_string(section, key, &text, err);

	if (r < 0 || !text)
		return r;
	*ret = strdup(text);
	return *ret ? 0 : err_set(err, ENOMEM, "read a kubeconfig");
}

static int section_path(const struct section *section, const char *key, char **ret, struct err *err)
{
	const char *text;
	int r = section_string(section, key, &text, err);

	if (r < 0 || !text)
		return r;
	*ret = text[0] == '/' ? strdup(text) : fs_format("%s/%s", section->dir, text);
	return *ret ? 0 : err_set(err, ENOMEM, "read a kubeconfig");
}

static int section_data(const struct section *section, const char *key, char **ret, struct err *err)
{
	const char *text;
	void *data = NULL;
	size_t len;
	int r = section_string(section, key, &text, err);

	if (r < 0 || !text)
		return r;
	r = base64_decode(text, &data, &len);
	if (r == -ENOMEM)
		return err_set(err, ENOMEM, "read a kubeconfig");
	if (r < 0 || strlen(data) != len) {
		free(data);
		return err_refuse(err, EINVAL, "%s '%s': %s.%s: must be PEM in base64",
			section->list, section->name, section->key, key);
	}
	*ret = data;
	return 0;
}

/* The entry called @name of a list such as "clusters", which holds it at @key. */
static int section_find(const json_t *config, const char *list, const char *name, const char *key,
	struct section *ret, struct err *err)
{
	json_t *item;
	size_t i;

	json_array_foreach (json_object_get(config, list), i, item) {
		if (strcmp(json_string_at(item, "name", ""), name) != 0)
			continue;
		ret->json = json_object_get(item, key);
		ret->list = list;
		ret->name = name;
		ret->key = key;
		if (json_is_object(ret->json))
			return 0;
		return err_refuse(err, EINVAL, "%s '%s': %s: must be an object", list, name, key);
	}
	return err_refuse(err, ENOENT, "%s: there is no '%s'", list, name);
}

static int read_context(
	const json_t *config, struct section *section, struct kubeconfig *ret, struct err *err)
{
	const char *name = json_string_at(config, "current-context", "");
	int r;

	if (!name[0])
		return err_refuse(err, EINVAL, "current-context: required");
	ret->context = strdup(name);
	if (!ret->context)
		return err_set(err, ENOMEM, "read a kubeconfig");
	r = section_find(config, "contexts", ret->context, "context", section, err);
	if (r == 0)
		r = section_copy(section, "cluster", &ret->cluster, err);
	if (r == 0 && !ret->cluster)
		r = err_refuse(
			err, EINVAL, "contexts '%s': context.cluster: required", ret->context);
	return r == 0 ? section_copy(section, "user", &ret->user, err) : r;
}

static int read_cluster(
	const json_t *config, struct section *section, struct kubeconfig *ret, struct err *err)
{
	int r = section_find(config, "clusters", ret->cluster, "cluster", section, err);

	if (r == 0)
		r = section_copy(section, "server", &ret->server, err);
	if (r == 0 && !ret->server)
		r = err_refuse(
			err, EINVAL, "clusters '%s': cluster.server: required", ret->cluster);
	if (r == 0)
		r = section_path(section, "certificate-authority", &ret->ca_path, err);
	return r == 0 ? section_data(section, "certificate-authority-data", &ret->ca_data, err) : r;
}

static int read_user(
	const json_t *config, struct section *section, struct kubeconfig *ret, struct err *err)
{
	int r = section_find(config, "users", ret->user, "user", section, err);

	if (r == 0)
		r = section_path(section, "client-certificate", &ret->cert_path, err);
	if (r == 0)
		r = section_data(section, "client-certificate-data", &ret->cert_data, err);
	if (r == 0)
		r = section_path(section, "client-key", &ret->key_path, err);
	if (r == 0)
		r = section_data(section, "client-key-data", &ret->key_data, err);
	if (r == 0)
		r = section_copy(section, "token", &ret->token, err);
	if (r == 0)
		r = section_path(section, "tokenFile", &ret->token_path, err);
	if (r == 0 && !(ret->cert_path || ret->cert_data) != !(ret->key_path || ret->key_data))
		r = err_refuse(err, EINVAL,
			"users '%s': user.client-certificate and user.client-key go together",
			ret->user);
	return r;
}

int kubeconfig_parse(
	const char *text, size_t len, const char *dir, struct kubeconfig *ret, struct err *err)
{
	struct kubeconfig config = {0};
	struct section section = {.dir = dir};
	AUTO_JSON json = NULL;
	int r = read_json(text, len, &json, err);

	if (r == 0 && strcmp(json_string_at(json, "kind", "Config"), "Config") != 0)
		r = err_refuse(err, EINVAL, "kind: must be Config");
	if (r == 0)
		r = read_context(json, &section, &config, err);
	if (r == 0)
		r = read_cluster(json, &section, &config, err);
	if (r == 0 && config.user)
		r = read_user(json, &section, &config, err);
	if (r < 0)
		kubeconfig_clear(&config);
	else
		*ret = config;
	return r;
}

int kubeconfig_authority(const char *text, size_t len, char **ret, struct err *err)
{
	struct section section = {.list = "clusters", .name = "", .key = "cluster", .dir = ""};
	AUTO_JSON json = NULL;
	int r = read_json(text, len, &json, err);

	if (r < 0)
		return r;
	section.json = json_object_get(
		json_array_get(json_object_get(json, section.list), 0), section.key);
	*ret = NULL;
	r = section_data(&section, "certificate-authority-data", ret, err);
	if (r == 0 && !*ret)
		r = err_refuse(
			err, EINVAL, "clusters '': cluster.certificate-authority-data: required");
	return r;
}

void kubeconfig_clear(struct kubeconfig *config)
{
	char *const strings[] = {config->context, config->cluster, config->user, config->server,
		config->ca_path, config->ca_data, config->cert_path, config->cert_data,
		config->key_path, config->key_data, config->token, config->token_path};

	for (size_t i = 0; i < COUNT(strings); i++)
		free(strings[i]);
	*config = (struct kubeconfig){0};
}

/* What stands in the text wins over a file. */
static int file_read(const char *path, char **data, struct err *err)
{
	if (!path || *data)
		return 0;
	return fs_read(path, KUBECONFIG_MOST, data, NULL, err);
}

static int files_read(struct kubeconfig *config, struct err *err)
{
	int r = file_read(config->ca_path, &config->ca_data, err);

	if (r == 0)
		r = file_read(config->cert_path, &config->cert_data, err);
	if (r == 0)
		r = file_read(config->key_path, &config->key_data, err);
	if (r == 0)
		r = file_read(config->token_path, &config->token, err);
	if (r == 0 && config->token)
		config->token[strcspn(config->token, "\r\n")] = '\0';
	return r;
}

int kubeconfig_read(const char *path, struct kubeconfig *ret, struct err *err)
{
	AUTO_CLEANUP(kubeconfig_clear) struct kubeconfig config = {0};
	AUTO_FREE char *text = NULL, *copy = strdup(path);
	size_t len;
	int r;

	if (!copy)
		return err_set(err, ENOMEM, "read '%s'", path);
	r = fs_read(path, KUBECONFIG_MOST, &text, &len, err);
	if (r < 0)
		return r;
	r = kubeconfig_parse(text, len, dirname(copy), &config, err);
	if (r == 0)
		r = files_read(&config, err);
	if (r < 0)
		return err_wrap(err, "kubeconfig '%s'", path);
	*ret = config;
	config = (struct kubeconfig){0};
	return 0;
}

static int client_socket(
	const struct kubeconfig *config, struct client_config *ret, struct err *err)
{
	const char *path = config->server + strlen(UNIX_SCHEME);

	if (path[0] != '/')
		return err_refuse(err, EINVAL,
			"clusters '%s': cluster.server: '%s' names no absolute path",
			config->cluster, config->server);
	*ret = (struct client_config){.socket_path = path};
	return 0;
}

int kubeconfig_client(const struct kubeconfig *config, struct client_config *ret, struct err *err)
{
	if (strncmp(config->server, UNIX_SCHEME, strlen(UNIX_SCHEME)) == 0)
		return client_socket(config, ret, err);
	if (strncmp(config->server, HTTPS_SCHEME, strlen(HTTPS_SCHEME)) != 0)
		return err_refuse(err, ENOTSUP,
			"clusters '%s': cluster.server: '%s' is not spoken, only https:// and "
			"unix:///PATH are",
			config->cluster, config->server);
	*ret = (struct client_config){
		.server = config->server,
		.authority = config->ca_data,
		.certificate = config->cert_data,
		.key = config->key_data,
		.token = config->token,
	};
	return 0;
}
