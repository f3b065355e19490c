// SPDX-License-Identifier: Apache-2.0
/*
 * podnetctl join: from a token to the certificate of a node.  The server's authority is fetched from whoever answers and
 * believed only when its key has the hash that was given; the token goes to nobody who is not of that authority.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "user/base/cleanup.h"
#include "user/base/clock.h"
#include "user/base/err.h"
#include "user/base/fs.h"
#include "user/cli/commands.h"
#include "user/cli/api.h"
#include "user/cli/options.h"
#include "user/cli/apiserver.h"
#include "user/client/client.h"
#include "user/client/kubeconfig.h"
#include "user/client/nodecsr.h"
#include "user/model/name.h"
#include "user/pki/pki.h"
#include "user/pki/request.h"

#define INFO "/api/v1/namespaces/kube-public/configmaps/cluster-info"
#define LOOK (250 * USEC_PER_MSEC)
#define WAIT (60 * USEC_PER_SEC) /* for the certificate */

struct join {
	const struct cli_options *options;
	const char *path; /* of the kubeconfig to write */
	char *url, *user; /* "https://HOST:PORT", "system:node:NAME" */
	char *request;	  /* PEM */
	struct certificate authority, client;
	struct apiserver *server;
	char host[254];
};

static void join_clear(struct join *join)
{
	apiserver_close(join->server);
	certificate_clear(&join->authority);
	certificate_clear(&join->client);
	free(join->url);
	free(join->user);
	free(join->request);
}

static const char *message_of(const struct apiserver_answer *answer)
{
	return json_string_at(answer->body, "message", "no reason given");
}

/* --- who joins whom --- */

static int join_name(struct join *join, struct err *err)
{
	const char *name = join->options->node_name;
	const char *why;

	if (!name) {
		if (gethostname(join->host, sizeof(join->host) - 1) < 0)
			return err_set(err, errno, "read the host name");
		for (char *p = join->host; *p; p++)
			*p = (char)tolower((unsigned char)*p);
		name = join->host;
	}
	why = name_dns_subdomain(name);
	if (why)
		return err_refuse(err, EINVAL, "--node-name '%s': %s", name, why);
	join->user = fs_format("system:node:%s", name);
	return join->user ? 0 : err_set(err, ENOMEM, "join");
}

static int join_begin(struct join *join, struct err *err)
{
	const struct cli_options *options = join->options;

	join->path = options->kubeconfig;
	if (!options->force && access(join->path, F_OK) == 0)
		return err_refuse(err, EEXIST,
			"'%s' is there: this machine has joined (--force joins anew)", join->path);
	join->url = strncmp(options->server, "https://", 8) == 0
			    ? strdup(options->server)
			    : fs_format("https://%s%s", options->server,
				      strchr(options->server, ':') ? "" : ":6443");
	return join->url ? join_name(join, err) : err_set(err, ENOMEM, "join");
}

/* --- the server's authority --- */

static int join_connect(
	struct join *join, const char *authority, const char *token, struct err *err)
{
	const struct client_config config = {.server = join->url,
		.authority = authority,
		.token = token,
		.unverified = !authority};

	join->server = apiserver_close(join->server);
	return apiserver_open(&config, &join->server, err);
}

static int authority_check(const struct join *join, const char *text, struct err *err)
{
	char pin[CERTIFICATE_PIN_LEN];
	int r = certificate_pin(text, pin, err);

	if (r < 0 || strcmp(pin, join->options->ca_hash) == 0)
		return r;
	return err_refuse(err, EKEYREJECTED,
		"the authority of %s has %s, not the --ca-hash that was given: it is another "
		"cluster's, or somebody in between",
		join->url, pin);
}

static int authority_fetch(struct join *join, struct err *err)
{
	AUTO_ANSWER answer = {0};
	const char *text;
	int r = join_connect(join, NULL, NULL, err);

	if (r == 0)
		r = apiserver_ask(join->server, "GET", INFO, NULL, &answer, err);
	if (r < 0)
		return err_wrap(err, "cannot reach %s", join->url);
	if (answer.status != 200)
		return err_refuse(err, EPROTO, "%s does not tell its authority: HTTP status %u: %s",
			join->url, answer.status, message_of(&answer));
	text = json_string_at(json_object_get(answer.body, "data"), "kubeconfig", "");
	r = kubeconfig_authority(text, strlen(text), &join->authority.text, err);
	if (r < 0)
		return err_wrap(err, "cluster-info of %s", join->url);
	return authority_check(join, join->authority.text, err);
}

