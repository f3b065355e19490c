/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates of a node that its API server signs: how they are asked for, and what comes of it. */
#pragma once

#include <stdbool.h>

#include "user/base/json.h"

struct err;

#define NODECSR_TARGET "/apis/certificates.k8s.io/v1/certificatesigningrequests"

/*
 * A CertificateSigningRequest for @request (PEM), to be posted: for what the API server is shown, or @serving, for what the
 * node's own API shows.  The caller owns it; NULL when memory is out.
 */
json_t *nodecsr_new(const char *request, bool serving);

/*
 * What the server says of one, @object: 0 and the certificate (PEM), which the caller frees; 1: not yet; EACCES: it was
 * denied or has failed, with the reason.
 */
int nodecsr_look(const json_t *object, char **ret, struct err *err);
