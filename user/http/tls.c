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
#include "user/http/transport.h"

/* Forward secrecy and authenticated encryption alone. */
#define PRIORITIES                                                                               \
	"NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-KX-ALL:+ECDHE-ECDSA:+ECDHE-RSA:-CIPHER-ALL" \
	":+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:-MAC-ALL:+AEAD"

/* What is shown and who is trusted, for as long as somebody has come with it. */
struct credentials {
	unsigned references;
	gnutls_certificate_credentials_t credentials;
	gnutls_priority_t priorities;
	bool unverified;
};

struct present {
	struct tls tls;
	struct credentials *credentials;
};

struct session {
	struct tls_session tls;
	struct credentials *credentials; /* a reference: GnuTLS only borrows them */
	gnutls_session_t session;
	bool server, established;
	bool sending; /* a record is half out: GnuTLS keeps its bytes */
	char *host;   /* a client's: GnuTLS only borrows it */
	struct tls_peer peer;
};

static const struct tls_ops session_ops;

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

static int tls_trust(struct credentials *own, const char *authority)
{
	gnutls_datum_t pem;
	int r;

	if (!authority)
		return gnutls_certificate_set_x509_system_trust(own->credentials);
	pem = datum_of(authority);
	r = gnutls_certificate_set_x509_trust_mem(own->credentials, &pem, GNUTLS_X509_FMT_PEM);
	return r == 0 ? GNUTLS_E_NO_CERTIFICATE_FOUND : r;
}

static int tls_show(struct credentials *own, const struct tls_config *config)
{
	gnutls_datum_t certificate, key;

	if (!config->certificate)
		return 0;
	certificate = datum_of(config->certificate);
	key = datum_of(config->key);
	return gnutls_certificate_set_x509_key_mem(
		own->credentials, &certificate, &key, GNUTLS_X509_FMT_PEM);
}

static int tls_prepare(
	struct credentials *own, const struct tls_config *config, const char **ret_what)
{
	int r = gnutls_certificate_allocate_credentials(&own->credentials);

	*ret_what = "prepare TLS";
	if (r >= 0)
		r = gnutls_priority_init(&own->priorities, PRIORITIES, NULL);
	if (r < 0)
		return r;
	*ret_what = "read the authority's certificate";
	own->unverified = config->unverified;
	r = own->unverified ? 0 : tls_trust(own, config->authority);
	if (r < 0)
		return r;
	*ret_what = "read certificate and key";
	return tls_show(own, config);
}

static void credentials_unref(struct credentials *own)
{
	if (!own || --own->references > 0)
		return;
	if (own->credentials)
		gnutls_certificate_free_credentials(own->credentials);
	if (own->priorities)
		gnutls_priority_deinit(own->priorities);
	free(own);
}

int tls_renew(struct tls *tls, const struct tls_config *config, struct err *err)
{
	struct present *present = (struct present *)tls;
	struct credentials *own = calloc(1, sizeof(*own));
	const char *what;
	int r;

	if (!own)
		return err_set(err, ENOMEM, "prepare TLS");
	own->references = 1;
	r = tls_prepare(own, config, &what);
	if (r < 0) {
		credentials_unref(own);
		return tls_fail(err, r, what);
	}
	credentials_unref(present->credentials);
	present->credentials = own;
	return 0;
}

int tls_new(const struct tls_config *config, struct tls **ret, struct err *err)
{
	struct present *present = calloc(1, sizeof(*present));
	int r;

	if (!present)
		return err_set(err, ENOMEM, "prepare TLS");
	present->tls.ops = &session_ops;
	r = tls_renew(&present->tls, config, err);
	if (r < 0)
		tls_free(&present->tls);
	else
		*ret = &present->tls;
	return r;
}

static void present_free(struct tls *tls)
{
	credentials_unref(((struct present *)tls)->credentials);
	free(tls);
}

/* --- sessions --- */

static void peer_clear(struct tls_peer *peer)
{
	for (size_t i = 0; i < peer->organization_count; i++)
		free(peer->organizations[i]);
	free(peer->organizations);
	free(peer->name);
	*peer = (struct tls_peer){0};
}

static void session_free(struct tls_session *tls)
{
	struct session *session = (struct session *)tls;

	if (session->established)
		gnutls_bye(session->session, GNUTLS_SHUT_WR);
	if (session->session)
		gnutls_deinit(session->session);
	credentials_unref(session->credentials);
	peer_clear(&session->peer);
	free(session->host);
	free(session);
}

