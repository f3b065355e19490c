// SPDX-License-Identifier: Apache-2.0
#include "user/base/cleanup.h"
#include "user/base/fs.h"
#include "user/cli/api.h"
#include "user/cli/commands.h"
#include "user/cli/options.h"
#include "user/http/target.h"

/* The caller frees it; NULL when memory is out. */
static char *delete_target(const struct cli_options *options)
{
	AUTO_FREE char *namespace = http_escape(options->namespace);
	AUTO_FREE char *name = http_escape(options->name);

	if (!namespace || !name)
		return NULL;
	if (options->grace < 0)
		return fs_format("/api/v1/namespaces/%s/%s/%s", namespace,
			options->resource->names[0], name);
	return fs_format("/api/v1/namespaces/%s/%s/%s?gracePeriodSeconds=%lld", namespace,
		options->resource->names[0], name, (long long)options->grace);
}

int command_delete(const struct cli_options *options)
{
	AUTO_FREE char *target = delete_target(options);
	AUTO_JSON json = NULL;
	int r;

	if (!target)
		return api_broken("out of memory");
	r = api_ask(options->socket, "DELETE", target, &json);
	if (r == 0)
		printf("%s \"%s\" deleted\n", options->resource->names[1], options->name);
	return r;
}
