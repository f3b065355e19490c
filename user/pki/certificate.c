// SPDX-License-Identifier: Apache-2.0
#include "user/pki/certificate.h"

#include <arpa/inet.h>
#include <errno.h>
#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "user/base/err.h"
#include "user/pki/x509.h"

#define SERIAL_LEN 16
#define DAY	   (24 * 3600)
#define CLOCK_SKEW 300 /* seconds that a client's clock may be behind */

void certificate_clear(struct certificate *certificate)
{
	free(certificate->text);
	if (certificate->key)
		explicit_bzero(certificate->key, strlen(certificate->key));
	free(certificate->key);
	*certificate = (struct certificate){0};
}

gnutls_datum_t datum_of(const char *text)
{
	return (gnutls_datum_t){(unsigned char *)text, (unsigned)strlen(text)};
}

int crt_read(const char *text, gnutls_x509_crt_t *ret)
{
	gnutls_datum_t pem = datum_of(text);
	int r = gnutls_x509_crt_init(ret);

	return r < 0 ? r : gnutls_x509_crt_import(*ret, &pem, GNUTLS_X509_FMT_PEM);
}

int key_read(const char *text, gnutls_x509_privkey_t *ret)
{
	gnutls_datum_t pem = datum_of(text);
	int r = gnutls_x509_privkey_init(ret);

	return r < 0 ? r : gnutls_x509_privkey_import(*ret, &pem, GNUTLS_X509_FMT_PEM);
}

int key_make(gnutls_x509_privkey_t *ret)
{
	int r = gnutls_x509_privkey_init(ret);

	return r < 0 ? r
		     : gnutls_x509_privkey_generate(*ret, GNUTLS_PK_ECDSA,
			       GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
}

/* --- making one --- */

unsigned name_address(const char *name, unsigned char ret[16])
{
	if (inet_pton(AF_INET, name, ret) == 1)
		return 4;
	return inet_pton(AF_INET6, name, ret) == 1 ? 16 : 0;
}

int crt_add_name(gnutls_x509_crt_t certificate, const char *name)
{
	unsigned char address[16];
	unsigned len = name_address(name, address);

	return gnutls_x509_crt_set_subject_alt_name(certificate,
		len ? GNUTLS_SAN_IPADDRESS : GNUTLS_SAN_DNSNAME, len ? (const void *)address : name,
		len ? len : (unsigned)strlen(name), GNUTLS_FSAN_APPEND);
}

int crt_add_subject(gnutls_x509_crt_t certificate, const char *oid, const char *text)
{
	return gnutls_x509_crt_set_dn_by_oid(certificate, oid, 0, text, (unsigned)strlen(text));
}

static int crt_set_subject(gnutls_x509_crt_t certificate, const struct certificate_spec *spec)
{
	int r = crt_add_subject(certificate, GNUTLS_OID_X520_COMMON_NAME, spec->name);

	if (r >= 0 && spec->organization)
		r = crt_add_subject(
			certificate, GNUTLS_OID_X520_ORGANIZATION_NAME, spec->organization);
	for (const char *const *name = spec->subject_names; r >= 0 && name && *name; name++)
		r = crt_add_name(certificate, *name);
	return r;
}

int crt_set_use(gnutls_x509_crt_t certificate, enum certificate_use use, bool encipherment)
{
	bool authority = use == CERTIFICATE_AUTHORITY;
	unsigned usage = GNUTLS_KEY_DIGITAL_SIGNATURE;
	int r = gnutls_x509_crt_set_basic_constraints(certificate, authority, -1);

	if (authority)
		usage |= GNUTLS_KEY_KEY_CERT_SIGN;
	if (encipherment)
		usage |= GNUTLS_KEY_KEY_ENCIPHERMENT;
	if (r >= 0)
		r = gnutls_x509_crt_set_key_usage(certificate, usage);
	if (r < 0 || authority)
		return r;
	return gnutls_x509_crt_set_key_purpose_oid(certificate,
		use == CERTIFICATE_SERVER ? GNUTLS_KP_TLS_WWW_SERVER : GNUTLS_KP_TLS_WWW_CLIENT, 0);
}

int crt_set_identity(gnutls_x509_crt_t certificate)
{
	unsigned char serial[SERIAL_LEN], id[64];
	size_t size = sizeof(id);
	int r = gnutls_rnd(GNUTLS_RND_NONCE, serial, sizeof(serial));

	serial[0] = (serial[0] & 0x7f) | 0x40; /* positive, and as long as it looks */
	if (r >= 0)
		r = gnutls_x509_crt_set_version(certificate, 3);
	if (r >= 0)
		r = gnutls_x509_crt_set_serial(certificate, serial, sizeof(serial));
	if (r >= 0)
		r = gnutls_x509_crt_get_key_id(certificate, 0, id, &size);
	return r < 0 ? r : gnutls_x509_crt_set_subject_key_id(certificate, id, size);
}

static int crt_set_time(gnutls_x509_crt_t certificate, int days)
{
	time_t now = time(NULL);
	int r = gnutls_x509_crt_set_activation_time(certificate, now - CLOCK_SKEW);

	return r < 0 ? r
		     : gnutls_x509_crt_set_expiration_time(certificate, now + (time_t)days * DAY);
}

int crt_sign(gnutls_x509_crt_t certificate, const struct certificate *authority)
{
	AUTO_CRT issuer = NULL;
	AUTO_KEY issuer_key = NULL;
	unsigned char id[64];
	size_t size = sizeof(id);
	int r = crt_read(authority->text, &issuer);

	if (r >= 0)
		r = key_read(authority->key, &issuer_key);
	if (r >= 0)
		r = gnutls_x509_crt_get_subject_key_id(issuer, id, &size, NULL);
	if (r >= 0)
		r = gnutls_x509_crt_set_authority_key_id(certificate, id, size);
	return r < 0 ? r
		     : gnutls_x509_crt_sign2(certificate, issuer, issuer_key, GNUTLS_DIG_SHA256, 0);
}

int text_take(gnutls_datum_t *datum, char **ret)
{
	*ret = strndup((const char *)datum->data, datum->size);
	gnutls_free(datum->data);
	return *ret ? 0 : GNUTLS_E_MEMORY_ERROR;
}

int crt_export(gnutls_x509_crt_t certificate, char **ret)
{
	gnutls_datum_t text;
	int r = gnutls_x509_crt_export2(certificate, GNUTLS_X509_FMT_PEM, &text);

	return r < 0 ? r : text_take(&text, ret);
}

int key_write(gnutls_x509_privkey_t key, char **ret)
{
	gnutls_datum_t text;
	int r = gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &text);

	return r < 0 ? r : text_take(&text, ret);
}

