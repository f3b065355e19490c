// SPDX-License-Identifier: Apache-2.0
#include "user/http/tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"

/* Forward secrecy and authenticated encryption alone. */
#define PRIORITIES                                                                               \
	"NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-KX-ALL:+ECDHE-ECDSA:+ECDHE-RSA:-CIPHER-ALL" \
	":+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:-MAC-ALL:+AEAD"

struct tls {
	gnutls_certificate_credentials_t credentials;
	gnutls_priority_t priorities;
};

struct tls_session {
	gnutls_session_t session;
	bool server, established;
	bool sending; /* a record is half out: GnuTLS keeps its bytes */
	struct tls_peer peer;
};

static int tls_fail(struct err *err, int code, const char *what)
{
	if (code == GNUTLS_E_MEMORY_ERROR)
		return err_set(err, ENOMEM, "%s", what);
	return err_refuse(err, EPROTO, "%s: %s", what, gnutls_strerror(code));
}

static gnutls_datum_t datum_of(const char *text)
{
	return (gnutls_datum_t){(unsigned char *)text, (unsigned)strlen(text)};
}

static int tls_trust(struct tls *tls, const char *authority)
{
	gnutls_datum_t pem;
	int r;

	if (!authority)
		return gnutls_certificate_set_x509_system_trust(tls->credentials);
	pem = datum_of(authority);
	r = gnutls_certificate_set_x509_trust_mem(tls->credentials, &pem, GNUTLS_X509_FMT_PEM);
	return r == 0 ? GNUTLS_E_NO_CERTIFICATE_FOUND : r;
}

static int tls_show(struct tls *tls, const struct tls_config *config)
{
	gnutls_datum_t certificate, key;

	if (!config->certificate)
		return 0;
	certificate = datum_of(config->certificate);
	key = datum_of(config->key);
	return gnutls_certificate_set_x509_key_mem(
		tls->credentials, &certificate, &key, GNUTLS_X509_FMT_PEM);
}

int tls_new(const struct tls_config *config, struct tls **ret, struct err *err)
{
	struct tls *tls = calloc(1, sizeof(*tls));
	const char *what = "prepare TLS";
	int r;

	if (!tls)
		return err_set(err, ENOMEM, "%s", what);
	r = gnutls_certificate_allocate_credentials(&tls->credentials);
	if (r >= 0)
		r = gnutls_priority_init(&tls->priorities, PRIORITIES, NULL);
	if (r >= 0) {
		what = "read the authority's certificate";
		r = tls_trust(tls, config->authority);
	}
	if (r >= 0) {
		what = "read certificate and key";
		r = tls_show(tls, config);
	}
	if (r < 0) {
		tls_free(tls);
		return tls_fail(err, r, what);
	}
	*ret = tls;
	return 0;
}

struct tls *tls_free(struct tls *tls)
{
	if (!tls)
		return NULL;
	if (tls->credentials)
		gnutls_certificate_free_credentials(tls->credentials);
	if (tls->priorities)
		gnutls_priority_deinit(tls->priorities);
	free(tls);
	return NULL;
}

/* --- sessions --- */

static int session_set_up(struct tls_session *session, const struct tls *tls, int fd)
{
	static const char http[] = "http/1.1";
	gnutls_datum_t protocol = {(unsigned char *)http, sizeof(http) - 1};
	unsigned flags = session->server ? GNUTLS_SERVER : GNUTLS_CLIENT;
	int r = gnutls_init(
		&session->session, flags | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL | GNUTLS_NO_TICKETS);

	if (r >= 0)
		r = gnutls_priority_set(session->session, tls->priorities);
	if (r >= 0)
		r = gnutls_credentials_set(
			session->session, GNUTLS_CRD_CERTIFICATE, tls->credentials);
	if (r >= 0)
		r = gnutls_alpn_set_protocols(session->session, &protocol, 1, 0);
	if (r >= 0)
		gnutls_transport_set_int(session->session, fd);
	return r;
}

