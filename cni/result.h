/* SPDX-License-Identifier: Apache-2.0 */
/* What the plugin prints on stdout: results, errors, versions. */
#pragma once

#include <netinet/in.h>

#include "cni/config.h"
#include "cni/fault.h"
#include "user/net/link.h"

/* What an ADD made, for its result.  Strings are borrowed. */
struct attachment {
	const char *host_ifname, *ifname, *netns;
	uint8_t host_mac[LINK_MAC_LEN], mac[LINK_MAC_LEN];
	unsigned mtu;		/* bytes */
	struct in_addr address; /* network byte order */
};

/*
 * The result of ADD in the shape of the configuration's version; with a prevResult, its content comes
 * first, unchanged.  The caller owns *@ret.
 */
int result_make(const struct config *config, const struct attachment *attachment, json_t **ret,
	struct fault *fault);

/* The caller owns what these return; NULL when memory is out. */
json_t *result_error(const char *version, const struct fault *fault);
json_t *result_versions(const char *version);

/* Writes @json (NULL: memory was out) and a newline to @fd. */
int result_print(const json_t *json, int fd, struct err *err);
