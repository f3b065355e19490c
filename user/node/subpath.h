/* SPDX-License-Identifier: Apache-2.0 */
/* volumeMounts[].subPath: a part of a volume, mounted where no container can exchange it. */
#pragma once

struct err;

/*
 * Opens @sub_path below @volume and binds what it is (directory or file) at @target, which is made.  What
 * is missing becomes directories of the volume's own mode.  Links are followed as long as they stay inside
 * the volume (the keys of a ConfigMap are links); -EXDEV when one leads out.
 */
int subpath_mount(const char *volume, const char *sub_path, const char *target, struct err *err);