/* --- the certificate --- */

static int request_refused(const struct apiserver_answer *answer, struct err *err)
{
	if (answer->status == 401)
		return err_refuse(err, EACCES,
			"the server does not take the token: it is wrong, was used, or has "
			"expired ('podnetctl token create' on the server makes another)");
	return err_refuse(
		err, EPROTO, "the request for a certificate was refused: %s", message_of(answer));
}

static int request_send(struct join *join, char **ret_target, struct err *err)
{
	const struct certificate_spec spec = {
		.use = CERTIFICATE_CLIENT, .name = join->user, .organization = "system:nodes"};
	AUTO_JSON body = NULL;
	AUTO_ANSWER answer = {0};
	int r = certificate_request_make(&spec, &join->request, &join->client.key, err);

	if (r < 0)
		return r;
	body = nodecsr_new(join->request, false);
	r = body ? apiserver_ask(join->server, "POST", NODECSR_TARGET, body, &answer, err)
		 : err_set(err, ENOMEM, "join");
	if (r < 0)
		return err_wrap(err, "cannot reach %s", join->url);
	if (answer.status != 201)
		return request_refused(&answer, err);
	*ret_target = fs_format(NODECSR_TARGET "/%s",
		json_string_at(json_object_get(answer.body, "metadata"), "name", ""));
	return *ret_target ? 0 : err_set(err, ENOMEM, "join");
}

static int certificate_await(struct join *join, const char *target, struct err *err)
{
	uint64_t until = clock_now() + WAIT;
	int r = 1;

	while (r > 0) {
		AUTO_ANSWER answer = {0};

		r = apiserver_ask(join->server, "GET", target, NULL, &answer, err);
		if (r < 0)
			return err_wrap(err, "cannot reach %s", join->url);
		if (answer.status != 200)
			return request_refused(&answer, err);
		r = nodecsr_look(answer.body, &join->client.text, err);
		if (r > 0 && clock_now() > until)
			return err_refuse(err, ETIMEDOUT,
				"nobody has approved %s for a minute ('kubectl certificate "
				"approve' "
				"does)",
				strrchr(target, '/') + 1);
		if (r > 0)
			apiserver_wait(join->server, LOOK);
	}
	return r;
}

/* --- what stays --- */

static int join_write(const struct join *join, struct err *err)
{
	const struct certificate_spec spec = {.use = CERTIFICATE_CLIENT, .name = join->user};
	AUTO_FREE char *text =
		pki_kubeconfig(join->url, join->user, &join->authority, &join->client);
	const char *why;
	int r;

	if (!text)
		return err_set(err, ENOMEM, "write '%s'", join->path);
	if (!certificate_is_good(&join->client, &spec, &join->authority, 0,
		    (int64_t)(clock_wall() / USEC_PER_SEC), &why))
		return err_refuse(
			err, EPROTO, "the certificate that was given is unusable: %s", why);
	r = fs_mkdir_parent(join->path, 0755, err);
	return r < 0 ? r : fs_replace(join->path, text, strlen(text), 0600, FS_DURABLE, err);
}

static int join_run(struct join *join, struct err *err)
{
	AUTO_FREE char *target = NULL;
	int r = join_begin(join, err);

	if (r == 0)
		r = authority_fetch(join, err);
	if (r == 0)
		r = join_connect(join, join->authority.text, join->options->name, err);
	if (r == 0)
		r = request_send(join, &target, err);
	if (r == 0)
		r = certificate_await(join, target, err);
	return r == 0 ? join_write(join, err) : r;
}

int command_join(const struct cli_options *options)
{
	AUTO_CLEANUP(join_clear) struct join join = {.options = options};
	struct err err;

	if (join_run(&join, &err) < 0) {
		fprintf(stderr, "podnetctl: %s\n", err.text);
		return EXIT_FAILED;
	}
	printf("%s has joined %s; podnetd --kubeconfig %s\n", strrchr(join.user, ':') + 1, join.url,
		join.path);
	return 0;
}
