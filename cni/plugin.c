// SPDX-License-Identifier: Apache-2.0
#include "cni/plugin.h"

#include "cni/add.h"
#include "cni/config.h"
#include "cni/del.h"
#include "cni/result.h"
#include "user/base/cleanup.h"

#define PLUGIN_VERSION_LATEST "1.1.0"

/* stdin may be anything that can be read, so it is not opened anew. */
static int plugin_read(int fd, char **ret, size_t *ret_len, struct fault *fault)
{
	AUTO_FREE char *text = malloc(PLUGIN_INPUT_MAX);
	size_t len = 0;
	ssize_t n;

	if (!text)
		return err_set(&fault->err, ENOMEM, "read the network configuration");
	while ((n = read(fd, text + len, PLUGIN_INPUT_MAX - len)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			fault->code = CNI_IO_FAILURE;
			return err_set(&fault->err, errno, "read the network configuration");
		}
		len += (size_t)n;
		if (len == PLUGIN_INPUT_MAX)
			return fault_set(fault, CNI_DECODING_FAILURE,
				"the network configuration is larger than %u bytes",
				PLUGIN_INPUT_MAX - 1);
	}
	*ret = take_ptr(text);
	*ret_len = len;
	return 0;
}

static int plugin_parse(int fd, enum cni_command command, json_t **ret, struct fault *fault)
{
	AUTO_FREE char *text = NULL;
	size_t len = 0;
	int r = plugin_read(fd, &text, &len, fault);

	if (r < 0)
		return r;
	/* A runtime may ask for the version before it has any configuration. */
	if (command == CNI_VERSION && len == 0) {
		*ret = json_pack("{s:s}", "cniVersion", PLUGIN_VERSION_LATEST);
		return *ret ? 0 : err_set(&fault->err, ENOMEM, "answer VERSION");
	}
	r = json_parse(text, len, "network configuration", ret, &fault->err);
	if (r < 0)
		fault->code = CNI_DECODING_FAILURE;
	return r;
}

static int plugin_dispatch(
	const struct environment *environment, json_t *json, int output_fd, struct fault *fault)
{
	AUTO_CONFIG config = CONFIG_EMPTY;
	AUTO_JSON versions = NULL;
	const char *version;
	int r;

	r = config_read_version(json, &version, fault);
	if (r == 0 && environment->command == CNI_VERSION) {
		versions = result_versions(version);
		return result_print(versions, output_fd, &fault->err);
	}
	if (r == 0)
		r = config_read(json, &config, fault);
	if (r < 0)
		return r;
	return environment->command == CNI_ADD ? add_run(&config, environment, output_fd, fault)
					       : del_run(&config, environment, fault);
}

int plugin_run(environment_get_fn get, int input_fd, int output_fd, struct err *err)
{
	struct fault fault = FAULT_NONE;
	struct environment environment;
	AUTO_JSON json = NULL;
	AUTO_JSON error = NULL;
	int r;

	r = environment_read(get, &environment, &fault);
	if (r == 0)
		r = plugin_parse(input_fd, environment.command, &json, &fault);
	if (r == 0)
		r = plugin_dispatch(&environment, json, output_fd, &fault);
	if (r == 0)
		return 0;
	error = result_error(json_string_at(json, "cniVersion", PLUGIN_VERSION_LATEST), &fault);
	if (result_print(error, output_fd, err) < 0)
		return err_wrap(err, "%s", fault.err.text);
	return r;
}
