// SPDX-License-Identifier: Apache-2.0
#include "cni/environment.h"

#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "cni/names.h"
#include "user/base/cleanup.h"

static const char *const commands[] = {
	[CNI_ADD] = "ADD",
	[CNI_DEL] = "DEL",
	[CNI_VERSION] = "VERSION",
};

static int environment_command(const char *name, enum cni_command *ret, struct fault *fault)
{
	for (size_t i = 0; i < COUNT(commands); i++) {
		if (strcmp(name, commands[i]) != 0)
			continue;
		*ret = (enum cni_command)i;
		return 0;
	}
	return fault_set(fault, CNI_INVALID_ENVIRONMENT,
		"CNI_COMMAND '%s' is not one of ADD, DEL and VERSION", name);
}

/* One message for all that is missing, so that a runtime's author learns it at once. */
static int environment_require(const struct environment *environment, struct fault *fault)
{
	const struct {
		const char *name, *value;
		bool needed;
	} rows[] = {
		{"CNI_CONTAINERID", environment->container_id, true},
		{"CNI_NETNS", environment->netns, environment->command == CNI_ADD},
		{"CNI_IFNAME", environment->ifname, true},
	};
	char missing[128] = "";

	for (size_t i = 0; i < COUNT(rows); i++)
		if (rows[i].needed && !rows[i].value[0])
			snprintf(missing + strlen(missing), sizeof(missing) - strlen(missing),
				"%s%s", missing[0] ? ", " : "", rows[i].name);
	if (missing[0])
		return fault_set(fault, CNI_INVALID_ENVIRONMENT,
			"required environment variables missing: %s", missing);
	return 0;
}

static bool environment_is_ifname(const char *name)
{
	return strlen(name) < IFNAMSIZ && strcmp(name, ".") != 0 && strcmp(name, "..") != 0 &&
	       !strpbrk(name, "/: \t\n\v\f\r");
}

int environment_read(environment_get_fn get, struct environment *ret, struct fault *fault)
{
	const char *command = get("CNI_COMMAND"), *id = get("CNI_CONTAINERID");
	const char *netns = get("CNI_NETNS"), *ifname = get("CNI_IFNAME");
	struct environment environment = {
		.container_id = id ? id : "",
		.netns = netns ? netns : "",
		.ifname = ifname ? ifname : "",
	};
	int r;

	if (!command || !command[0])
		return fault_set(fault, CNI_INVALID_ENVIRONMENT,
			"required environment variables missing: CNI_COMMAND");
	r = environment_command(command, &environment.command, fault);
	if (r == 0 && environment.command != CNI_VERSION)
		r = environment_require(&environment, fault);
	if (r < 0)
		return r;
	if (environment.command != CNI_VERSION && !name_is_id(environment.container_id))
		return fault_set(fault, CNI_INVALID_ENVIRONMENT,
			"CNI_CONTAINERID '%.64s' is not an identifier", environment.container_id);
	if (environment.command != CNI_VERSION && !environment_is_ifname(environment.ifname))
		return fault_set(fault, CNI_INVALID_ENVIRONMENT,
			"CNI_IFNAME '%.64s' is not an interface name", environment.ifname);
	*ret = environment;
	return 0;
}

bool environment_is_empty(environment_get_fn get)
{
	return !get("CNI_COMMAND") && !get("CNI_CONTAINERID") && !get("CNI_NETNS") &&
	       !get("CNI_IFNAME");
}
