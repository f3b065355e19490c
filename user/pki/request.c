// SPDX-License-Identifier: Apache-2.0
#include "user/pki/request.h"

#include <arpa/inet.h>
#include <errno.h>
#include <gnutls/abstract.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "user/base/err.h"
#include "user/pki/x509.h"

#define NAME_MOST    1024 /* bytes of one name */
#define RSA_BITS     2048
#define SKEW_MOST    300 /* seconds that a client's clock may be behind */
#define SKEW_DIVISOR 10	 /* of a short life only so much lies in the past */

static void cleanup_crq(gnutls_x509_crq_t *request)
{
	if (*request)
		gnutls_x509_crq_deinit(*request);
}

static void cleanup_pubkey(gnutls_pubkey_t *key)
{
	if (*key)
		gnutls_pubkey_deinit(*key);
}

#define AUTO_CRQ    AUTO_CLEANUP(cleanup_crq) gnutls_x509_crq_t
#define AUTO_PUBKEY AUTO_CLEANUP(cleanup_pubkey) gnutls_pubkey_t

static int refuse(struct err *err, int r, const char *what)
{
	if (r == GNUTLS_E_MEMORY_ERROR)
		return err_set(err, ENOMEM, "%s", what);
	return err_refuse(err, EINVAL, "%s: %s", what, gnutls_strerror(r));
}

/* --- making one --- */

static int crq_add_name(gnutls_x509_crq_t request, const char *name)
{
	unsigned char address[16];
	unsigned len = name_address(name, address);

	return gnutls_x509_crq_set_subject_alt_name(request,
		len ? GNUTLS_SAN_IPADDRESS : GNUTLS_SAN_DNSNAME, len ? (const void *)address : name,
		len ? len : (unsigned)strlen(name), GNUTLS_FSAN_APPEND);
}

static int crq_set_subject(gnutls_x509_crq_t request, const struct certificate_spec *spec)
{
	int r = gnutls_x509_crq_set_dn_by_oid(
		request, GNUTLS_OID_X520_COMMON_NAME, 0, spec->name, (unsigned)strlen(spec->name));

	if (r >= 0 && spec->organization)
		r = gnutls_x509_crq_set_dn_by_oid(request, GNUTLS_OID_X520_ORGANIZATION_NAME, 0,
			spec->organization, (unsigned)strlen(spec->organization));
	for (const char *const *name = spec->subject_names; r >= 0 && name && *name; name++)
		r = crq_add_name(request, *name);
	return r;
}

static int crq_make(
	gnutls_x509_crq_t request, gnutls_x509_privkey_t key, const struct certificate_spec *spec)
{
	int r = gnutls_x509_crq_set_version(request, 1);

	if (r >= 0)
		r = crq_set_subject(request, spec);
	if (r >= 0)
		r = gnutls_x509_crq_set_key(request, key);
	return r < 0 ? r : gnutls_x509_crq_sign2(request, key, GNUTLS_DIG_SHA256, 0);
}

int certificate_request_make(
	const struct certificate_spec *spec, char **ret_request, char **ret_key, struct err *err)
{
	AUTO_CRQ request = NULL;
	AUTO_KEY key = NULL;
	AUTO_FREE char *text = NULL;
	gnutls_datum_t datum;
	int r = key_make(&key);

	if (r >= 0)
		r = gnutls_x509_crq_init(&request);
	if (r >= 0)
		r = crq_make(request, key, spec);
	if (r >= 0)
		r = gnutls_x509_crq_export2(request, GNUTLS_X509_FMT_PEM, &datum);
	if (r >= 0)
		r = text_take(&datum, &text);
	if (r >= 0)
		r = key_write(key, ret_key);
	if (r < 0)
		return refuse(err, r, "make a request for a certificate");
	*ret_request = take_ptr(text);
	return 0;
}

/* --- looking at one --- */

static void names_free(char **names)
{
	for (char **name = names; name && *name; name++)
		free(*name);
	free(names);
}

