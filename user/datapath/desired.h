/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

#define DESIRED_NONE SIZE_MAX

struct dp_desired;
struct err;

/* -EINVAL: @desired names something twice, or what cannot be. */
int desired_check(const struct dp_desired *desired, struct err *err);

/* Indices into @desired's endpoints, by address.  The caller frees them; NULL: no memory. */
size_t *desired_sort(const struct dp_desired *desired);

/* The index of the endpoint at @address, or DESIRED_NONE; @by_address: of desired_sort. */
size_t desired_look_up(
	const struct dp_desired *desired, const size_t *by_address, struct in_addr address);
