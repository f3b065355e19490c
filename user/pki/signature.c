// SPDX-License-Identifier: Apache-2.0
#include "user/pki/signature.h"

#include <errno.h>
#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/base64.h"
#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/base/fs.h"
#include "user/base/json.h"

#define HALF 32 /* bytes of r and of s */

struct signer {
	gnutls_privkey_t private;
	gnutls_pubkey_t public;
	char *key_id; /* base64url of the SHA-256 of the public key, as Kubernetes names it */
};

static void cleanup_datum(gnutls_datum_t *datum)
{
	gnutls_free(datum->data);
}

#define AUTO_DATUM AUTO_CLEANUP(cleanup_datum) gnutls_datum_t

static int signer_fail(struct err *err, int code, const char *what)
{
	return err_refuse(err, code == GNUTLS_E_MEMORY_ERROR ? ENOMEM : EINVAL, "%s: %s", what,
		gnutls_strerror(code));
}

/* --- base64url without padding --- */

static char *url_encode(const void *data, size_t len)
{
	char *text = base64_encode(data, len);

	for (char *at = text; at && *at; at++)
		if (*at == '=') {
			*at = '\0';
			break;
		} else if (*at == '+') {
			*at = '-';
		} else if (*at == '/') {
			*at = '_';
		}
	return text;
}

static int url_decode(const char *text, size_t len, void **ret, size_t *ret_len)
{
	AUTO_FREE char *padded = malloc(len + 4);

	if (!padded)
		return -ENOMEM;
	for (size_t i = 0; i < len; i++) {
		if (strchr("+/=\r\n", text[i]))
			return -EINVAL;
		padded[i] = text[i] == '-' ? '+' : text[i] == '_' ? '/' : text[i];
	}
	while (len % 4)
		padded[len++] = '=';
	padded[len] = '\0';
	return base64_decode(padded, ret, ret_len);
}

/* --- keys --- */

static int signer_name_key(struct signer *signer)
{
	unsigned char hash[32];
	AUTO_DATUM der = {0};
	int r = gnutls_pubkey_export2(signer->public, GNUTLS_X509_FMT_DER, &der);

	if (r >= 0)
		r = gnutls_hash_fast(GNUTLS_DIG_SHA256, der.data, der.size, hash);
	if (r < 0)
		return r;
	signer->key_id = url_encode(hash, sizeof(hash));
	return signer->key_id ? 0 : GNUTLS_E_MEMORY_ERROR;
}

int signer_new(const char *key, struct signer **ret, struct err *err)
{
	gnutls_datum_t pem = {(unsigned char *)key, (unsigned)strlen(key)};
	struct signer *signer = calloc(1, sizeof(*signer));
	int r;

	if (!signer)
		return err_set(err, ENOMEM, "read the signing key");
	r = gnutls_privkey_init(&signer->private);
	if (r >= 0)
		r = gnutls_privkey_import_x509_raw(
			signer->private, &pem, GNUTLS_X509_FMT_PEM, NULL, 0);
	if (r >= 0 && gnutls_privkey_get_pk_algorithm(signer->private, NULL) != GNUTLS_PK_ECDSA)
		r = GNUTLS_E_UNSUPPORTED_SIGNATURE_ALGORITHM;
	if (r >= 0)
		r = gnutls_pubkey_init(&signer->public);
	if (r >= 0)
		r = gnutls_pubkey_import_privkey(signer->public, signer->private, 0, 0);
	if (r >= 0)
		r = signer_name_key(signer);
	if (r < 0) {
		signer_free(signer);
		return signer_fail(err, r, "read the signing key");
	}
	*ret = signer;
	return 0;
}

struct signer *signer_free(struct signer *signer)
{
	if (!signer)
		return NULL;
	if (signer->private)
		gnutls_privkey_deinit(signer->private);
	if (signer->public)
		gnutls_pubkey_deinit(signer->public);
	free(signer->key_id);
	free(signer);
	return NULL;
}

int signer_make_key(char **ret, struct err *err)
{
	gnutls_x509_privkey_t key = NULL;
	AUTO_DATUM text = {0};
	int r = gnutls_x509_privkey_init(&key);

	if (r >= 0)
		r = gnutls_x509_privkey_generate(
			key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
	if (r >= 0)
		r = gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &text);
	if (key)
		gnutls_x509_privkey_deinit(key);
	if (r < 0)
		return signer_fail(err, r, "make a signing key");
	*ret = strndup((const char *)text.data, text.size);
	return *ret ? 0 : err_set(err, ENOMEM, "make a signing key");
}

/* --- signing --- */

