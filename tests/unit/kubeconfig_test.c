// SPDX-License-Identifier: Apache-2.0
/* What a kubeconfig says, and which ones are refused. */
#include <unistd.h>

#include "tests/check.h"
#include "user/base/fs.h"
#include "user/client/client.h"
#include "user/client/kubeconfig.h"

#define CONTEXT "current-context: a\ncontexts: [{name: a, context: {cluster: c, user: u}}]\n"
#define CLUSTER "clusters: [{name: c, cluster: {server: 'https://10.0.0.1:6443'}}]\n"
#define USER	"users: [{name: u, user: {token: t}}]\n"

static int parse(const char *text, struct kubeconfig *ret, struct err *err)
{
	return kubeconfig_parse(text, strlen(text), "/etc/podnet", ret, err);
}

TEST(the_current_context_counts)
{
	struct kubeconfig config;
	struct err err;

	if (!CHECK_OK("it is read",
		    parse("apiVersion: v1\nkind: Config\ncurrent-context: b\n"
			  "contexts:\n- {name: a, context: {cluster: x, user: x}}\n"
			  "- {name: b, context: {cluster: c, user: u}}\n"
			  "clusters:\n- name: x\n  cluster: {server: 'https://x'}\n"
			  "- name: c\n  cluster:\n    server: https://10.0.0.1:6443\n"
			  "    certificate-authority: pki/ca.crt\n"
			  "    certificate-authority-data: Q0E=\n"
			  "users:\n- name: u\n  user:\n    client-certificate-data: Q0VSVA==\n"
			  "    client-key: /keys/u.key\n    tokenFile: token\n",
			    &config, &err),
		    &err))
		return;
	CHECK_STR("its server", config.server, "https://10.0.0.1:6443");
	CHECK_STR("a relative path begins where the file is", config.ca_path,
		"/etc/podnet/pki/ca.crt");
	CHECK_STR("data are decoded", config.ca_data, "CA");
	CHECK_STR("the user's, too", config.cert_data, "CERT");
	CHECK_STR("an absolute path stays", config.key_path, "/keys/u.key");
	CHECK_STR("a file with a token", config.token_path, "/etc/podnet/token");
	CHECK("what is not given is not there", !config.token && !config.key_data);
	kubeconfig_clear(&config);
}

static const struct {
	const char *what, *text;
	int code;
	const char *part;
} refusals[] = {
	{"an empty file", "", EINVAL, "it is empty"},
	{"another kind", "kind: Pod\n", EINVAL, "kind: must be Config"},
	{"no context", CLUSTER USER, EINVAL, "current-context: required"},
	{"a context that there is not", "current-context: z\n" CLUSTER, ENOENT,
		"contexts: there is no 'z'"},
	{"no cluster in it", "current-context: a\ncontexts: [{name: a, context: {user: u}}]\n",
		EINVAL, "contexts 'a': context.cluster: required"},
	{"a cluster that there is not", CONTEXT USER, ENOENT, "clusters: there is no 'c'"},
	{"a user that there is not", CONTEXT CLUSTER, ENOENT, "users: there is no 'u'"},
	{"no server", CONTEXT "clusters: [{name: c, cluster: {}}]\n", EINVAL,
		"clusters 'c': cluster.server: required"},
	{"a server that is a number", CONTEXT "clusters: [{name: c, cluster: {server: 7}}]\n",
		EINVAL, "clusters 'c': cluster.server: must be a string"},
	{"data that are no base64",
		CONTEXT CLUSTER "users: [{name: u, user: {client-key-data: '***'}}]\n", EINVAL,
		"users 'u': user.client-key-data: must be PEM in base64"},
	{"data with a NUL in them",
		CONTEXT CLUSTER "users: [{name: u, user: {client-key-data: 'YQBi'}}]\n", EINVAL,
		"must be PEM in base64"},
	{"a certificate without its key",
		CONTEXT CLUSTER "users: [{name: u, user: {client-certificate: a}}]\n", EINVAL,
		"users 'u': user.client-certificate and user.client-key go together"},
};

