/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

struct dp_desired;
struct err;

/* -EINVAL: @desired names something twice, or what cannot be. */
int desired_check(const struct dp_desired *desired, struct err *err);
