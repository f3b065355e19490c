/* SPDX-License-Identifier: Apache-2.0 */
/* The network configuration that the runtime writes to stdin.  Keys we do not know are ignored. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "cni/fault.h"
#include "user/base/json.h"
#include "user/net/ipam.h"
#include "user/net/prefix.h"

#define CONFIG_RANGES_MAX 8

/* Strings and JSON are borrowed from @json, which the struct owns. */
struct config {
	json_t *json;
	const char *version; /* cniVersion: one of config_versions */
	const char *name;
	const char *instance, *bpf_dir;
	char *pool_dir;	 /* STATE/ipam/NAME; owned */
	bool masquerade; /* ipMasq, on by default */
	unsigned mtu;	 /* bytes; 0: the uplink's */
	struct prefix service;
	struct prefix subnets[CONFIG_RANGES_MAX];
	struct ipam_range ranges[CONFIG_RANGES_MAX];
	size_t range_count;
	json_t *previous; /* prevResult, or NULL */
	json_t *dns;	  /* or NULL */
};

#define CONFIG_EMPTY ((struct config){.json = NULL})

/* What the plugin speaks, oldest first; NULL-terminated. */
extern const char *const config_versions[];

/* True when @version (one of config_versions) is not older than @than. */
bool config_version_is_since(const char *version, const char *than);

/*
 * Reads the version only, as VERSION and error messages need it.  *@ret is borrowed from @json.
 * A missing cniVersion means "0.1.0", as the specification says.
 */
int config_read_version(const json_t *json, const char **ret, struct fault *fault);

/* Checks all of @json, of which the result takes a reference.  config_free releases it. */
int config_read(json_t *json, struct config *ret, struct fault *fault);

/* Accepts an empty one. */
void config_free(struct config *config);

#define AUTO_CONFIG AUTO_CLEANUP(config_free) struct config