void certificate_request_clear(struct certificate_request *request)
{
	free(request->name);
	names_free(request->organizations);
	names_free(request->subject_names);
	*request = (struct certificate_request){0};
}

/* A text without NUL bytes; anything else would be read as another name. */
static int text_copy(const char *data, size_t len, char **ret)
{
	if (memchr(data, '\0', len))
		return GNUTLS_E_ASN1_DER_ERROR;
	*ret = strndup(data, len);
	return *ret ? 0 : GNUTLS_E_MEMORY_ERROR;
}

static int dn_read(gnutls_x509_crq_t request, const char *oid, unsigned index, char **ret)
{
	char data[NAME_MOST];
	size_t len = sizeof(data);
	int r = gnutls_x509_crq_get_dn_by_oid(request, oid, (int)index, 0, data, &len);

	return r < 0 ? r : text_copy(data, len, ret);
}

static int organizations_read(gnutls_x509_crq_t request, char **names)
{
	int r = 0;

	for (unsigned i = 0; r >= 0; i++) {
		if (i == REQUEST_NAMES)
			return GNUTLS_E_SHORT_MEMORY_BUFFER;
		r = dn_read(request, GNUTLS_OID_X520_ORGANIZATION_NAME, i, &names[i]);
	}
	return r == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE ? 0 : r;
}

static int subject_name_copy(unsigned type, const char *data, size_t len, char **ret)
{
	char text[INET6_ADDRSTRLEN];

	if (type == GNUTLS_SAN_DNSNAME)
		return text_copy(data, len, ret);
	if (len != 4 && len != 16)
		return GNUTLS_E_ASN1_DER_ERROR;
	inet_ntop(len == 4 ? AF_INET : AF_INET6, data, text, sizeof(text));
	*ret = strdup(text);
	return *ret ? 0 : GNUTLS_E_MEMORY_ERROR;
}

