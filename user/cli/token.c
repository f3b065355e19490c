// SPDX-License-Identifier: Apache-2.0
/* podnetctl token create: a bootstrap token, and the line with which a node joins by it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "user/auth/bootstrap.h"
#include "user/base/cleanup.h"
#include "user/base/clock.h"
#include "user/base/err.h"
#include "user/base/fs.h"
#include "user/cli/api.h"
#include "user/cli/commands.h"
#include "user/cli/options.h"
#include "user/cli/apiserver.h"
#include "user/client/client.h"
#include "user/client/kubeconfig.h"
#include "user/pki/certificate.h"

#define SECRETS	     "/api/v1/namespaces/kube-system/secrets"
#define LIFE_SECONDS (24 * 3600)

/* From 36 letters: the last bytes that would make some of them likelier are thrown away. */
static int word_random(char *ret, size_t len, struct err *err)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	const unsigned usable = 256 / (sizeof(letters) - 1) * (sizeof(letters) - 1);
	size_t count = 0;

	while (count < len) {
		unsigned char byte;

		if (getrandom(&byte, 1, 0) != 1)
			return err_set(err, errno, "get random numbers");
		if (byte < usable)
			ret[count++] = letters[byte % (sizeof(letters) - 1)];
	}
	ret[len] = '\0';
	return 0;
}

static json_t *secret_new(const char *id, const char *secret, const struct cli_options *options)
{
	int64_t life = options->ttl >= 0 ? options->ttl : LIFE_SECONDS;
	AUTO_FREE char *name = fs_format(BOOTSTRAP_NAME_PREFIX "%s", id);
	char until[CLOCK_RFC3339_LEN];
	json_t *json;

	clock_rfc3339(clock_wall() + (uint64_t)life * USEC_PER_SEC, until);
	json = json_pack("{s:s, s:s, s:{s:s, s:s}, s:s, s:{s:s, s:s, s:s, s:s}}", "apiVersion",
		"v1", "kind", "Secret", "metadata", "name", name ? name : "", "namespace",
		BOOTSTRAP_NAMESPACE, "type", BOOTSTRAP_TYPE, "stringData", "token-id", id,
		"token-secret", secret, "usage-bootstrap-authentication", "true", "usage-once",
		options->reusable ? "false" : "true");
	/* 0: it never ends. */
	if (life > 0)
		json_object_set_new(
			json_object_get(json, "stringData"), "expiration", json_string(until));
	return json;
}

static int secret_send(const struct client_config *config, const json_t *secret, struct err *err)
{
	AUTO_ANSWER answer = {0};
	struct apiserver *server;
	int r = apiserver_open(config, &server, err);

	if (r < 0)
		return r;
	r = apiserver_ask(server, "POST", SECRETS, secret, &answer, err);
	apiserver_close(server);
	if (r == 0 && answer.status != 201)
		r = err_refuse(err, EPROTO, "the token was refused: %s",
			json_string_at(answer.body, "message", "no reason given"));
	return r;
}

static int token_create(const struct cli_options *options, struct err *err)
{
	const char *path = options->admin_kubeconfig;
	AUTO_CLEANUP(kubeconfig_clear) struct kubeconfig config = {0};
	char id[BOOTSTRAP_ID_LEN + 1], secret[BOOTSTRAP_SECRET_LEN + 1], pin[CERTIFICATE_PIN_LEN];
	struct client_config client;
	AUTO_JSON json = NULL;
	int r = kubeconfig_read(path, &config, err);

	if (r == 0)
		r = kubeconfig_client(&config, &client, err);
	if (r == 0 && !config.ca_data)
		r = err_refuse(err, EINVAL, "kubeconfig '%s': no certificate-authority", path);
	if (r == 0)
		r = certificate_pin(config.ca_data, pin, err);
	if (r == 0)
		r = word_random(id, BOOTSTRAP_ID_LEN, err);
	if (r == 0)
		r = word_random(secret, BOOTSTRAP_SECRET_LEN, err);
	if (r < 0)
		return r;
	json = secret_new(id, secret, options);
	r = json ? secret_send(&client, json, err) : err_set(err, ENOMEM, "make a token");
	if (r == 0)
		printf("podnetctl join %s.%s %s --ca-hash %s\n", id, secret,
			options->server ? options->server : config.server, pin);
	return r;
}

int command_token(const struct cli_options *options)
{
	struct err err;

	if (token_create(options, &err) == 0)
		return 0;
	fprintf(stderr, "podnetctl: %s\n", err.text);
	return EXIT_FAILED;
}
