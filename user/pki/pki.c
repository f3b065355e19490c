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
#define LEAF_DAYS_LEFT 60 /* fewer, and there is a new one */
#define SERVER_NAME    "podnet-control"

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

int pki_read_own(const char *directory, const char *name, struct certificate *ret, struct err *err)
{
	int r = file_read(directory, name, "crt", &ret->text, err);

	return r < 0 ? r : file_read(directory, name, "key", &ret->key, err);
}

/* The key first: a certificate is there when both are. */
int pki_write_own(const char *directory, const char *name, const struct certificate *certificate,
	struct err *err)
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
	int r = pki_read_own(directory, "ca", ret, err);

	if (r < 0)
		return r;
	if (ret->text && !ret->key)
		return err_refuse(err, ENOKEY, "'%s/ca.crt' has no 'ca.key' beside it", directory);
	if (!ret->text) {
		certificate_clear(ret);
		r = certificate_make(&spec, NULL, ret, err);
		return r < 0 ? r : pki_write_own(directory, "ca", ret, err);
	}
	if (!certificate_is_good(ret, &spec, NULL, 0, (int64_t)(clock_wall() / USEC_PER_SEC), &why))
		return err_refuse(err, EKEYREJECTED, "'%s/ca.crt' is unusable: %s", directory, why);
	return 0;
}

/* Keeps @leaf when it is what @spec asks for and not nearly over. */
static int leaf_renew(const struct certificate_spec *spec, const struct certificate *authority,
	struct certificate *leaf, bool *ret_renewed, struct err *err)
{
	struct certificate made = {0};
	const char *why;
	int r;

	*ret_renewed = false;
	if (leaf->text && leaf->key &&
		certificate_is_good(leaf, spec, authority, LEAF_DAYS_LEFT,
			(int64_t)(clock_wall() / USEC_PER_SEC), &why))
		return 0;
	r = certificate_make(spec, authority, &made, err);
	if (r < 0)
		return r;
	certificate_clear(leaf);
	*leaf = made;
	*ret_renewed = true;
	return 0;
}

static int leaf_open(const char *directory, const char *file, const struct certificate_spec *spec,
	const struct certificate *authority, struct certificate *ret, struct err *err)
{
	bool renewed = false;
	int r = pki_read_own(directory, file, ret, err);

	if (r == 0)
		r = leaf_renew(spec, authority, ret, &renewed, err);
	return r == 0 && renewed ? pki_write_own(directory, file, ret, err) : r;
}

static int token_key_open(const char *directory, char **ret, struct err *err)
{
	int r = file_read(directory, "sa", "key", ret, err);

	if (r < 0 || *ret)
		return r;
	r = signer_make_key(ret, err);
	return r < 0 ? r : file_write(directory, "sa", "key", *ret, err);
}

static const struct certificate_spec admin_spec = {
	.use = CERTIFICATE_CLIENT,
	.name = PKI_ADMIN_NAME,
	.organization = PKI_ADMIN_GROUP,
	.days = LEAF_DAYS,
};
static const struct certificate_spec node_client_spec = {
	.use = CERTIFICATE_CLIENT,
	.name = PKI_NODE_CLIENT_NAME,
	.days = LEAF_DAYS,
};

static struct certificate_spec server_spec(const char *name, const char *const *server_names)
{
	return (struct certificate_spec){.use = CERTIFICATE_SERVER,
		.name = name,
		.subject_names = server_names,
		.days = LEAF_DAYS};
}

int pki_open_own(const char *directory, const char *name, const char *const *server_names,
	struct certificate *ret, struct err *err)
{
	const struct certificate_spec spec = server_spec(name, server_names);

	return leaf_open(directory, name, &spec, NULL, ret, err);
}

int pki_open(
	const char *directory, const char *const *server_names, struct pki *ret, struct err *err)
{
	const struct certificate_spec server = server_spec(SERVER_NAME, server_names);
	struct pki pki = {0};
	int r = fs_mkdir(directory, 0700, err);

	if (r == 0)
		r = authority_open(directory, &pki.authority, err);
	if (r == 0)
		r = leaf_open(directory, "server", &server, &pki.authority, &pki.server, err);
	if (r == 0)
		r = leaf_open(directory, "admin", &admin_spec, &pki.authority, &pki.admin, err);
	if (r == 0)
		r = leaf_open(directory, "node-client", &node_client_spec, &pki.authority,
			&pki.node_client, err);
	if (r == 0)
		r = token_key_open(directory, &pki.token_key, err);
	if (r < 0)
		pki_clear(&pki);
	else
		*ret = pki;
	return r;
}

int pki_renew(struct pki *pki, const char *const *server_names, bool *ret_renewed, struct err *err)
{
	const struct certificate_spec server = server_spec(SERVER_NAME, server_names);
	bool served, asked = false;
	int r = leaf_renew(&server, &pki->authority, &pki->server, &served, err);

	if (r == 0)
		r = leaf_renew(&node_client_spec, &pki->authority, &pki->node_client, &asked, err);
	*ret_renewed = served || asked;
	return r;
}

int pki_renew_own(const char *name, const char *const *server_names, struct certificate *own,
	bool *ret_renewed, struct err *err)
{
	const struct certificate_spec spec = server_spec(name, server_names);

	return leaf_renew(&spec, NULL, own, ret_renewed, err);
}
