/* SPDX-License-Identifier: Apache-2.0 */
/* What messages and their fields are for, in a few words: `kubectl explain` shows them. */
#pragma once

/* Of the message of that name ("PodSpec"), or with @field of this field in it.  A constant; NULL: nothing is said. */
const char *describe(const char *message, const char *field);
