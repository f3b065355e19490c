/* SPDX-License-Identifier: Apache-2.0 */
/* A container's root: overlay of the image's layers below a writable one. */
#pragma once

struct err;

/*
 * Mounts at @target (made when missing).  @layers: absolute paths, lowest first, NULL-terminated.
 * @writable: directory that gets "upper" and "work" afresh; what an earlier try left is removed.
 */
int rootfs_mount(char *const *layers, const char *writable, const char *target, struct err *err);
