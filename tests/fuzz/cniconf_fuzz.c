// SPDX-License-Identifier: Apache-2.0
/* The CNI chain as others write it: a list of plugins, 0x1e, and what one of them prints. */
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/node/cniconf.h"

static void check_line(const char *line)
{
	size_t len = strlen(line);

	FUZZ_CHECK("a reason is one line", len < CNICONF_REASON && !memchr(line, '\n', len));
}

static void read_list(const json_t *list, const json_t *previous)
{
	struct err err;

	if (cniconf_check(list, "the list", &err) < 0)
		return;
	FUZZ_CHECK("plugins have a limit", cniconf_count(list) <= CNICONF_PLUGINS_MAX);
	for (size_t i = 0; i < cniconf_count(list); i++) {
		AUTO_JSON input = cniconf_input(list, i, previous);

		FUZZ_CHECK("a plugin is a file's name", !strchr(cniconf_type(list, i), '/'));
		FUZZ_CHECK("it learns its version and name",
			json_string_at(input, "cniVersion", NULL) &&
				json_string_at(input, "name", NULL));
	}
}

static void read_answer(const char *text, const json_t *answer)
{
	char reason[CNICONF_REASON];
	struct cni_result result;
	struct err err;

	if (answer)
		cniconf_read_result(answer, &result, &err);
	cniconf_describe("bridge", text, "", "exit code 1", reason);
	check_line(reason);
	cniconf_describe("bridge", "", text, "exit code 1", reason);
	check_line(reason);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {(const char *)data, size}, part = fuzz_part(&input, 0x1e);
	AUTO_FREE char *text = fuzz_string(input);
	AUTO_JSON list = NULL;
	AUTO_JSON answer = NULL;
	struct err err;

	json_parse(text, input.size, "the answer", &answer, &err);
	if (json_parse(part.size ? part.data : "", part.size, "the list", &list, &err) == 0)
		read_list(list, answer);
	read_answer(text, answer);
	return 0;
}
