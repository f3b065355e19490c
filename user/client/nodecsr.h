/* SPDX-License-Identifier: Apache-2.0 */
/* The certificate by which an API server knows a node: how it is asked for, and what comes of it. */
#pragma once

#include "user/base/json.h"

struct err;

#define NODECSR_TARGET "/apis/certificates.k8s.io/v1/certificatesigningrequests"

/* A CertificateSigningRequest for @request (PEM), to be posted.  The caller owns it; NULL when memory is out. */
json_t *nodecsr_new(const char *request);

/*
 * What the server says of one, @object: 0 and the certificate (PEM), which the caller frees; 1: not yet; EACCES: it was
 * denied or has failed, with the reason.
 */
int nodecsr_look(const json_t *object, char **ret, struct err *err);