static int subject_names_read(gnutls_x509_crq_t request, char **names, bool *ret_odd)
{
	unsigned count = 0;

	for (unsigned i = 0; i < REQUEST_NAMES; i++) {
		char data[NAME_MOST];
		size_t len = sizeof(data);
		unsigned type;
		int r = gnutls_x509_crq_get_subject_alt_name(request, i, data, &len, &type, NULL);

		if (r == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
			return 0;
		if (r < 0)
			return r;
		if (type != GNUTLS_SAN_DNSNAME && type != GNUTLS_SAN_IPADDRESS) {
			*ret_odd = true;
			continue;
		}
		r = subject_name_copy(type, data, len, &names[count++]);
		if (r < 0)
			return r;
	}
	return GNUTLS_E_SHORT_MEMORY_BUFFER;
}

static int names_read(gnutls_x509_crq_t request, struct certificate_request *ret)
{
	AUTO_FREE char *second = NULL;
	int r = dn_read(request, GNUTLS_OID_X520_COMMON_NAME, 0, &ret->name);

	ret->organizations = calloc(REQUEST_NAMES + 1, sizeof(char *));
	ret->subject_names = calloc(REQUEST_NAMES + 1, sizeof(char *));
	if (r == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE) {
		ret->name = strdup("");
		r = ret->name ? 0 : GNUTLS_E_MEMORY_ERROR;
	}
	if (r >= 0 && (!ret->organizations || !ret->subject_names))
		r = GNUTLS_E_MEMORY_ERROR;
	if (r >= 0)
		r = organizations_read(request, ret->organizations);
	if (r >= 0)
		r = subject_names_read(request, ret->subject_names, &ret->odd);
	if (r >= 0 && dn_read(request, GNUTLS_OID_X520_COMMON_NAME, 1, &second) !=
			      GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
		ret->odd = true;
	return r;
}

static int crq_read(const char *text, gnutls_x509_crq_t *ret, struct err *err)
{
	gnutls_datum_t pem = datum_of(text);
	unsigned bits = 0;
	int r = strlen(text) > REQUEST_MOST ? GNUTLS_E_SHORT_MEMORY_BUFFER
					    : gnutls_x509_crq_init(ret);

	if (r >= 0)
		r = gnutls_x509_crq_import(*ret, &pem, GNUTLS_X509_FMT_PEM);
	if (r >= 0)
		r = gnutls_x509_crq_verify(*ret, 0);
	if (r < 0)
		return refuse(err, r, "read a request for a certificate");
	r = gnutls_x509_crq_get_pk_algorithm(*ret, &bits);
	if (r == GNUTLS_PK_RSA && bits < RSA_BITS)
		return err_refuse(err, EINVAL, "an RSA key must have %d bits", RSA_BITS);
	return 0;
}

int certificate_request_read(const char *text, struct certificate_request *ret, struct err *err)
{
	struct certificate_request request = {0};
	AUTO_CRQ crq = NULL;
	int r = crq_read(text, &crq, err);

	if (r < 0)
		return r;
	r = names_read(crq, &request);
	if (r < 0) {
		certificate_request_clear(&request);
		return refuse(err, r, "read a request for a certificate");
	}
	*ret = request;
	return 0;
}

/* --- signing one --- */

static int crt_set_request(gnutls_x509_crt_t certificate, gnutls_x509_crq_t crq,
	const struct certificate_request *request)
{
	AUTO_PUBKEY key = NULL;
	int r = gnutls_pubkey_init(&key);

	if (r >= 0)
		r = gnutls_pubkey_import_x509_crq(key, crq, 0);
	if (r >= 0)
		r = gnutls_x509_crt_set_pubkey(certificate, key);
	if (r >= 0 && request->name[0])
		r = crt_add_subject(certificate, GNUTLS_OID_X520_COMMON_NAME, request->name);
	for (char **name = request->organizations; r >= 0 && *name; name++)
		r = crt_add_subject(certificate, GNUTLS_OID_X520_ORGANIZATION_NAME, *name);
	for (char **name = request->subject_names; r >= 0 && *name; name++)
		r = crt_add_name(certificate, *name);
	return r;
}

static int crt_set_life(
	gnutls_x509_crt_t certificate, const struct certificate *authority, int64_t seconds)
{
	int64_t now = time(NULL), skew = seconds / SKEW_DIVISOR, until = now + seconds;
	AUTO_CRT issuer = NULL;
	int r = crt_read(authority->text, &issuer);

	if (r < 0)
		return r;
	if (until > gnutls_x509_crt_get_expiration_time(issuer))
		until = gnutls_x509_crt_get_expiration_time(issuer);
	r = gnutls_x509_crt_set_activation_time(
		certificate, now - (skew < SKEW_MOST ? skew : SKEW_MOST));
	return r < 0 ? r : gnutls_x509_crt_set_expiration_time(certificate, until);
}

int certificate_request_sign(const char *text, const struct certificate *authority,
	enum certificate_use use, bool encipherment, int64_t seconds, char **ret, struct err *err)
{
	AUTO_CLEANUP(certificate_request_clear) struct certificate_request request = {0};
	AUTO_CRQ crq = NULL;
	AUTO_CRT certificate = NULL;
	int r = certificate_request_read(text, &request, err);

	if (r == 0)
		r = crq_read(text, &crq, err);
	if (r < 0)
		return r;
	r = gnutls_x509_crt_init(&certificate);
	if (r >= 0)
		r = crt_set_request(certificate, crq, &request);
	if (r >= 0)
		r = crt_set_identity(certificate);
	if (r >= 0)
		r = crt_set_use(certificate, use, encipherment);
	if (r >= 0)
		r = crt_set_life(certificate, authority, seconds);
	if (r >= 0)
		r = crt_sign(certificate, authority);
	if (r >= 0)
		r = crt_export(certificate, ret);
	return r < 0 ? refuse(err, r, "sign a certificate") : 0;
}
