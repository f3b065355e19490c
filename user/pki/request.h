/* SPDX-License-Identifier: Apache-2.0 */
/* Requests for certificates (PKCS #10), in PEM: made, looked at, and signed. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "user/pki/certificate.h"

struct err;

#define REQUEST_MOST  (16u << 10) /* bytes; a longer one is refused unread */
#define REQUEST_NAMES 64	  /* organizations, and subject names, of one */

struct certificate_request {
	char *name;			       /* the subject's common name; "": none */
	char **organizations, **subject_names; /* NULL-terminated; addresses as text */
	bool odd; /* it has subject names of other kinds, or several common names */
};

/* A new key, and a request for it with @spec's name, organization and subject names.  The caller owns both texts. */
int certificate_request_make(
	const struct certificate_spec *spec, char **ret_request, char **ret_key, struct err *err);

/*
 * What a request says, once its own signature was found right.  Release *@ret with certificate_request_clear.
 * EINVAL: it is none, with the reason.
 */
int certificate_request_read(const char *text, struct certificate_request *ret, struct err *err);

/* Also of one that is all zero. */
void certificate_request_clear(struct certificate_request *request);

/*
 * A certificate for the key, names and organizations of the request @text, for @seconds from now on but no longer than
 * @authority.  @encipherment: the key may encipher keys, too.  The caller frees *@ret.
 */
int certificate_request_sign(const char *text, const struct certificate *authority,
	enum certificate_use use, bool encipherment, int64_t seconds, char **ret, struct err *err);
