/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of pki: what certificate.c and request.c do alike.  Results are GnuTLS' own codes. */
#pragma once

#include <gnutls/x509.h>
#include <stdint.h>

#include "user/base/cleanup.h"
#include "user/pki/certificate.h"

static inline void cleanup_crt(gnutls_x509_crt_t *certificate)
{
	if (*certificate)
		gnutls_x509_crt_deinit(*certificate);
}

static inline void cleanup_privkey(gnutls_x509_privkey_t *key)
{
	if (*key)
		gnutls_x509_privkey_deinit(*key);
}

#define AUTO_CRT AUTO_CLEANUP(cleanup_crt) gnutls_x509_crt_t
#define AUTO_KEY AUTO_CLEANUP(cleanup_privkey) gnutls_x509_privkey_t

/* A text as GnuTLS wants it; borrowed. */
gnutls_datum_t datum_of(const char *text);
/* Reads PEM; the caller owns *@ret also after a failure. */
int crt_read(const char *text, gnutls_x509_crt_t *ret);
int key_read(const char *text, gnutls_x509_privkey_t *ret);
/* A new P-256 key, and its PEM, which the caller frees. */
int key_make(gnutls_x509_privkey_t *ret);
int key_write(gnutls_x509_privkey_t key, char **ret);
/* A copy of @datum, which is freed. */
int text_take(gnutls_datum_t *datum, char **ret);
/* An address becomes its bytes.  Returns the length, 0 for a DNS name. */
unsigned name_address(const char *name, unsigned char ret[16]);
int crt_add_name(gnutls_x509_crt_t certificate, const char *name);
int crt_add_subject(gnutls_x509_crt_t certificate, const char *oid, const char *text);
/* Version, serial number, and the id of the key that was set before. */
int crt_set_identity(gnutls_x509_crt_t certificate);
int crt_set_use(gnutls_x509_crt_t certificate, enum certificate_use use, bool encipherment);
int crt_export(gnutls_x509_crt_t certificate, char **ret);
/* By @authority. */
int crt_sign(gnutls_x509_crt_t certificate, const struct certificate *authority);
