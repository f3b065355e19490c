/* SPDX-License-Identifier: Apache-2.0 */
/* The addresses that Services get.  Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct err;

#define RANGE_NAMED 16 /* addresses at the start that are given only to those who name them */
#define RANGE_TEXT  20 /* "255.255.255.255/32" and NUL */

/* Host byte order; neither the network's own address nor its broadcast address is in it. */
struct address_range {
	uint32_t first, last;
	char text[RANGE_TEXT];
};

/* Reads "10.96.0.0/16".  -EINVAL: no IPv4 prefix, bits behind it, or no room (longer than /27). */
int range_parse(const char *text, struct address_range *ret, struct err *err);

/* @address may be given out, or named. */
bool range_has(const struct address_range *range, uint32_t address);

/* The address of "10.96.0.1".  False: it is none. */
bool range_read_address(const char *text, uint32_t *ret);

#define RANGE_ADDRESS_LEN 16
/* "10.96.0.1" */
void range_write_address(uint32_t address, char ret[RANGE_ADDRESS_LEN]);