int certificate_make(const struct certificate_spec *spec, const struct certificate *authority,
	struct certificate *ret, struct err *err)
{
	AUTO_CERTIFICATE made = {0};
	AUTO_CRT certificate = NULL;
	AUTO_KEY key = NULL;
	int r = key_make(&key);

	if (r >= 0)
		r = gnutls_x509_crt_init(&certificate);
	if (r >= 0)
		r = gnutls_x509_crt_set_key(certificate, key);
	if (r >= 0)
		r = crt_set_identity(certificate);
	if (r >= 0)
		r = crt_set_subject(certificate, spec);
	if (r >= 0)
		r = crt_set_use(certificate, spec->use, false);
	if (r >= 0)
		r = crt_set_time(certificate, spec->days);
	if (r >= 0)
		r = authority ? crt_sign(certificate, authority)
			      : gnutls_x509_crt_sign2(
					certificate, certificate, key, GNUTLS_DIG_SHA256, 0);
	if (r >= 0)
		r = crt_export(certificate, &made.text);
	if (r >= 0)
		r = key_write(key, &made.key);
	if (r < 0)
		return err_refuse(err, r == GNUTLS_E_MEMORY_ERROR ? ENOMEM : EPROTO,
			"make a certificate for '%s': %s", spec->name, gnutls_strerror(r));
	*ret = made;
	made = (struct certificate){0};
	return 0;
}

/* --- looking at one --- */

static bool crt_fits_key(gnutls_x509_crt_t certificate, gnutls_x509_privkey_t key)
{
	unsigned char of_crt[64], of_key[64];
	size_t crt_size = sizeof(of_crt), key_size = sizeof(of_key);

	return gnutls_x509_crt_get_key_id(certificate, 0, of_crt, &crt_size) == 0 &&
	       gnutls_x509_privkey_get_key_id(key, 0, of_key, &key_size) == 0 &&
	       crt_size == key_size && memcmp(of_crt, of_key, crt_size) == 0;
}

