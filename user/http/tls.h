/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS 1.2 and 1.3 for both ends, without blocking: what a listener or a client shows and whom it trusts.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct tls;

/* Texts in PEM, borrowed during the call. */
struct tls_config {
	const char *authority; /* who may have signed the peer's certificate; NULL: the system's */
	const char *certificate, *key; /* NULL: none, which only a client may have */
	bool unverified; /* a client: whoever answers will do; for what is verified otherwise */
};

/* Credentials for many connections.  The caller owns *@ret, and frees it after the last session. */
int tls_new(const struct tls_config *config, struct tls **ret, struct err *err);

/* From now on @config counts, for who comes then; sessions go on as they are.  After a failure nothing has changed. */
int tls_renew(struct tls *tls, const struct tls_config *config, struct err *err);

/* Accepts NULL; returns NULL. */
struct tls *tls_free(struct tls *tls);

/* Who the client said it is.  name and organizations are there when `trusted`. */
struct tls_peer {
	bool presented;	 /* it sent a certificate */
	bool trusted;	 /* which our authority signed, for clients, and whose time it is */
	int64_t expires; /* seconds since 1970: then it is no more */
	char *name;	 /* the subject's common name */
	char **organizations;
	size_t organization_count;
	char problem[128]; /* why it is not trusted */
};

#define TLS_ORGANIZATIONS_MOST 64
