// SPDX-License-Identifier: Apache-2.0
/* The CNI plugin's input: lines NAME=VALUE of its environment, an empty line, then its configuration. */
#include <string.h>

#include "cni/environment.h"
#include "cni/result.h"
#include "tests/fuzz/fuzz.h"
#include "user/base/cleanup.h"

static char *lines; /* NUL-separated, an empty one at the end */

static char *get(const char *name)
{
	size_t len = strlen(name);

	for (char *line = lines; *line; line += strlen(line) + 1)
		if (strncmp(line, name, len) == 0 && line[len] == '=')
			return line + len + 1;
	return NULL;
}

static void read_environment(struct fuzz_input *input, struct environment *ret)
{
	const char *end = memmem(input->data, input->size, "\n\n", 2);
	struct fuzz_input text = {input->data, end ? (size_t)(end + 2 - input->data) : 0};
	struct fault fault = FAULT_NONE;

	lines = fuzz_string(text);
	for (size_t i = 0; i < text.size; i++)
		if (lines[i] == '\n')
			lines[i] = '\0';
	input->data += text.size;
	input->size -= text.size;
	*ret = (struct environment){.container_id = "", .netns = "", .ifname = ""};
	environment_read(get, ret, &fault);
}

static void read_config(struct fuzz_input input, const struct environment *environment)
{
	AUTO_CONFIG config = CONFIG_EMPTY;
	AUTO_JSON json = NULL;
	AUTO_JSON result = NULL;
	AUTO_JSON failure = NULL;
	struct attachment attachment = {.host_ifname = "pn12345678",
		.ifname = environment->ifname,
		.netns = "/run/netns/x"};
	struct fault fault = FAULT_NONE;
	const char *version = "1.0.0";

	if (json_parse(input.data, input.size, "the configuration", &json, &fault.err) < 0)
		return;
	if (config_read_version(json, &version, &fault) == 0 &&
		config_read(json, &config, &fault) == 0)
		result_make(&config, &attachment, &result, &fault);
	failure = result_error(version, &fault);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {(const char *)data, size};
	struct environment environment;
	AUTO_FREE char *text = NULL;

	read_environment(&input, &environment);
	text = fuzz_string(input);
	read_config((struct fuzz_input){text, input.size}, &environment);
	free(lines);
	return 0;
}
