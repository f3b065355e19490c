// SPDX-License-Identifier: Apache-2.0
#include "user/api/range.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/err.h"

#define LENGTH_LEAST 8
#define LENGTH_MOST  27

static bool length_read(const char *text, unsigned *ret)
{
	char *end;

	if (text[0] < '1' || text[0] > '9')
		return false;
	*ret = (unsigned)strtoul(text, &end, 10);
	return *end == '\0' && end - text <= 2;
}

int range_parse(const char *text, struct address_range *ret, struct err *err)
{
	const char *slash = strchr(text, '/');
	char address[RANGE_ADDRESS_LEN];
	unsigned length;
	uint32_t base, size;

	if (!slash || (size_t)(slash - text) >= sizeof(address) || !length_read(slash + 1, &length))
		return err_refuse(err, EINVAL, "'%.60s' is no IPv4 range like 10.96.0.0/16", text);
	snprintf(address, sizeof(address), "%.*s", (int)(slash - text), text);
	if (!range_read_address(address, &base))
		return err_refuse(err, EINVAL, "'%.60s' is no IPv4 range like 10.96.0.0/16", text);
	if (length < LENGTH_LEAST || length > LENGTH_MOST)
		return err_refuse(err, EINVAL, "the range '%s' is not from /%d to /%d", text,
			LENGTH_LEAST, LENGTH_MOST);
	size = UINT32_C(1) << (32 - length);
	if (base & (size - 1))
		return err_refuse(err, EINVAL, "the range '%s' has bits behind its prefix", text);
	ret->first = base + 1;
	ret->last = base + size - 2;
	snprintf(ret->text, sizeof(ret->text), "%s/%u", address, length);
	return 0;
}

bool range_has(const struct address_range *range, uint32_t address)
{
	return address >= range->first && address <= range->last;
}

bool range_read_address(const char *text, uint32_t *ret)
{
	struct in_addr parsed;

	if (inet_pton(AF_INET, text, &parsed) != 1)
		return false;
	*ret = ntohl(parsed.s_addr);
	return true;
}

void range_write_address(uint32_t address, char ret[RANGE_ADDRESS_LEN])
{
	struct in_addr in = {.s_addr = htonl(address)};

	inet_ntop(AF_INET, &in, ret, RANGE_ADDRESS_LEN);
}