static int session_set_up(struct session *session, int fd)
{
	static const char http[] = "http/1.1";
	const struct credentials *own = session->credentials;
	gnutls_datum_t protocol = {(unsigned char *)http, sizeof(http) - 1};
	unsigned flags = session->server ? GNUTLS_SERVER : GNUTLS_CLIENT;
	int r = gnutls_init(
		&session->session, flags | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL | GNUTLS_NO_TICKETS);

	if (r >= 0)
		r = gnutls_priority_set(session->session, own->priorities);
	if (r >= 0)
		r = gnutls_credentials_set(
			session->session, GNUTLS_CRD_CERTIFICATE, own->credentials);
	if (r >= 0)
		r = gnutls_alpn_set_protocols(session->session, &protocol, 1, 0);
	if (r >= 0)
		gnutls_transport_set_int(session->session, fd);
	return r;
}

static int session_new(bool server, const struct tls *tls, int fd, struct session **ret)
{
	struct session *session = calloc(1, sizeof(*session));
	int r;

	if (!session)
		return GNUTLS_E_MEMORY_ERROR;
	session->tls.ops = &session_ops;
	session->server = server;
	session->credentials = ((const struct present *)tls)->credentials;
	session->credentials->references++;
	r = session_set_up(session, fd);
	if (r < 0)
		session_free(&session->tls);
	else
		*ret = session;
	return r;
}

static int session_accept(const struct tls *tls, int fd, struct tls_session **ret, struct err *err)
{
	struct session *session;
	int r = session_new(true, tls, fd, &session);

	if (r < 0)
		return tls_fail(err, r, "begin TLS");
	gnutls_certificate_server_set_request(session->session, GNUTLS_CERT_REQUEST);
	*ret = &session->tls;
	return 0;
}

/* A name is sent along, so that the server can choose; an address must not be. */
static int session_name(struct session *session, const char *host)
{
	unsigned char address[16];

	session->host = strdup(host);
	if (!session->host)
		return GNUTLS_E_MEMORY_ERROR;
	if (!session->credentials->unverified)
		gnutls_session_set_verify_cert(session->session, session->host, 0);
	if (inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1)
		return 0;
	return gnutls_server_name_set(session->session, GNUTLS_NAME_DNS, host, strlen(host));
}

static int session_connect(
	const struct tls *tls, int fd, const char *host, struct tls_session **ret, struct err *err)
{
	struct session *session;
	int r = session_new(false, tls, fd, &session);

	if (r < 0)
		return tls_fail(err, r, "begin TLS");
	r = session_name(session, host);
	if (r < 0) {
		session_free(&session->tls);
		return tls_fail(err, r, "begin TLS");
	}
	*ret = &session->tls;
	return 0;
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
	peer->expires = gnutls_x509_crt_get_expiration_time(certificate);
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

static void peer_look(struct session *session)
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

static const struct tls_peer *session_peer(const struct tls_session *tls)
{
	return &((const struct session *)tls)->peer;
}

/* --- bytes --- */

static int handshake_fail(struct session *session, int code, struct err *err)
{
	unsigned status = gnutls_session_get_verify_cert_status(session->session);
	struct tls_peer server = {0};

	if (code != GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR)
		return tls_fail(err, code, "TLS handshake");
	peer_explain(&server, status);
	return err_refuse(
		err, EPROTO, "the server's certificate is not trusted: %s", server.problem);
}

static int session_handshake(struct tls_session *tls, struct err *err)
{
	struct session *session = (struct session *)tls;
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

static bool session_wants_write(const struct tls_session *tls)
{
	return gnutls_record_get_direction(((const struct session *)tls)->session) == 1;
}

/* A peer that begins a new handshake is not served any more. */
static ssize_t session_result(struct session *session, ssize_t r)
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

static ssize_t session_recv(struct tls_session *tls, void *data, size_t len)
{
	struct session *session = (struct session *)tls;

	return session_result(session, gnutls_record_recv(session->session, data, len));
}

/* What GnuTLS could not send whole it has kept: the caller's bytes are not looked at again. */
static ssize_t session_send(struct tls_session *tls, const void *data, size_t len)
{
	struct session *session = (struct session *)tls;
	ssize_t r = session->sending ? gnutls_record_send(session->session, NULL, 0)
				     : gnutls_record_send(session->session, data, len);

	session->sending = r == GNUTLS_E_AGAIN || r == GNUTLS_E_INTERRUPTED;
	return session_result(session, r);
}

static bool session_has_more(const struct tls_session *tls)
{
	return gnutls_record_check_pending(((const struct session *)tls)->session) > 0;
}

static const struct tls_ops session_ops = {
	.accept = session_accept,
	.connect = session_connect,
	.handshake = session_handshake,
	.wants_write = session_wants_write,
	.recv = session_recv,
	.send = session_send,
	.has_more = session_has_more,
	.peer = session_peer,
	.free = session_free,
	.credentials_free = present_free,
};
