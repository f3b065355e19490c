/* SPDX-License-Identifier: Apache-2.0 */
/* Makes an image present in the store: reference, policy, digest, missing layers, record. */
#pragma once

#include <stdint.h>

#include "user/base/json.h"

#define PULL_DEFAULT_BYTES (UINT64_C(10) << 30)
#define PULL_DEFAULT_FILES UINT64_C(1000000)

enum pull_when { PULL_WHEN_ALWAYS, PULL_WHEN_ABSENT, PULL_WHEN_NEVER };

struct pull_config {
	const char *dir;	     /* of the store */
	const char *registries_conf; /* NULL: the system's */
	const char *skopeo;
	enum pull_when when;
	uint64_t max_bytes, max_files;	/* that one pull may unpack */
	void (*warn)(const char *text); /* told of what was survived: a damaged record */
};

struct pull_failure {
	const char *reason; /* Kubernetes' word, static */
	char message[1280]; /* printable ASCII */
};

/*
 * On success *@ret, which the caller owns, has reference, digest, layers (absolute paths, lowest first) and
 * config.  On failure a negative errno, @failure says why, and nothing is left.
 */
int pull_image(const struct pull_config *config, const char *reference, json_t **ret,
	struct pull_failure *failure);
