/* SPDX-License-Identifier: Apache-2.0 */
/* The record of a container's end, RUN/pods/UID/exit/ID: written before anybody can hear of it. */
#pragma once

#include "include/podnet/shimwire.h"

struct err;

/* Replaces the record of that id. */
int exitrecord_write(const char *dir, const struct shimwire_container *container, struct err *err);
/* A missing one is success. */
void exitrecord_remove(const char *dir, const char *id);
