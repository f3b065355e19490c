// SPDX-License-Identifier: Apache-2.0
#include "user/pki/pki.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/clock.h"
#include "user/base/err.h"
#include "user/base/fs.h"
#include "user/pki/signature.h"

#define FILE_MOST      (64u << 10)
#define AUTHORITY_DAYS 3650
#define LEAF_DAYS      365
#define LEAF_DAYS_LEFT 60 /* fewer, and a restart makes a new one */

void pki_clear(struct pki *pki)
{
	certificate_clear(&pki->authority);
	certificate_clear(&pki->server);
	certificate_clear(&pki->admin);
	certificate_clear(&pki->node_client);
	if (pki->token_key)
		explicit_bzero(pki->token_key, strlen(pki->token_key));
	free(pki->token_key);
	*pki = (struct pki){0};
}

/* --- files --- */

/* *@ret stays NULL when there is no such file. */
static int file_read(
	const char *directory, const char *name, const char *kind, char **ret, struct err *err)
{
	AUTO_FREE char *path = fs_format("%s/%s.%s", directory, name, kind);
	int r;

	if (!path)
		return err_set(err, ENOMEM, "read '%s'", name);
	r = fs_read(path, FILE_MOST, ret, NULL, err);
	return r == -ENOENT ? 0 : r;
}

static int file_write(const char *directory, const char *name, const char *kind, const char *text,
	struct err *err)
{
	AUTO_FREE char *path = fs_format("%s/%s.%s", directory, name, kind);

	if (!path)
		return err_set(err, ENOMEM, "write '%s'", name);
	return fs_replace(path, text, strlen(text), 0600, FS_DURABLE, err);
}

static int certificate_read(
	const char *directory, const char *name, struct certificate *ret, struct err *err)
{
	int r = file_read(directory, name, "crt", &ret->text, err);

	return r < 0 ? r : file_read(directory, name, "key", &ret->key, err);
}

/* The key first: a certificate is there when both are. */
static int certificate_write(const char *directory, const char *name,
	const struct certificate *certificate, struct err *err)
{
	int r = file_write(directory, name, "key", certificate->key, err);

	return r < 0 ? r : file_write(directory, name, "crt", certificate->text, err);
}

/* --- keys --- */

/* Without its key an authority is lost for good; making another one is for people to decide. */
static int authority_open(const char *directory, struct certificate *ret, struct err *err)
{
	static const struct certificate_spec spec = {
		.use = CERTIFICATE_AUTHORITY, .name = "podnet", .days = AUTHORITY_DAYS};
	const char *why;
	int r = certificate_read(directory, "ca", ret, err);

	if (r < 0)
		return r;
	if (ret->text && !ret->key)
		return err_refuse(err, ENOKEY, "'%s/ca.crt' has no 'ca.key' beside it", directory);
	if (!ret->text) {
		certificate_clear(ret);
		r = certificate_make(&spec, NULL, ret, err);
		return r < 0 ? r : certificate_write(directory, "ca", ret, err);
	}
	if (!certificate_is_good(ret, &spec, NULL, 0, (int64_t)(clock_wall() / USEC_PER_SEC), &why))
		return err_refuse(err, EKEYREJECTED, "'%s/ca.crt' is unusable: %s", directory, why);
	return 0;
}

static int leaf_open(const char *directory, const char *file, const struct certificate_spec *spec,
	const struct certificate *authority, struct certificate *ret, struct err *err)
{
	const char *why;
	int r = certificate_read(directory, file, ret, err);

	if (r < 0)
		return r;
	if (ret->text && ret->key &&
		certificate_is_good(ret, spec, authority, LEAF_DAYS_LEFT,
			(int64_t)(clock_wall() / USEC_PER_SEC), &why))
		return 0;
	certificate_clear(ret);
	r = certificate_make(spec, authority, ret, err);
	return r < 0 ? r : certificate_write(directory, file, ret, err);
}

static int token_key_open(const char *directory, char **ret, struct err *err)
{
	int r = file_read(directory, "sa", "key", ret, err);

	if (r < 0 || *ret)
		return r;
	r = signer_make_key(ret, err);
	return r < 0 ? r : file_write(directory, "sa", "key", *ret, err);
}

int pki_open_own(const char *directory, const char *name, const char *const *server_names,
	struct certificate *ret, struct err *err)
{
	const struct certificate_spec spec = {
		.use = CERTIFICATE_SERVER,
		.name = name,
		.subject_names = server_names,
		.days = LEAF_DAYS,
	};

	return leaf_open(directory, name, &spec, NULL, ret, err);
}

int pki_open(
	const char *directory, const char *const *server_names, struct pki *ret, struct err *err)
{
	const struct certificate_spec server = {
		.use = CERTIFICATE_SERVER,
		.name = "podnet-control",
		.subject_names = server_names,
		.days = LEAF_DAYS,
	};
	static const struct certificate_spec admin = {
		.use = CERTIFICATE_CLIENT,
		.name = PKI_ADMIN_NAME,
		.organization = PKI_ADMIN_GROUP,
		.days = LEAF_DAYS,
	};
	static const struct certificate_spec node_client = {
		.use = CERTIFICATE_CLIENT,
		.name = PKI_NODE_CLIENT_NAME,
		.days = LEAF_DAYS,
	};
	struct pki pki = {0};
	int r = fs_mkdir(directory, 0700, err);

	if (r == 0)
		r = authority_open(directory, &pki.authority, err);
	if (r == 0)
		r = leaf_open(directory, "server", &server, &pki.authority, &pki.server, err);
	if (r == 0)
		r = leaf_open(directory, "admin", &admin, &pki.authority, &pki.admin, err);
	if (r == 0)
		r = leaf_open(directory, "node-client", &node_client, &pki.authority,
			&pki.node_client, err);
	if (r == 0)
		r = token_key_open(directory, &pki.token_key, err);
	if (r < 0)
		pki_clear(&pki);
	else
		*ret = pki;
	return r;
}
