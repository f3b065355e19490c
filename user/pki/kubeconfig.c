// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/base64.h"
#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/base/fs.h"
#include "user/pki/pki.h"

char *pki_kubeconfig(const char *url, const char *user, const struct certificate *authority,
	const struct certificate *client)
{
	AUTO_FREE char *trusted = base64_encode(authority->text, strlen(authority->text));
	AUTO_FREE char *shown = base64_encode(client->text, strlen(client->text));
	AUTO_FREE char *key = base64_encode(client->key, strlen(client->key));

	if (!trusted || !shown || !key)
		return NULL;
	return fs_format("apiVersion: v1\n"
			 "kind: Config\n"
			 "clusters:\n"
			 "- name: podnet\n"
			 "  cluster:\n"
			 "    server: %s\n"
			 "    certificate-authority-data: %s\n"
			 "users:\n"
			 "- name: %s\n"
			 "  user:\n"
			 "    client-certificate-data: %s\n"
			 "    client-key-data: %s\n"
			 "contexts:\n"
			 "- name: %s@podnet\n"
			 "  context:\n"
			 "    cluster: podnet\n"
			 "    user: %s\n"
			 "current-context: %s@podnet\n",
		url, trusted, user, shown, key, user, user, user);
}

static char *server_url(const char *host, unsigned port)
{
	bool six = strchr(host, ':') != NULL;

	if (pki_is_wildcard(host))
		host = six ? "::1" : "127.0.0.1";
	return fs_format("https://%s%s%s:%u", six ? "[" : "", host, six ? "]" : "", port);
}

int pki_write_admin(
	const struct pki *pki, const char *path, const char *host, unsigned port, struct err *err)
{
	AUTO_FREE char *url = server_url(host, port);
	AUTO_FREE char *text =
		url ? pki_kubeconfig(url, PKI_ADMIN_NAME, &pki->authority, &pki->admin) : NULL;
	int r;

	if (!text)
		return err_set(err, ENOMEM, "write '%s'", path);
	r = fs_mkdir_parent(path, 0755, err);
	return r < 0 ? r : fs_replace(path, text, strlen(text), 0600, FS_DURABLE, err);
}
