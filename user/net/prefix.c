// SPDX-License-Identifier: Apache-2.0
#include "user/net/prefix.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "user/base/err.h"

in_addr_t prefix_mask(const struct prefix *prefix)
{
	return prefix->len ? htonl(UINT32_MAX << (32 - prefix->len)) : 0;
}

bool prefix_holds(const struct prefix *prefix, struct in_addr address)
{
	return (address.s_addr & prefix_mask(prefix)) == prefix->address.s_addr;
}

static bool prefix_read(const char *text, struct prefix *ret)
{
	char address[INET_ADDRSTRLEN];
	const char *slash = strchr(text, '/');
	unsigned len;
	int used = 0;

	if (!slash || (size_t)(slash - text) >= sizeof(address))
		return false;
	memcpy(address, text, (size_t)(slash - text));
	address[slash - text] = '\0';
	if (inet_pton(AF_INET, address, &ret->address) != 1 || strspn(slash + 1, "0123456789") > 2)
		return false;
	if (sscanf(slash + 1, "%2u%n", &len, &used) != 1 || slash[1 + used] || len > 32 ||
		slash[1] == '+' || slash[1] == '-' || slash[1] == ' ')
		return false;
	ret->len = (uint8_t)len;
	return true;
}

int prefix_parse(const char *text, struct prefix *ret, struct err *err)
{
	struct prefix prefix;

	if (!prefix_read(text, &prefix))
		return err_refuse(
			err, EINVAL, "'%s' is not an IPv4 prefix like 10.244.0.0/24", text);
	if (prefix.address.s_addr & ~prefix_mask(&prefix))
		return err_refuse(err, EINVAL, "'%s' has bits set behind its length", text);
	*ret = prefix;
	return 0;
}

void prefix_print(const struct prefix *prefix, char ret[PREFIX_TEXT])
{
	char address[INET_ADDRSTRLEN];

	snprintf(ret, PREFIX_TEXT, "%s/%u",
		inet_ntop(AF_INET, &prefix->address, address, sizeof(address)), prefix->len & 63u);
}
