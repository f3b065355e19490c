/* SPDX-License-Identifier: Apache-2.0 */
/* IPv4 prefixes: an address in network byte order and a length. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#define PREFIX_TEXT (INET_ADDRSTRLEN + 3) /* "255.255.255.255/32" and NUL */

struct err;

struct prefix {
	struct in_addr address;
	uint8_t len;
};

/* Reads "10.244.0.0/24".  -EINVAL for anything else, set host bits included. */
int prefix_parse(const char *text, struct prefix *ret, struct err *err);
void prefix_print(const struct prefix *prefix, char ret[PREFIX_TEXT]);

/* Network byte order. */
in_addr_t prefix_mask(const struct prefix *prefix);
bool prefix_holds(const struct prefix *prefix, struct in_addr address);