static int session_new(bool server, const struct tls *tls, int fd, struct tls_session **ret)
{
	struct tls_session *session = calloc(1, sizeof(*session));
	int r;

	if (!session)
		return GNUTLS_E_MEMORY_ERROR;
	session->server = server;
	r = session_set_up(session, tls, fd);
	if (r < 0)
		tls_session_free(session);
	else
		*ret = session;
	return r;
}

int tls_accept(const struct tls *tls, int fd, struct tls_session **ret, struct err *err)
{
	int r = session_new(true, tls, fd, ret);

	if (r < 0)
		return tls_fail(err, r, "begin TLS");
	gnutls_certificate_server_set_request((*ret)->session, GNUTLS_CERT_REQUEST);
	return 0;
}

/* A name is sent along, so that the server can choose; an address must not be. */
static int session_name(struct tls_session *session, const char *host)
{
	unsigned char address[16];

	gnutls_session_set_verify_cert(session->session, host, 0);
	if (inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1)
		return 0;
	return gnutls_server_name_set(session->session, GNUTLS_NAME_DNS, host, strlen(host));
}

int tls_connect(
	const struct tls *tls, int fd, const char *host, struct tls_session **ret, struct err *err)
{
	struct tls_session *session;
	int r = session_new(false, tls, fd, &session);

	if (r < 0)
		return tls_fail(err, r, "begin TLS");
	r = session_name(session, host);
	if (r < 0) {
		tls_session_free(session);
		return tls_fail(err, r, "begin TLS");
	}
	*ret = session;
	return 0;
}

static void peer_clear(struct tls_peer *peer)
{
	for (size_t i = 0; i < peer->organization_count; i++)
		free(peer->organizations[i]);
	free(peer->organizations);
	free(peer->name);
	*peer = (struct tls_peer){0};
}

struct tls_session *tls_session_free(struct tls_session *session)
{
	if (!session)
		return NULL;
	if (session->established)
		gnutls_bye(session->session, GNUTLS_SHUT_WR);
	if (session->session)
		gnutls_deinit(session->session);
	peer_clear(&session->peer);
	free(session);
	return NULL;
}

/* --- the client's certificate --- */

/* The @index-th value of @oid in the subject.  -ENODATA: there is none; -EBADMSG: it hides a NUL. */
static int subject_value(gnutls_x509_crt_t certificate, const char *oid, unsigned index, char **ret)
{
	AUTO_FREE char *text = NULL;
	size_t size = 0;
	int r = gnutls_x509_crt_get_dn_by_oid(certificate, oid, index, 0, NULL, &size);

	if (r != GNUTLS_E_SHORT_MEMORY_BUFFER)
		return r == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE ? -ENODATA : -EBADMSG;
	text = calloc(1, size + 1);
	if (!text)
		return -ENOMEM;
	if (gnutls_x509_crt_get_dn_by_oid(certificate, oid, index, 0, text, &size) < 0 ||
		strlen(text) != size)
		return -EBADMSG;
	*ret = take_ptr(text);
	return 0;
}

static int peer_subject(struct tls_peer *peer, gnutls_x509_crt_t certificate)
{
	int r = subject_value(certificate, GNUTLS_OID_X520_COMMON_NAME, 0, &peer->name);

	peer->organizations = calloc(TLS_ORGANIZATIONS_MOST, sizeof(*peer->organizations));
	if (!peer->organizations)
		return -ENOMEM;
	while (r == 0 && peer->organization_count < TLS_ORGANIZATIONS_MOST) {
		r = subject_value(certificate, GNUTLS_OID_X520_ORGANIZATION_NAME,
			(unsigned)peer->organization_count,
			&peer->organizations[peer->organization_count]);
		if (r == -ENODATA)
			return 0;
		if (r == 0)
			peer->organization_count++;
	}
	return r;
}

