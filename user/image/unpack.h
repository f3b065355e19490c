/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unpacks a layer's tar into a directory in the form overlayfs wants for a lower layer: whiteouts become 0:0
 * character devices, opaque marks become trusted.overlay.opaque.  Owners, modes, times, capabilities and user
 * attributes are kept.  Needs root.
 */
#pragma once

#include <stdint.h>

struct err;
struct stream;

/* What a pull may still unpack; each layer takes its part. */
struct unpack_budget {
	uint64_t bytes; /* apparent sizes of files: a hole counts in full */
	uint64_t files; /* inodes */
};

/*
 * Unpacks the rest of @stream below @root_fd.  A failure leaves parts behind: the caller removes the directory.
 * -EINVAL: an entry that has no business in a layer; -EFBIG: over budget; -EBADMSG: no tar, or damaged.
 */
int unpack_layer(struct stream *stream, int root_fd, struct unpack_budget *budget, struct err *err);
