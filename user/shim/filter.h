/* SPDX-License-Identifier: Apache-2.0 */
/* Compiles linux.seccomp of an OCI configuration into BPF. */
#pragma once

#include "user/base/json.h"

struct err;

/* Appends the program (struct sock_filter) to @fd. */
int filter_compile(const json_t *seccomp, int fd, struct err *err);
