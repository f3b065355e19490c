/* SPDX-License-Identifier: Apache-2.0 */
/* A failure of the plugin: the error's text and the code that the CNI specification gives it. */
#pragma once

#include "user/base/err.h"

enum cni_code {
	CNI_INCOMPATIBLE_VERSION = 1,
	CNI_UNKNOWN_CONTAINER = 3,
	CNI_INVALID_ENVIRONMENT = 4,
	CNI_IO_FAILURE = 5,
	CNI_DECODING_FAILURE = 6,
	CNI_INVALID_CONFIG = 7,
	CNI_INVALID_NETNS = 8,
	CNI_TRY_AGAIN = 11,
	CNI_FAILED = 100, /* the first that the specification leaves to plugins */
};

struct fault {
	enum cni_code code;
	struct err err;
};

/* Until somebody says more, a failure is CNI_FAILED. */
#define FAULT_NONE ((struct fault){.code = CNI_FAILED})

/* Refuses with @code; the text says all, no strerror is added.  Returns -EINVAL. */
int fault_set(struct fault *fault, enum cni_code code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