static int peer_read(struct tls_peer *peer, const gnutls_datum_t *der)
{
	gnutls_x509_crt_t certificate;
	int r = gnutls_x509_crt_init(&certificate) < 0 ? -ENOMEM : 0;

	if (r < 0)
		return r;
	r = gnutls_x509_crt_import(certificate, der, GNUTLS_X509_FMT_DER) < 0
		    ? -EBADMSG
		    : peer_subject(peer, certificate);
	gnutls_x509_crt_deinit(certificate);
	return r;
}

static void peer_explain(struct tls_peer *peer, unsigned status)
{
	gnutls_datum_t text = {0};

	if (gnutls_certificate_verification_status_print(status, GNUTLS_CRT_X509, &text, 0) < 0)
		return;
	snprintf(peer->problem, sizeof(peer->problem), "%s", (const char *)text.data);
	gnutls_free(text.data);
}

static void peer_look(struct tls_session *session)
{
	gnutls_typed_vdata_st purpose = {
		GNUTLS_DT_KEY_PURPOSE_OID, (unsigned char *)GNUTLS_KP_TLS_WWW_CLIENT, 0};
	struct tls_peer *peer = &session->peer;
	const gnutls_datum_t *chain;
	unsigned count = 0, status = 0;
	int r;

	chain = gnutls_certificate_get_peers(session->session, &count);
	peer->presented = count > 0;
	if (!peer->presented)
		return;
	snprintf(peer->problem, sizeof(peer->problem), "The certificate cannot be read.");
	r = gnutls_certificate_verify_peers(session->session, &purpose, 1, &status);
	if (r < 0)
		return;
	if (status)
		peer_explain(peer, status);
	else if (peer_read(peer, chain) == 0)
		peer->trusted = true;
	else
		snprintf(peer->problem, sizeof(peer->problem),
			"The certificate's subject has no usable common name.");
}

const struct tls_peer *tls_peer(const struct tls_session *session)
{
	return &session->peer;
}

/* --- bytes --- */

static int handshake_fail(struct tls_session *session, int code, struct err *err)
{
	unsigned status = gnutls_session_get_verify_cert_status(session->session);
	struct tls_peer server = {0};

	if (code != GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR)
		return tls_fail(err, code, "TLS handshake");
	peer_explain(&server, status);
	return err_refuse(
		err, EPROTO, "the server's certificate is not trusted: %s", server.problem);
}

int tls_handshake(struct tls_session *session, struct err *err)
{
	int r = gnutls_handshake(session->session);

	if (r == 0) {
		session->established = true;
		if (session->server)
			peer_look(session);
		return 0;
	}
	if (!gnutls_error_is_fatal(r))
		return -EAGAIN;
	if (session->server) /* tells the peer, if it can do so at once */
		gnutls_alert_send_appropriate(session->session, r);
	return handshake_fail(session, r, err);
}

bool tls_wants_write(const struct tls_session *session)
{
	return gnutls_record_get_direction(session->session) == 1;
}

/* A peer that begins a new handshake is not served any more. */
static ssize_t tls_result(struct tls_session *session, ssize_t r)
{
	if (r >= 0)
		return r;
	if (r == GNUTLS_E_AGAIN || r == GNUTLS_E_INTERRUPTED) {
		errno = EAGAIN;
	} else {
		session->established = false;
		errno = r == GNUTLS_E_PREMATURE_TERMINATION ? ECONNRESET : EPROTO;
	}
	return -1;
}

ssize_t tls_recv(struct tls_session *session, void *data, size_t len)
{
	return tls_result(session, gnutls_record_recv(session->session, data, len));
}

ssize_t tls_send(struct tls_session *session, const void *data, size_t len)
{
	ssize_t r = session->sending ? gnutls_record_send(session->session, NULL, 0)
				     : gnutls_record_send(session->session, data, len);

	session->sending = r == GNUTLS_E_AGAIN || r == GNUTLS_E_INTERRUPTED;
	return tls_result(session, r);
}

bool tls_has_more(const struct tls_session *session)
{
	return gnutls_record_check_pending(session->session) > 0;
}
