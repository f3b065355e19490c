/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OCI image manifest and configuration (the proxy converts Docker's schema 2 to them).  Pure; everything in
 * them comes from a stranger.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "user/base/json.h"
#include "user/image/digest.h"

#define OCI_DOCUMENT_MAX (4u << 20)   /* bytes of a manifest or a configuration */
#define OCI_LAYERS_MAX	 127	      /* Docker's limit; overlayfs takes 500 */
#define OCI_RUNTIME_MAX	 (256u << 10) /* bytes of what a container needs of a configuration */

struct err;

struct oci_layer {
	char digest[DIGEST_SIZE];  /* of the blob as the registry holds it */
	char diff_id[DIGEST_SIZE]; /* of the tar inside; "" until the configuration was read */
	uint64_t size;		   /* bytes of the blob */
};

struct oci_image {
	size_t count;
	struct oci_layer layers[OCI_LAYERS_MAX]; /* lowest first */
};

/* Fills digests and sizes. */
int oci_manifest_parse(const char *text, size_t len, struct oci_image *ret, struct err *err);

/*
 * Fills the layers' diff ids.  *@ret, which the caller owns, is an object with what a container needs:
 * entrypoint, cmd, env (arrays of strings), user, workingDir, stopSignal; each is always there.
 */
int oci_config_parse(
	const char *text, size_t len, struct oci_image *image, json_t **ret, struct err *err);