/* A number of DER, which may begin with zeros or lack some, as HALF bytes. */
static bool half_set(unsigned char half[HALF], const gnutls_datum_t *number)
{
	const unsigned char *data = number->data;
	size_t size = number->size;

	for (; size > HALF && *data == 0; size--)
		data++;
	if (size > HALF)
		return false;
	memset(half, 0, HALF - size);
	memcpy(half + HALF - size, data, size);
	return true;
}

static int signature_make(
	const struct signer *signer, const char *text, unsigned char ret[2 * HALF])
{
	gnutls_datum_t data = {(unsigned char *)text, (unsigned)strlen(text)};
	AUTO_DATUM der = {0};
	AUTO_DATUM r_half = {0};
	AUTO_DATUM s_half = {0};
	int r = gnutls_privkey_sign_data2(
		signer->private, GNUTLS_SIGN_ECDSA_SHA256, 0, &data, &der);

	if (r >= 0)
		r = gnutls_decode_rs_value(&der, &r_half, &s_half);
	if (r >= 0 && (!half_set(ret, &r_half) || !half_set(ret + HALF, &s_half)))
		r = GNUTLS_E_INTERNAL_ERROR;
	return r;
}

int signer_sign(const struct signer *signer, const char *payload, char **ret, struct err *err)
{
	unsigned char signature[2 * HALF];
	AUTO_FREE char *head = fs_format("{\"alg\":\"ES256\",\"kid\":\"%s\"}", signer->key_id);
	AUTO_FREE char *first = head ? url_encode(head, strlen(head)) : NULL;
	AUTO_FREE char *second = url_encode(payload, strlen(payload));
	AUTO_FREE char *text = first && second ? fs_format("%s.%s", first, second) : NULL;
	AUTO_FREE char *third = NULL;
	int r;

	if (!text)
		return err_set(err, ENOMEM, "sign a token");
	r = signature_make(signer, text, signature);
	if (r < 0)
		return signer_fail(err, r, "sign a token");
	third = url_encode(signature, sizeof(signature));
	*ret = third ? fs_format("%s.%s", text, third) : NULL;
	return *ret ? 0 : err_set(err, ENOMEM, "sign a token");
}

/* --- verifying --- */

static bool head_is_ours(const struct signer *signer, const char *text, size_t len)
{
	AUTO_FREE void *head = NULL;
	AUTO_JSON json = NULL;
	size_t size;

	return url_decode(text, len, &head, &size) == 0 &&
	       json_parse(head, size, "header", &json, NULL) == 0 &&
	       strcmp(json_string_at(json, "alg", ""), "ES256") == 0 &&
	       strcmp(json_string_at(json, "kid", ""), signer->key_id) == 0 &&
	       !json_object_get(json, "crit");
}

static bool signature_is_good(
	const struct signer *signer, const char *text, size_t len, const char *signature)
{
	gnutls_datum_t data = {(unsigned char *)text, (unsigned)len}, halves[2];
	AUTO_FREE void *raw = NULL;
	AUTO_DATUM der = {0};
	size_t size;

	if (url_decode(signature, strlen(signature), &raw, &size) < 0 || size != 2 * (size_t)HALF)
		return false;
	for (size_t i = 0; i < COUNT(halves); i++)
		halves[i] = (gnutls_datum_t){(unsigned char *)raw + i * HALF, HALF};
	return gnutls_encode_rs_value(&der, &halves[0], &halves[1]) >= 0 &&
	       gnutls_pubkey_verify_data2(
		       signer->public, GNUTLS_SIGN_ECDSA_SHA256, 0, &data, &der) >= 0;
}

int signer_verify(const struct signer *signer, const char *token, char **ret, struct err *err)
{
	const char *first = strchr(token, '.'), *second = first ? strchr(first + 1, '.') : NULL;
	AUTO_FREE void *payload = NULL;
	size_t len;

	if (!second || strchr(second + 1, '.') || strlen(token) > SIGNATURE_TOKEN_MOST)
		return err_refuse(err, EBADMSG, "the token is no signed one");
	if (!head_is_ours(signer, token, (size_t)(first - token)))
		return err_refuse(err, EBADMSG, "the token was not signed with a key of ours");
	if (!signature_is_good(signer, token, (size_t)(second - token), second + 1))
		return err_refuse(err, EBADMSG, "the token's signature is wrong");
	if (url_decode(first + 1, (size_t)(second - first - 1), &payload, &len) < 0)
		return err_refuse(err, EBADMSG, "the token cannot be read");
	*ret = take_ptr(payload);
	return 0;
}
