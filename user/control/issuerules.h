/* SPDX-License-Identifier: Apache-2.0 */
/* What a request for a node's certificate must be like, for each signer.  Pure. */
#pragma once

#include <stdbool.h>

#include "user/base/json.h"

struct certificate_request;

enum issue_signer {
	ISSUE_CLIENT,  /* kubernetes.io/kube-apiserver-client-kubelet */
	ISSUE_SERVING, /* kubernetes.io/kubelet-serving */
	ISSUE_OTHER,   /* nobody here signs it */
};

/* @request: a CertificateSigningRequest. */
enum issue_signer issuerules_signer(const json_t *request);

/* Why its signer must not sign what it holds, @asked, as upstream says it; NULL: it may. */
const char *issuerules_problem(const json_t *request, const struct certificate_request *asked);

/* Whether @asked is for who asks: a node for itself, or somebody who joins. */
bool issuerules_is_own(const json_t *request, const struct certificate_request *asked);

/* Why it is approved without anybody being asked, a constant; NULL: it is not. */
const char *issuerules_approval(const json_t *request);