static bool crt_has_names(gnutls_x509_crt_t certificate, const char *const *names)
{
	for (; names && *names; names++)
		if (!gnutls_x509_crt_check_hostname2(
			    certificate, *names, GNUTLS_VERIFY_DO_NOT_ALLOW_WILDCARDS))
			return false;
	return true;
}

static bool crt_is_signed(gnutls_x509_crt_t certificate, const struct certificate *authority)
{
	AUTO_CRT issuer = NULL;
	unsigned status = 0;

	if (!authority)
		return true;
	return crt_read(authority->text, &issuer) >= 0 &&
	       gnutls_x509_crt_verify(
		       certificate, &issuer, 1, GNUTLS_VERIFY_DISABLE_TIME_CHECKS, &status) >= 0 &&
	       status == 0;
}

bool certificate_is_good(const struct certificate *certificate, const struct certificate_spec *spec,
	const struct certificate *authority, unsigned days_left, int64_t now, const char **ret_why)
{
	AUTO_CRT crt = NULL;
	AUTO_KEY key = NULL;
	const char *why = NULL;

	if (crt_read(certificate->text, &crt) < 0 || key_read(certificate->key, &key) < 0)
		why = "it cannot be read";
	else if (!crt_fits_key(crt, key))
		why = "its key is another one's";
	else if (!crt_is_signed(crt, authority))
		why = "another authority signed it";
	else if (!crt_has_names(crt, spec->subject_names))
		why = "it lacks a name";
	else if (gnutls_x509_crt_get_activation_time(crt) > now)
		why = "its time has not come";
	else if (gnutls_x509_crt_get_expiration_time(crt) < now + (int64_t)days_left * DAY)
		why = "its time is nearly over";
	*ret_why = why;
	return !why;
}

int certificate_times(const char *text, int64_t *ret_from, int64_t *ret_until, struct err *err)
{
	AUTO_CRT crt = NULL;
	int r = crt_read(text, &crt);

	if (r < 0)
		return err_refuse(err, r == GNUTLS_E_MEMORY_ERROR ? ENOMEM : EBADMSG,
			"read a certificate: %s", gnutls_strerror(r));
	*ret_from = gnutls_x509_crt_get_activation_time(crt);
	*ret_until = gnutls_x509_crt_get_expiration_time(crt);
	return 0;
}

int certificate_name(const char *text, char **ret, struct err *err)
{
	char name[1024] = "";
	size_t len = sizeof(name);
	AUTO_CRT crt = NULL;
	int r = crt_read(text, &crt);

	if (r >= 0)
		r = gnutls_x509_crt_get_dn_by_oid(
			crt, GNUTLS_OID_X520_COMMON_NAME, 0, 0, name, &len);
	if (r < 0 || strnlen(name, len) != len)
		return err_refuse(
			err, ENODATA, "read a certificate's name: %s", gnutls_strerror(r));
	*ret = strndup(name, len);
	return *ret ? 0 : err_set(err, ENOMEM, "read a certificate's name");
}

int certificate_pin(const char *text, char ret[CERTIFICATE_PIN_LEN], struct err *err)
{
	unsigned char id[CERTIFICATE_PIN_LEN];
	size_t size = sizeof(id);
	AUTO_CRT crt = NULL;
	int r = crt_read(text, &crt), len;

	if (r >= 0)
		r = gnutls_x509_crt_get_key_id(crt, GNUTLS_KEYID_USE_SHA256, id, &size);
	if (r < 0)
		return err_refuse(err, r == GNUTLS_E_MEMORY_ERROR ? ENOMEM : EBADMSG,
			"read a certificate: %s", gnutls_strerror(r));
	len = snprintf(ret, CERTIFICATE_PIN_LEN, "sha256:");
	for (size_t i = 0; i < size && len + 2 < CERTIFICATE_PIN_LEN; i++)
		len += snprintf(ret + len, (size_t)(CERTIFICATE_PIN_LEN - len), "%02x", id[i]);
	return 0;
}
