/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One `skopeo experimental-image-proxy` child: registries, authentication, mirrors and signatures are its
 * business.  Requests are JSON packets on a socket pair, data comes through pipes that it sends along.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "user/image/digest.h"

struct err;
struct proxy;

struct proxy_config {
	const char *skopeo;	     /* looked up in PATH */
	const char *registries_conf; /* NULL: the system's */
	uint64_t stall_usec;	     /* give up when it answers nothing for so long; 0: never */
};

/* Starts it and agrees on the protocol.  The caller owns *@ret. */
int proxy_start(const struct proxy_config *config, struct proxy **ret, struct err *err);
/* Ends the child and waits for it.  Accepts NULL; returns NULL. */
struct proxy *proxy_free(struct proxy *proxy);

/* What skopeo said of the last request it refused, in full (an err is shorter); "" when it refused none. */
const char *proxy_complaint(const struct proxy *proxy);

/* Opens the image at "registry/name:tag" or "...@digest"; an index is resolved to this machine's kind. */
int proxy_open(struct proxy *proxy, const char *source, struct err *err);

/* The manifest in OCI form and the digest of the original one.  The caller frees *@ret. */
int proxy_manifest(struct proxy *proxy, size_t max, char **ret, size_t *ret_len,
	char ret_digest[DIGEST_SIZE], struct err *err);
/* The configuration in OCI form.  The caller frees *@ret. */
int proxy_config(struct proxy *proxy, size_t max, char **ret, size_t *ret_len, struct err *err);

/*
 * Starts the transfer of a blob: the caller owns *@ret_fd, reads it to its end and calls
 * proxy_blob_finish, which tells whether skopeo could deliver all of it with the right digest.
 */
int proxy_blob(
	struct proxy *proxy, const char *digest, uint64_t size, int *ret_fd, struct err *err);
int proxy_blob_finish(struct proxy *proxy, struct err *err);