TEST(what_is_wrong_is_named)
{
	for (size_t i = 0; i < COUNT(refusals); i++) {
		struct kubeconfig config;
		struct err err;

		CHECK_FAILS(refusals[i].what, parse(refusals[i].text, &config, &err),
			refusals[i].code, &err, refusals[i].part);
	}
}

static const struct {
	const char *what;
	char *server;
	int code;
	const char *result; /* the path, or a part of the error */
} servers[] = {
	{"a socket", "unix:///run/c.sock", 0, "/run/c.sock"},
	{"a relative socket", "unix://run/c.sock", EINVAL, "names no absolute path"},
	{"no TLS", "http://10.0.0.1:6443", ENOTSUP,
		"clusters 'c': cluster.server: 'http://10.0.0.1:6443' is not spoken"},
};

TEST(a_server_is_a_socket_or_refused)
{
	for (size_t i = 0; i < COUNT(servers); i++) {
		struct kubeconfig config = {.cluster = "c", .server = servers[i].server};
		struct client_config client;
		struct err err;
		int r = kubeconfig_client(&config, &client, &err);

		if (servers[i].code)
			CHECK_FAILS(servers[i].what, r, servers[i].code, &err, servers[i].result);
		else if (CHECK_OK(servers[i].what, r, &err))
			CHECK_STR(servers[i].what, client.socket_path, servers[i].result);
	}
}

TEST(a_server_elsewhere_is_shown_what_the_user_has)
{
	struct kubeconfig config = {.cluster = "c",
		.server = "https://10.0.0.1:6443",
		.ca_data = "A",
		.cert_data = "C",
		.key_data = "K",
		.token = "T"};
	struct client_config client;
	struct err err;

	if (!CHECK_OK("TLS", kubeconfig_client(&config, &client, &err), &err))
		return;
	CHECK("no socket", !client.socket_path);
	CHECK_STR("the server", client.server, "https://10.0.0.1:6443");
	CHECK_STR("who signs its certificate", client.authority, "A");
	CHECK_STR("the certificate", client.certificate, "C");
	CHECK_STR("the key", client.key, "K");
	CHECK_STR("the token", client.token, "T");
}

static void put(const char *dir, const char *name, const char *text)
{
	AUTO_FREE char *path = fs_format("%s/%s", dir, name);
	struct err err;

	if (fs_replace(path, text, strlen(text), 0600, FS_VOLATILE, &err) < 0)
		BAIL(err.text);
}

TEST(files_that_it_names_are_read)
{
	char dir[] = "/tmp/kubeconfig.XXXXXX";
	AUTO_FREE char *path = NULL;
	struct kubeconfig config;
	struct err err;

	if (!mkdtemp(dir))
		BAIL("mkdtemp");
	path = fs_format("%s/config", dir);
	put(dir, "ca", "CA");
	put(dir, "token", "secret\n");
	put(dir, "config",
		CONTEXT
		"clusters: [{name: c, cluster: {server: 'https://x', certificate-authority: ca}}]\n"
		"users: [{name: u, user: {tokenFile: token}}]\n");
	if (CHECK_OK("beside it", kubeconfig_read(path, &config, &err), &err)) {
		CHECK_STR("the authority", config.ca_data, "CA");
		CHECK_STR("the token, without the line's end", config.token, "secret");
		kubeconfig_clear(&config);
	}
	put(dir, "config", CONTEXT CLUSTER "users: [{name: u, user: {tokenFile: none}}]\n");
	CHECK_FAILS(
		"one that is missing", kubeconfig_read(path, &config, &err), ENOENT, &err, "none'");
	CHECK_HAS("is named with who named it", err.text, "config': ");
	fs_remove(dir, NULL);
}
